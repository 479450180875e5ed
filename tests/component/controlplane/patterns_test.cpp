// SPDX-License-Identifier: BSD-3-Clause
// Patterns between the Rib, a real builder thread and a real Fib: what an agent offers by pattern
// is what lcores find for a name nobody has, and what is refused leaves nothing behind.
#include "controlplane/patterns.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "routing/capability_name.h"
#include "tests/support/eal_fixture.h"
#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

namespace posthaste::controlplane {
namespace {

using routing::AgentId;
using routing::ErrorCode;
using routing::FibEntry;
using routing::Offer;
using routing::OfferKind;
using support::hash_key;
using support::numbered_id;

class patterns : public ::testing::Test {
  protected:
    patterns() {
        routing::FibOptions options;
        options.capacity = 4'096;
        options.key = hash_key(1);
        fib_ = std::move(*routing::Fib::create(options, grace_));
        index_ = std::make_unique<routing::CapabilityIndex>(
            rib_.names(), sets_, *fib_, routing::CapabilityIndexOptions{});
        patterns_ = std::make_unique<Patterns>(builder_, rib_.names(), *index_, config_);
    }

    static routing::RibLimits limits() {
        routing::RibLimits limits;
        limits.routes_max = 100;
        return limits;
    }

    void offer(std::uint32_t number, std::vector<Offer> offers) {
        routing::Registration agent;
        agent.agent = numbered_id(number);
        agent.endpoint.ip = *routing::IpAddress::from_text("10.0.0.2");
        agent.endpoint.udp_port = 5'000;
        agent.offers = std::move(offers);
        ASSERT_TRUE(rib_.register_agent(std::move(agent), now_ms_).has_value());
        apply();
    }

    // As the conductor does.
    void apply() {
        for (const routing::FibChange& change : rib_.take_changes()) {
            if (change.remove) {
                fib_->remove(change.entry.agent);
            } else {
                ASSERT_TRUE(fib_->set(change.entry, change.last_heard_ms));
            }
        }
        std::vector<std::uint32_t> numbers;
        for (const routing::OfferChange& change : rib_.take_offer_changes()) {
            index_->apply(change, now_ms_);
            if (rib_.names().at(change.number).kind != OfferKind::name) {
                numbers.push_back(change.number);
            }
        }
        patterns_->take_changes(numbers, now_ms_);
        index_->publish_all(now_ms_, 1);
    }

    // Until the builder has nothing to do.
    void settle() {
        now_ms_ += 1'000;
        do {
            patterns_->turn(now_ms_);
            while (builder_.pending() > 0) {
                if (builder_.collect() == 0) {
                    std::this_thread::yield();
                }
            }
        } while (patterns_->directory().next_due_ms().has_value());
    }

    Patterns::Answer ask(const std::string& name) {
        return patterns_->answer(routing::capability_id(name), name, now_ms_, 1);
    }

    // Who lcores find for the name; empty without a set.
    [[nodiscard]] std::vector<AgentId> found(const std::string& name) const {
        const FibEntry* const entry =
            fib_->find(routing::capability_key(routing::capability_id(name)));
        std::vector<AgentId> agents;
        if (entry != nullptr && entry->provider_set() != 0) {
            for (const auto& provider : sets_.read(entry->provider_set())->providers()) {
                agents.push_back(provider.agent);
            }
        }
        return agents;
    }

