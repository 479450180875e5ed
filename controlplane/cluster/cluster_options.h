// SPDX-License-Identifier: BSD-3-Clause
// What [cluster] means for membership and the route plane. Pure.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "controlplane/cluster/sockets.h"
#include "controlplane/config.h"
#include "gossip/claims/plane_state.h"
#include "gossip/membership/options.h"

namespace posthaste::controlplane {

// `address` is ours; the error is one sentence about a seed.
[[nodiscard]] tl::expected<gossip::membership::MembershipOptions, std::string> membership_options(
    const ClusterConfig& config,
    const std::string& node,
    const SocketAddress& address,
    const gossip::membership::Tags& tags);

[[nodiscard]] gossip::claims::PlaneOptions plane_options(const ClusterConfig& config);

}  // namespace posthaste::controlplane
