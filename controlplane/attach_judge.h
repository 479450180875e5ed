// SPDX-License-Identifier: BSD-3-Clause
// AttachJudge: whether an agent may register here as far as other routers are concerned. What the
// registrar asks before the Rib does anything.
#pragma once

#include <cstdint>
#include <tl/expected.hpp>

#include "routing/rib.h"

namespace posthaste::controlplane {

class AttachJudge {
  public:
    virtual ~AttachJudge() = default;

    // The error is for the agent.
    [[nodiscard]] virtual tl::expected<void, routing::RibError> may_attach(
        const routing::Registration& wanted, std::uint64_t now_ms) = 0;
};

// Of a router that is alone.
class NoCluster final : public AttachJudge {
  public:
    [[nodiscard]] tl::expected<void, routing::RibError> may_attach(
        const routing::Registration& /*wanted*/, std::uint64_t /*now_ms*/) override {
        return {};
    }
};

}  // namespace posthaste::controlplane
