// SPDX-License-Identifier: BSD-3-Clause
// The Rib's agents in a file, and back in the next one's Rib.
#include "controlplane/store/saved_agents.h"

#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/support/hash_key.h"
#include "tests/support/rib_fixture.h"
#include "tests/support/scratch_directory.h"
#include "tests/unit/controlplane/store/stored_agents.h"

namespace posthaste::controlplane {

using routing::AgentId;
using routing::AgentState;
using routing::Origin;
using routing::RegisterOutcome;
using routing::Registration;
using routing::Rib;
using support::eventually;

namespace {

constexpr routing::RibLimits kLimits{.routes_max = 100};

// One life of a router: a Rib, and what keeps it.
struct Life {
    explicit Life(const std::string& path,
                  std::vector<SavedPort> ports = {{.name = "p0"}, {.name = "p1"}},
                  const routing::RibLimits& limits = kLimits)
        : rib(limits, support::hash_key(1)),
          store(*Store::open({.path = path, .commit_ms = 1, .cluster = "c", .node = "n"})),
          saved(rib, *store, std::move(ports)) {}

    Life& load(std::uint64_t now_ms = 0) {
        const auto loaded = saved.load(now_ms, [] {});
        EXPECT_TRUE(loaded.has_value()) << loaded.error();
        return *this;
    }

    RegisterOutcome add(const Registration& registration, std::uint64_t now_ms = 0) {
        const auto outcome = rib.register_agent(registration, now_ms);
        EXPECT_TRUE(outcome.has_value()) << outcome.error().detail;
        saved.turn();
        return outcome.value_or(RegisterOutcome::refreshed);
    }

    // Until the agent's last word is on the disk.
    bool settle(const AgentId& agent) {
        return eventually([&] {
            saved.turn();
            return saved.awaited(agent) == 0;
        });
    }

