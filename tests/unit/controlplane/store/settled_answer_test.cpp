// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/store/settled_answer.h"

#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/support/hash_key.h"
#include "tests/support/rib_fixture.h"
#include "tests/support/scratch_directory.h"
#include "tests/unit/controlplane/store/stored_agents.h"

namespace posthaste::controlplane {

namespace {

// A router with one agent that registered, whose store writes `commit_ms` after a change.
class settled_answer : public testing::Test {
  protected:
    void open(std::uint32_t commit_ms) {
        store_ = *Store::open({.path = path_, .commit_ms = commit_ms, .cluster = "c", .node = "n"});
        saved_ = std::make_unique<SavedAgents>(rib_, *store_, std::vector<SavedPort>{{"p0"}});
        EXPECT_TRUE(saved_->load(0, [] {}).has_value());
    }

    // The answer to an operator who drained it.
    SettledAnswer drain() {
        EXPECT_TRUE(rib_.register_agent(support::agent(1), 0).has_value());
        EXPECT_TRUE(rib_.set_state(support::id_of(1), routing::AgentState::draining).has_value());
        saved_->turn();
        return {*saved_, saved_->awaited(support::id_of(1)), Json{{"outcome", "draining"}}, [this] {
                    return now_ms_;
                }};
    }

    std::uint64_t now_ms_ = 1'000;
    support::ScratchDirectory folder_;
    std::string path_ = folder_ / "store.db";
    routing::Rib rib_{{.routes_max = 100}, support::hash_key(1)};
    std::unique_ptr<Store> store_;
    std::unique_ptr<SavedAgents> saved_;
};

TEST_F(settled_answer, comes_once_what_it_tells_is_on_the_disk) {
    open(1);
    SettledAnswer answer = drain();
    EXPECT_FALSE(answer.next());
    EXPECT_FALSE(answer.is_endless());
    std::optional<Ongoing::Answer> given;
    ASSERT_TRUE(support::eventually([&] {
        saved_->turn();
        given = answer.next();
        return given.has_value();
    }));
    EXPECT_TRUE(given->last);
    EXPECT_EQ(given->outcome.value()["outcome"], "draining");
    store_.reset();
    const auto there = agents_in(path_);
    ASSERT_EQ(there.size(), 1U);
    EXPECT_EQ(there[0].state, routing::AgentState::draining);
}

TEST_F(settled_answer, a_disk_that_is_too_slow_is_told) {
    open(600'000);
    SettledAnswer answer = drain();
    now_ms_ += SettledAnswer::kWaitMaxMs - 1;
    EXPECT_FALSE(answer.next());
    now_ms_ += 1;
    const auto given = answer.next();
    ASSERT_TRUE(given);
    EXPECT_TRUE(given->last);
    EXPECT_EQ(given->outcome.error().code, code::failed);
}

}  // namespace

}  // namespace posthaste::controlplane
