// SPDX-License-Identifier: BSD-3-Clause
// Goal: policies take each other's place when they are ready, never by halves, and hits survive it.
// Method: a real builder thread; the test is the control thread, the Worlds and the lcores.
#include "controlplane/policies.h"

#include <gtest/gtest.h>

#include <future>
#include <string_view>
#include <thread>

#include "routing/capability_name.h"

using namespace posthaste;
using namespace posthaste::controlplane;
using State = Policies::State;

namespace {

class policies : public ::testing::Test {
  protected:
    struct Spec {
        std::string name;
        std::string expression;
        bool caseless = false;
        std::string redirect{};
    };

    static PolicySource source(const std::vector<Spec>& specs) {
        PolicySource result;
        result.path = "box.ini";
        result.ports = {"edge0"};
        result.database_mb = 8;
        for (const Spec& spec : specs) {
            PolicyConfig& policy = result.policies.emplace_back();
            policy.name = spec.name;
            policy.expression = spec.expression;
            policy.flags.caseless = spec.caseless;
            if (!spec.redirect.empty()) {
                policy.action = routing::PolicyAction::redirect;
                policy.redirect = spec.redirect;
            }
        }
        return result;
    }

    // Until nothing is being built; counts how often current() became another.
    unsigned settle() {
        unsigned changes = 0;
        for (;;) {
            builder.collect();
            changes += all.turn() ? 1 : 0;
            if (all.state() != State::compiling) {
                return changes;
            }
            std::this_thread::yield();
        }
    }

    unsigned reload(const std::vector<Spec>& specs) {
        all.reload(source(specs));
        return settle();
    }

    static void scan(const routing::PolicySet& set, std::string_view text) {
        routing::PolicyMask matched = 0;
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
        EXPECT_TRUE(set.scan(
            0, set.at(routing::PolicyDirection::in, 0), std::span(bytes, text.size()), matched));
    }

    Builder builder{2};
    Policies all{builder};
};

using Hits = std::vector<std::uint64_t>;

}  // namespace

TEST_F(policies, there_are_none_at_first) {
    EXPECT_EQ(all.state(), State::none);
    EXPECT_EQ(all.current(), nullptr);
    EXPECT_EQ(reload({}), 0U);
    EXPECT_EQ(all.state(), State::none);
    EXPECT_TRUE(all.hits().empty());
}

TEST_F(policies, come_with_the_start_or_a_reload_and_go) {
    auto built = build_policies(source({{"p", "cat"}}));
    ASSERT_TRUE(built.has_value());
    all.start(std::move(*built));
    EXPECT_EQ(settle(), 1U);
    EXPECT_EQ(all.state(), State::ready);
    EXPECT_EQ(all.current()->rule_count(), 1U);
    EXPECT_EQ(reload({{"p", "cat"}, {"q", "dog"}}), 1U);
    EXPECT_EQ(all.current()->rule_count(), 2U);
    EXPECT_EQ(reload({}), 1U);
    EXPECT_EQ(all.current(), nullptr);
    EXPECT_EQ(all.state(), State::none);
    EXPECT_EQ(all.retired_count(), 0U);
}

TEST_F(policies, what_is_the_same_is_left_alone) {
    reload({{"p", "cat"}});
    const auto before = all.current();
    EXPECT_EQ(reload({{"p", "cat"}}), 0U);
    EXPECT_EQ(all.current(), before);
}

TEST_F(policies, what_fails_leaves_what_runs_and_says_why) {
    reload({{"p", "cat"}});
    const auto before = all.current();
    EXPECT_EQ(reload({{"p", "cat"}, {"q", "do(g"}}), 0U);
    EXPECT_EQ(all.state(), State::failed);
    EXPECT_EQ(all.current(), before);
    EXPECT_EQ(all.failure(),
              "box.ini:0: [policy q] expression = do(g: Missing close parenthesis for group "
              "started at index 2\n");
    EXPECT_EQ(reload({{"p", "cat"}}), 0U);
    EXPECT_EQ(all.state(), State::ready);
    EXPECT_EQ(all.failure(), "");
}

