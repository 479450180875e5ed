// SPDX-License-Identifier: BSD-3-Clause
// Globs matched as their definition says, by trying: the reference for what is compiled.
#pragma once

#include <string_view>

namespace posthaste::test {

// `glob` is one that read_pattern() takes.
inline bool naive_glob_matches(std::string_view glob, std::string_view name) {
    if (glob.empty()) {
        return name.empty();
    }
    if (glob.front() == '*') {
        const bool twice = glob.size() > 1 && glob[1] == '*';
        for (std::size_t taken = 0; taken <= name.size(); ++taken) {
            if (taken > 0 && !twice && name[taken - 1] == '/') {
                return false;
            }
            if (naive_glob_matches(glob.substr(twice ? 2 : 1), name.substr(taken))) {
                return true;
            }
        }
        return false;
    }
    if (name.empty()) {
        return false;
    }
    const char byte = name.front();
    if (glob.front() == '[') {
        const std::size_t end = glob.find(']');
        bool in = false;
        for (std::size_t at = 1; at < end; ++at) {
            const bool range = at + 2 < end && glob[at + 1] == '-';
            in = in || (byte >= glob[at] && byte <= glob[range ? at + 2 : at]);
            at += range ? 2 : 0;
        }
        return in && naive_glob_matches(glob.substr(end + 1), name.substr(1));
    }
    const bool same = glob.front() == '?' ? byte != '/' : byte == glob.front();
    return same && naive_glob_matches(glob.substr(1), name.substr(1));
}

}  // namespace posthaste::test
