// SPDX-License-Identifier: BSD-3-Clause
// Goal: what routers ask each other is answered at once, within bounds, and nothing else is
// believed; who sends to the wrong router hears of it. Method: planes joined by hand that tell each
// other nothing of themselves.
#include <gtest/gtest.h>

#include "routing/capability_name.h"
#include "tests/support/plane_talk.h"

namespace {

using namespace posthaste::gossip::claims;
using posthaste::routing::AgentId;
using posthaste::routing::capability_id;
using posthaste::routing::capability_key;
using posthaste::support::attach;
using posthaste::support::numbered_id;
using posthaste::support::offering;
using posthaste::support::PlaneGroup;
using posthaste::support::Stranger;
using posthaste::support::winner;

AgentId key_of(const char* name) {
    return capability_key(capability_id(name));
}

// What the caller of a plane does: it knows who has the capability.
void answer_questions(PlaneGroup& group, std::size_t at, std::uint32_t agents) {
    for (const ProviderQuestion& question : group[at].take_questions(10)) {
        std::vector<AgentId> here;
        for (std::uint32_t agent = 1; agent <= agents; ++agent) {
            here.push_back(numbered_id(agent));
        }
        group[at].answer(question, here);
    }
}

TEST(questions, a_question_is_answered_with_the_claim_which_holds_at_once) {
    PlaneGroup group(2, PlaneGroup::silent_options());
    group.connect(1, 2);
    group.pass(20);
    attach(group, 1, 1);
    group[2].discover(numbered_id(1));
    group[2].discover(numbered_id(2));
    group.carry();
    group.carry();
    const auto best = group[2].store().best(numbered_id(1));
    ASSERT_TRUE(best);
    EXPECT_TRUE(best->provisional);
    EXPECT_EQ(group[2].store().sets().text(best->set), set_text(offering("a/b@9").offers));
    group.pass(20);
    EXPECT_FALSE(group[2].store().best(numbered_id(1))->provisional) << "the keyspace was pulled";
    const auto events = group[2].take_events();
    EXPECT_EQ(std::count_if(events.begin(),
                            events.end(),
                            [](const Event& event) { return event.kind == EventKind::discovered; }),
              2);
}

TEST(questions, a_question_about_a_capability_is_answered_with_claims_of_who_has_it) {
    PlaneGroup group(3, PlaneGroup::silent_options());
    group.connect_all();
    group.pass(20);
    for (std::uint32_t agent = 1; agent <= 20; ++agent) {
        attach(group, 1, agent);
    }
    ASSERT_TRUE(group[1].own().attach(numbered_id(21), {}, group.now_ms)) << "offers nothing";
    group[2].discover(key_of("a/b"));
    group.carry();
    answer_questions(group, 1, 22);
    answer_questions(group, 3, 0);
    group.carry();
    std::uint32_t known = 0;
    for (std::uint32_t agent = 1; agent <= 22; ++agent) {
        const auto best = group[2].store().best(numbered_id(agent));
        known += best ? 1U : 0U;
        ASSERT_TRUE(!best || best->provisional);
    }
    EXPECT_EQ(known, kProvidersMax);
    const auto best = group[2].store().best(numbered_id(1));
    EXPECT_EQ(number(best->router), 1U);
    EXPECT_EQ(best->at, (Position{{1, 100}, group[1].store().own(numbered_id(1))->version}));
    EXPECT_EQ(group[2].store().sets().text(best->set), set_text(offering("a/b@9").offers));
    std::vector<std::pair<std::uint64_t, std::uint64_t>> answers;
    for (const Event& event : group[2].take_events()) {
        if (event.kind == EventKind::discovered) {
            EXPECT_EQ(event.agent, key_of("a/b"));
            answers.emplace_back(number(event.router), event.number);
        }
    }
    std::sort(answers.begin(), answers.end());
    EXPECT_EQ(answers, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{1, 16}, {3, 0}}));

    group.pass(20);
    EXPECT_FALSE(group[2].store().best(numbered_id(1))->provisional) << "the keyspace was pulled";
    EXPECT_EQ(winner(group, 2, 21), 1U);
}

TEST(questions, claims_with_long_lists_are_told_as_far_as_they_fit) {
    PlaneGroup group(2, PlaneGroup::silent_options());
    group.connect(1, 2);
    group.pass(20);
    for (std::uint32_t agent = 1; agent <= 8; ++agent) {
        Attachment attachment;
        for (std::uint32_t i = 0; i < kSetOffersMax; ++i) {
            std::string name = "n" + std::to_string(i) + "/a" + std::to_string(agent);
            name.resize(posthaste::routing::kCapabilityNameMax, 'x');
            attachment.offers.push_back(*posthaste::routing::offer_from_text(name));
        }
        ASSERT_TRUE(group[1].own().attach(numbered_id(agent), attachment, group.now_ms));
    }
    group[2].discover(key_of("a/b"));
    group.carry();
    answer_questions(group, 1, 8);
    group.carry(kFrameBytesMax);
    EXPECT_EQ(winner(group, 2, 3), 1U);
    EXPECT_EQ(winner(group, 2, 4), 0U) << "the lists of three are more than is told at once";
    group.pass(20);
    EXPECT_EQ(winner(group, 2, 8), 1U);
}

