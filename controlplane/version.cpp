// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/version.h"

namespace posthaste::controlplane {

std::string_view version() {
    return POSTHASTE_VERSION;
}

}  // namespace posthaste::controlplane
