// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/joins_bench.h"

#include <rte_eal.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

#include "tools/benchmark/joins_world.h"
#include "tools/benchmark/machine.h"
#include "tools/benchmark/pages.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/rig.h"

namespace posthaste::tools {

namespace {

constexpr unsigned kSmallPerRepetition = 10;
constexpr double kJoinGoalUs = 100;
constexpr double kVisibleGoalMs = 10;

// What the control thread worked, whatever else the machine did, and when a reader saw it.
struct Cost {
    double taken_us = 0;    // of that: the registration, as far as the index is told
    double spent_us = 0;    // until published, and to free in the next cycle what was before
    double visible_us = 0;  // until published, by the clock on the wall
};

struct Costs {
    Row spent;
    std::vector<double> taken_us;
    std::vector<double> visible_us;

    void add(const Cost& cost, double joins) {
        spent.ns.push_back(cost.spent_us * 1e3 / joins);
        taken_us.push_back(cost.taken_us / joins);
        visible_us.push_back(cost.visible_us);
    }
};

double thread_us() {
    timespec spent{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return static_cast<double>(spent.tv_sec) * 1e6 + static_cast<double>(spent.tv_nsec) / 1e3;
}

JoinsPlan plan_of(const JoinsOptions& options) {
    // Each repetition of the large one: a join, another that the batch follows, and the batch.
    const std::uint32_t joins = (options.repeat + 1) * (kSmallPerRepetition + 2 + options.batch);
    return {.agents = options.agents,
            .each = options.each,
            .small = options.small,
            .large = options.large,
            .joins = joins};
}

class Bench {
  public:
    Bench(const JoinsOptions& options, JoinsWorld& world) : options_(options), world_(world) {}

    [[nodiscard]] tl::expected<Report, std::string> run() {
        const std::string of_large = std::to_string(options_.large);
        one_.spent = {"join_small", "one joins " + std::to_string(options_.small), {}};
        one_of_large_.spent = {"join_large", "one joins " + of_large, {}};
        batch_.spent = {"join_large_batch",
                        "each of " + std::to_string(options_.batch) + " that join " + of_large,
                        {}};
        bool good = true;
        for (unsigned i = 0; good && i <= options_.repeat; ++i) {  // the first warms up
            touch_idle_memory();
            for (unsigned k = 0; good && k < kSmallPerRepetition; ++k) {
                good = measure_one(next_small(), i > 0 ? &one_ : nullptr);
            }
            good = good && measure_one(world_.large_name(), i > 0 ? &one_of_large_ : nullptr) &&
                   measure_batch(i > 0);
        }
        if (!good) {
            return tl::unexpected(std::string("an agent that joined is not seen, or not at once"));
        }
        return report();
    }

  private:
    // A capability nobody has asked for lately, as that of the next agent would be.
    std::uint32_t next_small() { return small_++ * kStride % world_.large_name(); }

    // What was joined is seen, and what was before it is freed in the next cycle.
    void publish(std::chrono::steady_clock::time_point start, double before_us, Cost& cost) {
        world_.publish();
        cost.visible_us =
            std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
                .count();
        world_.publish();
        cost.spent_us = thread_us() - before_us;
    }

    [[nodiscard]] bool measure_one(std::uint32_t name, Costs* costs) {
        world_.pass(2 * world_.publish_ms());  // nothing to wait for
        const std::uint32_t joiner = joiner_++;
        const std::uint64_t published = world_.counts().published;
        const auto start = std::chrono::steady_clock::now();
        const double before = thread_us();
        const bool joined = world_.join(joiner, name);
        Cost cost;
        cost.taken_us = thread_us() - before;
        publish(start, before, cost);
        if (costs != nullptr) {
            costs->add(cost, 1);
        }
        return joined && world_.sees(joiner, name) && world_.counts().published == published + 1;
    }

    // Agents that come, each in a cycle of its own, while the last publication is not long past.
    [[nodiscard]] bool measure_batch(bool counts) {
        const std::uint32_t name = world_.large_name();
        if (!measure_one(name, nullptr)) {
            return false;
        }
        const std::uint64_t published = world_.counts().published;
        const std::uint32_t first = joiner_;
        bool good = true;
        const double before = thread_us();
        for (std::uint32_t i = 0; i < options_.batch; ++i) {
            good = world_.join(joiner_++, name) && good;
            world_.publish();
        }
        good = good && world_.counts().published == published && !world_.sees(first, name);
        world_.pass(world_.publish_ms());
        Cost cost;
        cost.taken_us = thread_us() - before;
        publish(std::chrono::steady_clock::now(), before, cost);
        if (counts) {
            batch_.add(cost, options_.batch);
        }
        for (std::uint32_t i = 0; i < options_.batch; ++i) {
            good = good && world_.sees(first + i, name);
        }
        return good && world_.counts().published == published + 1;
    }

    [[nodiscard]] Report report() {
        Report report;
        report.heading = "agents that join a capability, among " + std::to_string(options_.agents) +
                         " with " + std::to_string(options_.each) + " each; medians";
        report.unit = "join";
        report.options = {{"agents", options_.agents},
                          {"each", options_.each},
                          {"small", options_.small},
                          {"large", options_.large},
                          {"batch", options_.batch},
                          {"repeat", options_.repeat},
                          {"core", options_.core},
                          {"hugepages", options_.hugepages}};
        for (const Costs* costs : {&one_, &one_of_large_, &batch_}) {
            report.rows.push_back(costs->spent);
            report.more["taken_us"][costs->spent.key] = median(costs->taken_us);
            report.more["visible_us"][costs->spent.key] = median(costs->visible_us);
        }
        const double visible_ms = world_.publish_ms() + median(one_.visible_us) / 1e3;
        report.ratios = {{"join_small_us",
                          "control thread, " + one_.spent.title + ", us",
                          one_.spent.cost() / 1e3,
                          kJoinGoalUs,
                          true},
                         {"join_small_visible_ms",
                          "seen after, with the longest wait for others, ms",
                          visible_ms,
                          kVisibleGoalMs,
                          true},
                         {"join_large_batch_us",
                          "control thread, " + batch_.spent.title + ", us",
                          batch_.spent.cost() / 1e3,
                          kJoinGoalUs,
                          true}};
        note_visible(report);
        note_memory(report);
        return report;
    }

    void note_visible(Report& report) const {
        std::array<char, 320> text;
        std::snprintf(text.data(),
                      text.size(),
                      "taken in by the Rib and the FIB in %.0f us; seen by lcores %.0f us after it "
                      "registers, the large one's %.1f ms, its batch %.1f ms after it is due; to "
                      "each of them comes a wait of up to %u ms "
                      "where others joined just before",
                      median(one_.taken_us),
                      median(one_.visible_us),
                      median(one_of_large_.visible_us) / 1e3,
                      median(batch_.visible_us) / 1e3,
                      world_.publish_ms());
        report.notes.emplace_back(text.data());
        report.more["publish_ms"] = world_.publish_ms();
    }

    void note_memory(Report& report) const {
        const JoinsFilling& filling = world_.filling();
        const auto offers = static_cast<double>(world_.rib().offers_held());
        const auto set_bytes = static_cast<double>(world_.sets().memory_bytes());
        const auto fib_bytes = static_cast<double>(world_.fib().memory_bytes());
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        std::array<char, 320> text;
        std::snprintf(text.data(),
                      text.size(),
                      "%.0f offers of %u capabilities: sets %.2f GiB, %.0f bytes an offer; FIB "
                      "%.2f GiB; the process at its most %.2f GiB",
                      offers,
                      world_.sets().taken(),
                      set_bytes / 0x1p30,
                      set_bytes / offers,
                      fib_bytes / 0x1p30,
                      static_cast<double>(usage.ru_maxrss) / 0x1p20);
        report.notes.emplace_back(text.data());
        std::snprintf(text.data(),
                      text.size(),
                      "filled in %.1f s: %.1f s to take all agents, %.1f s to publish all sets in "
                      "%llu turns, the longest of %.1f ms",
                      filling.register_s + filling.publish_s,
                      filling.register_s,
                      filling.publish_s,
                      static_cast<unsigned long long>(filling.turns),
                      filling.longest_turn_ms);
        report.notes.emplace_back(text.data());
        report.more["filling"] = {{"register_s", filling.register_s},
                                  {"publish_s", filling.publish_s},
                                  {"turns", filling.turns},
                                  {"longest_turn_ms", filling.longest_turn_ms}};
        report.more["bytes"] = {{"sets", world_.sets().memory_bytes()},
                                {"fib", world_.fib().memory_bytes()},
                                {"process_most", std::uint64_t(usage.ru_maxrss) << 10}};
        report.more["offers"] = world_.rib().offers_held();
        report.more["capabilities"] = world_.sets().taken();
        report.more["providers_of_large"] = world_.providers_of(world_.large_name());
    }

    static constexpr std::uint32_t kStride = 7'919;  // a prime: neighbours lie apart

    const JoinsOptions& options_;
    JoinsWorld& world_;
    Costs one_;
    Costs one_of_large_;
    Costs batch_;
    std::uint32_t joiner_ = 0;
    std::uint32_t small_ = 0;
};

}  // namespace

tl::expected<std::string, std::string> run_joins(const JoinsOptions& options) {
    if (options.large > options.agents || options.small > options.agents - options.large) {
        return tl::unexpected(std::string("there are too few agents for that"));
    }
    pin_to(options.core);
    const JoinsPlan plan = plan_of(options);
    if (auto started = start_eal({.agents = JoinsWorld::routes_for(plan),
                                  .core = options.core,
                                  .hugepages = options.hugepages});
        !started.has_value()) {
        return tl::unexpected(started.error());
    }
    tl::expected<Report, std::string> report = tl::unexpected(std::string());
    {
        auto world = JoinsWorld::make(plan);
        report = world.has_value() ? Bench(options, **world).run()
                                   : tl::unexpected(std::move(world.error()));
    }
    rte_eal_cleanup();
    if (!report.has_value()) {
        return tl::unexpected(report.error());
    }
    return options.json ? json_of(*report) : table_of(*report);
}

}  // namespace posthaste::tools
