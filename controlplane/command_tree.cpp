// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/command_tree.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "controlplane/near_word.h"

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kCitedBytesMax = 64;

// What the operator typed, short enough for a message.
std::string cite(std::string_view text) {
    if (text.size() > kCitedBytesMax) {
        return '\'' + std::string(text.substr(0, kCitedBytesMax)) + "...'";
    }
    return '\'' + std::string(text) + '\'';
}

std::string joined(std::span<const std::string_view> words) {
    std::string line;
    for (const std::string_view word : words) {
        line += line.empty() ? "" : ", ";
        line += word;
    }
    return line.empty() ? "none" : line;
}

// "; did you mean 'show'?; allowed: agent, help, ..."
std::string hint(std::string_view word, std::span<const std::string_view> known) {
    const std::string_view near = near_word(word, known);
    return (near.empty() ? std::string() : "; did you mean " + cite(near) + "?") +
           "; allowed: " + joined(known);
}

std::vector<std::string_view> split_path(std::string_view path) {
    std::vector<std::string_view> words;
    for (std::size_t start = 0; start <= path.size();) {
        const std::size_t end = std::min(path.find(' ', start), path.size());
        words.push_back(path.substr(start, end - start));
        start = end + 1;
    }
    return words;
}

bool matches(std::span<const std::string_view> path, std::span<const std::string> words) {
    return path.size() <= words.size() && std::equal(path.begin(), path.end(), words.begin());
}

// Words that may follow the first `depth` of these.
std::vector<std::string_view> next_words(std::span<const std::string> words, std::size_t depth) {
    std::vector<std::string_view> next;
    for (const Command& command : commands()) {
        const std::vector<std::string_view> path = split_path(command.path);
        if (path.size() > depth && matches(std::span(path).first(depth), words) &&
            (next.empty() || next.back() != path[depth])) {
            next.push_back(path[depth]);
        }
    }
    return next;
}

// Why no command begins these words.
OperationError explain_no_command(std::span<const std::string> words) {
    std::string so_far;
    for (std::size_t depth = 0;; ++depth) {
        const std::vector<std::string_view> next = next_words(words, depth);
        if (depth == words.size()) {
            const std::string subject = depth == 0 ? "an empty command" : cite(so_far);
            return {std::string(code::usage), subject + " needs one of: " + joined(next), {}};
        }
        if (std::ranges::find(next, words[depth]) == next.end()) {
            const std::string place = depth == 0 ? std::string() : " after " + cite(so_far);
            return {std::string(code::usage),
                    "no command " + cite(words[depth]) + place + hint(words[depth], next),
                    {}};
        }
        so_far += (depth == 0 ? "" : " ") + words[depth];
    }
}

