// SPDX-License-Identifier: BSD-3-Clause
// Goal: other routers' claims as routes: they are the weakest word on a route, hide a local agent
// while they are there, and whoever tells other routers hears of all else. Method: facts one by
// one, by the changes the Fib would get.
#include <gtest/gtest.h>

#include "tests/support/rib_fixture.h"

using namespace posthaste::support;
using posthaste::routing::AgentState;
using posthaste::routing::RouteKind;
using posthaste::routing::RouteRecord;

namespace {

RouteRecord claim(std::uint8_t number, std::uint16_t router = 2, std::uint16_t adjacency = 5) {
    return {.agent = id_of(number),
            .router = router,
            .adjacency = adjacency,
            .origin = Origin::claimed};
}

class rib_claims : public RibFixture {
  protected:
    void set(const RouteRecord& route) { ASSERT_TRUE(table.set_route(route, 0)); }
};

}  // namespace

TEST_F(rib_claims, a_claim_is_the_weakest_word_on_a_route) {
    set(claim(1));
    set({.agent = id_of(1), .router = 3, .origin = Origin::operator_set});
    EXPECT_EQ(table.set_route(claim(1), 0).error().code, ErrorCode::unauthorised);
    EXPECT_EQ(table.find_route(id_of(1))->router, 3);
    EXPECT_EQ(table.claims_to(2), 0U);
    EXPECT_EQ(table.routes_to(3), 1U);
}

TEST_F(rib_claims, a_claim_hides_the_agent_here_until_it_goes) {
    static_cast<void>(add(agent(1)));
    forget_changes();
    set(claim(1));
    EXPECT_TRUE(table.is_claimed_away(id_of(1)));
    FibChange change = only_change();
    EXPECT_EQ(change.entry.kind, RouteKind::remote);
    EXPECT_EQ(change.entry.router, 2);

    // Nothing of what the agent does here is seen.
    static_cast<void>(add(agent(1, 1)));
    ASSERT_TRUE(table.set_state(id_of(1), AgentState::draining));
    EXPECT_TRUE(table.take_changes().empty());

    ASSERT_TRUE(table.remove_route(id_of(1)));
    change = only_change();
    EXPECT_EQ(change.entry.kind, RouteKind::local);
    EXPECT_EQ(change.entry.endpoint.port, 1);
    EXPECT_EQ(change.entry.state, AgentState::draining);
}

TEST_F(rib_claims, a_hidden_agent_that_goes_changes_nothing_for_lcores) {
    static_cast<void>(add(agent(1)));
    set(claim(1));
    forget_changes();
    ASSERT_TRUE(table.deregister_agent(id_of(1), nullptr));
    EXPECT_TRUE(table.take_changes().empty());
    ASSERT_TRUE(table.remove_route(id_of(1)));
    EXPECT_TRUE(only_change().remove);
}

TEST_F(rib_claims, an_agent_that_comes_is_hidden_by_a_claim_that_is_there) {
    set(claim(1));
    forget_changes();
    static_cast<void>(add(agent(1)));
    EXPECT_TRUE(table.take_changes().empty());
}

TEST_F(rib_claims, an_operators_route_in_place_of_a_claim_shows_the_agent_here_again) {
    static_cast<void>(add(agent(1)));
    set(claim(1));
    forget_changes();
    set({.agent = id_of(1), .router = 3, .origin = Origin::operator_set});
    EXPECT_EQ(only_change().entry.kind, RouteKind::local);
    EXPECT_FALSE(table.is_claimed_away(id_of(1)));
}

TEST_F(rib_claims, the_state_of_a_claim_is_shown) {
    set(claim(1));
    forget_changes();
    RouteRecord draining = claim(1);
    draining.state = AgentState::draining;
    set(draining);
    EXPECT_EQ(only_change().entry.state, AgentState::draining);
    set(draining);
    EXPECT_TRUE(table.take_changes().empty());
}

TEST_F(rib_claims, offers_of_a_hidden_agent_are_those_of_the_claim) {
    auto here = agent(1);
    here.offers = {{.text = "here"}};
    static_cast<void>(add(here));
    static_cast<void>(table.take_offer_changes());
    const std::vector<posthaste::routing::Offer> there{{.text = "there"}};
    ASSERT_TRUE(table.set_route(claim(1), 0, there));
    auto changes = table.take_offer_changes();
    ASSERT_EQ(changes.size(), 2U);
    ASSERT_TRUE(table.deregister_agent(id_of(1), nullptr));
    EXPECT_TRUE(table.take_offer_changes().empty());
    EXPECT_EQ(table.offers_held(), 1U);
    ASSERT_TRUE(table.remove_route(id_of(1)));
    changes = table.take_offer_changes();
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_TRUE(changes[0].remove);
    EXPECT_EQ(table.offers_held(), 0U);
}

