// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/forward.h"

#include <rte_cycles.h>
#include <rte_eal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <optional>
#include <tuple>
#include <vector>

#include "tools/benchmark/churn.h"
#include "tools/benchmark/forward_cache.h"
#include "tools/benchmark/latency.h"
#include "tools/benchmark/machine.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/rig.h"
#include "tools/benchmark/testpmd.h"

namespace posthaste::tools {

namespace {

constexpr double kFanOutRate = 29;    // Mframes/s to 16 receivers each: the same, as published
constexpr double kMatchedRate = 0.9;  // of that to names offered as such
constexpr double kRivalRate = 12.5;   // Mframes/s: a hardware message router, as published

double ns_per_frame(const Rig::Turned& turned) {
    return static_cast<double>(turned.cycles) * 1e9 / static_cast<double>(rte_get_tsc_hz()) /
           static_cast<double>(turned.frames);
}

// Whoever is measured in turn with the others: one repetition gives nanoseconds per frame.
struct Contestant {
    std::string key;
    std::string title;
    std::function<tl::expected<double, std::string>()> repetition;
};

class Forward {
  public:
    Forward(const ForwardOptions& options, Rig& rig)
        : options_(options),
          rig_(rig),
          cycles_(
              static_cast<std::uint64_t>(options.seconds * static_cast<double>(rte_get_tsc_hz()))) {
        add_own();
        add_testpmd();
    }

    tl::expected<Report, std::string> run();

  private:
    void add_own();
    void add_names();
    void add_testpmd();
    double churned();
    void add_ratios(Report& report) const;
    void add_facts(Report& report) const;

