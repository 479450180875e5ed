// SPDX-License-Identifier: BSD-3-Clause
// PatternDirectory against a list of globs tried one by one, while patterns come and go and builds
// take their time: what is looked up is what the patterns that were built match, and what is
// remembered is never what would not be found by matching now.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>

#include "routing/capability_name.h"
#include "routing/pattern_directory.h"
#include "tests/support/naive_glob.h"

using namespace posthaste::routing;
using posthaste::test::naive_glob_matches;

namespace {

constexpr std::uint32_t kNumbers = 12;

struct Model {
    std::string glob;
    bool built = false;
};

class Scene {
  public:
    void step() {
        now_ += *rc::gen::inRange(0, 20);
        switch (*rc::gen::inRange(0, 6)) {
            case 0:
                return add();
            case 1:
                return remove();
            case 2:
                return start();
            case 3:
                return finish();
            default:
                return look_up();
        }
    }

    // With nothing left to build, all patterns match.
    void settle() {
        now_ += 1'000;
        do {
            finish();
            start();
        } while (job_.has_value());
        RC_ASSERT(directory_.table().waiting() == 0U);
        for (const auto& [number, model] : models_) {
            RC_ASSERT(model.built);
        }
        for (int i = 0; i < 10; ++i) {
            look_up();
        }
    }

  private:
    void add() {
        const auto number = *rc::gen::inRange(1U, kNumbers + 1);
        if (models_.contains(number)) {
            return;
        }
        std::string glob;
        for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
            glob += *rc::gen::element<std::string>("a", "b", "/", "*", "**", "?", "[ab]");
        }
        if (auto read = read_pattern(PatternKind::glob, glob)) {
            directory_.add(number, std::move(*read), now_);
            models_[number] = {glob};
        }
    }

    void remove() {
        const auto number = *rc::gen::inRange(1U, kNumbers + 1);
        RC_ASSERT(directory_.remove(number) == (models_.erase(number) == 1));
        in_job_.erase(number);
        forget();
    }

    void start() {
        if (job_) {
            return;
        }
        job_ = directory_.next_job(now_);
        if (job_) {
            for (const PatternMember& member : job_->build.members) {
                in_job_.insert(member.number);
                if (member.added) {
                    job_globs_.push_back(models_.at(member.number).glob);
                }
            }
        }
    }

    void finish() {
        if (!job_) {
            return;
        }
        RC_ASSERT(directory_.finish(run_pattern_job(std::move(*job_))).empty());
        job_.reset();
        for (const std::uint32_t number : std::exchange(in_job_, {})) {
            models_.at(number).built = true;
        }
        const std::map<std::string, std::vector<std::uint32_t>> before = answers_;
        const std::vector<std::string> globs = std::exchange(job_globs_, {});
        forget();
        for (const auto& [name, answer] : before) {
            // Exactly those that changed go, and those that a pattern would have changed that went
            // while it was being built.
            const bool changed = answer != expected(name);
            RC_ASSERT(!changed || !answers_.contains(name));
            RC_ASSERT(
                answers_.contains(name) ||
                std::any_of(globs.begin(), globs.end(), [&name = name](const std::string& glob) {
                    return naive_glob_matches(glob, name);
                }));
        }
    }

    [[nodiscard]] std::vector<std::uint32_t> expected(const std::string& name) const {
        std::vector<std::uint32_t> numbers;
        for (const auto& [number, model] : models_) {
            if (model.built && naive_glob_matches(model.glob, name)) {
                numbers.push_back(number);
            }
        }
        return numbers;
    }

    void look_up() {
        std::string name;
        for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
            name += *rc::gen::element('a', 'b', '/');
        }
        const auto found = directory_.look_up(capability_id(name), name, now_);
        const std::vector<std::uint32_t> numbers(found.patterns.begin(), found.patterns.end());
        RC_ASSERT(numbers == expected(name));
        RC_ASSERT(!numbers.empty() || found.until_ms > now_);
        answers_[name] = numbers;
        forget();
        // Whoever remembers what it was told, and forgets as it is told, is right.
        for (const auto& [other, answer] : answers_) {
            RC_ASSERT(answer == expected(other));
        }
    }

    void forget() {
        for (const AgentId& id : directory_.take_forgotten()) {
            std::erase_if(answers_,
                          [&](const auto& answer) { return capability_id(answer.first) == id; });
        }
    }

    std::uint64_t now_ = 1'000;
    PatternDirectory directory_{
        {}, {.matched_max = 8, .unmatched_max = 8, .unmatched_ttl_ms = 1'000'000}, {}};
    std::map<std::uint32_t, Model> models_;
    std::optional<PatternJob> job_;
    std::set<std::uint32_t> in_job_;
    std::vector<std::string> job_globs_;  // that are new in it
    std::map<std::string, std::vector<std::uint32_t>> answers_;
};

}  // namespace

TEST(pattern_directory_property, answers_are_those_of_trying_all_patterns) {
    EXPECT_TRUE(rc::check([] {
        Scene scene;
        for (int steps = *rc::gen::inRange(0, 80); steps > 0; --steps) {
            scene.step();
        }
        scene.settle();
    }));
}
