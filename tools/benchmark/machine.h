// SPDX-License-Identifier: BSD-3-Clause
// What the measurements ran on, so that a figure is never without its machine.
#pragma once

#include <string>

namespace posthaste::tools {

struct Machine {
    std::string processor;  // model name
    unsigned processors = 0;
    std::string release;  // kernel
};

[[nodiscard]] Machine this_machine();

// A processor this process may run on, other than `core`; `core` where there is none.
[[nodiscard]] unsigned other_processor(unsigned core);

// Confines the calling thread; where that is not allowed it stays where it is.
void pin_to(unsigned core);

}  // namespace posthaste::tools
