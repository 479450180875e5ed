// SPDX-License-Identifier: BSD-3-Clause
// What is told of changes, and what is given back: the corners of ClaimStore.
#include <gtest/gtest.h>

#include <algorithm>

#include "gossip/claims/claim_store.h"
#include "tests/support/claims_scene.h"
#include "tests/support/store_damage.h"

namespace {

using namespace posthaste::gossip::claims;
using namespace posthaste::support;

constexpr RouterId kNobody{0};

std::size_t told_of(ClaimStore& store, std::uint32_t agent) {
    const auto changes = store.take_changes();
    return static_cast<std::size_t>(std::count(changes.begin(), changes.end(), numbered_id(agent)));
}

Range delta(const Generation& life, std::uint64_t from, std::uint64_t to) {
    return {.router = kOther, .from = from, .to = {life, to}};
}

// A router with one agent that restarted and has not yet said that all are back.
void restart(ClaimScene& scene, const std::vector<Entry>& again, std::uint64_t version) {
    ASSERT_TRUE(
        put_snapshot(scene.store, kOther, {kFirstLife, 2}, {claim_entry(1, 1), end_entry(2)}));
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kSecondLife, version}, again));
    scene.settle();
    static_cast<void>(scene.store.take_changes());
}

TEST(claim_store, what_goes_while_its_router_goes_out_is_told) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {claim_entry(1, 1)}));
    scene.settle();
    static_cast<void>(scene.store.take_changes());
    scene.store.set_eligible(kOther, false);
    const std::vector<Entry> gone{gone_entry(1, 2)};
    ASSERT_TRUE(scene.store.apply(delta(kFirstLife, 1, 2), gone));
    scene.settle();
    EXPECT_EQ(scene.winner(1), kNobody);
    EXPECT_GE(told_of(scene.store, 1), 1U);
}

TEST(claim_store, what_a_restarted_router_withdrew_stays_gone_when_that_is_forgotten) {
    ClaimScene scene;
    restart(scene, {gone_entry(1, 1)}, 1);
    EXPECT_EQ(scene.winner(1), kNobody);
    scene.store.follow_floor(kOther, kSecondLife, 1);
    scene.settle();
    EXPECT_EQ(scene.winner(1), kNobody);
    EXPECT_EQ(scene.store.table().used(), 1U) << "the mark of the first life";
}

TEST(claim_store, a_withdrawal_that_is_forgotten_does_not_come_again_with_a_longer_range) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(
        scene.store, kOther, {kFirstLife, 10}, {gone_entry(3, 6), claim_entry(2, 10)}));
    scene.store.follow_floor(kOther, kFirstLife, 6);
    scene.settle();
    const std::vector<Entry> rest{gone_entry(3, 6), claim_entry(2, 10), claim_entry(4, 12)};
    ASSERT_TRUE(scene.store.apply(delta(kFirstLife, 4, 12), rest));
    std::vector<Entry> read;
    const auto reader = scene.store.open_reader(kOther, 0);
    EXPECT_EQ(scene.store.read(reader, 100, read), ReadOutcome::end);
    scene.store.close_reader(reader);
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[0].version, 10U);
    EXPECT_EQ(read[1].version, 12U);
}

TEST(claim_store, a_snapshot_without_what_was_withdrawn_does_not_bring_it_back) {
    ClaimScene scene;
    restart(scene, {gone_entry(1, 1)}, 1);
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kSecondLife, 3}, {claim_entry(2, 3)}));
    scene.settle();
    EXPECT_EQ(scene.winner(1), kNobody);
}

TEST(claim_store, what_a_snapshot_withdraws_of_before_a_restart_is_told) {
    ClaimScene scene;
    restart(scene, {}, 0);
    EXPECT_EQ(scene.winner(1), kOther);
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kSecondLife, 2}, {gone_entry(1, 2)}));
    scene.settle();
    EXPECT_EQ(scene.winner(1), kNobody);
    EXPECT_GE(told_of(scene.store, 1), 1U);
}

TEST(claim_store, routers_that_are_forgotten_take_no_place) {
    StoreOptions options;
    options.limits.origins_max = 4;
    ClaimScene scene(options);
    for (std::uint64_t router = 10; router < 30; ++router) {
        scene.store.set_eligible(RouterId{router}, true);
        scene.store.set_eligible(RouterId{router}, false);
        scene.store.forget(RouterId{router});
        scene.store.set_eligible(RouterId{router}, false);  // told late
    }
    EXPECT_EQ(scene.store.origins(), 1U);
    EXPECT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {claim_entry(1, 1)}));
}

TEST(claim_store, snapshots_that_were_given_up_take_no_place) {
    StoreOptions options;
    options.limits.origins_max = 2;
    ClaimScene scene(options);
    for (int i = 0; i < 15; ++i) {
        const auto staging = scene.store.open_staging(kOther, kFirstLife);
        ASSERT_TRUE(staging) << i;
        scene.store.drop_staging(*staging);
    }
    EXPECT_EQ(scene.store.open_staging(kOther, kFirstLife).error(), Refusal::origins_full);
    scene.settle();
    EXPECT_TRUE(scene.store.open_staging(kOther, kFirstLife));
}

