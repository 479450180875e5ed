// SPDX-License-Identifier: BSD-3-Clause
// shape_of: which keys a JSON value has and of which types its leaves are.
//
// Objects keep their keys, a list becomes a list of the one shape all its items share, a leaf the
// name of its type; what is there with different types becomes "number|null".
#pragma once

#include "controlplane/protocol.h"

namespace posthaste::test {

[[nodiscard]] controlplane::Json shape_of(const controlplane::Json& value);
[[nodiscard]] controlplane::Json merge_shapes(const controlplane::Json& a,
                                              const controlplane::Json& b);

}  // namespace posthaste::test
