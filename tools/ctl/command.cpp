// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/command.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "tools/ctl/payload.h"
#include "tools/ctl/render.h"
#include "tools/ctl/verdict.h"

namespace posthaste::tools {

namespace {

namespace code = controlplane::code;

std::string to_text(const Json& value, const Settings& settings) {
    return value.dump(settings.one_line ? -1 : 2, ' ', false, Json::error_handler_t::replace) +
           '\n';
}

Result refused(const Settings& settings, int exit_code, const Json& error) {
    if (settings.json) {
        return {exit_code, to_text({{"error", error}}, settings), {}};
    }
    return {exit_code, {}, "posthastectl: " + render_error(error)};
}

int exit_code_of(const Json& error) {
    const std::string why = error.is_object() ? error.value("code", "") : "";
    if (why == code::usage || why == code::bad_request) {
        return kExitUsage;
    }
    return why == code::busy ? kExitUnreachable : kExitFailed;
}

// The value of --limit, and the words without it and without --after.
struct PageRequest {
    std::optional<std::uint64_t> limit;  // none: not given, or no number
    std::vector<std::string> words;
};

PageRequest split_page_request(const std::vector<std::string>& words) {
    PageRequest request;
    for (std::size_t i = 0; i < words.size(); ++i) {
        for (const std::string_view name : {"--limit", "--after"}) {
            std::string value;
            std::size_t used = 1;
            if (words[i] == name && i + 1 < words.size()) {
                value = words[i + 1];
                used = 2;
            } else if (words[i].starts_with(std::string(name) + '=')) {
                value = words[i].substr(name.size() + 1);
            } else {
                continue;
            }
            std::uint64_t number = 0;
            const char* const end = value.data() + value.size();
            if (name == "--limit" && std::from_chars(value.data(), end, number).ptr == end &&
                !value.empty()) {
                request.limit = number;
            }
            i += used;
            break;
        }
        if (i < words.size()) {
            request.words.push_back(words[i]);
        }
    }
    return request;
}

// The list of a paged answer, by its key; null: not paged.
Json* rows_of(Json& data) {
    if (!data.is_object() || !data.contains("next")) {
        return nullptr;
    }
    const auto list =
        std::ranges::find_if(data, [](const Json& value) { return value.is_array(); });
    return list == data.end() ? nullptr : &*list;
}

// Rows beyond one answer's: adds them to `data`, whose `next` moves on. The error, if any, is the
// answer of the page that failed.
tl::expected<std::optional<Json>, std::string> fetch_pages(RouterClient& router,
                                                           const PageRequest& request,
                                                           Json& data) {
    const std::uint64_t limit = request.limit.value_or(controlplane::kPageDefault);
    while (rows_of(data) != nullptr && rows_of(data)->size() < limit && data["next"].is_string()) {
        std::vector<std::string> words = request.words;
        const std::uint64_t missing = limit - rows_of(data)->size();
        words.push_back("--limit=" +
                        std::to_string(std::min<std::uint64_t>(missing, controlplane::kPageMax)));
        words.push_back("--after=" + data["next"].get<std::string>());
        tl::expected<Json, std::string> answer = router.ask(words);
        if (!answer) {
            return tl::unexpected(std::move(answer.error()));
        }
        if (!(*answer)["ok"].get<bool>()) {
            return std::optional((*answer)["error"]);
        }
        Json* const more = rows_of((*answer)["data"]);
        if (more == nullptr || (*answer)["data"]["next"] == data["next"]) {
            return tl::unexpected(std::string("the router's pages make no sense"));
        }
        for (Json& row : *more) {
            rows_of(data)->push_back(std::move(row));
        }
        data["next"] = (*answer)["data"]["next"];
    }
    return std::nullopt;
}

// One line for each event, as it comes. Without `print` they are kept, and there must be a count.
Result run_events(RouterClient& router,
                  const std::vector<std::string>& words,
                  const Settings& settings,
                  const Print& print) {
    if (is_endless(words) && print == nullptr) {
        return failure(settings, kExitUsage, code::usage, "events needs --count N here");
    }
    Settings one_line = settings;
    one_line.one_line = true;
    Result result;
    tl::expected<Json, std::string> answer = router.ask(words, -1);
    for (;;) {
        if (!answer) {
            return failure(settings, kExitUnreachable, "unreachable", answer.error());
        }
        if (!(*answer)["ok"].get<bool>()) {
            return refused(settings, exit_code_of((*answer)["error"]), (*answer)["error"]);
        }
        const Json& event = (*answer)["data"];
        const std::string line = settings.json ? to_text(event, one_line) : event_line(event);
        if (print != nullptr) {
            print(line);
        } else {
            result.out += line;
        }
        if (!answer->value("more", false)) {
            return result;
        }
        answer = router.ask_on();
    }
}

}  // namespace

Result run_command(RouterClient& router,
                   const std::vector<std::string>& typed,
                   const Settings& settings,
                   const Print& print) {
    const auto loaded = load_payload(typed);
    if (!loaded) {
        return failure(settings, kExitUsage, code::usage, loaded.error());
    }
    const std::vector<std::string>& words = *loaded;
    if (!words.empty() && words.front() == "events") {
        return run_events(router, words, settings, print);
    }
    const PageRequest request = split_page_request(words);
    std::vector<std::string> first = words;
    if (request.limit.value_or(0) > controlplane::kPageMax) {
        // More than one answer may have: the first page here, the others below.
        std::erase_if(first, [](const std::string& word) { return word.starts_with("--limit="); });
        const auto limit = std::ranges::find(first, "--limit");
        if (limit != first.end()) {
            first.erase(limit, limit + 2);
        }
        first.push_back("--limit=" + std::to_string(controlplane::kPageMax));
    }
    tl::expected<Json, std::string> answer =
        router.ask(first, patience_ms(words, settings.timeout_ms));
    if (!answer) {
        return failure(settings, kExitUnreachable, "unreachable", answer.error());
    }
    if (!(*answer)["ok"].get<bool>()) {
        const Json& error = (*answer)["error"];
        return refused(settings, is_check(words) ? kExitUnanswered : exit_code_of(error), error);
    }
    Json& data = (*answer)["data"];
    const auto pages = fetch_pages(router, request, data);
    if (!pages) {
        return failure(settings, kExitUnreachable, "unreachable", pages.error());
    }
    if (pages->has_value()) {
        return refused(settings, exit_code_of(**pages), **pages);
    }
    return {exit_code_of_answer(data),
            settings.json ? to_text(data, settings) : render(view_of(words), data, settings.wide),
            {}};
}

Result failure(const Settings& settings,
               int exit_code,
               std::string_view code,
               const std::string& message) {
    return refused(settings, exit_code, {{"code", code}, {"message", message}});
}

}  // namespace posthaste::tools
