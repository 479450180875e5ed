// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/consistency.h"

#include <gtest/gtest.h>

#include "tests/support/plane_pair.h"

namespace {

using namespace posthaste::gossip::claims;
using posthaste::support::numbered_id;
using posthaste::support::PlaneGroup;

DigestRow row(std::uint64_t router, std::uint64_t version, std::uint64_t fingerprint) {
    return {.router = RouterId{router}, .at = {{1, 7}, version}, .fingerprint = fingerprint};
}

TEST(compare_rows, has_what_is_newer_missing_or_damaged_on_either_side) {
    const std::vector<DigestRow> local = {row(1, 5, 1), row(2, 5, 1), row(3, 5, 1), row(5, 9, 9)};
    const std::vector<DigestRow> peer = {row(1, 6, 2), row(3, 5, 2), row(4, 2, 1), row(5, 9, 9)};
    const auto found = compare_rows(local, peer, 10).differences;
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].router, RouterId{1});
    EXPECT_EQ(found[0].peer.version, 6U);
    EXPECT_EQ(found[1].router, RouterId{2});
    EXPECT_EQ(found[1].peer, Position{});
    EXPECT_EQ(found[2].router, RouterId{3});
    EXPECT_EQ(found[2].local, found[2].peer);
    EXPECT_EQ(found[3].local, Position{});
    EXPECT_EQ(compare_rows(local, peer, 2).differences.size(), 2U);
    EXPECT_EQ(compare_rows(local, peer, 2).drift.sum, 8U);
    EXPECT_EQ(compare_rows(local, peer, 2).drift.router, RouterId{2});
    EXPECT_TRUE(compare_rows(local, local, 10).differences.empty());
}

TEST(comparison_with, a_peer_is_compared_when_asked_and_forgotten_with_its_session) {
    PlaneGroup group(2);
    EXPECT_EQ(group[1].comparison_with(RouterId{2}), nullptr);
    group.connect(1, 2);
    group.pass(50);
    const PeerComparison* seen = group[1].comparison_with(RouterId{2});
    const std::uint64_t before = seen == nullptr ? 0 : seen->number;
    ASSERT_TRUE(group[2].own().attach(numbered_id(1), {}, group.now_ms));
    group[1].compare_all();
    while (group.carry()) {
    }
    seen = group[1].comparison_with(RouterId{2});
    ASSERT_NE(seen, nullptr);
    EXPECT_EQ(seen->number, before + 1);
    EXPECT_EQ(seen->at_ms, group.now_ms);
    ASSERT_EQ(seen->differences.size(), 1U);
    EXPECT_EQ(seen->differences[0].router, RouterId{2});
    EXPECT_EQ(seen->drift.sum, 1U);
    group.pass(50);
    group[1].compare_all();
    while (group.carry()) {
    }
    EXPECT_TRUE(group[1].comparison_with(RouterId{2})->differences.empty());
    group.cut(1, 2);
    EXPECT_EQ(group[1].comparison_with(RouterId{2}), nullptr);
}

}  // namespace
