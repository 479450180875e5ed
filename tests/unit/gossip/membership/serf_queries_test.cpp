// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "gossip/membership/serf_filter.h"
#include "gossip/membership/serf_layer.h"
#include "tests/support/serf_scene.h"

namespace posthaste::gossip::membership {
namespace {

using support::member_address;
using support::SerfScene;

const std::string kOne(16, '1');
const std::string kTwo(32, '2');

// From a, at 10.0.0.2.
Query query(LamportTime time, std::uint32_t id, const std::string& name) {
    return {.time = time,
            .id = id,
            .address = address_bytes_of(member_address(2)),
            .port = 7'946,
            .source_node = "a",
            .name = name};
}

void give_keys(SerfScene& scene) {
    ASSERT_TRUE(scene.host.keys.install(kOne));
}

template <typename Structure>
Structure answer_in(const std::string& payload) {
    const auto response = std::get<QueryResponse>(*decode_serf(payload));
    return std::get<Structure>(*decode_serf(response.payload));
}

KeyResponse key_answer(SerfScene& scene, const std::string& name, const std::string& key) {
    static std::uint32_t id = 1'000;
    Query asked = query(5, ++id, name);
    asked.payload = encode_serf(KeyRequest{key});
    scene.hear(asked);
    return scene.host.sent.empty() ? KeyResponse{}
                                   : answer_in<KeyResponse>(scene.host.sent.back().second);
}

// An answer of `from` to what we asked last.
void answer(SerfScene& scene, const std::string& from, const SerfMessage& message) {
    const auto asked = scene.last_broadcast<Query>();
    scene.hear(QueryResponse{
        .time = asked.time, .id = asked.id, .from = from, .payload = encode_serf(message)});
}

KeyAnswers last_answers(const SerfScene& scene) {
    EXPECT_FALSE(scene.host.events.empty());
    EXPECT_EQ(scene.host.events.back().kind, MemberEventKind::keys_answered);
    return scene.host.events.back().keys;
}

TEST(serf_queries, a_query_is_relayed_once_as_it_came_unless_it_says_otherwise) {
    SerfScene scene;
    const std::string payload = encode_serf(query(5, 1, "uptime"));
    scene.layer.on_user(payload, scene.now_ms);
    scene.layer.on_user(payload, scene.now_ms);
    EXPECT_EQ(scene.take_broadcasts(), std::vector<std::string>{payload});
    Query direct = query(5, 2, "uptime");
    direct.flags = kQueryNoBroadcast;
    scene.hear(direct);
    EXPECT_TRUE(scene.host.broadcasts.empty());
    EXPECT_TRUE(scene.host.sent.empty());
}

TEST(serf_queries, queries_of_one_time_differ_by_their_number) {
    SerfScene scene;
    scene.hear(query(5, 1, "q"));
    scene.hear(query(5, 2, "q"));
    scene.hear(query(6, 1, "q"));
    scene.hear(query(5, 1, "q"));
    EXPECT_EQ(scene.host.broadcasts.size(), 3U);
    scene.hear(query(1'000, 1, "q"));
    scene.hear(query(1'000 - 512, 1, "old"));
    EXPECT_EQ(scene.host.broadcasts.size(), 4U);
}

TEST(serf_queries, an_acknowledgement_goes_to_who_asked_if_it_wants_one) {
    SerfScene scene;
    Query ping = query(5, 77, "_serf_ping");
    scene.hear(ping);
    EXPECT_TRUE(scene.host.sent.empty());
    ping.id = 78;
    ping.flags = kQueryWantsAck;
    scene.hear(ping);
    ASSERT_EQ(scene.host.sent.size(), 1U);
    EXPECT_EQ(scene.host.sent[0].first, member_address(2));
    const auto ack = std::get<QueryResponse>(*decode_serf(scene.host.sent[0].second));
    EXPECT_EQ(ack.flags, kResponseIsAck);
    EXPECT_EQ(ack.from, "self");
    EXPECT_TRUE(ack.time == 5 && ack.id == 78 && ack.payload.empty());
}

TEST(serf_queries, who_is_not_meant_relays_and_does_not_answer) {
    SerfScene scene;
    Query asked = query(5, 1, "_serf_ping");
    asked.flags = kQueryWantsAck;
    asked.filters = {filter_of_names({"a", "b"})};
    scene.hear(asked);
    EXPECT_EQ(scene.host.broadcasts.size(), 1U);
    EXPECT_TRUE(scene.host.sent.empty());
    asked.id = 2;
    asked.filters = {filter_of_tag("role", "router")};
    scene.hear(asked);
    EXPECT_EQ(scene.host.sent.size(), 1U);
    asked.id = 3;
    asked.filters = {"?"};
    scene.hear(asked);
    EXPECT_EQ(scene.host.sent.size(), 1U);
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>{Refusal::bad_query});
}

TEST(serf_queries, an_answer_goes_by_other_members_too_if_asked_for) {
    SerfScene scene;
    scene.host.table["b"].versions = std::string("\1\4\2\2\5\5");  // knows no relays
    Query asked = query(5, 1, "_serf_ping");
    asked.flags = kQueryWantsAck;
    asked.relay_factor = 2;
    scene.hear(asked);
    ASSERT_EQ(scene.host.sent.size(), 2U);
    EXPECT_EQ(scene.host.sent[1].first, member_address(4));
    const auto relay = std::get<Relay>(*decode_serf(scene.host.sent[1].second));
    EXPECT_EQ(relay.message, scene.host.sent[0].second);
    EXPECT_EQ(relay.node, "a");
    EXPECT_EQ(socket_address_of(relay.address, relay.port), member_address(2));
}

TEST(serf_queries, a_relayed_answer_is_passed_on_to_a_member) {
    SerfScene scene;
    const std::string response = encode_serf(QueryResponse{.time = 5, .id = 1, .from = "b"});
    Relay relay{.address = address_bytes_of(member_address(2)),
                .port = 7'946,
                .node = "a",
                .message = response};
    scene.hear(relay);
    relay.node = "another name, the same member";
    scene.hear(relay);
    ASSERT_EQ(scene.host.sent.size(), 2U);
    EXPECT_EQ(scene.host.sent[0].first, member_address(2));
    EXPECT_EQ(scene.host.sent[0].second, response);
}

TEST(serf_queries, nothing_is_relayed_to_strangers_and_nothing_but_answers) {
    SerfScene scene;
    const std::string response = encode_serf(QueryResponse{.time = 5, .id = 1, .from = "b"});
    Relay relay{.address = address_bytes_of(member_address(99)),
                .port = 7'946,
                .node = "a",
                .message = response};
    scene.hear(relay);  // no member is there
    relay.address = "bad";
    scene.hear(relay);
    relay.address = address_bytes_of(member_address(2));
    relay.port = 53;
    scene.hear(relay);
    relay.port = 7'946;
    relay.message = "\xe7private";
    scene.hear(relay);
    relay.message = encode_serf(JoinIntent{.time = 5, .node = "a"});
    scene.hear(relay);
    relay.message = encode_serf(relay);
    scene.hear(relay);
    EXPECT_TRUE(scene.host.sent.empty());
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>(6, Refusal::bad_query));
}

TEST(serf_queries, a_query_without_an_address_to_answer_is_refused) {
    SerfScene scene;
    Query asked = query(5, 1, "_serf_ping");
    asked.flags = kQueryWantsAck;
    asked.address = "abc";
    scene.hear(asked);
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>{Refusal::bad_query});
    scene.hear(query(UINT64_MAX, 1, "q"));
    scene.hear(query(kLamportStep + 7, 1, "q"));
    EXPECT_EQ(scene.host.refused.size(), 3U);
    EXPECT_EQ(scene.pushed().query_time, 6U);
}

TEST(serf_queries, nothing_is_answered_to_strangers) {
    SerfScene scene;
    give_keys(scene);
    Query asked = query(5, 1, "_serf_list-keys");
    asked.address = address_bytes_of(member_address(99));
    scene.hear(asked);
    asked.id = 2;
    asked.name = "_serf_ping";
    asked.flags = kQueryWantsAck;
    asked.relay_factor = 2;
    scene.hear(asked);
    asked.id = 3;
    asked.address = address_bytes_of(member_address(2));
    asked.port = 53;
    scene.hear(asked);
    EXPECT_TRUE(scene.host.sent.empty());
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>(3, Refusal::bad_query));
    // Nor is anything done for them.
    const auto keys = scene.host.keyring().keys();
    asked.id = 5;
    asked.name = "_serf_install-key";
    asked.flags = 0;
    asked.payload = encode_serf(KeyRequest{.key = std::string(32, 'k')});
    scene.hear(asked);
    EXPECT_EQ(scene.host.refused.size(), 4U);
    EXPECT_EQ(scene.host.keyring().keys(), keys);
    asked.name = "_serf_ping";
    asked.flags = kQueryWantsAck;
    // One whom we know by another name is none.
    asked.id = 4;
    asked.port = 7'946;
    asked.source_node = "another";
    asked.relay_factor = 0;
    scene.hear(asked);
    EXPECT_EQ(scene.host.sent.size(), 1U);
}

TEST(serf_queries, who_has_a_name_is_answered_unless_it_is_ours_or_unknown) {
    SerfScene scene;
    scene.host.table["b"].meta = *meta_of_tags({{"role", "web"}});
    Query asked = query(5, 1, "_serf_conflict");
    asked.payload = "b";
    scene.hear(asked);
    ASSERT_EQ(scene.host.sent.size(), 1U);
    const auto member = answer_in<ConflictResponse>(scene.host.sent[0].second);
    EXPECT_EQ(member.name, "b");
    EXPECT_EQ(socket_address_of(member.address, member.port), member_address(3));
    EXPECT_EQ(member.tags, (Tags{{"role", "web"}}));
    EXPECT_EQ(member.status, 1);
    EXPECT_EQ(member.versions, kOurVersions);
    for (const char* name : {"self", "nobody"}) {
        ++asked.id;
        asked.payload = name;
        scene.hear(asked);
    }
    EXPECT_EQ(scene.host.sent.size(), 1U);
}

TEST(serf_queries, keys_are_listed_installed_used_and_removed) {
    SerfScene scene;
    give_keys(scene);
    const auto list = key_answer(scene, "_serf_list-keys", "");
    EXPECT_TRUE(list.result);
    EXPECT_EQ(list.keys, std::vector<std::string>{seal::key_text(kOne)});
    EXPECT_EQ(list.primary_key, seal::key_text(kOne));
    EXPECT_TRUE(scene.host.events.empty());
    EXPECT_TRUE(key_answer(scene, "_serf_install-key", kTwo).result);
    EXPECT_EQ(scene.host.keys.primary(), kOne);
    EXPECT_TRUE(key_answer(scene, "_serf_use-key", kTwo).result);
    EXPECT_EQ(scene.host.keys.primary(), kTwo);
    EXPECT_TRUE(key_answer(scene, "_serf_remove-key", kOne).result);
    EXPECT_EQ(scene.host.keys.keys(), std::vector<std::string>{kTwo});
    ASSERT_EQ(scene.host.events.size(), 3U);
    EXPECT_EQ(scene.host.events[0].kind, MemberEventKind::keys_changed);
    // What changes nothing need not be kept.
    EXPECT_TRUE(key_answer(scene, "_serf_use-key", kTwo).result);
    EXPECT_EQ(scene.host.events.size(), 3U);
}

TEST(serf_queries, a_key_request_that_cannot_be_met_says_why) {
    SerfScene scene;
    give_keys(scene);
    for (const auto& [name, key] :
         {std::pair<std::string, std::string>("_serf_install-key", "short"),
          {"_serf_use-key", kTwo},
          {"_serf_remove-key", kOne}}) {
        const auto response = key_answer(scene, name, key);
        EXPECT_FALSE(response.result);
        EXPECT_FALSE(response.message.empty());
    }
    EXPECT_EQ(scene.host.keys.keys(), std::vector<std::string>{kOne});
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>(3, Refusal::bad_key));
    Query asked = query(5, 1, "_serf_install-key");
    asked.payload = "\x07garbage";
    scene.hear(asked);
    EXPECT_EQ(scene.host.sent.size(), 3U);
    EXPECT_EQ(scene.host.refused.size(), 4U);
}

TEST(serf_queries, who_has_no_keys_is_never_given_one) {
    SerfScene scene;
    EXPECT_FALSE(key_answer(scene, "_serf_install-key", kOne).result);
    EXPECT_FALSE(key_answer(scene, "_serf_list-keys", "").result);
    EXPECT_TRUE(scene.host.keys.empty());
}

TEST(serf_queries, the_list_of_a_full_keyring_fits_an_answer) {
    SerfScene scene;
    for (std::size_t i = 0; i < seal::kKeysMax; ++i) {
        ASSERT_TRUE(scene.host.keys.install(std::string(32, static_cast<char>('a' + i))));
    }
    EXPECT_EQ(key_answer(scene, "_serf_list-keys", "").keys.size(), seal::kKeysMax);
    EXPECT_LE(scene.host.sent[0].second.size(), kResponseBytesMax);
}

TEST(serf_queries, our_question_is_done_here_and_asked_of_all) {
    SerfScene scene;
    give_keys(scene);
    const auto number =
        scene.layer.ask_keys(KeyAction::install, seal::key_text(kTwo), scene.now_ms);
    ASSERT_TRUE(number.has_value());
    EXPECT_EQ(scene.host.keys.keys(), (std::vector<std::string>{kOne, kTwo}));
    EXPECT_EQ(scene.host.events.back().kind, MemberEventKind::keys_changed);
    const auto asked = scene.last_broadcast<Query>();
    EXPECT_EQ(asked.name, "_serf_install-key");
    EXPECT_EQ(std::get<KeyRequest>(*decode_serf(asked.payload)).key, kTwo);
    EXPECT_EQ(asked.source_node, "self");
    EXPECT_EQ(socket_address_of(asked.address, asked.port), member_address(1));
    // 200 ms a round, 16 rounds, 4 members.
    EXPECT_EQ(asked.timeout_ns, 3'200'000'000U);
    // It comes back to us, and is not answered.
    scene.hear(asked);
    EXPECT_TRUE(scene.host.sent.empty());
    for (const char* name : {"a", "b", "c"}) {
        answer(scene, name, KeyResponse{.result = true});
    }
    EXPECT_EQ(scene.layer.next_due_ms(), 0U);
    scene.layer.on_timer(scene.now_ms);
    const KeyAnswers answers = last_answers(scene);
    EXPECT_EQ(answers.number, *number);
    EXPECT_EQ(answers.action, KeyAction::install);
    EXPECT_TRUE(answers.members == 4 && answers.answers == 4 && answers.errors == 0);
    EXPECT_TRUE(answers.messages.empty());
}

TEST(serf_queries, answers_are_counted_once_per_member) {
    SerfScene scene;
    give_keys(scene);
    ASSERT_TRUE(scene.layer.ask_keys(KeyAction::list, "", scene.now_ms));
    const std::string one = seal::key_text(kOne);
    const std::string two = seal::key_text(kTwo);
    answer(scene, "a", KeyResponse{.result = true, .keys = {one, two}, .primary_key = one});
    answer(scene, "a", KeyResponse{.result = true, .keys = {one, two}, .primary_key = one});
    answer(scene, "b", KeyResponse{.result = false, .message = "locked"});
    answer(scene, "stranger", KeyResponse{.result = true, .keys = {two}});
    answer(scene, "c", JoinIntent{.time = 5, .node = "c"});
    const std::uint64_t due = scene.layer.next_due_ms();
    EXPECT_EQ(due, scene.now_ms + 3'200);
    scene.layer.on_timer(due - 1);
    EXPECT_TRUE(scene.host.events.empty());
    scene.layer.on_timer(due);
    const KeyAnswers answers = last_answers(scene);
    EXPECT_TRUE(answers.members == 4 && answers.answers == 3 && answers.errors == 1);
    EXPECT_EQ(answers.messages,
              (std::vector<std::pair<std::string, std::string>>{{"b", "locked"}}));
    EXPECT_EQ(answers.keys,
              (std::vector<std::pair<std::string, std::uint32_t>>{{one, 2}, {two, 1}}));
    EXPECT_EQ(answers.primary_keys, (std::vector<std::pair<std::string, std::uint32_t>>{{one, 2}}));
    // Too late.
    answer(scene, "c", KeyResponse{.result = true});
    EXPECT_EQ(scene.layer.next_due_ms(), UINT64_MAX);
}

TEST(serf_queries, an_answer_that_came_by_a_relay_counts) {
    SerfScene scene;
    give_keys(scene);
    ASSERT_TRUE(scene.layer.ask_keys(KeyAction::list, "", scene.now_ms));
    const auto asked = scene.last_broadcast<Query>();
    scene.hear(Relay{.address = asked.address,
                     .port = asked.port,
                     .node = "self",
                     .message = encode_serf(
                         QueryResponse{.time = asked.time,
                                       .id = asked.id,
                                       .from = "a",
                                       .payload = encode_serf(KeyResponse{.result = true})})});
    scene.layer.on_timer(scene.layer.next_due_ms());
    EXPECT_EQ(last_answers(scene).answers, 2U);
}

TEST(serf_queries, acknowledgements_are_no_answers) {
    SerfScene scene;
    give_keys(scene);
    ASSERT_TRUE(scene.layer.ask_keys(KeyAction::list, "", scene.now_ms));
    const auto asked = scene.last_broadcast<Query>();
    scene.hear(
        QueryResponse{.time = asked.time, .id = asked.id, .from = "a", .flags = kResponseIsAck});
    scene.layer.on_timer(scene.layer.next_due_ms());
    EXPECT_EQ(last_answers(scene).answers, 1U);
}

TEST(serf_queries, who_is_alone_has_all_answers_at_once) {
    SerfScene scene;
    give_keys(scene);
    for (const char* name : {"a", "b", "c"}) {
        scene.goes(name, NodeState::dead);
    }
    ASSERT_TRUE(scene.layer.ask_keys(KeyAction::list, "", scene.now_ms));
    EXPECT_TRUE(scene.host.broadcasts.empty());
    EXPECT_EQ(scene.layer.next_due_ms(), 0U);
    scene.layer.on_timer(scene.now_ms);
    EXPECT_EQ(last_answers(scene).answers, 1U);
}

TEST(serf_queries, what_cannot_be_done_here_is_not_asked_of_others) {
    SerfScene scene;
    EXPECT_FALSE(scene.layer.ask_keys(KeyAction::list, "", scene.now_ms));  // no keys
    give_keys(scene);
    EXPECT_FALSE(scene.layer.ask_keys(KeyAction::install, "no base64", scene.now_ms));
    EXPECT_FALSE(scene.layer.ask_keys(KeyAction::use, seal::key_text(kTwo), scene.now_ms));
    EXPECT_FALSE(scene.layer.ask_keys(KeyAction::remove, seal::key_text(kOne), scene.now_ms));
    EXPECT_TRUE(scene.host.broadcasts.empty());
}

TEST(serf_queries, no_more_than_16_of_our_own_are_under_way) {
    SerfScene scene;
    give_keys(scene);
    for (std::size_t i = 0; i < OwnQueries::kQueriesMax; ++i) {
        EXPECT_TRUE(scene.layer.ask_keys(KeyAction::list, "", scene.now_ms));
    }
    EXPECT_FALSE(scene.layer.ask_keys(KeyAction::list, "", scene.now_ms));
    scene.layer.on_timer(scene.layer.next_due_ms());
    EXPECT_EQ(scene.host.events.size(), OwnQueries::kQueriesMax);
    EXPECT_TRUE(scene.layer.ask_keys(KeyAction::list, "", scene.now_ms));
}

ConflictResponse says(std::uint8_t number) {
    return {.name = "self", .address = address_bytes_of(member_address(number)), .port = 7'946};
}

// What comes of a conflict that a, b and c are asked about; 0: no answer.
bool loses(std::uint8_t a, std::uint8_t b, std::uint8_t c) {
    SerfScene scene;
    scene.layer.on_conflict("self", scene.now_ms);
    const auto asked = scene.last_broadcast<Query>();
    EXPECT_EQ(asked.name, "_serf_conflict");
    EXPECT_EQ(asked.payload, "self");
    for (const auto& [name, number] : {std::pair("a", a), {"b", b}, {"c", c}}) {
        if (number != 0) {
            answer(scene, name, says(number));
        }
    }
    scene.layer.on_timer(scene.layer.next_due_ms());
    EXPECT_LE(scene.host.events.size(), 1U);
    return !scene.host.events.empty() && scene.host.events[0].kind == MemberEventKind::lost_name;
}

TEST(serf_queries, a_name_is_lost_where_most_say_so) {
    EXPECT_TRUE(loses(9, 9, 9));
    EXPECT_TRUE(loses(1, 9, 9));
    EXPECT_TRUE(loses(9, 0, 0));
    EXPECT_TRUE(loses(1, 9, 0));  // no majority for us
    EXPECT_FALSE(loses(1, 1, 9));
    EXPECT_FALSE(loses(1, 0, 0));
    EXPECT_FALSE(loses(0, 0, 0));
}

TEST(serf_queries, a_conflict_about_our_name_is_asked_about_once_at_a_time) {
    SerfScene scene;
    scene.layer.on_conflict("b", scene.now_ms);
    EXPECT_TRUE(scene.host.broadcasts.empty());
    scene.layer.on_conflict("self", scene.now_ms);
    scene.layer.on_conflict("self", scene.now_ms);
    EXPECT_EQ(scene.host.broadcasts.size(), 1U);
    scene.layer.on_timer(scene.layer.next_due_ms());
    scene.layer.on_conflict("self", scene.now_ms);
    EXPECT_EQ(scene.host.broadcasts.size(), 2U);
    scene.layer.begin_leave(scene.now_ms);
    scene.layer.on_timer(scene.layer.next_due_ms());
    scene.layer.on_conflict("self", scene.now_ms);
    EXPECT_EQ(scene.host.broadcasts.size(), 3U);  // the leave
}

}  // namespace
}  // namespace posthaste::gossip::membership
