// SPDX-License-Identifier: BSD-3-Clause
// Offers by name alone, with the priority and weight that are the default; good or bad names.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "routing/offer.h"

namespace posthaste::support {

inline std::vector<routing::Offer> named_offers(std::initializer_list<std::string_view> names) {
    std::vector<routing::Offer> offers;
    for (const std::string_view name : names) {
        offers.emplace_back().text = name;
    }
    return offers;
}

}  // namespace posthaste::support
