// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/store/stored.h"

#include <gtest/gtest.h>

namespace posthaste::controlplane {

using routing::Offer;
using routing::OfferKind;

namespace {

const std::vector<Offer> kOffers = {
    {.text = "vision/read"},
    {.kind = OfferKind::glob, .priority = 1'000, .weight = 7, .text = "vision/*"},
    {.kind = OfferKind::regex, .priority = 0, .weight = 65'535, .text = std::string("a\0b", 3)},
};

TEST(stored, offers_come_back_as_they_went_in) {
    EXPECT_EQ(unpack_offers(pack_offers(kOffers)), kOffers);
    EXPECT_TRUE(pack_offers({}).empty());
    EXPECT_EQ(unpack_offers({}), std::vector<Offer>{});
}

TEST(stored, offers_that_are_cut_off_are_none) {
    const auto whole = pack_offers(kOffers);
    const std::size_t first = pack_offers(std::span(kOffers).first(1)).size();
    const std::size_t second = pack_offers(std::span(kOffers).first(2)).size();
    for (std::size_t length = 1; length < whole.size(); ++length) {
        const bool at_an_end = length == first || length == second;
        EXPECT_EQ(unpack_offers(std::span(whole).first(length)).has_value(), at_an_end) << length;
    }
}

TEST(stored, an_offer_of_no_known_kind_is_none) {
    auto bytes = pack_offers(std::span(kOffers).first(1));
    bytes[0] = 3;
    EXPECT_FALSE(unpack_offers(bytes).has_value());
}

}  // namespace

}  // namespace posthaste::controlplane
