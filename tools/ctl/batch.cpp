// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/batch.h"

#include <iostream>
#include <string>

#include "tools/ctl/command.h"
#include "tools/ctl/words.h"

namespace posthaste::tools {

int run_batch(RouterClient& router, const Settings& settings, std::istream& lines) {
    Settings one_line = settings;
    one_line.one_line = true;
    int exit_code = kExitOk;
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const auto words = split_words(line);
        if (words && words->empty()) {
            continue;
        }
        const Result result =
            words ? run_command(router, *words, one_line)
                  : failure(one_line, kExitUsage, controlplane::code::usage, words.error());
        std::cout << result.out << std::flush;
        std::cerr << result.err;
        if (result.exit_code != kExitOk) {
            exit_code = exit_code == kExitOk ? result.exit_code : exit_code;
            if (!settings.keep_going || result.exit_code == kExitUnreachable) {
                std::cerr << "posthastectl: stopped at line " << number << '\n';
                return exit_code;
            }
        }
    }
    return exit_code;
}

}  // namespace posthaste::tools
