// SPDX-License-Identifier: BSD-3-Clause
// Names that nobody offers but by pattern, put into a table as the router puts them there after the
// first frame to each: offers by the CapabilityIndex, names by what the PatternDirectory matched.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "routing/fib.h"
#include "routing/provider_sets.h"

namespace posthaste::tools {

struct MatchedNamesOptions {
    std::uint32_t agents = 1;     // numbers 0 .. agents - 1 are in the table
    std::uint32_t names = 1;      // capability_name(0 .. names - 1, OfferKind::glob)
    std::uint32_t providers = 1;  // of each: they offer a glob that matches the name and no other
};

// A name's providers are the next so many agents after those of the name before, round and round.
// Takes a set, and a place in the table, for each name. The error: a name found no room, or was
// not matched by its pattern alone.
[[nodiscard]] tl::expected<void, std::string> put_matched_names(const MatchedNamesOptions& options,
                                                                routing::ProviderSets& sets,
                                                                routing::Fib& fib);

}  // namespace posthaste::tools
