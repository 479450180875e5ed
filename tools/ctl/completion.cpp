// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/completion.h"

#include <algorithm>

namespace posthaste::tools {

namespace {

using Words = std::vector<std::string>;

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const Json& list_of(const Json& object, const char* key) {
    static const Json none = Json::array();
    if (!object.is_object()) {
        return none;
    }
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? *found : none;
}

// One completion under way: finished words, the beginning of the next one, and what is found.
class Search {
  public:
    Search(const Json& tree, std::string_view line) : tree_(tree) {
        std::size_t start = line.find_first_not_of(' ');
        while (start != std::string_view::npos) {
            const std::size_t end = line.find(' ', start);
            if (end == std::string_view::npos) {
                partial_ = line.substr(start);
                break;
            }
            done_.emplace_back(line.substr(start, end - start));
            start = line.find_first_not_of(' ', end);
        }
        result_.start = line.size() - partial_.size();
    }

    Completion run() {
        if (!done_.empty() && done_[0] == "help") {
            done_.erase(done_.begin());
            complete_command_words();
            return std::move(result_);
        }
        const Json* command = nullptr;
        std::size_t command_words = 0;
        for (const Json& candidate : list_of(tree_, "commands")) {
            const Words words = words_of(candidate);
            if (words.size() > command_words && words.size() <= done_.size() &&
                std::equal(words.begin(), words.end(), done_.begin())) {
                command = &candidate;
                command_words = words.size();
            }
        }
        complete_command_words();
        if (command != nullptr) {
            done_.erase(done_.begin(), done_.begin() + static_cast<long>(command_words));
            complete_arguments(*command);
        }
        return std::move(result_);
    }

  private:
    static Words words_of(const Json& command) {
        Words words;
        for (const Json& word : list_of(command, "words")) {
            words.push_back(word.is_string() ? word.get<std::string>() : "");
        }
        return words;
    }

    void offer(const std::string& text, const std::string& help) {
        if (text.starts_with(partial_) &&
            std::ranges::find(result_.candidates, text, &Candidate::text) ==
                result_.candidates.end()) {
            result_.candidates.push_back({text, help});
        }
    }

    void complete_command_words() {
        for (const Json& command : list_of(tree_, "commands")) {
            const Words words = words_of(command);
            if (words.size() > done_.size() &&
                std::equal(done_.begin(), done_.end(), words.begin())) {
                const bool last = words.size() == done_.size() + 1;
                offer(words[done_.size()], last ? text_of(command, "help") : "");
            }
        }
    }

    void offer_values(const Json& parameter) {
        const std::string kind = text_of(parameter, "kind");
        if (tree_.is_object() && tree_.contains("values")) {
            for (const Json& name : list_of(tree_["values"], kind.c_str())) {
                offer(name.is_string() ? name.get<std::string>() : "", "");
            }
        }
        result_.hint = text_of(parameter, "help") + " " + text_of(parameter, "allowed");
    }

    // done_ holds only what follows the command's words.
    void complete_arguments(const Json& command) {
        Words used;
        std::size_t positions = 0;
        const Json* value_of = nullptr;  // the option whose value comes next
        for (const std::string& word : done_) {
            if (value_of != nullptr) {
                value_of = nullptr;
            } else if (word.starts_with("--")) {
                const std::string name = word.substr(2, word.find('=') - 2);
                used.push_back(name);
                value_of = word.find('=') == std::string::npos ? option(command, name) : nullptr;
                if (value_of != nullptr && text_of(*value_of, "kind") == "flag") {
                    value_of = nullptr;
                }
            } else {
                ++positions;
            }
        }
        if (value_of != nullptr) {
            offer_values(*value_of);
            return;
        }
        if (const std::size_t equals = partial_.find('=');
            partial_.starts_with("--") && equals != std::string::npos) {
            const Json* const named = option(command, partial_.substr(2, equals - 2));
            partial_.erase(0, equals + 1);
            result_.start += equals + 1;
            if (named != nullptr) {
                offer_values(*named);
            }
            return;
        }
        const Json& parameters = list_of(command, "parameters");
        if (positions < parameters.size() && !partial_.starts_with("--")) {
            offer_values(parameters[positions]);
            return;
        }
        for (const Json& each : list_of(command, "options")) {
            const std::string name = text_of(each, "name");
            if (text_of(each, "need") == "repeated" ||
                std::ranges::find(used, name) == used.end()) {
                offer("--" + name, text_of(each, "help"));
            }
        }
    }

    static const Json* option(const Json& command, const std::string& name) {
        const Json& options = list_of(command, "options");
        const auto found = std::ranges::find_if(
            options, [&name](const Json& each) { return text_of(each, "name") == name; });
        return found == options.end() ? nullptr : &*found;
    }

    const Json& tree_;
    Words done_;
    std::string partial_;
    Completion result_;
};

}  // namespace

Completion complete(const Json& tree, std::string_view line) {
    return Search(tree, line).run();
}

std::string common_beginning(const std::vector<Candidate>& candidates) {
    std::string common = candidates.empty() ? "" : candidates.front().text;
    for (const Candidate& candidate : candidates) {
        const auto [end, other] = std::ranges::mismatch(common, candidate.text);
        common.erase(end, common.end());
    }
    return common;
}

}  // namespace posthaste::tools
