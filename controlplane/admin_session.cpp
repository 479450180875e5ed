// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/admin_session.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "controlplane/command_tree.h"

namespace posthaste::controlplane {

namespace {

// Sorted keys: unlike Json's, their look-up stays fast however many a request has.
using Request = nlohmann::json;

constexpr std::size_t kKeptBytesMax = 256 * 1024;  // of an emptied output buffer
constexpr std::size_t kIdBytesMax = 64;

struct Call {
    Json id;  // null: none
    std::vector<std::string> words;
    NamedValues named;
};

OperationError bad_request(std::string why) {
    return {std::string(code::bad_request), std::move(why), {}};
}

// A scalar of `arguments` as the text a person would type; none: it cannot be one.
std::optional<std::string> to_word(const Request& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (value.is_number_integer()) {
        return value.dump();
    }
    return std::nullopt;
}

bool read_arguments(const Request& arguments, NamedValues& named) {
    for (const auto& [name, value] : arguments.items()) {
        if (value.is_boolean()) {
            if (value.get<bool>()) {
                named.emplace_back(name, "");
            }
            continue;
        }
        const Request list = value.is_array() ? value : Request::array({value});
        for (const Request& item : list) {
            std::optional<std::string> word = to_word(item);
            if (!word) {
                return false;
            }
            named.emplace_back(name, std::move(*word));
        }
    }
    return true;
}

// Fills the call as far as the line allows, so that even an error carries the id.
std::optional<OperationError> read_call(std::string_view line, Call& call) {
    const Request request = Request::parse(line, nullptr, false);
    if (!request.is_object()) {
        return bad_request("a request is one JSON object on one line");
    }
    if (const auto id = request.find("id"); id != request.end()) {
        if (id->is_string() && id->get_ref<const std::string&>().size() <= kIdBytesMax) {
            call.id = id->get<std::string>();
        } else if (id->is_number_unsigned()) {
            call.id = id->get<std::uint64_t>();
        } else if (id->is_number_integer()) {
            call.id = id->get<std::int64_t>();
        } else {
            return bad_request("id must be an integer, or a string of at most 64 bytes");
        }
    }
    const auto command = request.find("command");
    if (command == request.end() || !command->is_array() ||
        !std::ranges::all_of(*command, &Request::is_string)) {
        return bad_request("command must be there, an array of strings");
    }
    command->get_to(call.words);
    if (const auto arguments = request.find("arguments"); arguments != request.end()) {
        if (!arguments->is_object() || !read_arguments(*arguments, call.named)) {
            return bad_request(
                "arguments must be an object of strings, integers, booleans, or arrays of them");
        }
    }
    return std::nullopt;
}

std::string to_answer(const Json& id, Outcome outcome, bool more = false) {
    Json answer = Json::object();
    if (!id.is_null()) {
        answer["id"] = id;
    }
    answer["ok"] = outcome.has_value();
    if (more) {
        answer["more"] = true;
    }
    if (outcome) {
        answer["data"] = std::move(*outcome);
    } else {
        answer["error"] = {{"code", outcome.error().code}, {"message", outcome.error().message}};
        if (!outcome.error().details.empty()) {
            answer["error"]["details"] = std::move(outcome.error().details);
        }
    }
    return to_line(answer);
}

}  // namespace

std::size_t AdminSession::room() const noexcept {
    return input_ended_ ? 0 : kRequestBytesMax + 1 - pending();
}

void AdminSession::receive(std::string_view bytes) {
    bytes = bytes.substr(0, room());
    if (input_start_ > 0) {
        input_.erase(0, input_start_);
        scanned_ -= input_start_;
        line_end_ -= has_line() ? input_start_ : 0;
        input_start_ = 0;
    }
    input_.append(bytes);
    find_line();
    if (!has_line() && pending() > kRequestBytesMax) {
        refuse_input();
    }
}

void AdminSession::end_of_input() {
    if (!input_ended_ && pending() > 0) {
        input_.push_back('\n');
        find_line();
    }
    input_ended_ = true;
}

void AdminSession::work(unsigned budget) {
    go_on(budget);
    for (; budget > 0 && has_work(); --budget) {
        answer(std::string_view(input_).substr(input_start_, line_end_ - input_start_));
        input_start_ = line_end_ + 1;
        scanned_ = input_start_;
        line_end_ = std::string::npos;
        find_line();
    }
    go_on(budget);
}

bool AdminSession::has_work() const noexcept {
    const bool free = ongoing_ == nullptr || ongoing_->is_endless();
    return has_line() && free && output().size() < kOutputHighBytes;
}

// Of what goes on without end, a request or the end of the connection is the end.
void AdminSession::go_on(unsigned budget) {
    if (ongoing_ != nullptr && ongoing_->is_endless() && (has_line() || input_ended_)) {
        ongoing_.reset();
    }
    for (; budget > 0 && ongoing_ != nullptr && output().size() < kOutputHighBytes; --budget) {
        auto next = ongoing_->next();
        if (!next) {
            break;
        }
        put(ongoing_id_, std::move(next->outcome), !next->last);
        if (next->last) {
            ongoing_.reset();
        }
    }
}

void AdminSession::sent(std::size_t bytes) {
    output_start_ += std::min(bytes, output().size());
    if (output_start_ == output_.size()) {
        output_.clear();
        output_start_ = 0;
        if (output_.capacity() > kKeptBytesMax) {
            output_.shrink_to_fit();
        }
    }
}

bool AdminSession::finished() const noexcept {
    return input_ended_ && !has_line() && output().empty() && ongoing_ == nullptr;
}

void AdminSession::find_line() noexcept {
    if (!has_line()) {
        line_end_ = input_.find('\n', scanned_);
        scanned_ = has_line() ? line_end_ : input_.size();
    }
}

void AdminSession::answer(std::string_view line) {
    ongoing_.reset();  // only what has no end is there, and this is its end
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
        return;
    }
    Call call;
    if (auto error = read_call(line, call)) {
        put(call.id, tl::unexpected(std::move(*error)), false);
        return;
    }
    Reply reply = execute(operations_, call.words, call.named);
    if (reply.ongoing == nullptr) {
        put(call.id, std::move(reply.outcome), false);
        return;
    }
    ongoing_ = std::move(reply.ongoing);
    ongoing_id_ = std::move(call.id);
}

void AdminSession::put(const Json& id, Outcome outcome, bool more) {
    std::string text = to_answer(id, std::move(outcome), more);
    if (text.size() > kAnswerBytesMax) {
        text = to_answer(id,
                         refuse(code::too_large,
                                "the answer would have " + std::to_string(text.size()) +
                                    " bytes; ask for fewer rows with --limit"));
    }
    output_.append(text);
}

void AdminSession::refuse_input() {
    output_.append(to_answer(
        {},
        tl::unexpected(bad_request("a request has at most " + std::to_string(kRequestBytesMax) +
                                   " bytes; closing"))));
    input_.clear();
    scanned_ = 0;
    input_ended_ = true;
}

}  // namespace posthaste::controlplane
