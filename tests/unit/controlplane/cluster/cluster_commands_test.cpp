// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/cluster_commands.h"

#include <gtest/gtest.h>

#include "tests/support/fake_cluster.h"
#include "tests/support/fake_operations.h"

namespace {

using namespace posthaste;
using namespace posthaste::controlplane;
using gossip::claims::RouterId;
using gossip::membership::KeyAction;
using test::numbered_agent;

class cluster_commands : public ::testing::Test {
  protected:
    cluster_commands() { source.answers_to = &commands; }

    // What `reply` comes to.
    static Outcome last_answer(const Reply& reply) {
        for (int turn = 0; turn < 10'000; ++turn) {
            if (auto answer = reply.ongoing->next()) {
                return answer->outcome;
            }
        }
        return refuse(code::failed, "no answer");
    }

    EventLog log;
    test::FakeCluster source;
    ClusterCommands commands{source, log};
};

TEST_F(cluster_commands, peers_are_paged_by_name_and_a_suspect_is_told) {
    const Json first = commands.show_peers({.limit = 3, .after = "", .port = ""}).value();
    ASSERT_EQ(first["peers"].size(), 3U);
    EXPECT_EQ(first["peers"][0]["name"], "serf-a");
    EXPECT_TRUE(first["peers"][0]["router"].is_null());
    EXPECT_EQ(first["peers"][1]["self"], true);
    EXPECT_EQ(first["peers"][2]["status"], "suspect");
    EXPECT_EQ(first["peers"][2]["session"], true);
    EXPECT_EQ(first["peers"][2]["fabric"], "172.16.0.2:4747");
    EXPECT_EQ(first["total"], 4);
    const Json second =
        commands.show_peers({.limit = 3, .after = first["next"], .port = ""}).value();
    ASSERT_EQ(second["peers"].size(), 1U);
    EXPECT_EQ(second["peers"][0]["address"], "[2001:db8::3]:7946");
    EXPECT_TRUE(second["next"].is_null());
    EXPECT_FALSE(commands.show_peers({.limit = 3, .after = "x", .port = ""}));
}

TEST_F(cluster_commands, every_claim_of_an_agent_says_why_it_does_not_hold) {
    const Json both = commands.show_claims(numbered_agent(1)).value();
    ASSERT_EQ(both["claims"].size(), 2U);
    EXPECT_EQ(both["claims"][0]["holds"], true);
    EXPECT_EQ(both["claims"][0]["router"], "west-2");
    EXPECT_EQ(both["claims"][1]["holds"], false);
    EXPECT_EQ(both["claims"][1]["why"], "less by router than the claim of west-2");
    EXPECT_EQ(both["claims"][1]["capabilities"][0], "vision/ocr@800*20");
    source.routes().set_member(RouterId{2}, gossip::claims::Membership::out);
    const Json after = commands.show_claims(numbered_agent(1)).value();
    EXPECT_EQ(after["claims"][0]["router"], "west-1");
    EXPECT_EQ(after["claims"][0]["holds"], true);
    EXPECT_EQ(after["claims"][1]["why"], "its router is out");
    EXPECT_EQ(commands.show_claims(numbered_agent(99)).error().code, code::not_found);
    EXPECT_FALSE(commands.show_claims(numbered_agent(3)).value()["frozen_ms"].is_null());
}

TEST_F(cluster_commands, conflicts_are_frozen_agents_and_what_was_noted) {
    commands.note(gossip::claims::Event{.kind = gossip::claims::EventKind::conflict,
                                        .router = RouterId{2},
                                        .agent = numbered_agent(1)});
    commands.note(gossip::claims::Event{
        .kind = gossip::claims::EventKind::inconsistent, .router = RouterId{9}, .number = 4});
    const Json shown = commands.show_conflicts().value();
    ASSERT_EQ(shown["frozen"].size(), 1U);
    EXPECT_EQ(shown["frozen"][0]["agent"], numbered_agent(3).to_text());
    ASSERT_EQ(shown["conflicts"].size(), 1U);
    EXPECT_EQ(shown["conflicts"][0]["concurrent"], true);
    EXPECT_EQ(shown["inconsistencies"][0]["router"], "0000000000000009");
    EXPECT_EQ(shown["inconsistencies"][0]["detail"], "4");
    EXPECT_EQ(shown["totals"]["agent conflict"], 1);
    EXPECT_EQ(shown["totals"]["agent frozen"], 0);
}

TEST_F(cluster_commands, an_agent_a_peer_does_not_know_is_not_noted_as_discovered) {
    using gossip::claims::EventKind;
    commands.note(gossip::claims::Event{
        .kind = EventKind::discovered, .router = RouterId{2}, .agent = numbered_agent(1)});
    EXPECT_EQ(log.noted(), 0U);
    commands.note(gossip::claims::Event{.kind = EventKind::discovered,
                                        .router = RouterId{2},
                                        .agent = numbered_agent(1),
                                        .number = 1});
    EXPECT_EQ(log.counts()[static_cast<std::size_t>(NotedKind::discovered)], 1U);
}

TEST_F(cluster_commands, claims_of_a_router_that_is_out_are_no_conflict_any_more) {
    commands.note(gossip::claims::Event{.kind = gossip::claims::EventKind::conflict,
                                        .router = RouterId{2},
                                        .agent = numbered_agent(1)});
    source.routes().set_member(RouterId{2}, gossip::claims::Membership::out);
    EXPECT_EQ(commands.show_conflicts().value()["conflicts"][0]["concurrent"], false);
}

TEST_F(cluster_commands, versions_say_which_peer_is_behind) {
    source.carries = false;
    source.routes().compare_all();
    ASSERT_TRUE(source.routes().own().attach(numbered_agent(7), {}, source.group.now_ms));
    while (source.group.carry()) {
    }
    const Json shown = commands.show_versions({}).value();
    ASSERT_EQ(shown["origins"].size(), 2U);
    const Json& own = shown["origins"][0];
    EXPECT_EQ(own["self"], true);
    EXPECT_EQ(own["behind"][0]["peer"], "west-2");
    EXPECT_EQ(own["behind"][0]["changes"], 1);
    EXPECT_TRUE(own["ahead"].empty());
    EXPECT_EQ(shown["origins"][1]["claims"], 3);
    EXPECT_EQ(shown["peers"][0]["drift_sum"], 1);
}

TEST_F(cluster_commands, a_check_of_equal_routers_ends_as_soon_as_all_have_answered) {
    const Json result = last_answer(commands.check()).value();
    EXPECT_EQ(result["result"], "equal");
    ASSERT_EQ(result["peers"].size(), 1U);  // the failed one is not asked
    EXPECT_EQ(result["peers"][0]["answer"], "equal");
    EXPECT_LT(result["took_ms"], 100);
}

TEST_F(cluster_commands, a_check_without_an_answer_says_so_in_time) {
    source.group.cut(1, 2);
    const Json result = last_answer(commands.check()).value();
    EXPECT_EQ(result["result"], "unanswered");
    EXPECT_EQ(result["peers"][0]["answer"], "none");
    EXPECT_GE(result["took_ms"], ClusterCommands::kCheckMs);
}

TEST_F(cluster_commands, a_check_lists_what_differs) {
    const Reply reply = commands.check();
    ASSERT_FALSE(reply.ongoing->next());
    std::optional<Ongoing::Answer> answer;
    // Each time another change: the two are never equal when compared.
    for (std::uint64_t agent = 100; !answer; ++agent) {
        ASSERT_TRUE(source.routes().own().attach(numbered_agent(agent), {}, source.group.now_ms));
        answer = reply.ongoing->next();
    }
    const Json result = answer->outcome.value();
    EXPECT_EQ(result["result"], "different");
    EXPECT_EQ(result["peers"][0]["answer"], "different");
    ASSERT_EQ(result["differences"].size(), 1U);
    EXPECT_EQ(result["differences"][0]["peer"], "west-2");
    EXPECT_EQ(result["differences"][0]["router"], "west-1");
    EXPECT_EQ(result["differences"][0]["kind"], "behind");
}

TEST_F(cluster_commands, keys_are_answered_when_the_members_have) {
    const Reply reply = commands.keys(KeyAction::list, "");
    const Json result = last_answer(reply).value();
    EXPECT_EQ(result["result"], "done");
    EXPECT_EQ(result["keys"][0]["primary"], 3);
    EXPECT_EQ(result["keys"][1]["primary"], 0);
    const Reply partly = commands.keys(KeyAction::install, "AgICAgICAgICAgICAgICAg==");
    EXPECT_EQ(last_answer(partly).value()["result"], "partial");
    EXPECT_EQ(source.asked_key, "AgICAgICAgICAgICAgICAg==");
}

TEST_F(cluster_commands, questions_about_keys_end_in_time_and_are_bounded) {
    source.answers_to = nullptr;
    std::vector<Reply> open;
    for (std::size_t i = 0; i < ClusterCommands::kQuestionsMax; ++i) {
        open.push_back(commands.keys(KeyAction::list, ""));
        ASSERT_NE(open.back().ongoing, nullptr);
    }
    EXPECT_EQ(commands.keys(KeyAction::list, "").outcome.error().code, code::busy);
    EXPECT_EQ(last_answer(open[0]).error().code, code::failed);
    open.clear();
    EXPECT_EQ(commands.questions(), 0U);
}

TEST_F(cluster_commands, join_and_leave_reach_the_cluster_once) {
    const auto seed = gossip::membership::SocketAddress{.port = 7'946};
    EXPECT_EQ(commands.join({seed}).value()["outcome"], "joining");
    EXPECT_EQ(source.joined.size(), 1U);
    EXPECT_EQ(commands.force_leave("nobody", false).error().code, code::not_found);
    EXPECT_EQ(commands.force_leave("west-2", false).error().code, code::refused);
    EXPECT_TRUE(commands.force_leave("west-3", true));
    EXPECT_EQ(source.forced, "west-3 pruned");
    EXPECT_TRUE(commands.leave());
    EXPECT_EQ(commands.leave().error().code, code::conflict);
    EXPECT_EQ(commands.join({seed}).error().code, code::conflict);
}

TEST_F(cluster_commands, gossip_counts_every_kind_and_names_refusals) {
    const Json shown = commands.show_gossip().value();
    EXPECT_EQ(shown["members"]["suspect"], 1);
    EXPECT_EQ(shown["members"]["failed"], 1);
    EXPECT_EQ(shown["messages"].size(), 14U + 10U + gossip::claims::kMessageNames.size());
    EXPECT_EQ(shown["messages"][0]["received"], 12);
    ASSERT_EQ(shown["refusals"].size(), 2U);
    EXPECT_EQ(shown["refusals"][0]["refusal"], "trailing-bytes");
    EXPECT_EQ(shown["refusals"][1]["layer"], "routes");
}

TEST_F(cluster_commands, the_topology_is_drawn_from_this_router) {
    const Json shown = commands.show_topology().value();
    EXPECT_EQ(shown["text"],
              "west-1 (this router): 1 agents\n"
              "|-- up    west-2: suspect, 3 agents, frames to 172.16.0.2:4747\n"
              "`-- down  west-3: failed, 0 agents\n"
              "1 members that are no routers\n");
    EXPECT_EQ(shown["links"].size(), 2U);
}

TEST_F(cluster_commands, what_happens_in_the_cluster_is_noted) {
    gossip::membership::MemberEvent event;
    event.kind = gossip::membership::MemberEventKind::failed;
    event.member.name = "west-3";
    commands.note(event);
    commands.note(gossip::claims::Event{.kind = gossip::claims::EventKind::frozen,
                                        .agent = numbered_agent(1),
                                        .number = source.claims_ms() + 500});
    const auto noted = log.last(~std::uint64_t{0}, 2);
    EXPECT_EQ(noted.at(0).detail, "500 ms");
    EXPECT_EQ(noted.at(1).kind, NotedKind::member_failed);
    EXPECT_EQ(noted.at(1).name, "west-3");
    event = {};
    event.kind = gossip::membership::MemberEventKind::keys_changed;
    commands.note(event);
    EXPECT_TRUE(log.last(~std::uint64_t{0}, 1).at(0).detail.empty());
}

}  // namespace
