// SPDX-License-Identifier: BSD-3-Clause
// Providers by number, and sets of them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "routing/provider_set.h"
#include "tests/support/numbered_id.h"

namespace posthaste::support {

// Its cell is its number.
inline routing::Provider provider_of(std::uint32_t number,
                                     std::uint16_t router = routing::kNoRouter) {
    routing::Provider provider;
    provider.agent = numbered_id(number);
    provider.cell = number;
    provider.router = router;
    return provider;
}

inline std::unique_ptr<const routing::ProviderSet> set_of(
    const std::vector<routing::Provider>& providers) {
    std::vector<routing::ProviderChange> changes;
    for (const routing::Provider& provider : providers) {
        changes.push_back({.remove = false, .provider = provider});
    }
    return routing::ProviderSet::make(nullptr, changes);
}

}  // namespace posthaste::support
