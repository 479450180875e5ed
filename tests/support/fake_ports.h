// SPDX-License-Identifier: BSD-3-Clause
// The rows FakeOperations gives for its three ports: an edge port with traffic, one without link,
// and a fabric port.
#pragma once

#include "controlplane/protocol.h"

namespace posthaste::test {

[[nodiscard]] controlplane::Json fake_ports();

}  // namespace posthaste::test