std::string upper(std::string_view name) {
    std::string text(name);
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

// One call being read: puts each value where it belongs, or says why it cannot.
class Reader {
  public:
    Reader(Operations& operations, const Command& command)
        : operations_(operations), command_(command) {}

    std::optional<OperationError> read_words(std::span<const std::string> words) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (!words[i].starts_with("--")) {
                if (auto error = read_positional(words[i])) {
                    return error;
                }
                continue;
            }
            const std::size_t equals = words[i].find('=');
            const std::string name =
                words[i].substr(2, equals == std::string::npos ? equals : equals - 2);
            const Parameter* const option = find(command_.options, name);
            if (option == nullptr) {
                return no_option(name);
            }
            std::string value;
            if (equals != std::string::npos) {
                value = words[i].substr(equals + 1);
            } else if (option->kind != ValueKind::flag) {
                if (i + 1 == words.size()) {
                    return usage("--" + name +
                                 " needs a value: " + std::string(allowed(option->kind)));
                }
                value = words[++i];
            }
            if (auto error = add(*option, "--" + name, value)) {
                return error;
            }
        }
        return std::nullopt;
    }

    std::optional<OperationError> read_named(const NamedValues& named) {
        for (const auto& [name, value] : named) {
            const Parameter* parameter = find(command_.parameters, name);
            if (parameter == nullptr) {
                parameter = find(command_.options, name);
            }
            if (parameter == nullptr) {
                return no_option(name);
            }
            if (auto error = add(*parameter, name, value)) {
                return error;
            }
        }
        return std::nullopt;
    }

    // After all values: is anything required missing?
    std::optional<OperationError> finish() const {
        for (const std::span<const Parameter> list : {command_.parameters, command_.options}) {
            for (const Parameter& parameter : list) {
                if (parameter.need == Need::required && !arguments_.has(parameter.name)) {
                    const bool option = list.data() == command_.options.data();
                    return usage(
                        cite(command_.path) + " needs " +
                        (option ? "--" + std::string(parameter.name) : upper(parameter.name)) +
                        ": " + std::string(allowed(parameter.kind)));
                }
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] const Arguments& arguments() const { return arguments_; }

  private:
    static const Parameter* find(std::span<const Parameter> list, std::string_view name) {
        const auto found = std::ranges::find(list, name, &Parameter::name);
        return found == list.end() ? nullptr : &*found;
    }

    OperationError usage(const std::string& why) const {
        return {std::string(code::usage), why + "; usage: " + usage_of(command_), {}};
    }

    OperationError no_option(const std::string& name) const {
        std::vector<std::string_view> known;
        for (const Parameter& option : command_.options) {
            known.push_back(option.name);
        }
        return usage(cite(command_.path) + " has no option " + cite(name) + hint(name, known));
    }

    std::optional<OperationError> read_positional(const std::string& word) {
        while (position_ < command_.parameters.size() &&
               command_.parameters[position_].need != Need::repeated &&
               arguments_.has(command_.parameters[position_].name)) {
            ++position_;
        }
        if (position_ == command_.parameters.size()) {
            return usage("too much for " + cite(command_.path) + ": " + cite(word));
        }
        const Parameter& parameter = command_.parameters[position_];
        return add(parameter, upper(parameter.name), word);
    }

    std::optional<OperationError> add(const Parameter& parameter,
                                      const std::string& shown,
                                      const std::string& value) {
        if (parameter.need != Need::repeated && arguments_.has(parameter.name)) {
            return usage(shown + " is given twice");
        }
        if (!is_valid(parameter.kind, value)) {
            return usage(shown + " cannot be " + cite(value) +
                         "; allowed: " + std::string(allowed(parameter.kind)));
        }
        if (const auto names = names_of(parameter.kind);
            names && std::ranges::find(*names, value) == names->end()) {
            const std::vector<std::string_view> known(names->begin(), names->end());
            return OperationError{std::string(code::not_found),
                                  "no " + std::string(name_of(parameter.kind)) + " " + cite(value) +
                                      hint(value, known),
                                  {}};
        }
        arguments_.add(parameter.name, value);
        return std::nullopt;
    }

    // What a value of that kind can be; nullopt: whatever its form allows.
    [[nodiscard]] std::optional<std::vector<std::string>> names_of(ValueKind kind) const {
        switch (kind) {
            case ValueKind::port:
                return operations_.port_names();
            case ValueKind::router:
                return operations_.router_names();
            case ValueKind::policy:
                return operations_.policy_names();
            default:
                return std::nullopt;
        }
    }

    Operations& operations_;
    const Command& command_;
    Arguments arguments_;
    std::size_t position_ = 0;
};

std::string_view name_of(Need need) {
    switch (need) {
        case Need::required:
            return "required";
        case Need::optional:
            return "optional";
        case Need::repeated:
            return "repeated";
    }
    return "";
}

Json describe(std::span<const Parameter> parameters) {
    Json list = Json::array();
    for (const Parameter& parameter : parameters) {
        list.push_back({{"name", parameter.name},
                        {"kind", name_of(parameter.kind)},
                        {"need", name_of(parameter.need)},
                        {"help", parameter.help},
                        {"allowed", allowed(parameter.kind)}});
    }
    return list;
}

}  // namespace

std::string usage_of(const Command& command) {
    std::string usage(command.path);
    const auto append = [&usage](const Parameter& parameter, const std::string& text) {
        usage += parameter.need == Need::required ? ' ' + text : " [" + text + ']';
        usage += parameter.need == Need::repeated ? "..." : "";
    };
    for (const Parameter& parameter : command.parameters) {
        append(parameter, upper(parameter.name));
    }
    for (const Parameter& option : command.options) {
        append(option,
               "--" + std::string(option.name) +
                   (option.kind == ValueKind::flag ? "" : ' ' + upper(name_of(option.kind))));
    }
    return usage;
}

Reply execute(Operations& operations,
              std::span<const std::string> words,
              const NamedValues& named) {
    const Command* best = nullptr;
    std::size_t best_words = 0;
    for (const Command& command : commands()) {
        const std::vector<std::string_view> path = split_path(command.path);
        if (path.size() > best_words && matches(path, words)) {
            best = &command;
            best_words = path.size();
        }
    }
    if (best == nullptr) {
        return {tl::unexpected(explain_no_command(words)), nullptr};
    }
    Reader reader(operations, *best);
    std::optional<OperationError> error = reader.read_words(words.subspan(best_words));
    if (!error) {
        error = reader.read_named(named);
    }
    if (!error) {
        error = reader.finish();
    }
    if (error) {
        return {tl::unexpected(std::move(*error)), nullptr};
    }
    return best->begin != nullptr ? best->begin(operations, reader.arguments())
                                  : Reply{best->run(operations, reader.arguments()), nullptr};
}

Json describe_commands(const Operations& operations) {
    Json list = Json::array();
    for (const Command& command : commands()) {
        list.push_back({{"words", split_path(command.path)},
                        {"help", command.help},
                        {"usage", usage_of(command)},
                        {"parameters", describe(command.parameters)},
                        {"options", describe(command.options)}});
    }
    return {{"commands", std::move(list)},
            {"values",
             {{"port", operations.port_names()},
              {"router", operations.router_names()},
              {"policy", operations.policy_names()}}}};
}

}  // namespace posthaste::controlplane
