// SPDX-License-Identifier: BSD-3-Clause
// The version of this build, from meson's project().
#pragma once

#include <string_view>

namespace posthaste::controlplane {

[[nodiscard]] std::string_view version();

}  // namespace posthaste::controlplane