TEST_F(rib_claims, an_agent_here_or_a_static_route_displaces_the_oldest_claim_of_a_full_table) {
    table.set_limits({.routes_max = 3});
    table.note_attaches();
    set(claim(1));
    set(claim(2));
    set(claim(3));
    EXPECT_EQ(table.set_route(claim(4), 0).error().code, ErrorCode::overloaded) << "a claim";
    forget_changes();
    static_cast<void>(add(agent(5)));
    const auto changes = table.take_changes();
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_TRUE(changes[0].remove) << "so that the Fib never holds more";
    EXPECT_EQ(changes[0].entry.agent, id_of(1));
    EXPECT_EQ(changes[1].entry.agent, id_of(5));
    const auto attaches = table.take_attaches();
    ASSERT_EQ(attaches.size(), 2U);
    EXPECT_EQ(attaches[0].agent, id_of(1)) << "it may be shown again";
    EXPECT_FALSE(attaches[0].new_session);
    set({.agent = id_of(6), .router = 3, .origin = Origin::operator_set});
    EXPECT_EQ(table.find_route(id_of(2)), nullptr);
    EXPECT_NE(table.find_route(id_of(3)), nullptr);
    EXPECT_EQ(table.displaced(), 2U);
    EXPECT_EQ(table.places(), 3U);

    static_cast<void>(add(agent(7)));
    EXPECT_EQ(table.register_agent(agent(8), 0).error().code, ErrorCode::overloaded)
        << "no claim is left";
    EXPECT_EQ(table.displaced(), 3U);
}

TEST_F(rib_claims, a_registration_that_is_refused_for_another_reason_displaces_nothing) {
    table.set_limits({.routes_max = 1, .names_max = 0});
    set(claim(1));
    auto wanted = agent(2);
    wanted.offers = {{.text = "name"}};
    EXPECT_FALSE(table.register_agent(wanted, 0));
    EXPECT_NE(table.find_route(id_of(1)), nullptr);
    EXPECT_EQ(table.displaced(), 0U);
}

TEST_F(rib_claims, an_agent_that_is_here_and_claimed_takes_one_place_and_its_claim_gives_none) {
    table.set_limits({.routes_max = 2});
    set(claim(1));
    static_cast<void>(add(agent(2)));
    static_cast<void>(add(agent(1)));  // it comes here: its place is there
    EXPECT_TRUE(table.is_claimed_away(id_of(1)));
    set(claim(2));  // and one that is here goes
    EXPECT_EQ(table.places(), 2U);
    EXPECT_EQ(table.register_agent(agent(3), 0).error().code, ErrorCode::overloaded)
        << "without their claims they are here all the same";
    EXPECT_NE(table.find_route(id_of(1)), nullptr);
    ASSERT_TRUE(table.deregister_agent(id_of(1), nullptr));
    static_cast<void>(add(agent(3)));
    EXPECT_EQ(table.find_route(id_of(1)), nullptr);
    ASSERT_TRUE(table.remove_route(id_of(2)));
    EXPECT_EQ(table.places(), 2U);
    ASSERT_TRUE(table.deregister_agent(id_of(2), nullptr));
    EXPECT_EQ(table.places(), 1U);
}

TEST_F(rib_claims, a_claim_that_became_the_operators_route_is_not_displaced) {
    table.set_limits({.routes_max = 1});
    set(claim(1));
    set({.agent = id_of(1), .router = 3, .origin = Origin::operator_set});
    EXPECT_EQ(table.register_agent(agent(2), 0).error().code, ErrorCode::overloaded);
    ASSERT_TRUE(table.remove_route(id_of(1)));
    set(claim(1));
    static_cast<void>(add(agent(2)));
    EXPECT_EQ(table.find_route(id_of(1)), nullptr);
}

TEST_F(rib_claims, routes_are_given_another_adjacency_in_slices) {
    for (std::uint8_t number = 1; number <= 4; ++number) {
        set(claim(number));
    }
    forget_changes();
    EXPECT_EQ(table.readdress_routes_to(2, 6, 3), 3U);
    EXPECT_EQ(table.take_changes().size(), 3U);
    // Those that took theirs last come last, and one that has it already is no change.
    EXPECT_EQ(table.readdress_routes_to(2, 6, 3), 3U);
    EXPECT_EQ(table.take_changes().size(), 1U);
    EXPECT_EQ(table.find_route(id_of(4))->adjacency, 6);
    EXPECT_EQ(table.readdress_routes_to(2, 7, 10), 4U);
    EXPECT_EQ(table.readdress_routes_to(9, 7, 10), 0U);
    for (std::uint8_t number = 1; number <= 4; ++number) {
        EXPECT_EQ(table.find_route(id_of(number))->adjacency, 7);
    }
    EXPECT_EQ(table.claims_to(2), 4U);
}

