// SPDX-License-Identifier: BSD-3-Clause
#include "routing/capability_name.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "routing/offer.h"
#include "routing/offer_names.h"
#include "tests/support/hash_key.h"

namespace posthaste::routing {

namespace {

TEST(capability_name, is_words_with_single_joints_and_perhaps_a_version) {
    for (const std::string good : {"a", "0", "vision/ocr", "a-b_c.d/e", "ocr:v1.2-rc_3", "a:0"}) {
        EXPECT_TRUE(is_capability_name(good)) << good;
    }
    EXPECT_TRUE(is_capability_name(std::string(100, 'z')));
    for (const std::string bad : {"",
                                  "/a",
                                  "a/",
                                  "a//b",
                                  "a-_b",
                                  "A",
                                  "a b",
                                  "a*",
                                  ":v1",
                                  "a:",
                                  "a:b:c",
                                  "a:/b",
                                  "a:b/",
                                  "a:b/c",
                                  "\xc3\xa9",
                                  "-a",
                                  "a.",
                                  ".",
                                  "a\n"}) {
        EXPECT_FALSE(is_capability_name(bad)) << bad;
    }
    EXPECT_FALSE(is_capability_name(std::string("a\0b", 3)));
    EXPECT_FALSE(is_capability_name(std::string(101, 'z')));
}

// The id is a contract: Python's uuid.uuid5 over the namespace of wire-format.md gives it, too.
TEST(capability_name, ids_are_version_5_uuids_in_our_namespace) {
    EXPECT_EQ(capability_id("router").to_text(), "0defc982-00ec-5fb1-a4de-2d3136f46670");
    EXPECT_TRUE(is_capability_id(capability_id("vision/ocr")));
    EXPECT_FALSE(is_capability_id(*AgentId::from_text("20000000-0000-4000-8000-000000000000")));
}

TEST(capability_name, keys_are_one_to_one_and_no_uuid_of_today) {
    std::set<AgentId> keys;
    for (int i = 0; i < 10'000; ++i) {
        const AgentId id = capability_id(std::to_string(i));
        ASSERT_TRUE(is_capability_id(id));
        EXPECT_TRUE(is_capability_key(capability_key(id)));
        EXPECT_FALSE(is_capability_key(id));
        AgentId twin = id;  // differs in the one bit that 111 covers
        twin.bytes[8] ^= 0x20U;
        EXPECT_NE(capability_key(id), capability_key(twin));
        keys.insert(capability_key(id));
    }
    EXPECT_EQ(keys.size(), 10'000U);
}

TEST(offer, is_read_and_written_as_people_write_it) {
    for (const std::string text : {"a", "a@0", "a@1000", "a*1", "vision/ocr:v2@800*20"}) {
        const auto offer = offer_from_text(text);
        ASSERT_TRUE(offer.has_value()) << text;
        EXPECT_EQ(to_text(*offer), text);
    }
    EXPECT_EQ(to_text(*offer_from_text("a@50*100")), "a");  // what is the default is left out
    for (const std::string text :
         {"", "@5", "a@", "a@1001", "a*0", "a*1001", "a*", "a*5@5", "a@-1", "A", "a@5x"}) {
        EXPECT_FALSE(offer_from_text(text).has_value()) << text;
    }
}

TEST(offer_names, count_their_holders_and_keep_numbers_until_freed) {
    OfferNames names(posthaste::support::hash_key(1));
    const std::uint32_t a = *names.hold(OfferKind::name, "a");
    const std::uint32_t glob = *names.hold(OfferKind::glob, "a");
    EXPECT_NE(a, glob);
    EXPECT_EQ(*names.hold(OfferKind::name, "a"), a);
    EXPECT_EQ(names.at(a).holders, 2U);
    names.release(a);
    EXPECT_FALSE(names.free(a));
    names.release(a);
    EXPECT_EQ(names.find(OfferKind::name, "a"), a);
    EXPECT_TRUE(names.free(a));
    EXPECT_EQ(names.find(OfferKind::name, "a"), 0U);
    EXPECT_EQ(names.count(), 1U);
    EXPECT_EQ(*names.hold(OfferKind::regex, "b"), a);  // the number is another's now
    EXPECT_EQ(names.at(a).text, "b");
}

}  // namespace

}  // namespace posthaste::routing
