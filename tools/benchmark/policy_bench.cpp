// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/policy_bench.h"

#include <hs.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <span>

#include "routing/expression.h"
#include "routing/policy_set.h"
#include "tools/benchmark/machine.h"
#include "tools/benchmark/pattern_rivals.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/time_turns.h"

namespace posthaste::tools {

namespace {

using routing::PolicyMask;
using routing::PolicySet;

constexpr std::size_t kPayloads = 256;
constexpr std::size_t kMatchingOneIn = 8;  // payloads that match a rule
constexpr std::size_t kHeadsMax = 64;      // rules whose head a slow payload repeats
constexpr std::size_t kHeadBytes = 10;     // of an expression, in front of what varies
constexpr std::size_t kDatabaseMax = std::size_t{1} << 30;
constexpr unsigned kRulesWithGoal = 1'000;
constexpr double kGoal = 1.10;

std::span<const std::uint8_t> bytes_of(const std::string& text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Texts like those that agents send; some of them match a rule.
std::vector<std::string> payloads_for(const RuleSample& sample, unsigned bytes) {
    std::mt19937 random(7);
    const auto word = [&random](unsigned letters) {
        std::string made;
        while (made.size() < letters) {
            made += static_cast<char>('a' + random() % 26);
        }
        return made;
    };
    std::vector<std::string> payloads;
    while (payloads.size() < kPayloads) {
        std::string text = "{";
        while (text.size() < bytes) {
            text += "\"" + word(6) + "\": \"" + word(9) + "\", ";
        }
        const std::string& matching = sample.matching[random() % sample.matching.size()];
        if (payloads.size() % kMatchingOneIn == 0 && matching.size() < bytes) {
            text.replace(random() % (bytes - matching.size()), matching.size(), matching);
        }
        text.resize(bytes);
        payloads.push_back(std::move(text));
    }
    return payloads;
}

// Payloads full of beginnings of matches, which no filter may skip, and one full of matches.
std::vector<std::string> slow_payloads(const RuleSample& sample, unsigned bytes) {
    std::vector<std::string> payloads;
    std::string mixed;
    for (std::size_t i = 0; i < std::min(sample.matching.size(), kHeadsMax); ++i) {
        const std::string head = sample.matching[i].substr(0, kHeadBytes);
        mixed += head;
        std::string repeated;
        while (repeated.size() < bytes) {
            repeated += head;
        }
        repeated.resize(bytes);
        payloads.push_back(std::move(repeated));
    }
    while (mixed.size() < bytes) {
        mixed += mixed;
    }
    mixed.resize(bytes);
    payloads.push_back(std::move(mixed));
    std::string reported;
    for (std::size_t i = 0; reported.size() < bytes; ++i) {
        reported += sample.matching[i % sample.matching.size()] + " ";
    }
    reported.resize(bytes);
    payloads.push_back(std::move(reported));
    return payloads;
}

// One database of all rules and nothing around it.
class BareHyperscan {
  public:
    explicit BareHyperscan(const RuleSample& sample) {
        std::vector<const char*> texts;
        std::vector<unsigned> flags;
        std::vector<unsigned> ids;
        for (const std::string& expression : sample.expressions) {
            texts.push_back(expression.c_str());
            flags.push_back(routing::hyperscan_flags({}) | HS_FLAG_SINGLEMATCH);
            ids.push_back(static_cast<unsigned>(ids.size()));
        }
        hs_compile_error_t* error = nullptr;
        if (hs_compile_multi(texts.data(),
                             flags.data(),
                             ids.data(),
                             static_cast<unsigned>(texts.size()),
                             HS_MODE_BLOCK,
                             nullptr,
                             &database_,
                             &error) != HS_SUCCESS) {
            hs_free_compile_error(error);
        } else if (hs_alloc_scratch(database_, &scratch_) != HS_SUCCESS) {
            scratch_ = nullptr;
        }
    }

    ~BareHyperscan() {
        hs_free_scratch(scratch_);
        hs_free_database(database_);
    }

    BareHyperscan(const BareHyperscan&) = delete;
    BareHyperscan& operator=(const BareHyperscan&) = delete;

    [[nodiscard]] bool sound() const noexcept { return scratch_ != nullptr; }

    // How many rules match.
    [[nodiscard]] std::size_t scan(const std::string& payload) const noexcept {
        std::size_t matches = 0;
        const auto count =
            [](unsigned, unsigned long long, unsigned long long, unsigned, void* sum) {
                ++*static_cast<std::size_t*>(sum);
                return 0;
            };
        const auto bytes = static_cast<unsigned>(payload.size());
        return hs_scan(database_, payload.data(), bytes, 0, scratch_, count, &matches) == HS_SUCCESS
                   ? matches
                   : 0;
    }

  private:
    hs_database_t* database_ = nullptr;
    hs_scratch_t* scratch_ = nullptr;
};

// Cycles of the time stamp counter in a nanosecond.
double cycles_per_ns() {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const std::uint64_t before = __rdtsc();
    std::chrono::duration<double, std::nano> past(0);
    while (past.count() < 1e7) {
        past = Clock::now() - start;
    }
    return static_cast<double>(__rdtsc() - before) / past.count();
}

class Bench {
  public:
    explicit Bench(const PolicyBenchOptions& options)
        : options_(options), cycles_per_ns_(cycles_per_ns()) {
        report_.heading = "All rules looked for in payloads of " + std::to_string(options.payload) +
                          " bytes, one in " + std::to_string(kMatchingOneIn) + " with a match";
        report_.unit = "payload";
        report_.options = {
            {"payload", options.payload}, {"seconds", options.seconds}, {"repeat", options.repeat}};
        report_.more["cycles_per_ns"] = cycles_per_ns_;
    }

    tl::expected<void, std::string> run(unsigned rules) {
        const RuleSample sample = rule_sample(rules);
        payloads_ = payloads_for(sample, options_.payload);
        routing::Policy policy;
        policy.name = "bench";
        policy.ports = {0};
        policy.depth = options_.payload;
        for (const std::string& expression : sample.expressions) {
            policy.rules.push_back({{expression, {}}, {}});
        }
        const auto ours = PolicySet::compile(
            {policy}, {.workers = 1, .ports = 1, .database_bytes_max = kDatabaseMax});
        if (!ours.has_value()) {
            return tl::unexpected(ours.error().why);
        }
        const BareHyperscan bare(sample);
        const Pcre2Patterns pcre2(sample.expressions);
        const StdPatterns standard(sample.expressions);
        if (!bare.sound() || !pcre2.sound()) {
            return tl::unexpected(std::string("a rival cannot compile the rules here"));
        }
        std::vector<std::uint32_t> found;
        for (const std::string& payload : payloads_) {
            static_cast<void>((*ours)->matching_rules({}, bytes_of(payload), found));
            if (found.size() != pcre2.match(payload) || found.size() != bare.scan(payload)) {
                return tl::unexpected("they do not agree on " + payload);
            }
        }
        measure(std::to_string(rules), **ours, bare, pcre2, standard, slowest(**ours, sample));
        note(rules, **ours);
        return {};
    }

    [[nodiscard]] std::string text() const {
        return options_.json ? json_of(report_) : table_of(report_);
    }

  private:
    template <class Scan>
    double turns(double seconds, const Scan& scan) {
        return time_turns(seconds, [&] {
            found_ += scan(payloads_[next_++ % payloads_.size()]);
            return std::size_t{1};
        });
    }

    static std::size_t scan(const PolicySet& set, const std::string& payload) {
        PolicyMask matched = 0;
        return set.scan(0, 1, bytes_of(payload), matched) ? matched : 0;
    }

    std::string slowest(const PolicySet& set, const RuleSample& sample) {
        std::string worst;
        double most = 0;
        for (std::string& payload : slow_payloads(sample, options_.payload)) {
            const double ns = time_turns(options_.seconds / 10, [&] {
                found_ += scan(set, payload);
                return std::size_t{1};
            });
            if (ns > most) {
                most = ns;
                worst = std::move(payload);
            }
        }
        return worst;
    }

    void measure(const std::string& count,
                 const PolicySet& ours,
                 const BareHyperscan& bare,
                 const Pcre2Patterns& pcre2,
                 const StdPatterns& standard,
                 const std::string& bomb) {
        std::array<Row, 5> rows = {
            Row{"ours_" + count, count + " rules, ours", {}},
            Row{"hyperscan_" + count, count + " rules, Hyperscan alone", {}},
            Row{"pcre2_" + count, count + " rules, PCRE2-JIT each", {}},
            Row{"std_" + count, count + " rules, std::regex each", {}},
            Row{"slow_" + count, count + " rules, ours, the slowest payload tried", {}}};
        const double seconds = options_.seconds;
        for (unsigned i = 0; i < options_.repeat; ++i) {
            rows[0].ns.push_back(
                turns(seconds, [&](const std::string& text) { return scan(ours, text); }));
            rows[1].ns.push_back(
                turns(seconds, [&](const std::string& text) { return bare.scan(text); }));
            rows[4].ns.push_back(
                turns(seconds, [&](const std::string&) { return scan(ours, bomb); }));
            rows[2].ns.push_back(
                turns(seconds, [&](const std::string& text) { return pcre2.match(text); }));
        }
        // Takes seconds where the rules are many: once, and one payload at a time.
        const auto start = std::chrono::steady_clock::now();
        found_ += standard.search(payloads_[1]);
        rows[3].ns.push_back(
            std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start)
                .count());
        report_.rows.insert(report_.rows.end(), rows.begin(), rows.end());
    }

    [[nodiscard]] double bytes_per_cycle(const Row& row) const {
        return options_.payload / (row.cost() * cycles_per_ns_);
    }

    void note(unsigned rules, const PolicySet& set) {
        const std::string count = std::to_string(rules);
        const Row& ours = *report_.row("ours_" + count);
        const Row& slow = *report_.row("slow_" + count);
        const double to_bare = median_ratio(ours, *report_.row("hyperscan_" + count));
        if (rules >= kRulesWithGoal) {
            report_.ratios.push_back({"ours_to_hyperscan_" + count,
                                      "cost: " + count + " rules, ours to Hyperscan alone",
                                      to_bare,
                                      kGoal,
                                      true});
        }
        std::array<char, 320> text;
        std::snprintf(text.data(),
                      text.size(),
                      "%u rules, %zu KiB: %.2f bytes per cycle, %.3f of Hyperscan's time alone; "
                      "PCRE2-JIT takes %.0f times as long, std::regex %.0f times; the slowest "
                      "payload tried %.1f cycles per byte, %.1f times the others",
                      rules,
                      set.database_bytes() / 1'024,
                      bytes_per_cycle(ours),
                      to_bare,
                      median_ratio(*report_.row("pcre2_" + count), ours),
                      report_.row("std_" + count)->cost() / ours.cost(),
                      1 / bytes_per_cycle(slow),
                      median_ratio(slow, ours));
        report_.notes.emplace_back(text.data());
        report_.more["bytes_per_cycle"][count] = {{"ours", bytes_per_cycle(ours)},
                                                  {"slow", bytes_per_cycle(slow)}};
    }

    const PolicyBenchOptions& options_;
    double cycles_per_ns_;
    Report report_;
    std::vector<std::string> payloads_;
    std::size_t next_ = 0;
    std::size_t found_ = 0;
};

}  // namespace

tl::expected<std::string, std::string> run_policies(const PolicyBenchOptions& options) {
    pin_to(options.core);
    Bench bench(options);
    for (const unsigned rules : options.rules) {
        if (auto ran = bench.run(rules); !ran.has_value()) {
            return tl::unexpected(ran.error());
        }
    }
    return bench.text();
}

}  // namespace posthaste::tools
