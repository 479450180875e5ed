// SPDX-License-Identifier: BSD-3-Clause
// What is to become of whom, where a ProviderSet is made from the one before it. Pure.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "routing/agent_id.h"
#include "routing/provider_set.h"

namespace posthaste::routing {

// The last change of each agent, by id.
[[nodiscard]] inline std::vector<ProviderChange> last_changes(
    std::span<const ProviderChange> changes) {
    std::vector<ProviderChange> last(changes.begin(), changes.end());
    std::stable_sort(last.begin(), last.end(), [](const auto& a, const auto& b) {
        return a.provider.agent < b.provider.agent;
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < last.size(); ++i) {
        if (i + 1 == last.size() || last[i].provider.agent != last[i + 1].provider.agent) {
            last[kept++] = last[i];
        }
    }
    last.resize(kept);
    return last;
}

// Which agents have changed. Nearly all of the others are told by one bit. Of what last_changes()
// gave, which outlives it.
class ChangedProviders {
  public:
    explicit ChangedProviders(const std::vector<ProviderChange>& last)
        : last_(last), bits_(std::bit_ceil(std::max<std::size_t>(64, last.size() * 64)) / 64) {
        for (const ProviderChange& change : last) {
            const std::uint64_t bit = bit_of(change.provider.agent);
            bits_[bit / 64] |= std::uint64_t{1} << bit % 64;
        }
    }

    [[nodiscard]] bool has(const AgentId& agent) const {
        const std::uint64_t bit = bit_of(agent);
        if ((bits_[bit / 64] >> bit % 64 & 1) == 0) {
            return false;
        }
        const auto found = std::lower_bound(
            last_.begin(), last_.end(), agent, [](const ProviderChange& change, const AgentId& id) {
                return change.provider.agent < id;
            });
        return found != last_.end() && found->provider.agent == agent;
    }

  private:
    [[nodiscard]] std::uint64_t bit_of(const AgentId& agent) const {
        return (AgentIdHash{}(agent) >> 32) & (bits_.size() * 64 - 1);
    }

    const std::vector<ProviderChange>& last_;
    std::vector<std::uint64_t> bits_;
};

}  // namespace posthaste::routing
