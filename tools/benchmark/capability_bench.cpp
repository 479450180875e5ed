// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/capability_bench.h"

#include <rte_eal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <utility>

#include "tools/benchmark/capability_decisions.h"
#include "tools/benchmark/capability_world.h"
#include "tools/benchmark/key_stream.h"
#include "tools/benchmark/machine.h"
#include "tools/benchmark/rig.h"
#include "tools/benchmark/time_turns.h"

namespace posthaste::tools {

namespace {

using routing::Provider;
using routing::ProviderSet;
using routing::Strategy;

constexpr std::array<std::pair<Strategy, const char*>, 4> kStrategies = {{
    {Strategy::sticky, "sticky"},
    {Strategy::priority, "priority"},
    {Strategy::weighted, "weighted"},
    {Strategy::least_loaded, "least-loaded"},
}};

constexpr unsigned kJoinsPerRepetition = 8;
constexpr double kJoinGoalUs = 100;

struct Subject {
    Row row;
    std::function<double(double)> measure;  // for so many seconds: nanoseconds a decision
};

std::string of(std::uint32_t agents) {
    return "_of_" + std::to_string(agents);
}

// By time_turns(), 16 copies between two looks at the clock would take too long.
double time_copies(CapabilityDecisions& decisions, double seconds) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    std::chrono::duration<double> past(0);
    std::size_t count = 0;
    while (past.count() < seconds) {
        count += decisions.copy();
        past = Clock::now() - start;
    }
    return past.count() * 1e9 / static_cast<double>(count);
}

void add_decisions(CapabilityDecisions& decisions,
                   std::uint32_t agents,
                   std::vector<Subject>& subjects) {
    const auto add_row = [&](const std::string& key, const std::string& title) -> Subject& {
        Subject& subject = subjects.emplace_back();
        subject.row.key = key + of(agents);
        subject.row.title = title + ", " + std::to_string(agents);
        return subject;
    };
    const auto add = [&](Subject& subject, Strategy strategy, std::size_t burst, bool anew) {
        subject.measure = [&decisions, strategy, burst, anew](double seconds) {
            return time_turns(seconds, [&] { return decisions.decide(strategy, burst, anew); });
        };
    };
    for (const bool anew : {false, true}) {
        for (const auto& [strategy, name] : kStrategies) {
            const std::string key = std::string(name) + (anew ? "_new" : "");
            const std::string title = std::string(name) + (anew ? ", new conversations" : "");
            add(add_row(key, title), strategy, CapabilityDecisions::kBurst, anew);
        }
    }
    add(add_row("sticky_single", "sticky, one by one"), Strategy::sticky, 1, false);
    add_row("copy", "copy of the set").measure = [&decisions](double seconds) {
        return time_copies(decisions, seconds);
    };
}

// One more provider of the group's first capability, and gone again: the cost of the first.
double join_us(CapabilityWorld& world, const CapabilityGroup& group, std::uint32_t stranger) {
    using Clock = std::chrono::steady_clock;
    Provider joiner;
    joiner.agent = stranger_id(stranger);
    joiner.cell = world.fib->entry_count() - 1;
    const std::array<routing::ProviderChange, 1> join = {{{.remove = false, .provider = joiner}}};
    const std::array<routing::ProviderChange, 1> leave = {{{.remove = true, .provider = joiner}}};
    const std::uint32_t number = group.numbers[0];
    const auto start = Clock::now();
    world.sets.publish(number, ProviderSet::make(world.sets.read(number), join));
    world.sets.reclaim();
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    world.sets.publish(number, ProviderSet::make(world.sets.read(number), leave));
    world.sets.reclaim();
    return took.count();
}

void add_joins(const CapabilityOptions& options, CapabilityWorld& world, Report& report) {
    report.more["joins"] = nlohmann::ordered_json::object();
    for (const auto& group : world.groups) {
        std::vector<double> us;
        for (unsigned i = 0; i <= options.repeat * kJoinsPerRepetition; ++i) {
            const double took = join_us(world, *group, i);
            if (i > 0) {  // the first warms up
                us.push_back(took);
            }
        }
        const auto [least, most] = std::minmax_element(us.begin(), us.end());
        const std::string agents = std::to_string(group->agents);
        std::array<char, 160> text;
        std::snprintf(text.data(),
                      text.size(),
                      "one provider joins %s: %.1f us to make and publish the set (%.1f to %.1f)",
                      agents.c_str(),
                      median(us),
                      *least,
                      *most);
        report.notes.emplace_back(text.data());
        report.more["joins"][agents] = {
            {"us", median(us)}, {"us_least", *least}, {"us_most", *most}};
        if (group->agents == 1'000) {
            report.ratios.push_back({"join_us_of_1000",
                                     "one provider joins 1000, microseconds",
                                     median(us),
                                     kJoinGoalUs,
                                     true});
        }
    }
}

void add_ratios(const CapabilityOptions& options, Report& report) {
    for (const std::uint32_t agents : options.agents) {
        const Row& copy = *report.row("copy" + of(agents));
        for (const auto& [strategy, name] : kStrategies) {
            report.ratios.push_back(
                {"copy_to_" + std::string(name) + of(agents),
                 "cost: copy of the set to " + std::string(name) + ", " + std::to_string(agents),
                 median_ratio(copy, *report.row(name + of(agents))),
                 agents >= 1'000 ? 50.0 : 1.0,
                 false});
        }
    }
    const auto [least, most] = std::minmax_element(options.agents.begin(), options.agents.end());
    for (const auto& [strategy, name] : kStrategies) {
        report.ratios.push_back(
            {"growth_" + std::string(name),
             "cost: " + std::string(name) + ", " + std::to_string(*most) + " agents to " +
                 std::to_string(*least),
             median_ratio(*report.row(name + of(*most)), *report.row(name + of(*least))),
             2,
             true});
    }
}

void describe(const CapabilityOptions& options, Report& report) {
    report.heading = "deciding where a frame to a capability goes, " +
                     std::to_string(CapabilityDecisions::kBurst) +
                     " at a time, by agents per "
                     "capability; medians of " +
                     std::to_string(options.repeat) + " repetitions in turn";
    report.unit = "decision";
    report.options = {{"agents", options.agents},
                      {"providers", options.providers},
                      {"conversations", options.conversations},
                      {"remembered", options.remembered},
                      {"seconds", options.seconds},
                      {"repeat", options.repeat},
                      {"core", options.core},
                      {"hugepages", options.hugepages}};
}

tl::expected<Report, std::string> measure(const CapabilityOptions& options) {
    auto world = make_capability_world(options.agents, options.providers);
    if (!world.has_value()) {
        return tl::unexpected(world.error());
    }
    std::vector<std::unique_ptr<CapabilityDecisions>> decisions;
    std::vector<Subject> subjects;
    for (const auto& group : (*world)->groups) {
        decisions.push_back(std::make_unique<CapabilityDecisions>(
            **world, *group, options.conversations, options.remembered));
        for (const auto& [strategy, name] : kStrategies) {
            for (const std::size_t burst : {CapabilityDecisions::kBurst, std::size_t{1}}) {
                if (!decisions.back()->right(strategy, burst)) {
                    return tl::unexpected(std::string(name) + " chose who cannot be chosen");
                }
            }
        }
        add_decisions(*decisions.back(), group->agents, subjects);
    }
    for (unsigned turn = 0; turn <= options.repeat; ++turn) {
        for (Subject& subject : subjects) {
            const double ns = subject.measure(options.seconds);
            if (turn > 0) {  // the first warms up
                subject.row.ns.push_back(ns);
            }
        }
    }
    Report report;
    describe(options, report);
    for (Subject& subject : subjects) {
        report.rows.push_back(std::move(subject.row));
    }
    add_ratios(options, report);
    add_joins(options, **world, report);
    return report;
}

}  // namespace

tl::expected<std::string, std::string> run_capability(const CapabilityOptions& options) {
    pin_to(options.core);
    if (auto started = start_eal({.agents = routes_for(options.agents, options.providers),
                                  .core = options.core,
                                  .hugepages = options.hugepages});
        !started.has_value()) {
        return tl::unexpected(started.error());
    }
    const auto report = measure(options);
    rte_eal_cleanup();
    if (!report.has_value()) {
        return tl::unexpected(report.error());
    }
    return options.json ? json_of(*report) : table_of(*report);
}

}  // namespace posthaste::tools
