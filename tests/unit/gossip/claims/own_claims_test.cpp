// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/own_claims.h"

#include <gtest/gtest.h>

#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"
#include "tests/support/store_damage.h"

namespace {

using namespace posthaste::gossip::claims;
using posthaste::support::hash_key;
using posthaste::support::numbered_id;

StoreOptions room_for(std::uint32_t records) {
    StoreOptions options;
    options.limits.records_max = records;
    return options;
}

Attachment offering(const char* name) {
    return {.offers = {*posthaste::routing::offer_from_text(name)}};
}

TEST(own_claims, a_full_store_refuses_what_is_new_and_takes_what_has_its_records) {
    ClaimStore store(room_for(3), RouterId{1}, {1, 1}, hash_key(1));
    OwnClaims own(store, {});
    ASSERT_TRUE(own.attach(numbered_id(1), offering("a/b"), 0));
    ASSERT_TRUE(own.attach(numbered_id(2), offering("a/b"), 0));
    ASSERT_EQ(store.room(), 0U);
    EXPECT_EQ(own.attach(numbered_id(1), offering("a/b"), 1), AttachOutcome::refreshed);
    Attachment draining = offering("a/b");
    draining.state = posthaste::routing::AgentState::draining;
    EXPECT_EQ(own.attach(numbered_id(1), draining, 1), AttachOutcome::changed);
    EXPECT_EQ(own.attach(numbered_id(2), {}, 1), AttachOutcome::changed);
    const auto before = *store.row(RouterId{1});
    EXPECT_EQ(own.attach(numbered_id(3), offering("a/b"), 2).error(), Refusal::store_full);
    EXPECT_EQ(own.attach(numbered_id(2), offering("c/d"), 2).error(), Refusal::store_full);
    EXPECT_EQ(*store.row(RouterId{1}), before);
}

TEST(own_claims, a_full_store_takes_back_what_is_gone_and_not_yet_forgotten) {
    ClaimStore store(room_for(2), RouterId{1}, {1, 1}, hash_key(1));
    OwnClaims own(store, {});
    ASSERT_TRUE(own.attach(numbered_id(1), offering("a/b"), 0));
    ASSERT_TRUE(own.detach(numbered_id(1), 0));
    ASSERT_EQ(store.room(), 0U);
    EXPECT_EQ(own.refusal_of(numbered_id(2), {}, 0), Refusal::store_full);
    EXPECT_EQ(own.attach(numbered_id(1), offering("a/b"), 0), AttachOutcome::attached);
    EXPECT_TRUE(StoreDamage::is_whole(store, RouterId{1}));
}

}  // namespace