    std::uint64_t now_ms_ = 1'000;
    CapabilitiesConfig config_;
    routing::Grace grace_{1};
    std::unique_ptr<routing::Fib> fib_;
    routing::Rib rib_{limits(), hash_key(2)};
    routing::ProviderSets sets_{grace_, 512};
    std::unique_ptr<routing::CapabilityIndex> index_;
    std::unique_ptr<Patterns> patterns_;
    Builder builder_;
};

Offer glob(const std::string& text) {
    return {.kind = OfferKind::glob, .text = text};
}

Offer regex(const std::string& text) {
    return {.kind = OfferKind::regex, .text = text};
}

KeptRequest waiting(std::uint32_t agent, const std::string& untried) {
    KeptRequest request;
    request.agent = numbered_id(agent);
    request.untried = {untried};
    return request;
}

using Agents = std::vector<AgentId>;

TEST_F(patterns, answer_for_names_nobody_has_until_they_go) {
    offer(1, {glob("vision/*")});
    offer(2, {glob("**/ocr")});
    EXPECT_TRUE(patterns_->any());
    settle();
    EXPECT_EQ(ask("vision/ocr"), Patterns::Answer::matched);
    EXPECT_EQ(found("vision/ocr"), (Agents{numbered_id(1), numbered_id(2)}));
    EXPECT_EQ(ask("vision/faces"), Patterns::Answer::matched);
    EXPECT_EQ(found("vision/faces"), Agents{numbered_id(1)});
    EXPECT_EQ(ask("speech"), Patterns::Answer::unmatched);
    ASSERT_TRUE(rib_.deregister_agent(numbered_id(1), nullptr).has_value());
    apply();
    patterns_->turn(now_ms_);
    EXPECT_EQ(found("vision/faces"), Agents{}) << "forgotten with its pattern";
    EXPECT_EQ(ask("vision/ocr"), Patterns::Answer::matched);
    EXPECT_EQ(found("vision/ocr"), Agents{numbered_id(2)});
    ASSERT_TRUE(rib_.deregister_agent(numbered_id(2), nullptr).has_value());
    apply();
    EXPECT_FALSE(patterns_->any());
}

// A frame that was sent up before anybody had its name is served after the registration.
TEST_F(patterns, have_no_say_once_the_very_name_is_offered) {
    offer(1, {glob("vision/*")});
    settle();
    offer(2, {Offer{.text = "vision/ocr"}, Offer{.text = "sound"}});
    EXPECT_EQ(ask("vision/ocr"), Patterns::Answer::offered);
    EXPECT_EQ(found("vision/ocr"), Agents{numbered_id(2)});
    EXPECT_EQ(ask("sound"), Patterns::Answer::offered);
    EXPECT_EQ(found("sound"), Agents{numbered_id(2)});
    offer(3, {Offer{.text = "sound"}});
    EXPECT_EQ(found("sound"), (Agents{numbered_id(2), numbered_id(3)}));
    for (const unsigned number : {2U, 3U}) {
        ASSERT_TRUE(rib_.deregister_agent(numbered_id(number), nullptr).has_value());
    }
    apply();
    EXPECT_EQ(ask("vision/ocr"), Patterns::Answer::matched) << "and again when nobody offers it";
    EXPECT_EQ(found("vision/ocr"), Agents{numbered_id(1)});
    EXPECT_EQ(ask("sound"), Patterns::Answer::unmatched);
}

// Whatever the order of registrations, look-ups and publications: a name that is offered and
// published leads to whoever offers it.
TEST_F(patterns, never_stand_where_a_name_is_offered) {
    offer(1, {glob("vision/*")});
    settle();
    std::mt19937 dice(1);
    const std::vector<std::string> names = {"vision/a", "vision/b", "c"};
    for (int step = 0; step < 2'000; ++step) {
        const auto agent = static_cast<std::uint32_t>(2 + dice() % 3);
        const std::string& name = names[dice() % names.size()];
        switch (dice() % 4) {
            case 0:
                offer(agent, {Offer{.text = name}});
                break;
            case 1:
                if (rib_.deregister_agent(numbered_id(agent), nullptr).has_value()) {
                    apply();
                }
                break;
            case 2:
                std::ignore = ask(name);
                break;
            default:
                now_ms_ += dice() % 1'500;
                patterns_->turn(now_ms_);
        }
        for (const std::string& each : names) {
            const std::uint32_t number = rib_.names().find(OfferKind::name, each);
            if (number != 0) {
                ASSERT_EQ(found(each).size(), index_->providers_of(number)->providers().size());
                ASSERT_NE(found(each), Agents{numbered_id(1)}) << each << " at step " << step;
            }
        }
        fib_->reclaim();
        sets_.reclaim();
    }
}

TEST_F(patterns, a_new_pattern_takes_effect_on_names_that_nobody_matched) {
    offer(1, {glob("a/*")});
    settle();
    EXPECT_EQ(ask("b/x"), Patterns::Answer::unmatched);
    EXPECT_EQ(ask("c/x"), Patterns::Answer::unmatched);
    offer(2, {glob("b/*")});
    settle();
    now_ms_ -= 999;  // before the end of what is known of them
    EXPECT_EQ(fib_->find(routing::capability_key(routing::capability_id("b/x"))), nullptr);
    EXPECT_NE(fib_->find(routing::capability_key(routing::capability_id("c/x"))), nullptr)
        << "nothing has changed for it";
    EXPECT_EQ(ask("b/x"), Patterns::Answer::matched);
    EXPECT_EQ(found("b/x"), Agents{numbered_id(2)});
}

TEST_F(patterns, a_regex_is_tried_by_the_builder_before_it_is_judged) {
    std::vector<Offer> offers = {regex("^ocr-(de|en)$"), glob("a*?")};
    EXPECT_EQ(patterns_->judge(offers, false).error().code, ErrorCode::unauthorised);
    const auto untried = patterns_->judge(offers, true).value().untried;
    EXPECT_EQ(untried, std::vector<std::string>{"^ocr-(de|en)$"});
    EXPECT_EQ(offers[1].text, "a?*") << "the one form it is kept in";
    const std::vector<std::uint8_t> frame = {1, 2, 3};
    EXPECT_TRUE(patterns_->keep(
        {.ingress = 4, .agent = {}, .from = {}, .frame = frame, .untried = untried}));
    EXPECT_TRUE(patterns_->take_tried().empty());
    settle();
    const auto tried = patterns_->take_tried();
    ASSERT_EQ(tried.size(), 1U);
    EXPECT_EQ(tried[0].ingress, 4U);
    EXPECT_EQ(tried[0].frame, frame);
    EXPECT_TRUE(patterns_->judge(offers, true).value().untried.empty());
    EXPECT_EQ(patterns_->waiting(), 0U);
    offer(1, offers);
    settle();
    EXPECT_EQ(ask("ocr-de"), Patterns::Answer::matched);
    EXPECT_EQ(ask("ocr-fr"), Patterns::Answer::unmatched);
}

TEST_F(patterns, requests_that_are_superseded_come_back_untried) {
    KeptRequest moved = waiting(1, "c+");
    moved.from.port = 1;
    for (const KeptRequest& request : {waiting(1, "a+"), waiting(2, "b+"), moved}) {
        ASSERT_TRUE(patterns_->keep(request));
    }
    EXPECT_FALSE(patterns_->supersede(numbered_id(3), nullptr, PatternJudge::kAll));
    EXPECT_FALSE(patterns_->supersede(numbered_id(1), nullptr, 1)) << "its first is the first";
    EXPECT_TRUE(patterns_->supersede(numbered_id(1), &moved.from, PatternJudge::kAll));
    const auto one = patterns_->take_tried();
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].untried, moved.untried);
    EXPECT_TRUE(one[0].superseded);
    EXPECT_TRUE(patterns_->supersede(numbered_id(1), nullptr, 3));
    ASSERT_EQ(patterns_->take_tried().size(), 1U);
    settle();
    const auto tried = patterns_->take_tried();
    ASSERT_EQ(tried.size(), 1U);
    EXPECT_EQ(tried[0].agent, numbered_id(2));
    EXPECT_FALSE(tried[0].superseded);
}

