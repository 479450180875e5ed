// SPDX-License-Identifier: BSD-3-Clause
// AgentLoads: how busy agents are, between the lcores' cells and the route plane. Control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "routing/agent_id.h"
#include "routing/fib.h"
#include "routing/load_cells.h"

namespace posthaste::controlplane {

class AgentLoads {
  public:
    virtual ~AgentLoads() = default;

    // Of an agent that is here; nothing: lcores know none.
    [[nodiscard]] virtual std::optional<routing::Load> local(
        const routing::AgentId& agent) const = 0;
    // Of one that is elsewhere. False: lcores know none.
    virtual bool set_remote(const routing::AgentId& agent, routing::Load load) = 0;

    struct Moved {
        routing::AgentId agent;
        routing::Load load;
    };

    // Agents here whose load is not what it was when last looked at, among the next `cells` cells.
    // True: that was the last of them all, and the next call begins anew.
    [[nodiscard]] virtual bool take_moved(std::size_t cells, std::vector<Moved>& moved) = 0;
};

// Those of the Fib. Keeps 4 bytes for each of its cells.
class FibLoads final : public AgentLoads {
  public:
    // It outlives this.
    explicit FibLoads(routing::Fib& fib) : fib_(fib), seen_(fib.entry_count()) {}

    [[nodiscard]] std::optional<routing::Load> local(const routing::AgentId& agent) const override;
    bool set_remote(const routing::AgentId& agent, routing::Load load) override;
    [[nodiscard]] bool take_moved(std::size_t cells, std::vector<Moved>& moved) override;

  private:
    routing::Fib& fib_;
    std::vector<std::uint32_t> seen_;  // by cell: the rank as last looked at
    std::uint32_t next_ = 0;
};

}  // namespace posthaste::controlplane