    const ForwardOptions& options_;
    Rig& rig_;
    std::uint64_t cycles_;
    std::vector<Contestant> contestants_;
    std::vector<std::string> notes_;
    std::vector<double> churn_rates_;  // reached
};

void Forward::add_own() {
    contestants_ = {
        {"router", "whole router", [this] { return ns_per_frame(rig_.forward(cycles_)); }},
        {"router_by_hash",
         "whole router, rte_hash bulk",
         [this] { return ns_per_frame(rig_.forward_by_hash(cycles_)); }},
        {"pipeline",
         "its pipeline, lookups answered",
         [this] { return ns_per_frame(rig_.forward_bare(cycles_)); }},
        {"io", "receive, write, send", [this] { return ns_per_frame(rig_.pass_for(cycles_)); }},
        {"generator",
         "write, which all above include",
         [this] { return ns_per_frame(rig_.generate(cycles_ / 4)); }},
    };
    if (options_.cache != 0) {  // next to what they are compared with
        contestants_.insert(contestants_.begin() + 1,
                            {"cached", "whole router, route cache", [this] {
                                 return ns_per_frame(rig_.forward_cached(cycles_));
                             }});
        contestants_.insert(contestants_.begin() + 3,
                            {"cached_by_hash", "whole router, rte_hash, route cache", [this] {
                                 return ns_per_frame(rig_.forward_cached_by_hash(cycles_));
                             }});
    }
    if (options_.ingress == "edge") {
        notes_.emplace_back(
            "All frames come from one agent, which a router looks up once for those in a row.");
    }
    if (options_.address != "agent") {
        contestants_.push_back(
            {"capability",
             options_.address == "any" ? "whole router, to any" : "whole router, to all, per copy",
             [this] { return ns_per_frame(rig_.forward_to_capabilities(cycles_)); }});
    }
    if (options_.address == "any") {
        add_names();
    }
    if (options_.churn > 0) {
        contestants_.push_back(
            {"churn", "whole router, routes changing", [this] { return churned(); }});
    }
}

// A name's frames say it where a pattern is to match it, and may where it is offered as such.
void Forward::add_names() {
    const std::string any = "whole router, to any, ";
    for (const auto& [naming, key, title] :
         {std::tuple(Naming::offered_anew, "capability_anew", "each frame a new conversation"),
          std::tuple(Naming::matched, "capability_matched", "name matched by a pattern"),
          std::tuple(Naming::offered_said, "capability_said", "name said in the frame"),
          std::tuple(Naming::matched_said, "capability_matched_said", "name matched and said")}) {
        contestants_.push_back({key, any + title, [this, naming = naming] {
                                    return ns_per_frame(
                                        rig_.forward_to_capabilities(cycles_, naming));
                                }});
    }
}

double Forward::churned() {
    ChurnOptions churn;
    churn.rate = options_.churn;
    churn.core = *options_.other_core;
    churn.agents = options_.agents;
    churn.route = [this](std::uint32_t number) { return rig_.route(number); };
    const std::uint64_t start = rte_rdtsc();
    Churn thread(rig_.fib(), churn);
    const double cost = ns_per_frame(rig_.forward(cycles_));
    churn_rates_.push_back(static_cast<double>(thread.changes()) *
                           static_cast<double>(rte_get_tsc_hz()) /
                           static_cast<double>(rte_rdtsc() - start));
    return cost;
}

void Forward::add_testpmd() {
    if (options_.testpmd == "off") {
        return;
    }
    const auto program = find_program(options_.testpmd);
    if (!program.has_value()) {
        notes_.push_back("no " + options_.testpmd + " here (Debian: dpdk-dev): its rows left out");
        return;
    }
    TestpmdOptions testpmd;
    testpmd.program = *program;
    testpmd.core = options_.core;
    testpmd.other_core = *options_.other_core;
    testpmd.frame_bytes = rig_.frame_bytes();
    testpmd.hugepages = options_.hugepages;
    testpmd.seconds = options_.seconds;
    for (const std::string_view mode : kTestpmdModes) {
        contestants_.push_back(
            {"testpmd_" + std::string(mode),
             "testpmd " + std::string(mode),
             [testpmd, mode]() -> tl::expected<double, std::string> {
                 return run_testpmd(testpmd, mode).map([](double frames) { return 1e9 / frames; });
             }});
    }
    notes_.emplace_back(
        "testpmd does not write its frames: they stay what its txonly mode made of them once. "
        "Its csum mode sums the IPv4 header; the UDP checksum of those frames is absent.");
}

// In turn, so that all meet the same noise.
tl::expected<Report, std::string> Forward::run() {
    Report report;
    if (options_.cache != 0) {
        rig_.settle_cached();
    }
    for (const Contestant& contestant : contestants_) {
        report.rows.push_back({contestant.key, contestant.title, {}});
    }
    for (unsigned i = 0; i < options_.repeat; ++i) {
        for (std::size_t c = 0; c < contestants_.size(); ++c) {
            const auto ns = contestants_[c].repetition();
            if (!ns.has_value()) {
                return tl::unexpected(ns.error());
            }
            report.rows[c].ns.push_back(*ns);
        }
        std::fprintf(stderr, "forward: repetition %u of %u\n", i + 1, options_.repeat);
    }
    report.notes = notes_;
    add_ratios(report);
    add_facts(report);
    return report;
}

void add_name_ratios(Report& report) {
    const auto add =
        [&report](const char* key, const char* title, const char* matched, const char* offered) {
            const double rate = median_ratio(*report.row(offered), *report.row(matched));
            report.ratios.push_back({key, title, rate, kMatchedRate, false});
        };
    add("matched_to_offered",
        "rate to names that a pattern matched, in the cache, to that to names offered as such",
        "capability_matched",
        "capability");
    add("matched_to_offered_said",
        "the same where the frames say the names",
        "capability_matched_said",
        "capability_said");
    // Not of the same frames: those with names are 32 bytes longer, and the names are checked.
    const double rate =
        median_ratio(*report.row("capability"), *report.row("capability_matched_said"));
    std::array<char, 128> text;
    std::snprintf(text.data(),
                  text.size(),
                  "rate to names matched and said to that to names offered and not said: %.2f",
                  rate);
    report.more["matched_said_to_offered"] = rate;
    report.notes.emplace_back(text.data());
}

void Forward::add_ratios(Report& report) const {
    const Row& whole = *report.row("router");
    report.ratios.push_back({"router_to_pipeline",
                             "whole router to its pipeline without lookups, ns per frame",
                             median_ratio(whole, *report.row("pipeline")),
                             1.6,
                             true});
    report.ratios.push_back({"rate_to_hash",
                             "rate to the same router's by rte_hash bulk",
                             median_ratio(*report.row("router_by_hash"), whole),
                             1.3,
                             false});
    report.ratios.push_back({"rate_to_hardware",
                             "rate to 12.5 Mframes/s, a hardware message router's",
                             whole.millions_per_s() / kRivalRate,
                             2,
                             false});
    if (report.row("cached") != nullptr) {
        add_cache(report, options_, rig_);
    }
    if (const Row* any = report.row("capability"); any != nullptr && options_.address == "any") {
        report.ratios.push_back(
            {"rate_to_agents",
             "rate of frames to any with a capability to that of frames to agents",
             median_ratio(whole, *any),
             0.75,
             false});
        report.ratios.push_back({"new_conversations_to_agents",
                                 "the same where each frame begins a conversation",
                                 median_ratio(whole, *report.row("capability_anew")),
                                 0.75,
                                 false});
        add_name_ratios(report);
    } else if (any != nullptr) {
        report.ratios.push_back({"copies_rate",
                                 "frames sent to all who have a capability, to 29 Mframes/s",
                                 any->millions_per_s() / kFanOutRate,
                                 1,
                                 false});
    }
    if (const Row* churn = report.row("churn"); churn != nullptr) {
        report.ratios.push_back({"churn_to_router",
                                 "with routes changing to without, ns per frame",
                                 median_ratio(*churn, whole),
                                 1.1,
                                 true});
    }
    if (const Row* csum = report.row("testpmd_csum"); csum != nullptr) {
        report.ratios.push_back(
            {"rate_to_csum", "rate to testpmd csum's", median_ratio(*csum, whole), 0.8, false});
    }
}

void add_stages(Report& report,
                const dataplane::WorkerCounters& counters,
                const std::string& key,
                const std::string& whose) {
    const double ns = 1e9 / static_cast<double>(rte_get_tsc_hz());
    std::string stages = "stages " + whose + ", ns per frame received (means of timed bursts):";
    for (unsigned i = 0; i < dataplane::kStageCount; ++i) {
        const dataplane::StageCounters& stage = counters.stage[i];
        const double cost = static_cast<double>(stage.cycles.read()) * ns /
                            static_cast<double>(stage.frames.read());
        std::array<char, 64> text;
        std::snprintf(text.data(), text.size(), " %s %.1f", dataplane::kStageNames[i].data(), cost);
        stages += text.data();
        report.more[key][std::string(dataplane::kStageNames[i])] = cost;
    }
    report.notes.push_back(stages);
}

nlohmann::ordered_json frames_of(const dataplane::PortCounters& in) {
    return {{"received", in.received.read()},
            {"sent", in.sent.read()},
            {"punted", in.punted.read()},
            {"dropped", in.dropped.read()}};
}

void Forward::add_facts(Report& report) const {
    const dataplane::WorkerCounters& counters = rig_.counters();
    const dataplane::PortCounters& in = counters.port[Rig::kIngress];
    if (options_.address != "agent") {
        add_stages(report, rig_.capability_counters(), "capability_stages_ns", "to capabilities");
    }
    if (options_.address == "any") {
        add_stages(report,
                   rig_.capability_counters(Naming::offered_anew),
                   "capability_anew_stages_ns",
                   "where each begins a conversation");
    }
    add_stages(report, counters, "stages_ns", "of the router");
    report.more["frames"] = frames_of(in);
    if (options_.address == "any") {
        for (std::size_t i = 0; i < kNamings; ++i) {
            const auto naming = static_cast<Naming>(i);
            report.more["capability_frames"][kNamingNames[i]] =
                frames_of(rig_.capability_counters(naming).port[Rig::kIngress]);
        }
    }
    report.more["dropped"] = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < in.drops.size(); ++i) {
        if (in.drops[i].read() > 0) {
            report.more["dropped"][std::string(routing::kDropNames[i])] = in.drops[i].read();
        }
    }
    if (!churn_rates_.empty()) {
        report.more["churn_per_s"] = median(churn_rates_);
        report.notes.push_back("route changes a second reached: " +
                               std::to_string(static_cast<std::uint64_t>(median(churn_rates_))));
    }
}

nlohmann::ordered_json options_of(const ForwardOptions& options) {
    nlohmann::ordered_json made = {{"agents", options.agents},
                                   {"stream", options.stream},
                                   {"ingress", options.ingress},
                                   {"payload_bytes", options.payload},
                                   {"checksum", options.checksum},
                                   {"malformed_percent", options.malformed},
                                   {"unknown_percent", options.unknown},
                                   {"churn_per_s", options.churn},
                                   {"core", options.core},
                                   {"cache_agents", options.cache},
                                   {"other_core", *options.other_core},
                                   {"hugepages", options.hugepages},
                                   {"repeat", options.repeat},
                                   {"seconds", options.seconds}};
    if (!options.latency && !options.search) {
        made["address"] = options.address;
        made["strategy"] = options.strategy;
        made["capabilities"] = options.capabilities;
        made["providers"] = options.providers;
        made["conversations"] = options.conversations;
        made["remembered"] = options.remembered;
    }
    return made;
}

std::string heading_of(const ForwardOptions& options) {
    std::array<char, 256> text;
    std::snprintf(text.data(),
                  text.size(),
                  "forward: %u agents, %s, %s ingress, %u byte payload, checksum %s, %s pages\n"
                  "%u repetitions of %.2f s, cores %u and %u",
                  options.agents,
                  options.stream.c_str(),
                  options.ingress.c_str(),
                  options.payload,
                  options.checksum.c_str(),
                  options.hugepages ? "2 MiB" : "4 KiB",
                  options.repeat,
                  options.seconds,
                  options.core,
                  *options.other_core);
    return text.data();
}

tl::expected<Report, std::string> run_throughput(const ForwardOptions& options) {
    if (auto started = start_eal({.agents = options.agents,
                                  .core = options.core,
                                  .hugepages = options.hugepages,
                                  .capabilities = rig_options(options).capability_entries(),
                                  .cache = options.cache});
        !started.has_value()) {
        return tl::unexpected(started.error());
    }
    auto rig = Rig::open(rig_options(options));
    if (!rig.has_value()) {
        return tl::unexpected(rig.error());
    }
    auto report = Forward(options, **rig).run();
    if (!report.has_value()) {
        return report;
    }
    if (auto closed = (*rig)->close(); !closed.has_value()) {
        return tl::unexpected(closed.error());
    }
    rig->reset();
    rte_eal_cleanup();
    return report;
}

}  // namespace