TEST_F(rib_claims, attach_changes_are_what_others_than_claims_said) {
    static_cast<void>(add(agent(9)));
    EXPECT_TRUE(table.take_attaches().empty()) << "nobody asked for them yet";
    table.note_attaches();
    const auto told = [this] {
        std::string text;
        for (const auto& one : table.take_attaches()) {
            text += std::to_string(one.agent.bytes[15]) + (one.new_session ? "! " : " ");
        }
        return text;
    };
    static_cast<void>(add(agent(1)));
    EXPECT_EQ(told(), "1! ");
    static_cast<void>(add(agent(1)));
    EXPECT_EQ(told(), "") << "a refresh";
    static_cast<void>(add(agent(1, 1)));
    EXPECT_EQ(told(), "1! ") << "it moved";
    auto named = agent(1, 1);
    named.offers = {{.text = "name"}};
    static_cast<void>(add(named));
    EXPECT_EQ(told(), "1 ");
    ASSERT_TRUE(table.set_state(id_of(1), AgentState::draining));
    EXPECT_EQ(told(), "1 ");
    set(claim(1));
    EXPECT_EQ(told(), "") << "claims are no news to who made them routes";
    named.state = AgentState::draining;
    static_cast<void>(add(named));
    EXPECT_EQ(told(), "1! ") << "it wants to be here";
    ASSERT_TRUE(table.remove_route(id_of(1)));
    EXPECT_EQ(told(), "");
    EXPECT_EQ(expire(1'000'000), 2U);
    EXPECT_EQ(told(), "9 1 ");
    set({.agent = id_of(2), .origin = Origin::operator_set});
    EXPECT_EQ(told(), "");
    ASSERT_TRUE(table.remove_route(id_of(2)));
    EXPECT_EQ(told(), "2 ") << "a claim may take its place";
}

TEST_F(rib_claims, claims_leave_a_quarter_of_what_can_be_offered_to_agents_here) {
    table.set_limits({.routes_max = 100, .names_max = 8, .patterns_max = 4, .providers_max = 12});
    using posthaste::routing::Offer;
    using posthaste::routing::OfferKind;
    const auto offer = [](OfferKind kind, int number) {
        return Offer{.kind = kind,
                     .text = "n/" + std::to_string(number) + (kind == OfferKind::glob ? "/*" : "")};
    };
    const auto claim_with = [&](std::uint8_t number, Offer what) {
        const std::vector<Offer> offers{std::move(what)};
        const bool room = table.has_room_for_claimed(offers);
        const auto set = table.set_route(claim(number), 0, offers);
        EXPECT_EQ(set.has_value(), room);
        return set.has_value();
    };
    for (std::uint8_t i = 0; i < 6; ++i) {
        EXPECT_TRUE(claim_with(i, offer(OfferKind::name, i))) << int{i};
    }
    EXPECT_FALSE(claim_with(6, offer(OfferKind::name, 6))) << "a seventh name of eight";
    for (std::uint8_t i = 6; i < 9; ++i) {
        EXPECT_TRUE(claim_with(i, offer(OfferKind::glob, i))) << int{i};
    }
    EXPECT_FALSE(claim_with(9, offer(OfferKind::glob, 9))) << "a fourth pattern of four";
    EXPECT_FALSE(claim_with(9, offer(OfferKind::name, 0))) << "a tenth provider of twelve";
    EXPECT_EQ(table.offers_held(), 9U);
    auto here = agent(20);
    here.offers = {
        offer(OfferKind::name, 20), offer(OfferKind::name, 21), offer(OfferKind::glob, 22)};
    EXPECT_EQ(add(here), RegisterOutcome::added);
    EXPECT_EQ(table.names_held(), 8U);
    EXPECT_EQ(table.patterns_held(), 4U);
    // What a claim has it keeps, as long as it is no more.
    EXPECT_TRUE(table.set_route(claim(0, 3), 0, std::vector{offer(OfferKind::name, 0)}));
    EXPECT_EQ(table.find_route(id_of(0))->offers.size(), 1U);
}
