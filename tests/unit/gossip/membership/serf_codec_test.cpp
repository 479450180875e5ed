// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/serf_codec.h"

#include <gtest/gtest.h>

#include "gossip/membership/msgpack.h"
#include "tests/support/hex.h"
#include "tests/support/membership_vectors.h"

namespace posthaste::gossip::membership {
namespace {

using support::from_hex;
using support::text_from_hex;

template <typename Structure>
Structure decoded(std::string_view payload) {
    const auto message = decode_serf(payload);
    EXPECT_TRUE(message.has_value());
    if (!message.has_value() || !std::holds_alternative<Structure>(*message)) {
        ADD_FAILURE() << "another message, or none";
        return {};
    }
    return std::get<Structure>(*message);
}

template <typename Structure>
Structure through(const Structure& message) {
    const std::string payload = encode_serf(message);
    EXPECT_EQ(static_cast<std::uint8_t>(payload[0]), static_cast<std::uint8_t>(type_of(message)));
    for (std::size_t length = 0; length < payload.size(); ++length) {
        const auto cut = decode_serf(std::string_view(payload).substr(0, length));
        EXPECT_FALSE(cut.has_value()) << length;
    }
    return decoded<Structure>(payload);
}

TEST(serf_codec, serfs_event_is_read_and_written_as_it_came) {
    const std::string payload = text_from_hex(support::kSerfEvent.substr(12));
    const auto event = decoded<UserEvent>(payload);
    EXPECT_EQ(event.name, "e1");
    EXPECT_EQ(event.payload, "pay");
    EXPECT_EQ(event.time, 1U);
    EXPECT_FALSE(event.coalesce);
    EXPECT_EQ(encode_serf(event), payload);
}

TEST(serf_codec, serfs_leave_is_read_and_written_as_it_came) {
    const std::string payload =
        text_from_hex(support::kSerfCompound.substr(support::kSerfCompound.size() - 52));
    const auto intent = decoded<LeaveIntent>(payload);
    EXPECT_EQ(intent.node, "gv-x");
    EXPECT_EQ(intent.time, 1U);
    EXPECT_FALSE(intent.prune);
    EXPECT_EQ(encode_serf(intent), payload);
}

TEST(serf_codec, intents_come_back) {
    const auto leave = through(LeaveIntent{.time = 1'000'000, .node = "n", .prune = true});
    EXPECT_TRUE(leave.time == 1'000'000 && leave.node == "n" && leave.prune);
    const auto join = through(JoinIntent{.time = 5, .node = "n"});
    EXPECT_TRUE(join.time == 5 && join.node == "n");
}

TEST(serf_codec, queries_and_answers_come_back) {
    const auto query = through(Query{.time = 3,
                                     .id = 0xffff'ffff,
                                     .address = "abcd",
                                     .port = 7'946,
                                     .source_node = "asker",
                                     .filters = {std::string("\0\x91\xa1n", 4), "x"},
                                     .flags = kQueryWantsAck,
                                     .relay_factor = 2,
                                     .timeout_ns = 15'000'000'000,
                                     .name = "uptime",
                                     .payload = "now"});
    EXPECT_EQ(query.id, 0xffff'ffffU);
    EXPECT_EQ(query.filters, (std::vector<std::string>{std::string("\0\x91\xa1n", 4), "x"}));
    EXPECT_TRUE(query.address == "abcd" && query.port == 7'946 && query.source_node == "asker");
    EXPECT_TRUE(query.flags == 1 && query.relay_factor == 2 && query.name == "uptime");
    EXPECT_EQ(query.timeout_ns, 15'000'000'000U);
    const auto response = through(
        QueryResponse{.time = 3, .id = 9, .from = "n", .flags = kResponseIsAck, .payload = "p"});
    EXPECT_TRUE(response.id == 9 && response.from == "n" && response.flags == 1);
    EXPECT_EQ(response.payload, "p");
}

TEST(serf_codec, keys_and_conflicts_come_back) {
    EXPECT_EQ(through(KeyRequest{std::string(32, '\0')}).key, std::string(32, '\0'));
    const auto keys = through(
        KeyResponse{.result = true, .message = "m", .keys = {"a", "b"}, .primary_key = "a"});
    EXPECT_TRUE(keys.result && keys.message == "m" && keys.keys.size() == 2);
    EXPECT_EQ(keys.primary_key, "a");
    const auto member = through(ConflictResponse{.name = "n",
                                                 .address = "abcd",
                                                 .port = 1,
                                                 .tags = {{"a", "b"}},
                                                 .status = 1,
                                                 .versions = {1, 5, 2, 2, 5, 4}});
    EXPECT_EQ(member.tags, (Tags{{"a", "b"}}));
    EXPECT_EQ(member.versions, (Versions{1, 5, 2, 2, 5, 4}));
}

TEST(serf_codec, a_relay_carries_its_message_as_it_is) {
    const std::string message = encode_serf(JoinIntent{.time = 5, .node = "n"});
    const Relay relay{.address = "abcd", .port = 9, .node = "n", .message = message};
    const auto back = decoded<Relay>(encode_serf(relay));
    EXPECT_TRUE(back.address == "abcd" && back.port == 9 && back.node == "n");
    EXPECT_EQ(back.message, message);
    EXPECT_EQ(decode_serf(encode_serf(Relay{.address = "abcd", .port = 9, .node = "n"})),
              tl::unexpected(Refusal::truncated));
}

TEST(serf_codec, a_push_pull_comes_back) {
    SerfPushPull push{.time = 10,
                      .status_times = {{"a", 3}, {"b", 300}},
                      .left_members = {"b"},
                      .event_time = 20,
                      .events = {},
                      .query_time = 30};
    push.events = {{7, {{.time = 7, .name = "e", .payload = "p"}, {.time = 7, .name = "f"}}},
                   {8, {{.time = 8, .name = "g"}}}};
    const auto back = through(push);
    EXPECT_EQ(back.status_times, push.status_times);
    EXPECT_EQ(back.left_members, push.left_members);
    EXPECT_TRUE(back.time == 10 && back.event_time == 20 && back.query_time == 30);
    ASSERT_EQ(back.events.size(), 2U);
    EXPECT_EQ(back.events[0].first, 7U);
    EXPECT_EQ(back.events[0].second[0].payload, "p");
    EXPECT_EQ(back.events[1].second[0].time, 8U);
}

TEST(serf_codec, a_push_pull_may_have_empty_places_other_keys_and_bytes_behind) {
    PackWriter out;
    out.octet(2);
    out.map(3);
    out.text("Events");
    out.array(512);
    for (int i = 0; i < 511; ++i) {
        out.nil();
    }
    out.map(2);
    out.text("Events");
    out.array(1);
    out.map(1);
    out.text("Name");
    out.text("e");
    out.text("LTime");  // behind the events it is for
    out.number(600);
    out.text("Mystery");
    out.text(std::string(2'000, 'm'));
    out.text("LTime");
    out.number(4);
    out.raw(std::string(3'000, '\xc1'));
    const auto bytes = out.take();
    const auto push = decoded<SerfPushPull>(std::string(bytes.begin(), bytes.end()));
    EXPECT_EQ(push.time, 4U);
    ASSERT_EQ(push.events.size(), 1U);
    EXPECT_EQ(push.events[0].first, 600U);
    EXPECT_EQ(push.events[0].second[0].time, 600U);
}

TEST(serf_codec, bytes_behind_other_messages_are_refused) {
    EXPECT_EQ(decode_serf(encode_serf(JoinIntent{.time = 5, .node = "n"}) + "x"),
              tl::unexpected(Refusal::trailing_bytes));
}

TEST(serf_codec, types_nobody_knows_are_refused) {
    EXPECT_EQ(decode_serf(""), tl::unexpected(Refusal::truncated));
    EXPECT_EQ(decode_serf("\x0a\x80"), tl::unexpected(Refusal::unknown_type));
    EXPECT_EQ(decode_serf("\xe7\x80"), tl::unexpected(Refusal::unknown_type));
}

TEST(serf_codec, lists_beyond_their_maximum_are_refused) {
    Query query{.filters = std::vector<std::string>(kFiltersMax, "f")};
    EXPECT_TRUE(decode_serf(encode_serf(query)));
    query.filters.emplace_back("f");
    EXPECT_EQ(decode_serf(encode_serf(query)), tl::unexpected(Refusal::oversize));
    KeyResponse keys{.keys = std::vector<std::string>(kKeysListedMax + 1, "k")};
    EXPECT_EQ(decode_serf(encode_serf(keys)), tl::unexpected(Refusal::oversize));
    SerfPushPull push;
    push.events.emplace_back(1, std::vector<UserEvent>(kPushEventsMax));
    EXPECT_TRUE(decode_serf(encode_serf(push)));
    push.events.emplace_back(2, std::vector<UserEvent>(1));
    EXPECT_EQ(decode_serf(encode_serf(push)), tl::unexpected(Refusal::oversize));
    EXPECT_EQ(decode_serf(encode_serf(JoinIntent{.node = std::string(kNameBytesMax + 1, 'n')})),
              tl::unexpected(Refusal::oversize));
}

TEST(serf_codec, tags_are_what_serf_makes_of_them) {
    const Tags tags = {{"k", "v"}, {"role", "web"}};
    const auto meta = meta_of_tags(tags);
    EXPECT_EQ(meta, text_from_hex("ff82a16ba176a4726f6c65a3776562"));
    EXPECT_EQ(tags_of_meta(*meta), tags);
    EXPECT_EQ(tags_of_meta(text_from_hex("ff82a4726f6c65a3776562a16ba176")), tags);
    EXPECT_EQ(tags_of_meta(""), Tags());
    EXPECT_EQ(meta_of_tags({}), "\xff\x80");
}

TEST(serf_codec, what_is_no_map_is_the_role) {
    EXPECT_EQ(tags_of_meta("web"), (Tags{{"role", "web"}}));
}

TEST(serf_codec, tags_that_are_malformed_are_refused) {
    EXPECT_EQ(tags_of_meta("\xff"), tl::unexpected(Refusal::truncated));
    EXPECT_EQ(tags_of_meta("\xff\x81\xa1k\x01"), tl::unexpected(Refusal::malformed));
}

TEST(serf_codec, tags_beyond_512_bytes_are_refused) {
    // 0xff, the map, a key of two bytes, the value's head of three.
    EXPECT_EQ(meta_of_tags({{"k", std::string(512 - 7, 'v')}})->size(), 512U);
    EXPECT_EQ(meta_of_tags({{"k", std::string(512 - 6, 'v')}}), tl::unexpected(Refusal::oversize));
}

TEST(serf_codec, our_coordinate_is_at_the_origin) {
    EXPECT_EQ(resting_coordinate(),
              text_from_hex("0184aa41646a7573746d656e74cb0000000000000000"
                            "a54572726f72cb3ff8000000000000a6486569676874cb3ee4f8b588e368f1"
                            "a356656398cb0000000000000000cb0000000000000000cb0000000000000000"
                            "cb0000000000000000cb0000000000000000cb0000000000000000"
                            "cb0000000000000000cb0000000000000000"));
}

}  // namespace
}  // namespace posthaste::gossip::membership
