// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/latency.h"

#include <rte_cycles.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "tools/benchmark/paced.h"

namespace posthaste::tools {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kGoalMicroseconds = 20;
constexpr std::uint64_t kSamplesForTail = 10'000;  // that p99.9 means something

struct Quantile {
    const char* key;
    const char* title;
    double share;
};

constexpr std::array kQuantiles = {Quantile{"p50", "p50", 0.5},
                                   Quantile{"p90", "p90", 0.9},
                                   Quantile{"p99", "p99", 0.99},
                                   Quantile{"p99_9", "p99.9", 0.999},
                                   Quantile{"p99_99", "p99.99", 0.9999},
                                   Quantile{"max", "max", 1}};

double microseconds(std::uint64_t cycles) {
    return static_cast<double>(cycles) * 1e6 / static_cast<double>(rte_get_tsc_hz());
}

Json json_of(const HdrHistogram& latencies) {
    Json made;
    made["samples"] = latencies.count();
    for (const Quantile& quantile : kQuantiles) {
        made[quantile.key] = microseconds(latencies.value_at(quantile.share));
    }
    return made;
}

std::string line_of(const char* title, const HdrHistogram& latencies) {
    std::string line = title;
    for (const Quantile& quantile : kQuantiles) {
        std::array<char, 64> text;
        std::snprintf(text.data(),
                      text.size(),
                      " %s %.2f",
                      quantile.title,
                      microseconds(latencies.value_at(quantile.share)));
        line += text.data();
    }
    return line + " us, " + std::to_string(latencies.count()) + " frames";
}

Json json_of(const StealCount& steal) {
    return {{"gaps", steal.gaps},
            {"us", microseconds(steal.cycles)},
            {"longest_us", microseconds(steal.longest)}};
}

std::string line_of(const char* who, const StealCount& steal) {
    std::array<char, 160> text;
    std::snprintf(
        text.data(),
        text.size(),
        "time stolen from the %s: %llu gaps over %.0f us, %.0f us in all, longest %.0f us",
        who,
        static_cast<unsigned long long>(steal.gaps),
        kStealMicroseconds,
        microseconds(steal.cycles),
        microseconds(steal.longest));
    return text.data();
}

void add(Trial& sum, const Trial& one) {
    sum.seconds += one.seconds;
    sum.offered += one.offered;
    sum.accepted += one.accepted;
    sum.received += one.received;
    sum.lost += one.lost;
    sum.changes += one.changes;
    sum.lost_stolen += one.lost_stolen;
    sum.all.add(one.all);
    sum.quiet.add(one.quiet);
    sum.generator_steal.add(one.generator_steal);
    sum.router_steal.add(one.router_steal);
}

Report report_of(const Trial& sum, double rate, double most) {
    Report report;
    std::array<char, 200> text;
    std::snprintf(text.data(),
                  text.size(),
                  "offered %.3f Mframes/s, %.0f %% of the %.3f that the router takes; lost %llu, "
                  "of these %llu while "
                  "time was stolen",
                  rate / 1e6,
                  rate / most * 100,
                  most / 1e6,
                  static_cast<unsigned long long>(sum.lost),
                  static_cast<unsigned long long>(sum.lost_stolen));
    report.notes = {text.data(),
                    line_of("latency of all frames:           ", sum.all),
                    line_of("of those no stolen time delayed: ", sum.quiet),
                    line_of("router", sum.router_steal),
                    line_of("generator", sum.generator_steal)};
    if (sum.quiet.count() >= kSamplesForTail) {
        report.ratios.push_back({"p99_9_us",
                                 "p99.9 where no time was stolen, us",
                                 microseconds(sum.quiet.value_at(0.999)),
                                 kGoalMicroseconds,
                                 true});
    } else {
        report.notes.emplace_back("too few frames without stolen time to judge p99.9");
    }
    report.more["rate_per_s"] = rate;
    report.more["most_per_s"] = most;
    if (sum.changes > 0) {
        const double reached = static_cast<double>(sum.changes) / sum.seconds;
        report.more["churn_per_s"] = reached;
        report.notes.push_back("route changes a second reached: " +
                               std::to_string(static_cast<std::uint64_t>(reached)));
    }
    report.more["offered"] = sum.offered;
    report.more["received"] = sum.received;
    report.more["lost"] = sum.lost;
    report.more["lost_while_stolen"] = sum.lost_stolen;
    report.more["latency_us"] = {{"all", json_of(sum.all)}, {"not_stolen", json_of(sum.quiet)}};
    report.more["stolen"] = {{"router", json_of(sum.router_steal)},
                             {"generator", json_of(sum.generator_steal)}};
    return report;
}

}  // namespace

tl::expected<Report, std::string> run_latency(const ForwardOptions& options) {
    auto paced = Paced::open(options);
    if (!paced.has_value()) {
        return tl::unexpected(paced.error());
    }
    const auto most = (*paced)->most(std::min(options.seconds, 0.5));
    if (!most.has_value()) {
        return tl::unexpected(most.error());
    }
    const double rate = options.rate > 0 ? options.rate : *most * options.load;
    Trial sum;
    for (unsigned i = 0; i < options.repeat; ++i) {
        const auto one = (*paced)->trial(rate, options.seconds);
        if (!one.has_value()) {
            return tl::unexpected(one.error());
        }
        add(sum, *one);
        std::fprintf(stderr, "forward: latency, repetition %u of %u\n", i + 1, options.repeat);
    }
    Report report = report_of(sum, rate, *most);
    if (auto closed = (*paced)->close(); !closed.has_value()) {
        return tl::unexpected(closed.error());
    }
    return report;
}

}  // namespace posthaste::tools