TEST(claim_store, a_router_that_comes_and_goes_all_the_time_is_told_of_once) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {claim_entry(1, 1)}));
    for (int i = 0; i < 101; ++i) {
        scene.store.set_eligible(kOther, i % 2 != 0);
    }
    scene.settle();
    EXPECT_EQ(scene.winner(1), kNobody);
    EXPECT_EQ(told_of(scene.store, 1), 1U);
}

TEST(claim_store, an_answer_ends_when_the_keyspace_has_come_so_far) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {claim_entry(2, 1)}));
    ProvisionalClaim claim;
    claim.router = kOther;
    claim.at = {kFirstLife, 2};
    claim.until_ms = 5'000;
    ASSERT_TRUE(scene.store.put_provisional(numbered_id(1), claim));
    EXPECT_EQ(scene.winner(1), kOther);
    static_cast<void>(scene.store.take_changes());
    ASSERT_TRUE(scene.store.apply(delta(kFirstLife, 1, 3), std::vector{claim_entry(2, 3)}));
    EXPECT_EQ(scene.winner(1), kNobody);
    EXPECT_EQ(told_of(scene.store, 1), 1U);
    EXPECT_EQ(scene.store.provisional(), 0U);
}

TEST(claim_store, answers_put_anew_end_once) {
    ClaimScene scene;
    ProvisionalClaim claim;
    claim.router = kOther;
    claim.at = {kFirstLife, 2};
    for (std::uint64_t i = 1; i <= 10; ++i) {
        claim.until_ms = i * 100;
        ASSERT_TRUE(scene.store.put_provisional(numbered_id(1), claim));
    }
    scene.settle(999);
    EXPECT_EQ(scene.winner(1), kOther);
    scene.settle(1'000);
    EXPECT_EQ(scene.winner(1), kNobody);
    EXPECT_EQ(scene.store.provisional(), 0U);
}

// A router that never says what may be forgotten.
TEST(claim_store, of_a_router_no_more_is_remembered_as_gone_than_withdrawn_max) {
    constexpr std::uint32_t kMost = 10;
    StoreOptions options;
    options.limits.records_max = 100;
    options.limits.withdrawn_max = kMost;
    ClaimStore store(options, kSelf, kFirstLife, hash_key(1));
    ASSERT_TRUE(put_snapshot(store, kOther, {kFirstLife, 1}, {claim_entry(1, 1)}));
    std::uint64_t version = 1;
    for (std::uint32_t agent = 2; agent < 1'000; ++agent) {
        const std::vector<Entry> both{claim_entry(agent, version + 1),
                                      gone_entry(agent, version + 2)};
        ASSERT_TRUE(store.apply(delta(kFirstLife, version, version + 2), both));
        version += 2;
        ASSERT_LE(store.table().used(), kMost + 1);
    }
    EXPECT_EQ(store.withdrawn(), kMost);
    EXPECT_EQ(store.withdrawn_given_up(), 998 - kMost);
    const DigestRow row = *store.row(kOther);
    EXPECT_EQ(row.at, (Position{kFirstLife, version}));
    EXPECT_EQ(row.floor, version - 2 * kMost) << "who has read less gets all of it from us";
    EXPECT_TRUE(StoreDamage::is_whole(store, kOther));
    ASSERT_TRUE(store.best(numbered_id(1)));
    EXPECT_FALSE(store.best(numbered_id(500)));
}

TEST(claim_store, an_agent_that_comes_and_goes_takes_one_place) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {claim_entry(1, 1)}));
    for (std::uint64_t version = 1; version < 1'001; version += 2) {
        const std::vector<Entry> both{gone_entry(1, version + 1), claim_entry(1, version + 2)};
        ASSERT_TRUE(scene.store.apply(delta(kFirstLife, version, version + 2), both));
    }
    EXPECT_EQ(scene.store.withdrawn(), 0U);
    EXPECT_EQ(scene.store.table().used(), 1U);
    EXPECT_TRUE(StoreDamage::is_whole(scene.store, kOther));
    EXPECT_EQ(scene.winner(1), kOther);
}

TEST(claim_store, a_snapshot_with_too_much_that_is_gone_is_taken_without_the_oldest) {
    StoreOptions options;
    options.limits.withdrawn_max = 3;
    ClaimStore store(options, kSelf, kFirstLife, hash_key(1));
    std::vector<Entry> entries{claim_entry(100, 1)};
    for (std::uint32_t agent = 2; agent <= 20; ++agent) {
        entries.push_back(gone_entry(agent, agent));
    }
    ASSERT_TRUE(put_snapshot(store, kOther, {kFirstLife, 20}, entries));
    EXPECT_EQ(store.withdrawn(), 3U);
    EXPECT_EQ(store.row(kOther)->floor, 17U);
    EXPECT_TRUE(store.best(numbered_id(100)));
    EXPECT_TRUE(StoreDamage::is_whole(store, kOther));
}

}  // namespace
