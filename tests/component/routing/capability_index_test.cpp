// SPDX-License-Identifier: BSD-3-Clause
// The index between Rib and lcores: what it publishes is what agents offer, however they come and
// go, and nothing is left when they are gone.
#include "routing/capability_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "routing/capability_name.h"
#include "tests/support/eal_fixture.h"
#include "tests/support/hash_key.h"
#include "tests/support/named_offers.h"
#include "tests/support/numbered_id.h"

namespace posthaste::routing {
namespace {

using posthaste::support::hash_key;
using posthaste::support::named_offers;

constexpr std::uint16_t kRouter = 3;

class capability_index : public ::testing::Test {
  protected:
    capability_index() {
        FibOptions options;
        options.capacity = 4'096;
        options.key = hash_key(1);
        fib_ = std::move(*Fib::create(options, grace_));
        index_ =
            std::make_unique<CapabilityIndex>(rib_.names(), sets_, *fib_, CapabilityIndexOptions{});
    }

    static RibLimits limits() {
        RibLimits limits;
        limits.routes_max = 2'000;
        return limits;
    }

    static AgentId id(std::uint64_t number) { return support::numbered_id(number); }

    void add(std::uint64_t number,
             std::vector<Offer> offers,
             AgentState state = AgentState::running) {
        Registration agent;
        agent.agent = id(number);
        agent.endpoint.ip = *IpAddress::from_text("10.0.0.2");
        agent.endpoint.udp_port = 5'000;
        agent.state = state;
        agent.offers = std::move(offers);
        ASSERT_TRUE(rib_.register_agent(std::move(agent), now_ms_).has_value());
    }

    // As the conductor does: the Fib first.
    void apply() {
        for (const FibChange& change : rib_.take_changes()) {
            if (change.remove) {
                fib_->remove(change.entry.agent);
            } else {
                ASSERT_TRUE(fib_->set(change.entry, change.last_heard_ms));
            }
        }
        for (const OfferChange& change : rib_.take_offer_changes()) {
            index_->apply(change, now_ms_);
        }
    }

    void publish() {
        apply();
        index_->publish_all(now_ms_, 1);
        fib_->reclaim();
        sets_.reclaim();
    }

    // What an lcore finds for the name; null: not in the Fib.
    [[nodiscard]] const FibEntry* entry(const std::string& name) const {
        return fib_->find(capability_key(capability_id(name)));
    }

    [[nodiscard]] std::set<AgentId> providers(const std::string& name) const {
        const FibEntry* const found = entry(name);
        const ProviderSet* const set =
            found == nullptr ? nullptr : sets_.read(found->provider_set());
        std::set<AgentId> agents;
        if (set != nullptr) {
            for (const Provider& provider : set->providers()) {
                const FibEntry* const agent = fib_->entry_of_cell(provider.cell);
                EXPECT_NE(agent, nullptr);
                EXPECT_EQ(agent->agent, provider.agent);
                agents.insert(provider.agent);
            }
        }
        return agents;
    }