TEST(questions, more_questions_about_capabilities_than_wait_are_refused) {
    PlaneOptions options = PlaneGroup::silent_options();
    options.questions_max = 3;
    PlaneGroup group(2, options);
    group.connect(1, 2);
    group.pass(20);
    for (const char* const name : {"a", "b", "c", "d", "e"}) {
        group[2].discover(key_of(name));
    }
    group.carry();
    EXPECT_EQ(group[1].take_questions(2).size(), 2U);
    EXPECT_EQ(group[1].take_questions(2).size(), 1U);
    EXPECT_EQ(group[1].counters().refused[static_cast<std::size_t>(Refusal::rate_limited)], 2U);
}

TEST(questions, who_sends_to_the_wrong_router_is_told_and_looks_again) {
    PlaneGroup group(3, PlaneGroup::silent_options());
    group.connect_all();
    group.pass(20);
    attach(group, 3, 1);
    group[1].discover(numbered_id(1));
    group.pass(20);
    EXPECT_EQ(winner(group, 2, 1), 0U);
    EXPECT_TRUE(group[1].tell_not_here(RouterId{2}, numbered_id(1)));
    group.carry();
    group.pass(20);
    EXPECT_EQ(winner(group, 2, 1), 3U);
}

TEST(questions, who_sends_to_the_wrong_router_is_told_at_a_rate_and_only_where_it_is_a_peer) {
    PlaneOptions options = PlaneGroup::silent_options();
    options.not_here_per_second = 5;
    PlaneGroup group(2, options);
    group.connect(1, 2);
    group.pass(20);
    unsigned told = 0;
    for (std::uint32_t agent = 0; agent < 50; ++agent) {
        told += group[1].tell_not_here(RouterId{2}, numbered_id(agent)) ? 1U : 0U;
    }
    EXPECT_EQ(told, 5U);
    EXPECT_EQ(group[1].counters().sent[static_cast<std::size_t>(MessageKind::not_here)], 5U);
    EXPECT_FALSE(group[1].tell_not_here(RouterId{9}, numbered_id(1)));
}

TEST(questions, an_answer_nobody_asked_for_is_refused) {
    Stranger stranger;
    Discovered answer{.agent = numbered_id(1), .found = true, .router = RouterId{7}};
    answer.at = {{1, 1}, 1};
    stranger.say(answer);
    EXPECT_EQ(stranger.refused(Refusal::unasked_answer), 1U);
    EXPECT_EQ(winner(stranger.group, 1, 1), 0U);
    stranger.group[1].discover(numbered_id(1));
    stranger.say(answer);
    EXPECT_EQ(winner(stranger.group, 1, 1), 7U);
}

TEST(questions, claims_of_a_capability_nobody_asked_about_are_refused) {
    Stranger stranger;
    const std::string list = set_text(offering("a/b@9").offers);
    const std::uint64_t hash = stranger.group[1].store().sets().hash_of(list);
    Entry set;
    set.kind = RecordKind::capability_set;
    set.key = set_key(hash);
    set.version = 1;
    set.set = list;
    Entry claim{.key = numbered_id(1), .version = 2, .body = {.capabilities = hash}, .set = {}};
    Entry listless{.key = numbered_id(2), .version = 3, .body = {.capabilities = 5}, .set = {}};
    Entry gone{.gone = true, .key = numbered_id(3), .version = 4, .body = {}, .set = {}};
    Providers answer{key_of("a/b"), {1, 1}, {set, claim, listless, gone}};
    stranger.say(answer);
    EXPECT_EQ(stranger.refused(Refusal::unasked_answer), 1U);
    stranger.group[1].discover(key_of("other"));
    stranger.say(answer);
    EXPECT_EQ(stranger.refused(Refusal::unasked_answer), 2U);
    EXPECT_EQ(winner(stranger.group, 1, 1), 0U);

    stranger.group[1].discover(key_of("a/b"));
    stranger.say(answer);
    EXPECT_EQ(winner(stranger.group, 1, 1), 2U) << "whoever says it";
    EXPECT_EQ(winner(stranger.group, 1, 2), 0U);
    EXPECT_EQ(winner(stranger.group, 1, 3), 0U);
    EXPECT_EQ(stranger.refused(Refusal::unknown_set), 1U);
    EXPECT_EQ(stranger.group[1].session_of(RouterId{2})->pulls(), 1U);

    answer.entries.clear();
    for (std::uint64_t version = 1; version <= 2 * kProvidersMax + 1; ++version) {
        claim.key = numbered_id(static_cast<std::uint32_t>(100 + version));
        claim.version = version;
        answer.entries.push_back(claim);
    }
    stranger.say(answer);
    EXPECT_EQ(stranger.refused(Refusal::range_too_large), 1U);
    EXPECT_EQ(stranger.refused(Refusal::unknown_set), 1U);
    EXPECT_FALSE(stranger.group[1].closed(9));
}

}  // namespace
