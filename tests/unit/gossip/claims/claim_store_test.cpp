// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/claim_store.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/claims_scene.h"
#include "tests/support/store_damage.h"

namespace {

using namespace posthaste::gossip::claims;
using namespace posthaste::support;
using posthaste::routing::AgentState;

constexpr RouterId kNobody{0};

Range delta(std::uint64_t from, std::uint64_t to, std::uint64_t floor = 0) {
    return {.router = kOther, .from = from, .to = {kFirstLife, to}, .floor = floor};
}

bool changed(ClaimStore& store, std::uint32_t agent) {
    const auto changes = store.take_changes();
    return std::find(changes.begin(), changes.end(), numbered_id(agent)) != changes.end();
}

TEST(claim_store, a_snapshot_is_seen_whole_or_not_at_all) {
    ClaimScene scene;
    const auto staging = scene.store.open_staging(kOther, kFirstLife);
    ASSERT_TRUE(staging);
    ASSERT_TRUE(scene.store.stage(*staging, claim_entry(1, 1)));
    ASSERT_TRUE(scene.store.stage(*staging, claim_entry(2, 2)));
    EXPECT_EQ(scene.winner(1), kNobody);
    EXPECT_FALSE(scene.store.row(kOther));
    ASSERT_TRUE(scene.store.publish(*staging, {.router = kOther, .to = {kFirstLife, 2}}, 0, false));
    EXPECT_EQ(scene.winner(1), kOther);
    EXPECT_EQ(scene.winner(2), kOther);
    EXPECT_EQ(scene.store.row(kOther)->at.version, 2U);
}

TEST(claim_store, a_range_begins_where_we_are_or_before) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 5}, {claim_entry(1, 5)}));
    const std::vector<Entry> seven{claim_entry(2, 7)};
    EXPECT_EQ(scene.store.apply(delta(6, 7), seven).error(), Refusal::gap);
    EXPECT_EQ(scene.store.apply(delta(3, 5), {}).error(), Refusal::not_newer);
    EXPECT_TRUE(scene.store.apply(delta(4, 7), seven));
    EXPECT_EQ(scene.store.row(kOther)->at.version, 7U);
    EXPECT_EQ(scene.winner(2), kOther);
}

TEST(claim_store, a_new_generation_is_read_from_the_start_only) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 5}, {claim_entry(1, 5)}));
    Range range = delta(5, 9);
    range.to.generation = kSecondLife;
    EXPECT_EQ(scene.store.apply(range, {}).error(), Refusal::not_from_start);
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kSecondLife, 1}, {claim_entry(2, 1)}));
    EXPECT_EQ(put_snapshot(scene.store, kOther, {kFirstLife, 99}, {}).error(), Refusal::not_newer);
}

TEST(claim_store, nobody_else_writes_our_keyspace) {
    ClaimScene scene;
    EXPECT_EQ(scene.store.open_staging(kSelf, kSecondLife).error(), Refusal::own_keyspace);
    Range range = delta(1, 9);
    range.router = kSelf;
    EXPECT_EQ(scene.store.apply(range, {}).error(), Refusal::own_keyspace);
}

TEST(claim_store, a_bad_range_changes_nothing) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {claim_entry(1, 1)}));
    const DigestRow before = *scene.store.row(kOther);
    Entry strange = claim_entry(9, 4);
    strange.key = end_key();
    Entry dangling = claim_entry(9, 4);
    dangling.body.capabilities = 12345;
    const std::vector<std::vector<Entry>> bad{
        {claim_entry(2, 3), claim_entry(3, 3)},
        {claim_entry(2, 1)},
        {claim_entry(2, 9)},
        {claim_entry(2, 2), strange},
        {claim_entry(2, 2), dangling},
    };
    const Refusal why[] = {Refusal::out_of_order,
                           Refusal::out_of_order,
                           Refusal::out_of_order,
                           Refusal::bad_key,
                           Refusal::unknown_set};
    for (std::size_t i = 0; i < bad.size(); ++i) {
        EXPECT_EQ(scene.store.apply(delta(1, 8), bad[i]).error(), why[i]) << i;
        EXPECT_EQ(*scene.store.row(kOther), before) << i;
    }
    EXPECT_EQ(scene.winner(2), kNobody);
}