RigOptions rig_options(const ForwardOptions& options) {
    RigOptions made;
    made.agents = options.agents;
    made.stream = stream_of(options.stream).value_or(Stream::uniform);
    made.payload = options.payload;
    made.edge = options.ingress == "edge";
    made.checksum = options.checksum == "on";
    made.malformed = options.malformed;
    made.unknown = options.unknown;
    made.cache = options.cache;
    constexpr std::uint32_t kProvidersOfAny = 1'000;
    constexpr std::uint32_t kProvidersOfAll = 16;
    if (options.address == "any") {
        made.addressing = routing::Addressing::capability_any;
        made.providers = kProvidersOfAny;
        made.matched_names = true;
    } else if (options.address == "all") {
        made.addressing = routing::Addressing::capability_all;
        made.providers = kProvidersOfAll;
    }
    if (options.providers != 0) {
        made.providers = options.providers;
    }
    made.providers = std::min(made.providers, options.agents);
    made.capabilities = options.capabilities;
    made.conversations = options.conversations;
    made.remembered = options.remembered;
    made.strategy = static_cast<routing::Strategy>(
        std::ranges::find(routing::kStrategyNames, options.strategy) -
        routing::kStrategyNames.begin());
    return made;
}

tl::expected<std::string, std::string> run_forward(const ForwardOptions& given) {
    ForwardOptions options = given;
    if (!options.other_core.has_value()) {
        options.other_core = other_processor(options.core);  // EAL will confine this thread
    }
    auto report = options.latency  ? run_latency(options)
                  : options.search ? run_search(options)
                                   : run_throughput(options);
    if (!report.has_value()) {
        return tl::unexpected(report.error());
    }
    report->heading = heading_of(options);
    report->options = options_of(options);
    return options.json ? json_of(*report) : table_of(*report);
}

}  // namespace posthaste::tools
