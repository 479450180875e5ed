// SPDX-License-Identifier: BSD-3-Clause
// What FakeOperations says of its memory and its lookups.
#pragma once

#include "controlplane/protocol.h"

namespace posthaste::test {

[[nodiscard]] controlplane::Json fake_memory();
// One worker whose cache pays, one that has looked nothing up; `idle`: only the latter.
[[nodiscard]] controlplane::Json fake_lookup(bool idle = false);

}  // namespace posthaste::test