TEST(claim_store, a_claim_cannot_name_a_set_that_goes_in_the_same_range) {
    ClaimScene scene;
    const std::string text = set_text(std::vector{*posthaste::routing::offer_from_text("a/b")});
    const Entry set = set_entry(scene.store, text, 1);
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {set}));
    Entry gone = set;
    gone.gone = true;
    gone.version = 2;
    Entry claim = claim_entry(1, 3);
    claim.body.capabilities = scene.store.sets().hash_of(text);
    const std::vector<Entry> entries{gone, claim};
    EXPECT_EQ(scene.store.apply(delta(1, 3), entries).error(), Refusal::unknown_set);
    claim.version = 2;
    gone.version = 3;
    const std::vector<Entry> allowed{claim, gone};
    EXPECT_TRUE(scene.store.apply(delta(1, 3), allowed));
    EXPECT_EQ(scene.store.sets().text(scene.store.best(numbered_id(1))->set), text);
}

TEST(claim_store, the_greater_claim_holds_in_the_order_of_the_fields) {
    const Claimant base{RouterId{5}, ClaimBody{.epoch = 1, .mobility = 1, .since = 1}};
    std::vector<Claimant> ascending(7, base);
    ascending[0].body.state = AgentState::stopped;
    ascending[1].body.state = AgentState::draining;
    ascending[3].router = RouterId{6};
    ascending[4].body.since = 2;
    ascending[5].body.mobility = 2;
    ascending[6].body.epoch = 2;
    ascending.push_back(base);
    ascending.back().body.sticky = true;
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            EXPECT_EQ(holds_over(ascending[i], ascending[j]), i > j) << i << " " << j;
        }
    }
}

TEST(claim_store, a_router_that_is_out_gives_way_to_the_next_best_and_comes_back) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {claim_entry(1, 1, 2)}));
    ASSERT_TRUE(put_snapshot(scene.store, kThird, {kFirstLife, 1}, {claim_entry(1, 1, 1)}));
    scene.settle();
    static_cast<void>(scene.store.take_changes());
    EXPECT_EQ(scene.winner(1), kOther);
    scene.store.set_eligible(kOther, false);
    EXPECT_EQ(scene.winner(1), kThird);
    scene.settle();
    EXPECT_TRUE(changed(scene.store, 1));
    scene.store.set_eligible(kOther, true);
    EXPECT_EQ(scene.winner(1), kOther);
    scene.settle();
    EXPECT_TRUE(changed(scene.store, 1));
}

TEST(claim_store, where_asked_for_a_router_counts_only_once_it_is_said_to_be_alive) {
    StoreOptions options;
    options.eligible_at_first = false;
    ClaimScene scene(options);
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {claim_entry(1, 1)}));
    EXPECT_EQ(scene.winner(1), RouterId{0});
    scene.store.set_eligible(kOther, true);
    EXPECT_EQ(scene.winner(1), kOther);
    scene.store.forget(kOther);
    scene.settle();
    EXPECT_EQ(put_snapshot(scene.store, kOther, {kSecondLife, 1}, {}).error(), Refusal::forgotten);
    scene.store.set_eligible(kOther, false);
    EXPECT_EQ(put_snapshot(scene.store, kOther, {kSecondLife, 1}, {}).error(), Refusal::forgotten);
    scene.store.set_eligible(kOther, true);
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kSecondLife, 1}, {claim_entry(1, 1)}));
    EXPECT_EQ(scene.winner(1), kOther);
}

TEST(claim_store, all_multi_claims_hold_with_the_best_if_that_is_multi) {
    ClaimScene scene;
    Entry multi = claim_entry(1, 1, 1);
    multi.body.multi = true;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 1}, {multi}));
    ASSERT_TRUE(put_snapshot(scene.store, kThird, {kFirstLife, 1}, {multi}));
    ASSERT_TRUE(put_snapshot(scene.store, RouterId{4}, {kFirstLife, 1}, {claim_entry(1, 1, 0)}));
    const auto winners = scene.store.winners(numbered_id(1));
    ASSERT_EQ(winners.size(), 2U);
    EXPECT_EQ(winners[0].router, kThird);
    EXPECT_EQ(winners[1].router, kOther);
}