    std::uint64_t now_ms_ = 1'000;
    Grace grace_{1};
    std::unique_ptr<Fib> fib_;
    Rib rib_{limits(), hash_key(2)};
    ProviderSets sets_{grace_, 512};
    std::unique_ptr<CapabilityIndex> index_;
};

TEST_F(capability_index, shows_who_offers_a_name_and_forgets_it_with_the_last) {
    add(1, named_offers({"ocr", "math"}));
    add(2, named_offers({"ocr"}), AgentState::draining);
    publish();
    EXPECT_EQ(providers("ocr"), (std::set<AgentId>{id(1), id(2)}));
    EXPECT_EQ(entry("ocr")->kind, RouteKind::capability);
    ASSERT_TRUE(rib_.deregister_agent(id(1), nullptr));
    publish();
    EXPECT_EQ(providers("ocr"), std::set<AgentId>{id(2)});
    EXPECT_EQ(entry("math"), nullptr);
    EXPECT_EQ(rib_.names().find(OfferKind::name, "math"), 0U);
    ASSERT_TRUE(rib_.deregister_agent(id(2), nullptr));
    publish();
    EXPECT_EQ(fib_->count(), 0U);
    EXPECT_EQ(sets_.taken(), 0U);
    EXPECT_EQ(sets_.memory_bytes(), 0U);
    EXPECT_EQ(rib_.names().count(), 0U);
    EXPECT_EQ(rib_.offers_held(), 0U);
}

TEST_F(capability_index, a_local_agent_goes_before_a_route_and_gives_way_to_it_again) {
    RouteRecord route;
    route.agent = id(1);
    route.router = kRouter;
    ASSERT_TRUE(rib_.set_route(route, now_ms_, named_offers({"far", "both"})));
    publish();
    EXPECT_EQ(providers("far"), std::set<AgentId>{id(1)});
    add(1, named_offers({"near", "both"}));
    publish();
    EXPECT_TRUE(providers("far").empty());
    ASSERT_EQ(providers("both").size(), 1U);
    EXPECT_TRUE(sets_.read(entry("both")->provider_set())->providers()[0].local());
    ASSERT_TRUE(rib_.deregister_agent(id(1), nullptr));
    publish();
    EXPECT_EQ(providers("far"), std::set<AgentId>{id(1)});
    EXPECT_EQ(sets_.read(entry("both")->provider_set())->routers()[0], kRouter);
    EXPECT_TRUE(providers("near").empty());
}

TEST_F(capability_index, one_change_is_shown_at_once_and_more_wait_for_each_other) {
    add(1, named_offers({"ocr"}));
    apply();
    index_->publish(now_ms_, 1);
    EXPECT_EQ(providers("ocr").size(), 1U);
    const std::uint64_t published = index_->counts().published;
    for (std::uint64_t number = 2; number < 10; ++number) {
        add(number, named_offers({"ocr"}));
        apply();
        index_->publish(now_ms_ + 1, 1);
    }
    EXPECT_EQ(providers("ocr").size(), 1U);
    EXPECT_EQ(index_->next_due_ms(), now_ms_ + 5);
    index_->publish(now_ms_ + 5, 1);
    EXPECT_EQ(providers("ocr").size(), 9U);
    EXPECT_EQ(index_->counts().published, published + 1);
    EXPECT_EQ(index_->counts().lag_ms_worst, 5U);
}

// Copy-on-write by capability: all other sets, and all entries of the Fib, stay where they are.
TEST_F(capability_index, a_join_makes_its_own_set_anew_and_no_other) {
    constexpr std::uint64_t kNames = 30;
    const auto name = [](std::uint64_t number) { return "c" + std::to_string(number % kNames); };
    const auto offers = [&name](std::uint64_t number) {
        std::vector<Offer> made;
        for (std::uint64_t i = 0; i < 10; ++i) {
            made.push_back({.text = name(number + 3 * i)});
        }
        return made;
    };
    for (std::uint64_t number = 0; number < 60; ++number) {
        add(number, offers(number));
    }
    publish();
    const auto shown = [&] {
        std::vector<std::pair<const FibEntry*, const ProviderSet*>> all;
        for (std::uint64_t i = 0; i < kNames; ++i) {
            all.emplace_back(entry(name(i)), sets_.read(entry(name(i))->provider_set()));
        }
        return all;
    };
    std::vector<Offer> one_more = offers(3);  // c3, c6, ... c0: c7 is none of them
    one_more.push_back({.text = "c7"});
    const auto joins = {std::pair(std::uint64_t{100}, std::vector<Offer>{{.text = "c7"}}),
                        std::pair(std::uint64_t{3}, one_more)};
    for (const auto& [number, offered] : joins) {
        const auto before = shown();
        const std::uint64_t published = index_->counts().published;
        now_ms_ += 10;
        add(number, offered);
        apply();
        index_->publish(now_ms_, 2);
        EXPECT_EQ(index_->counts().published, published + 1);
        EXPECT_EQ(sets_.retired_count(), 1U) << "the one that was replaced";
        const auto after = shown();
        for (std::uint64_t i = 0; i < kNames; ++i) {
            EXPECT_EQ(after[i].first, before[i].first) << name(i);
            EXPECT_EQ(after[i].second == before[i].second, i != 7) << name(i);
        }
        EXPECT_TRUE(providers("c7").contains(id(number)));
        sets_.reclaim();
    }
}

TEST_F(capability_index, a_hundred_joins_before_a_publication_make_the_set_once) {
    add(1, named_offers({"ocr"}));
    add(2, named_offers({"math"}));
    publish();
    const ProviderSet* const before = sets_.read(entry("ocr")->provider_set());
    const ProviderSet* const other = sets_.read(entry("math")->provider_set());
    const std::uint64_t published = index_->counts().published;
    const std::uint64_t changes = index_->counts().changes;
    for (std::uint64_t number = 100; number < 200; ++number) {
        add(number, named_offers({"ocr"}));
        apply();
        index_->publish(now_ms_ + 4, 1);  // within publish_ms of the last
    }
    EXPECT_EQ(sets_.read(entry("ocr")->provider_set()), before);
    index_->publish(now_ms_ + 5, 1);
    EXPECT_EQ(providers("ocr").size(), 101U);
    EXPECT_EQ(index_->counts().changes, changes + 100);
    EXPECT_EQ(index_->counts().published, published + 1);
    EXPECT_EQ(sets_.retired_count(), 1U) << "no set in between";
    EXPECT_EQ(sets_.read(entry("math")->provider_set()), other);
}

// A new provider is more work than one who stays.
TEST_F(capability_index, newcomers_are_counted_as_the_work_they_are) {
    index_->set_options({.publish_ms = 0, .providers_per_turn = 400});
    for (std::uint64_t number = 0; number < 100; ++number) {
        add(number, {Offer{.text = "c" + std::to_string(number % 10)}});
    }
    apply();
    std::size_t turns = 0;
    for (; index_->waiting() > 0; ++turns) {
        const std::size_t before = index_->waiting();
        index_->publish(now_ms_, 1);
        EXPECT_LE(before - index_->waiting(), 3U) << "of ten newcomers each";
    }
    EXPECT_GE(turns, 4U);
    for (std::uint64_t number = 100; number < 110; ++number) {
        add(number, {Offer{.text = "c" + std::to_string(number % 10)}});
    }
    apply();
    index_->publish(now_ms_, 1);
    EXPECT_LE(index_->waiting(), 3U) << "of one each, seven or more sets are made";
}

TEST_F(capability_index, work_of_a_turn_is_bounded_and_nothing_is_forgotten) {
    index_->set_options({.publish_ms = 0, .providers_per_turn = 40});
    for (std::uint64_t number = 0; number < 20; ++number) {
        add(number, {Offer{.text = "c" + std::to_string(number)}});
    }
    apply();
    std::size_t turns = 0;
    for (; index_->waiting() > 0; ++turns) {
        const std::size_t before = index_->waiting();
        index_->publish(now_ms_, 1);
        EXPECT_LE(before - index_->waiting(), 3U);
        EXPECT_LT(index_->waiting(), before);
    }
    EXPECT_GE(turns, 7U);
    EXPECT_GT(index_->counts().delayed, 0U);
    for (std::uint64_t number = 0; number < 20; ++number) {
        EXPECT_EQ(providers("c" + std::to_string(number)), std::set<AgentId>{id(number)});
    }
}

TEST_F(capability_index, a_name_that_is_offered_is_no_patterns) {
    add(1, {Offer{.kind = OfferKind::glob, .text = "vision/*"}});
    add(2, named_offers({"vision/ocr"}));
    apply();  // not published yet
    const std::uint32_t vision = rib_.names().find(OfferKind::glob, "vision/*");
    for (int round = 0; round < 2; ++round) {
        EXPECT_FALSE(index_->put_matched(capability_id("vision/ocr"), std::vector{vision}, 1));
        EXPECT_FALSE(index_->put_unmatched(capability_id("vision/ocr"), 9'000, 1));
        index_->publish_all(now_ms_, 1);
        EXPECT_EQ(providers("vision/ocr"), std::set<AgentId>{id(2)});
    }
}

TEST_F(capability_index, a_wrong_entry_lasts_until_the_next_change_at_most) {
    add(1, named_offers({"ocr"}));
    publish();
    FibEntry wrong = *entry("ocr");
    wrong.set_provider_set(0);
    ASSERT_TRUE(fib_->set(wrong, 0));
    add(2, named_offers({"ocr"}));
    publish();
    EXPECT_EQ(providers("ocr"), (std::set<AgentId>{id(1), id(2)}));
}

TEST_F(capability_index, matched_names_share_sets_and_go_with_their_patterns) {
    add(1, {Offer{.kind = OfferKind::glob, .text = "vision/*"}});
    add(2, {Offer{.kind = OfferKind::glob, .text = "*/ocr"}});
    publish();
    const std::uint32_t vision = rib_.names().find(OfferKind::glob, "vision/*");
    const std::uint32_t ocr = rib_.names().find(OfferKind::glob, "*/ocr");
    ASSERT_TRUE(index_->put_matched(capability_id("vision/ocr"), std::vector{ocr, vision}, 1));
    ASSERT_TRUE(index_->put_matched(capability_id("vision/faces"), std::vector{vision}, 1));
    ASSERT_TRUE(index_->put_matched(capability_id("text/ocr"), std::vector{ocr}, 1));
    ASSERT_TRUE(index_->put_unmatched(capability_id("sound"), 9'000, 1));
    EXPECT_EQ(providers("vision/ocr"), (std::set<AgentId>{id(1), id(2)}));
    EXPECT_EQ(providers("vision/faces"), std::set<AgentId>{id(1)});
    EXPECT_EQ(entry("sound")->provider_set(), 0U);
    EXPECT_FALSE(entry("sound")->fresh(9'000));

    add(3, {Offer{.kind = OfferKind::glob, .text = "vision/*"}});  // joins what is known
    publish();
    EXPECT_EQ(providers("vision/ocr"), (std::set<AgentId>{id(1), id(2), id(3)}));
    EXPECT_EQ(providers("vision/faces"), (std::set<AgentId>{id(1), id(3)}));

    add(4, named_offers({"vision/ocr", "sound"}));  // a name goes before a pattern
    publish();
    EXPECT_EQ(providers("vision/ocr"), std::set<AgentId>{id(4)});
    EXPECT_EQ(providers("sound"), std::set<AgentId>{id(4)});
    index_->forget(capability_id("vision/ocr"));  // of no effect now
    EXPECT_EQ(providers("vision/ocr"), std::set<AgentId>{id(4)});

    for (const std::uint64_t number : {1U, 3U}) {
        ASSERT_TRUE(rib_.deregister_agent(id(number), nullptr));
    }
    publish();
    EXPECT_EQ(entry("vision/faces"), nullptr) << "its pattern is no more";
    EXPECT_EQ(providers("text/ocr"), std::set<AgentId>{id(2)});
    index_->forget(capability_id("text/ocr"));
    for (const std::uint64_t number : {2U, 4U}) {
        ASSERT_TRUE(rib_.deregister_agent(id(number), nullptr));
    }
    publish();
    EXPECT_EQ(fib_->count(), 0U);
    EXPECT_EQ(sets_.taken(), 0U);
}

// Any sequence of registrations, states, routes and goings against a map of maps.
TEST_F(capability_index, agrees_with_a_naive_model_whatever_happens) {
    std::mt19937 random(20'260'401);
    const auto draw = [&random](unsigned below) { return static_cast<unsigned>(random() % below); };
    std::map<std::uint64_t, std::set<std::string>> here;
    std::map<std::uint64_t, std::set<std::string>> there;
    for (unsigned step = 0; step < 3'000; ++step) {
        ++now_ms_;
        const std::uint64_t number = draw(12);
        std::set<std::string> names;
        std::vector<Offer> offers;
        for (unsigned n = draw(5); n > 0; --n) {
            const std::string name = "c" + std::to_string(draw(9));
            if (names.insert(name).second) {
                offers.push_back({.priority = static_cast<std::uint16_t>(draw(3)), .text = name});
            }
        }
        switch (draw(4)) {
            case 0:
                if (rib_.deregister_agent(id(number), nullptr)) {
                    here.erase(number);
                }
                break;
            case 1: {
                RouteRecord route;
                route.agent = id(number);
                route.router = kRouter;
                ASSERT_TRUE(rib_.set_route(route, now_ms_, offers));
                there[number] = names;
                break;
            }
            case 2:
                if (rib_.remove_route(id(number))) {
                    there.erase(number);
                }
                break;
            default:
                add(number, offers, static_cast<AgentState>(1 + draw(3)));
                here[number] = names;
        }
        apply();
        if (draw(3) == 0) {
            publish();
            for (unsigned n = 0; n < 9; ++n) {
                const std::string name = "c" + std::to_string(n);
                std::set<AgentId> expected;
                for (std::uint64_t agent = 0; agent < 12; ++agent) {
                    const auto& in = here.contains(agent) ? here : there;
                    const auto held = in.find(agent);
                    if (held != in.end() && held->second.contains(name)) {
                        expected.insert(id(agent));
                    }
                }
                ASSERT_EQ(providers(name), expected) << name << " after step " << step;
            }
        }
    }
}

}  // namespace
}  // namespace posthaste::routing
