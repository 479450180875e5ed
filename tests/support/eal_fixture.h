// SPDX-License-Identifier: BSD-3-Clause
// EAL for component and thread tests: linking eal_fixture.cpp into a gtest executable starts EAL
// once before the first test and ends it after the last. No hugepages, no devices, no shared
// state; the file prefix carries the process id, so that tests run side by side.
#pragma once

#include <string>

namespace posthaste::support {

// Adds or overrides an EAL argument; only from initialisers of namespace-scope variables:
//   const bool kMemory = posthaste::support::eal_argument("-m256");
// Two that carry values, "-m<MiB>" (default 64) and "--lcores=..." (default 0@0), replace the
// default.
bool eal_argument(std::string argument);

// Leaves EAL as it is at the end, from such an initialiser too. For tests that open a net_memif
// server: the driver frees its listener without taking it back from EAL's interrupt thread, which
// then may read unmapped memory while EAL cleans up.
bool eal_without_cleanup();

}  // namespace posthaste::support
