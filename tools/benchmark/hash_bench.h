// SPDX-License-Identifier: BSD-3-Clause
// The hash benchmark: every variant of KeyHash this CPU has beside the hashes a user could have
// taken, 64 ids at a time, measured in turn. One thread.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "tools/benchmark/report.h"

namespace posthaste::tools {

struct HashOptions {
    double seconds = 0.02;  // one repetition of one row
    unsigned repeat = 31;
    unsigned core = 0;
    bool crc_colliding = false;
    bool json = false;
};

// The report, ready to print. With crc_colliding it starts EAL, so once per process.
[[nodiscard]] tl::expected<std::string, std::string> run_hash(const HashOptions& options);

// Lookups of ten thousand ids that collide under CRC beside those of as many random ones, and how
// many of them tables take. Needs a running EAL.
[[nodiscard]] tl::expected<void, std::string> add_flood(const HashOptions& options, Report& report);

}  // namespace posthaste::tools