TEST_F(patterns, what_is_refused_is_refused_with_the_reason) {
    std::vector<Offer> offers = {regex("(a{1,1000}){1,1000}b")};
    EXPECT_EQ(patterns_->judge(offers, true).error().detail,
              "pattern: a repeat is of more than 100; no capability name is longer");
    offers = {glob("**")};
    EXPECT_EQ(patterns_->judge(offers, true).error().code, ErrorCode::malformed);
    for (std::size_t i = 0; i < Patterns::kWaitingMax; ++i) {
        EXPECT_TRUE(patterns_->keep(waiting(1, "x" + std::to_string(i))));
    }
    EXPECT_FALSE(patterns_->keep(waiting(1, "y"))) << "as many wait as may";
    settle();
    for (int turns = 0; patterns_->counts().tried < Patterns::kWaitingMax; ++turns) {
        ASSERT_LT(turns, 10);
        settle();
    }
    EXPECT_EQ(patterns_->take_tried().size(), Patterns::kWaitingMax);
}

TEST_F(patterns, no_more_are_taken_than_the_memory_for_them_allows) {
    config_.database_mb = 1;
    patterns_->set_options(config_);
    std::string long_one;
    for (int i = 0; i < 99; ++i) {
        long_one += "*b";
    }
    std::vector<Offer> offers;
    for (char first = 'a'; first <= 'z'; ++first) {
        offers.push_back(glob(first + long_one));
    }
    const auto refused = patterns_->judge(offers, false);
    ASSERT_FALSE(refused.has_value()) << "together they are expected to take more";
    EXPECT_EQ(refused.error().code, ErrorCode::overloaded);
    EXPECT_NE(refused.error().detail.find("would take more than 1048576 bytes"), std::string::npos);
    offers.resize(5);
    ASSERT_TRUE(patterns_->judge(offers, false).has_value());
    offer(1, offers);
    settle();
    EXPECT_EQ(patterns_->directory().table().waiting(), 0U);
    EXPECT_LE(patterns_->directory().table().bytes(), 1U << 20);
    EXPECT_TRUE(patterns_->judge(offers, false).has_value()) << "they are in";
}

// What was expected to fit and does not is told to whoever offers it next.
TEST_F(patterns, one_that_could_not_be_compiled_is_refused_from_then_on) {
    std::vector<Offer> offers = {glob("vision/*")};
    ASSERT_TRUE(patterns_->judge(offers, false).has_value());
    offer(1, offers);
    config_.database_mb = 0;
    patterns_->set_options(config_);
    settle();
    EXPECT_EQ(patterns_->counts().build_fails, 1U);
    EXPECT_EQ(patterns_->directory().table().failed(), 1U);
    EXPECT_EQ(ask("vision/ocr"), Patterns::Answer::unmatched);
    const auto refused = patterns_->judge(offers, false);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::overloaded);
    EXPECT_EQ(refused.error().detail.find("pattern vision/*: not compiled: the compiled patterns"),
              0U)
        << refused.error().detail;
    config_.database_mb = 64;
    patterns_->set_options(config_);
    settle();
    EXPECT_TRUE(patterns_->judge(offers, false).has_value());
    EXPECT_EQ(ask("vision/ocr"), Patterns::Answer::matched);
}

}  // namespace
}  // namespace posthaste::controlplane