TEST(claim_store, a_restarted_router_keeps_its_old_claims_until_it_says_that_all_are_back) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store,
                             kOther,
                             {kFirstLife, 3},
                             {claim_entry(1, 1), claim_entry(2, 2), end_entry(3)}));
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kSecondLife, 0}, {}));
    EXPECT_EQ(scene.winner(1), kOther);
    EXPECT_TRUE(scene.store.best(numbered_id(1))->stale);
    Range range = delta(0, 1);
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kSecondLife, 1}, {claim_entry(1, 1)}));
    EXPECT_FALSE(scene.store.best(numbered_id(1))->stale);
    EXPECT_TRUE(scene.store.best(numbered_id(2))->stale);
    range = delta(1, 2);
    range.to.generation = kSecondLife;
    const std::vector<Entry> end{end_entry(2)};
    ASSERT_TRUE(scene.store.apply(range, end));
    EXPECT_EQ(scene.winner(1), kOther);
    EXPECT_EQ(scene.winner(2), kNobody);
    scene.settle();
    EXPECT_TRUE(changed(scene.store, 2));
    EXPECT_EQ(scene.store.table().used(), 2U);
}

TEST(claim_store, old_claims_of_a_restarted_router_end_in_any_case) {
    ClaimScene scene;
    ASSERT_TRUE(
        put_snapshot(scene.store, kOther, {kFirstLife, 2}, {claim_entry(1, 1), end_entry(2)}));
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kSecondLife, 0}, {}, 1'000));
    scene.settle(30'999);
    EXPECT_EQ(scene.winner(1), kOther);
    scene.settle(31'000);
    EXPECT_EQ(scene.winner(1), kNobody);
    EXPECT_EQ(scene.store.table().used(), 0U);
}

TEST(claim_store, what_was_forgotten_does_not_come_back) {
    ClaimScene scene;
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 2}, {claim_entry(1, 2)}));
    scene.store.forget(kOther);
    EXPECT_EQ(scene.winner(1), kNobody);
    scene.settle();
    EXPECT_EQ(scene.store.table().used(), 0U);
    EXPECT_EQ(scene.store.origins(), 1U);
    EXPECT_EQ(put_snapshot(scene.store, kOther, {kFirstLife, 2}, {}).error(), Refusal::forgotten);
    EXPECT_EQ(put_snapshot(scene.store, kOther, {kFirstLife, 3}, {}).error(), Refusal::forgotten)
        << "somebody else told of it: it is still dead";
    scene.store.set_eligible(kOther, true);
    EXPECT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 2}, {claim_entry(1, 2)}))
        << "it lives, and nothing changed there meanwhile";
    EXPECT_EQ(scene.winner(1), kOther);
}

TEST(claim_store, what_is_gone_is_kept_up_to_the_floor) {
    ClaimScene scene;
    ASSERT_TRUE(
        put_snapshot(scene.store, kOther, {kFirstLife, 2}, {claim_entry(1, 1), claim_entry(2, 2)}));
    const std::vector<Entry> gone{gone_entry(1, 3)};
    ASSERT_TRUE(scene.store.apply(delta(2, 3), gone));
    EXPECT_EQ(scene.winner(1), kNobody);
    EXPECT_EQ(scene.store.table().used(), 2U);
    scene.store.follow_floor(kOther, kFirstLife, 4);
    EXPECT_EQ(scene.store.row(kOther)->floor, 0U) << "a floor above what we know is not ours";
    scene.store.follow_floor(kOther, kFirstLife, 3);
    scene.settle();
    EXPECT_EQ(scene.store.table().used(), 1U);
}

TEST(claim_store, a_full_store_refuses_by_name_and_stays_as_it_is) {
    StoreOptions options;
    options.limits.records_max = 3;
    ClaimScene scene(options);
    ASSERT_TRUE(
        put_snapshot(scene.store, kOther, {kFirstLife, 2}, {claim_entry(1, 1), claim_entry(2, 2)}));
    const std::vector<Entry> two{claim_entry(3, 3), claim_entry(4, 4)};
    EXPECT_EQ(scene.store.apply(delta(2, 4), two).error(), Refusal::store_full);
    EXPECT_EQ(scene.store.row(kOther)->at.version, 2U);
    EXPECT_EQ(scene.store.room(), 1U);
}

