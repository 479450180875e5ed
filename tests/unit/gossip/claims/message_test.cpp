// SPDX-License-Identifier: BSD-3-Clause
// Goal: messages of the route plane are the bytes that routers of other versions read. Method:
// bytes written down; what is read from them is written as they are.
#include "gossip/claims/message.h"

#include <gtest/gtest.h>

#include "routing/capability_name.h"
#include "tests/support/hex.h"
#include "tests/support/numbered_id.h"

namespace {

using namespace posthaste::gossip::claims;
using posthaste::routing::capability_id;
using posthaste::routing::capability_key;
using posthaste::support::numbered_id;

constexpr std::uint32_t kCluster = 0x01020304;

TEST(message, bytes_of_questions_and_answers_are_as_written_down) {
    Entry list;
    list.kind = RecordKind::capability_set;
    list.key = set_key(0x1122334455667788);
    list.version = 3;
    list.set = set_text(std::vector{*posthaste::routing::offer_from_text("a/b")});
    Entry claim{.key = numbered_id(7), .version = 5, .body = {}, .set = {}};
    claim.body = {.mobility = 1, .since = 9 << 16, .capabilities = 0x1122334455667788};
    const std::vector<std::pair<Message, std::string>> vectors = {
        {NotHere{numbered_id(7), RouterId{2}, {{1, 77}, 5}},
         "000000310d100000000000400080000000070000000000000000000002"
         "0000000000000001000000000000004d0000000000000005"},
        {Discover{numbered_id(7)}, "000000110e10000000000040008000000007000000"},
        {Discover{capability_key(capability_id("a/b"))},
         "000000110e73468c066efa5c9ffccd25ce039d7181"},
        {Discovered{.agent = capability_key(capability_id("a/b"))},
         "000000120f73468c066efa5c9ffccd25ce039d718100"},
        {Providers{capability_key(capability_id("a/b")), {1, 77}, {list, claim}},
         "0000005e1573468c066efa5c9ffccd25ce039d7181"
         "0000000000000001000000000000004d"
         "0201031122334455667788ffffffffffffffff000b0001000032006403612f62"
         "0802100000000000400080000000070000001200011122334455667788"},
    };
    for (const auto& [message, bytes] : vectors) {
        const auto made = encode(message, kCluster);
        EXPECT_EQ(posthaste::support::to_hex(made), bytes) << name_of(kind_of(message));
        const auto read = decode(made[kFrameHeaderBytes - 1],
                                 std::span<const std::uint8_t>(made).subspan(kFrameHeaderBytes));
        ASSERT_TRUE(read);
        EXPECT_EQ(encode(*read, kCluster), made);
    }
}

TEST(message, an_answer_about_a_capability_has_the_key_of_one) {
    const auto made = encode(Providers{numbered_id(7), {1, 77}, {}}, kCluster);
    const auto read = decode(made[kFrameHeaderBytes - 1],
                             std::span<const std::uint8_t>(made).subspan(kFrameHeaderBytes));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), Refusal::bad_key);
}

}  // namespace
