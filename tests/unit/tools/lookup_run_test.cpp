// SPDX-License-Identifier: BSD-3-Clause
// The measuring itself, of tables made up for it. Without EAL the time stamp counter has no rate,
// so that changes are made as fast as can be.
#include "tools/benchmark/lookup_run.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "tools/benchmark/lookup_report.h"

namespace tools = posthaste::tools;

namespace {

using posthaste::routing::AgentId;

// A map behind a mutex.
class Honest : public tools::Contender {
  public:
    explicit Honest(std::uint32_t agents) {
        for (std::uint32_t number = 0; number < agents; ++number) {
            values_[tools::member_id(number)] = number;
        }
    }

    tools::Answers lookup(std::span<const AgentId> ids, unsigned /*batch*/) override {
        return tools::one_by_one(ids, [this](const AgentId& id) -> tools::Answers {
            const auto value = find(id);
            return value.has_value() ? tools::Answers{1, *value & 0xffffffff} : tools::Answers{};
        });
    }

    std::optional<std::uint64_t> find(const AgentId& id) override {
        const std::lock_guard lock(mutex_);
        const auto found = values_.find(id);
        return found == values_.end() ? std::nullopt : std::optional(found->second);
    }

    bool set(const AgentId& id, std::uint64_t value) override {
        const std::lock_guard lock(mutex_);
        values_[id] = value;
        return true;
    }

    bool remove(const AgentId& id) override {
        const std::lock_guard lock(mutex_);
        return values_.erase(id) == 1;
    }

  private:
    std::mutex mutex_;
    std::map<AgentId, std::uint64_t> values_;
};

// Finds a neighbour in place of the agent asked for.
class Liar : public Honest {
  public:
    using Honest::Honest;

    tools::Answers lookup(std::span<const AgentId> ids, unsigned batch) override {
        tools::Answers answers = Honest::lookup(ids, batch);
        ++answers.sum;
        return answers;
    }
};

// Finds who is not there.
class Inventor : public Honest {
  public:
    using Honest::Honest;

    std::optional<std::uint64_t> find(const AgentId& id) override {
        return Honest::find(id).value_or(0);
    }
};

// Says yes to every change.
class Deaf : public Honest {
  public:
    using Honest::Honest;

    bool set(const AgentId& /*id*/, std::uint64_t /*value*/) override { return true; }

    bool remove(const AgentId& /*id*/) override { return true; }
};

template <typename Table>
tools::ContenderKind kind(std::string_view name) {
    return {.name = name,
            .concurrent = true,
            .make = [](const tools::Build& build)
                -> tl::expected<std::unique_ptr<tools::Contender>, std::string> {
                return std::make_unique<Table>(build.agents);
            }};
}

class LookupRun : public testing::Test {
  protected:
    tl::expected<tools::LookupFigures, std::string> measure(
        const std::vector<tools::ContenderKind>& all, const std::vector<std::string>& streams) {
        options_.agents = {100};
        options_.streams = streams;
        options_.repeat = 3;
        options_.seconds = 0.001;
        options_.writer_core = 0;
        kinds_ = tools::chosen_kinds(options_, all);
        return tools::measure_lookups(options_, kinds_, tools::cases_of(options_), {1e9, 0});
    }

    tools::LookupOptions options_;
    tools::Kinds kinds_;
};

}  // namespace

TEST_F(LookupRun, every_contender_has_a_row_per_case_and_a_figure_per_round) {
    const std::vector<tools::ContenderKind> all = {kind<Honest>("one"), kind<Honest>("two")};
    const auto figures = measure(all, {"hits", "misses", "churn"});
    ASSERT_TRUE(figures.has_value()) << figures.error();
    ASSERT_EQ(figures->lookups.size(), 4U);
    EXPECT_EQ(figures->lookups[1].contender, "two");
    EXPECT_EQ(figures->lookups[2].what, (tools::Case{"misses", 100, 64}));
    for (const tools::LookupRow& row : figures->lookups) {
        EXPECT_EQ(row.ns.size(), 3U);
        EXPECT_EQ(row.subject_ns.size(), 3U);
    }
    ASSERT_EQ(figures->churn.size(), 2U);
    EXPECT_EQ(figures->churn[0].churn_ns.size(), 3U);
}

TEST_F(LookupRun, a_wrong_sum_ends_the_run) {
    const auto figures = measure({kind<Honest>("one"), kind<Liar>("liar")}, {"hits"});
    ASSERT_FALSE(figures.has_value());
    EXPECT_EQ(figures.error(), "wrong answer: liar with 100 agents");
}

TEST_F(LookupRun, a_stranger_found_ends_the_run) {
    const auto figures = measure({kind<Inventor>("inventor")}, {"hits"});
    ASSERT_FALSE(figures.has_value());
    EXPECT_EQ(figures.error(), "wrong answer: inventor with 100 agents");
}

TEST_F(LookupRun, a_table_that_missed_a_change_ends_the_run) {
    const auto figures = measure({kind<Deaf>("deaf")}, {"churn"});
    ASSERT_FALSE(figures.has_value());
    EXPECT_EQ(figures.error(), "wrong answer: deaf with 100 agents under changes");
}

TEST_F(LookupRun, contenders_without_concurrent_readers_are_left_out_of_churn) {
    std::vector<tools::ContenderKind> all = {kind<Honest>("one"), kind<Honest>("two")};
    all[1].concurrent = false;
    const auto figures = measure(all, {"churn"});
    ASSERT_TRUE(figures.has_value());
    ASSERT_EQ(figures->churn.size(), 1U);
    EXPECT_EQ(figures->churn[0].contender, "one");
}

TEST(lookup_report, the_json_has_what_was_measured) {
    const std::vector<tools::ContenderKind> all = {kind<Honest>("one"), kind<Honest>("two")};
    const tools::Case what{"hits", 10, 64};
    tools::LookupFigures figures;
    figures.lookups.push_back({what, "two", {20, 40, 30}, {10, 10, 10}});
    figures.churn.push_back({what, "one", {10}, {11}, 99, {1, 2, 3}});
    tools::LookupOptions options;
    const auto kinds = tools::chosen_kinds(options, all);
    const auto json = nlohmann::json::parse(tools::lookup_json(options, kinds, figures, {}));
    EXPECT_EQ(json["subject"], "one");
    EXPECT_EQ(json["lookups"][0]["ns"]["median"], 30);
    EXPECT_EQ(json["lookups"][0]["ns"]["min"], 20);
    EXPECT_EQ(json["lookups"][0]["ns"]["max"], 40);
    EXPECT_EQ(json["lookups"][0]["ratio"]["median"], 3);
    EXPECT_EQ(json["churn"][0]["slowdown"]["median"], 1.1);
    EXPECT_EQ(json["churn"][0]["visible_us"]["max"], 3);
    const std::string table = tools::lookup_table(options, kinds, figures, {});
    EXPECT_NE(table.find("hits, 10 agents, batches of 64"), std::string::npos);
    EXPECT_NE(table.find("two                    30.00     20.00     40.00      3.00"),
              std::string::npos)
        << table;
}