    Rib rib;
    std::unique_ptr<Store> store;
    SavedAgents saved;
};

class saved_agents : public testing::Test {
  protected:
    support::ScratchDirectory folder_;
    std::string path_ = folder_ / "store.db";
};

TEST_F(saved_agents, an_agent_is_awaited_until_it_is_on_the_disk) {
    Life life(path_);
    life.load();
    EXPECT_EQ(life.saved.awaited(support::id_of(1)), 0U);
    life.add(support::agent(1));
    const std::uint64_t ticket = life.saved.awaited(support::id_of(1));
    EXPECT_GT(ticket, 0U);
    EXPECT_TRUE(life.settle(support::id_of(1)));
    EXPECT_TRUE(life.saved.is_settled(ticket));
    EXPECT_EQ(life.store->durable(), 1U);
    EXPECT_EQ(life.saved.counts().awaited, 0U);
}

TEST_F(saved_agents, a_refresh_is_not_written_but_every_change_is) {
    Life life(path_);
    life.load();
    Registration wanted = support::agent(1);
    const auto written = [&](RegisterOutcome expected) {
        EXPECT_EQ(life.add(wanted), expected);
        const bool awaited = life.saved.awaited(wanted.agent) != 0;
        EXPECT_TRUE(life.settle(wanted.agent));
        return awaited;
    };
    EXPECT_TRUE(written(RegisterOutcome::added));
    EXPECT_FALSE(written(RegisterOutcome::refreshed));
    wanted.lease_ms = 5'000;
    EXPECT_TRUE(written(RegisterOutcome::refreshed)) << "another lease is asked for";
    wanted.name = "Ada";
    EXPECT_TRUE(written(RegisterOutcome::changed));
    wanted.offers = {{.text = "mail/sort"}};
    EXPECT_TRUE(written(RegisterOutcome::changed));
    wanted.state = AgentState::draining;
    EXPECT_TRUE(written(RegisterOutcome::changed));
    wanted.epoch = 7;
    EXPECT_TRUE(written(RegisterOutcome::changed));
    wanted.multi = true;
    EXPECT_TRUE(written(RegisterOutcome::changed));
    wanted.endpoint = support::endpoint(1, 9);
    EXPECT_TRUE(written(RegisterOutcome::moved));
    EXPECT_FALSE(written(RegisterOutcome::refreshed));
    EXPECT_EQ(life.store->durable(), 8U);
}

TEST_F(saved_agents, are_in_the_next_rib_as_they_were_with_a_full_lease) {
    Registration ada = support::agent(1, 1);
    ada.name = "Ada";
    ada.epoch = 7;
    ada.multi = true;
    ada.lease_ms = 5'000;
    ada.state = AgentState::draining;
    ada.offers = {{.priority = 9, .text = "mail/sort"},
                  {.kind = routing::OfferKind::glob, .text = "mail/*"}};
    {
        Life life(path_);
        life.load().add(ada);
        life.add(support::agent(2));
        EXPECT_TRUE(life.rib.deregister_agent(support::id_of(2), nullptr).has_value());
        life.add(support::agent(3));
    }
    // The ports have changed places.
    Life life(path_, {{.name = "p1"}, {.name = "p0"}});
    life.load(70'000);
    EXPECT_EQ(life.saved.counts().loaded, 2U);
    EXPECT_EQ(life.rib.find_agent(support::id_of(2)), nullptr);
    const routing::AgentRecord* const record = life.rib.find_agent(ada.agent);
    ASSERT_NE(record, nullptr);
    const Registration& held = record->registration;
    EXPECT_EQ(held.endpoint.port, 0U);
    EXPECT_EQ(held.endpoint.ip, ada.endpoint.ip);
    EXPECT_EQ(held.endpoint.mac, ada.endpoint.mac);
    EXPECT_EQ(held.endpoint.udp_port, ada.endpoint.udp_port);
    EXPECT_EQ(held.state, ada.state);
    EXPECT_EQ(held.name, ada.name);
    EXPECT_EQ(held.epoch, ada.epoch);
    EXPECT_TRUE(held.multi);
    EXPECT_EQ(held.lease_ms, 5'000U);
    EXPECT_EQ(record->deadline_ms, 75'000U);
    EXPECT_EQ(life.rib.offers_of(record->offers), ada.offers);
    EXPECT_EQ(life.rib.find_agent(support::id_of(3))->registration.endpoint.port, 1U);
    life.saved.turn();
    EXPECT_EQ(life.store->counts().queued, 0U) << "what was loaded is not written again";
}

TEST_F(saved_agents, only_what_registered_in_band_is_kept) {
    {
        Life life(path_);
        life.load().add(support::agent_of(Origin::operator_set, 1));
        life.add(support::agent_of(Origin::configured, 2));
        life.add(support::agent(3));
        life.add(support::agent_of(Origin::configured, 3));  // the ini takes it over
        life.add(support::agent(4));
    }
    Life life(path_);
    life.load();
    EXPECT_EQ(life.rib.agents().size(), 1U);
    EXPECT_NE(life.rib.find_agent(support::id_of(4)), nullptr);
}

TEST_F(saved_agents, those_whose_lease_ends_leave_the_file) {
    {
        Life life(path_);
        life.load().add(support::agent(1));
        EXPECT_EQ(life.rib.expire(1'000'000, support::Cells{}.reader(), 10), 1U);
        life.saved.turn();
        EXPECT_TRUE(life.settle(support::id_of(1)));
    }
    EXPECT_TRUE(agents_in(path_).empty());
}

TEST_F(saved_agents, those_that_cannot_be_here_any_more_are_skipped_and_leave_the_file) {
    {
        Life life(path_);
        life.load().add(support::agent(1, 0));
        life.add(support::agent(2, 1));
        life.add(support::agent(3, 0));
    }
    {
        // p1 leads to routers now, and the ini has agent 3.
        Life life(path_, {{.name = "p0"}, {.name = "p1", .edge = false}});
        life.add(support::agent_of(Origin::configured, 3));
        life.load();
        EXPECT_EQ(life.saved.counts().loaded, 1U);
        EXPECT_EQ(life.saved.counts().skipped, 2U);
        EXPECT_EQ(life.rib.find_agent(support::id_of(3))->registration.origin, Origin::configured);
        EXPECT_EQ(life.rib.find_agent(support::id_of(2)), nullptr);
        life.saved.turn();
    }
    EXPECT_EQ(agents_in(path_).size(), 1U);
    {
        Life life(path_, {{.name = "other"}});
        life.load();
        EXPECT_EQ(life.saved.counts().skipped, 1U);
        life.saved.turn();
    }
    EXPECT_TRUE(agents_in(path_).empty());
}

TEST_F(saved_agents, no_more_than_the_rib_takes_are_loaded_and_the_others_stay_in_the_file) {
    {
        Life life(path_);
        life.load().add(support::agent(1));
        life.add(support::agent(2));
        life.add(support::agent(3));
    }
    {
        Life life(path_, {{.name = "p0"}}, {.routes_max = 2});
        life.load();
        EXPECT_EQ(life.saved.counts().loaded, 2U);
        EXPECT_EQ(life.saved.counts().skipped, 1U);
        life.saved.turn();
    }
    Life life(path_);
    life.load();
    EXPECT_EQ(life.saved.counts().loaded, 3U);
}

TEST_F(saved_agents, an_agent_that_changed_again_is_awaited_until_its_last_word_is_safe) {
    Life life(path_);
    life.load();
    Registration wanted = support::agent(1);
    life.add(wanted);
    const std::uint64_t first = life.saved.awaited(wanted.agent);
    wanted.name = "later";
    life.add(wanted);
    EXPECT_GT(life.saved.awaited(wanted.agent), first);
    EXPECT_TRUE(life.settle(wanted.agent));
    EXPECT_EQ(life.store->durable(), 2U);
}

}  // namespace

}  // namespace posthaste::controlplane
