// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <cstdio>

#include "tools/benchmark/latency.h"
#include "tools/benchmark/paced.h"

namespace posthaste::tools {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kTrials = 10;     // the answer is within a thousandth of the range
constexpr double kAboveMost = 1.1;   // of what the router takes flat out: surely too much
constexpr double kQuietShare = 0.2;  // of a trial, for it to tell anything
constexpr unsigned kTriesMax = 5;
constexpr double kPpm = 1e6;

struct Judged {
    bool passed = false;
    Json facts;
};

// Throughput as RFC 2544 (26.1) has it: the fastest rate that is forwarded without loss, or here
// with a loss that is allowed, by halving the interval. Frames lost while time was stolen are
// told, and do not count: on a machine of one's own there are none.
class Search {
  public:
    Search(Paced& paced, const ForwardOptions& options) : paced_(paced), options_(options) {}

    tl::expected<Report, std::string> run();

  private:
    [[nodiscard]] tl::expected<Judged, std::string> judge(double rate);

    Paced& paced_;
    const ForwardOptions& options_;
};

// One trial; again where it tells nothing.
tl::expected<Judged, std::string> Search::judge(double rate) {
    for (unsigned i = 0; i < kTriesMax; ++i) {
        const auto trial = paced_.trial(rate, options_.seconds);
        if (!trial.has_value()) {
            return tl::unexpected(trial.error());
        }
        if (trial->quiet_seconds < kQuietShare * trial->seconds) {
            continue;
        }
        const double loss = trial->loss() * kPpm;
        return Judged{loss <= options_.loss,
                      {{"rate_per_s", rate},
                       {"passed", loss <= options_.loss},
                       {"loss_ppm", loss},
                       {"lost", trial->lost},
                       {"lost_while_stolen", trial->lost_stolen},
                       {"churn_per_s", static_cast<double>(trial->changes) / trial->seconds},
                       {"quiet_seconds", trial->quiet_seconds}}};
    }
    return tl::unexpected(std::string(
        "too much time is stolen from the cores to tell a rate; try when the machine is quiet"));
}

tl::expected<Report, std::string> Search::run() {
    const auto most = paced_.most(options_.seconds);
    if (!most.has_value()) {
        return tl::unexpected(most.error());
    }
    double passed = 0;
    double failed = *most * kAboveMost;
    Json trials = Json::array();
    for (unsigned i = 0; i < kTrials; ++i) {
        const double rate = (passed + failed) / 2;
        const auto judged = judge(rate);
        if (!judged.has_value()) {
            return tl::unexpected(judged.error());
        }
        (judged->passed ? passed : failed) = rate;
        trials.push_back(judged->facts);
        std::fprintf(stderr,
                     "forward: trial %u of %u, %.3f Mframes/s: %.1f ppm lost\n",
                     i + 1,
                     kTrials,
                     rate / 1e6,
                     judged->facts["loss_ppm"].get<double>());
    }
    Report report;
    std::array<char, 200> text;
    std::snprintf(text.data(),
                  text.size(),
                  "throughput with at most %.0f ppm lost: %.3f Mframes/s, between rings; flat out "
                  "%.3f",
                  options_.loss,
                  passed / 1e6,
                  *most / 1e6);
    report.notes.emplace_back(text.data());
    report.more["throughput_per_s"] = passed;
    report.more["most_per_s"] = *most;
    report.more["loss_ppm_allowed"] = options_.loss;
    report.more["trials"] = trials;
    return report;
}

}  // namespace

tl::expected<Report, std::string> run_search(const ForwardOptions& options) {
    auto paced = Paced::open(options);
    if (!paced.has_value()) {
        return tl::unexpected(paced.error());
    }
    auto report = Search(**paced, options).run();
    if (!report.has_value()) {
        return report;
    }
    if (auto closed = (*paced)->close(); !closed.has_value()) {
        return tl::unexpected(closed.error());
    }
    return report;
}

}  // namespace posthaste::tools
