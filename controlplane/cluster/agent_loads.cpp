// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/agent_loads.h"

#include <algorithm>

namespace posthaste::controlplane {

using routing::FibEntry;
using routing::RouteKind;

std::optional<routing::Load> FibLoads::local(const routing::AgentId& agent) const {
    const FibEntry* const entry = fib_.find(agent);
    if (entry == nullptr || entry->kind != RouteKind::local) {
        return std::nullopt;
    }
    return fib_.loads().get(entry->cell);
}

bool FibLoads::set_remote(const routing::AgentId& agent, routing::Load load) {
    const FibEntry* const entry = fib_.find(agent);
    if (entry == nullptr || entry->kind != RouteKind::remote) {
        return false;
    }
    fib_.loads().set(entry->cell, load);
    return true;
}

bool FibLoads::take_moved(std::size_t cells, std::vector<Moved>& moved) {
    const auto count = static_cast<std::uint32_t>(seen_.size());
    const auto end = static_cast<std::uint32_t>(std::min<std::size_t>(count, next_ + cells));
    for (; next_ < end; ++next_) {
        const std::uint32_t rank = fib_.loads().rank(next_);
        if (rank == seen_[next_]) {
            continue;
        }
        seen_[next_] = rank;
        const FibEntry* const entry = fib_.entry_of_cell(next_);
        if (entry != nullptr && entry->kind == RouteKind::local) {
            moved.push_back({entry->agent, fib_.loads().get(next_)});
        }
    }
    if (next_ < count) {
        return false;
    }
    next_ = 0;
    return true;
}

}  // namespace posthaste::controlplane
