// SPDX-License-Identifier: BSD-3-Clause
// Lets GoogleTest print drop reasons by name.
#pragma once

#include <ostream>

#include "routing/drop.h"

namespace posthaste::routing {

inline void PrintTo(Drop drop, std::ostream* out) {
    *out << name_of(drop);
}

}  // namespace posthaste::routing