TEST_F(policies, of_several_reloads_the_last_one_counts) {
    std::promise<void> gate;
    ASSERT_TRUE(builder.submit([&gate] {
        gate.get_future().wait();
        return Builder::Completion{};
    }));
    all.reload(source({{"p", "first"}}));
    all.reload(source({{"p", "second"}}));
    all.reload(source({{"p", "third"}}));
    EXPECT_EQ(all.state(), State::compiling);
    gate.set_value();
    EXPECT_EQ(settle(), 1U);
    EXPECT_EQ(all.current()->policies()[0].rules[0].expression.text, "third");
}

TEST_F(policies, wait_for_room_at_the_builder) {
    std::promise<void> gate;
    ASSERT_TRUE(builder.submit([&gate] {
        gate.get_future().wait();
        return Builder::Completion{};
    }));
    ASSERT_TRUE(builder.submit([] { return Builder::Completion{}; }));  // and it is full
    all.reload(source({{"p", "cat"}}));
    EXPECT_EQ(all.state(), State::compiling);
    EXPECT_FALSE(all.turn());
    gate.set_value();
    EXPECT_EQ(settle(), 1U);
    EXPECT_NE(all.current(), nullptr);
}

TEST_F(policies, hits_of_rules_that_stay_survive_and_of_others_do_not) {
    reload({{"p", "cat"}, {"q", "dog"}});
    scan(*all.current(), "cat and dog");
    scan(*all.current(), "cat");
    EXPECT_EQ(all.hits(), (Hits{2, 1}));
    // q goes and comes first now; the expression of r is p's, but it is another policy.
    reload({{"r", "cat"}, {"p", "cat"}});
    EXPECT_EQ(all.hits(), (Hits{0, 2}));
    EXPECT_EQ(all.sums()[1].matched, 2U);
    scan(*all.current(), "cat");
    EXPECT_EQ(all.hits(), (Hits{1, 3}));
    // With other flags it is another rule, of the same policy.
    reload({{"p", "cat", true}});
    EXPECT_EQ(all.hits(), (Hits{0}));
    EXPECT_EQ(all.sums()[0].matched, 3U);
    reload({{"p", "cat"}});
    EXPECT_EQ(all.hits(), (Hits{0}));
}

// An lcore may count in the old set for a while: until the last World with it is gone.
TEST_F(policies, hits_counted_late_in_a_replaced_set_are_not_lost) {
    reload({{"p", "cat"}});
    std::shared_ptr<const routing::PolicySet> world_one = all.current();
    scan(*world_one, "cat");
    reload({{"q", "x"}, {"p", "cat"}});
    std::shared_ptr<const routing::PolicySet> world_two = all.current();
    scan(*world_one, "cat");
    scan(*world_two, "cat");
    EXPECT_EQ(all.hits(), (Hits{0, 3}));
    reload({{"p", "cat"}, {"q", "x"}});
    EXPECT_EQ(all.retired_count(), 2U);
    scan(*world_one, "cat");
    scan(*world_two, "x cat");
    scan(*all.current(), "x cat");
    EXPECT_EQ(all.hits(), (Hits{6, 2}));
    EXPECT_EQ(all.sums()[0].matched, 6U);
    world_one.reset();
    settle();
    EXPECT_EQ(all.retired_count(), 1U);
    world_two.reset();
    settle();
    EXPECT_EQ(all.retired_count(), 0U);
    EXPECT_EQ(all.hits(), (Hits{6, 2}));
    EXPECT_EQ(all.sums()[0].matched, 6U);
    EXPECT_EQ(all.sums()[1].matched, 2U);
}

TEST_F(policies, know_the_names_they_redirect_to_while_lcores_have_them) {
    const auto name = [this](std::string_view text) {
        return all.redirect_name(routing::capability_id(text));
    };
    EXPECT_EQ(name("scanner/virus"), "");
    reload({{"p", "cat"}, {"q", "dog", false, "scanner/virus"}});
    EXPECT_EQ(name("scanner/virus"), "scanner/virus");
    EXPECT_EQ(name("scanner/spam"), "");
    auto world = all.current();
    reload({{"q", "dog", false, "scanner/spam"}});
    EXPECT_EQ(name("scanner/spam"), "scanner/spam");
    EXPECT_EQ(name("scanner/virus"), "scanner/virus") << "frames of the old policy come still";
    world.reset();
    all.turn();
    EXPECT_EQ(name("scanner/virus"), "");
}