TEST(claim_store, a_full_store_takes_a_snapshot_in_the_place_of_what_it_has) {
    StoreOptions options;
    options.limits.records_max = 3;
    ClaimScene scene(options);
    const std::vector<Entry> three{claim_entry(1, 1), claim_entry(2, 2), claim_entry(3, 3)};
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kFirstLife, 3}, three));
    EXPECT_EQ(scene.store.room(), 0U);
    ASSERT_TRUE(put_snapshot(scene.store, kOther, {kSecondLife, 3}, three));
    EXPECT_EQ(scene.store.room(), 0U);
    EXPECT_EQ(put_snapshot(scene.store, kThird, {kFirstLife, 1}, {claim_entry(4, 1)}).error(),
              Refusal::store_full);
    scene.settle(30'000);
    EXPECT_EQ(scene.store.table().used(), 3U) << "what was before the restart has ended";
    EXPECT_EQ(put_snapshot(scene.store, kOther, {kSecondLife, 4}, {claim_entry(1, 4)}).has_value(),
              true);
    EXPECT_TRUE(put_snapshot(scene.store, kThird, {kFirstLife, 1}, {claim_entry(4, 1)}));
    EXPECT_EQ(scene.store.room(), 1U);
}

TEST(claim_store, reading_follows_what_changes_meanwhile) {
    ClaimScene scene;
    for (std::uint32_t agent = 1; agent <= 4; ++agent) {
        scene.store.write(claim_entry(agent, 0), 0);
    }
    const auto reader = scene.store.open_reader(kSelf, 0);
    std::vector<Entry> entries;
    ASSERT_EQ(scene.store.read(reader, 2, entries), ReadOutcome::more);
    scene.store.write(claim_entry(1, 0, 9), 0);  // given already: comes again
    scene.store.write(gone_entry(3, 0), 0);      // was next
    ASSERT_EQ(scene.store.read(reader, 10, entries), ReadOutcome::end);
    std::vector<std::uint64_t> versions;
    for (const Entry& entry : entries) {
        versions.push_back(entry.version);
    }
    EXPECT_EQ(versions, (std::vector<std::uint64_t>{1, 2, 4, 5, 6}));
    scene.store.close_reader(reader);
}

TEST(claim_store, reading_breaks_off_when_the_floor_passes_it) {
    ClaimScene scene;
    scene.store.write(claim_entry(1, 0), 0);
    scene.store.write(claim_entry(2, 0), 0);
    for (const std::uint64_t from : {0U, 1U}) {
        const auto reader = scene.store.open_reader(kSelf, from);
        std::vector<Entry> entries;
        static_cast<void>(scene.store.read(reader, 1, entries));
        scene.store.write(gone_entry(2, 0), 10);
        scene.store.collect(11, 100, 100);
        EXPECT_EQ(scene.store.read(reader, 10, entries), ReadOutcome::broken) << from;
        scene.store.close_reader(reader);
    }
}

TEST(claim_store, what_was_gone_when_a_snapshot_was_begun_may_be_forgotten_meanwhile) {
    ClaimScene scene;
    for (std::uint32_t agent = 1; agent <= 3; ++agent) {
        scene.store.write(claim_entry(agent, 0), 0);
    }
    scene.store.write(gone_entry(4, 0), 10);
    const auto reader = scene.store.open_reader(kSelf, 0);
    std::vector<Entry> entries;
    EXPECT_EQ(scene.store.read(reader, 1, entries), ReadOutcome::more);
    scene.store.collect(11, 100, 100);
    EXPECT_GT(scene.store.row(kSelf)->floor, 3U);
    EXPECT_EQ(scene.store.read(reader, 10, entries), ReadOutcome::end) << "it was never given";
    EXPECT_EQ(std::count_if(entries.begin(), entries.end(), [](const Entry& e) { return !e.gone; }),
              3);
    scene.store.close_reader(reader);
}

TEST(claim_store, equal_content_has_equal_fingerprints_by_whatever_way_it_came) {
    ClaimScene one;
    ClaimScene other;
    ASSERT_TRUE(put_snapshot(
        one.store, kOther, {kFirstLife, 3}, {claim_entry(2, 2), claim_entry(1, 3, 4)}));
    ASSERT_TRUE(put_snapshot(other.store, kOther, {kFirstLife, 1}, {claim_entry(1, 1)}));
    const std::vector<Entry> rest{claim_entry(2, 2), claim_entry(1, 3, 4)};
    EXPECT_NE(one.store.root(), other.store.root());
    ASSERT_TRUE(other.store.apply(delta(1, 3), rest));
    EXPECT_EQ(one.store.row(kOther)->fingerprint, other.store.row(kOther)->fingerprint);
    EXPECT_EQ(one.store.root(), other.store.root());
    EXPECT_TRUE(StoreDamage::is_whole(other.store, kOther));
}

}  // namespace
