// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/claims_bench.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <random>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gossip/claims/route_plane.h"
#include "tools/benchmark/machine.h"
#include "tools/benchmark/report.h"

namespace posthaste::tools {

namespace {

using gossip::claims::Attachment;
using gossip::claims::PlaneOptions;
using gossip::claims::RoutePlane;
using gossip::claims::RouterId;
using routing::AgentId;

// Of this thread: what else runs on the machine is not counted.
struct Clock {
    using duration = std::chrono::nanoseconds;

    static duration now() {
        timespec spent{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
        return std::chrono::seconds(spent.tv_sec) + duration(spent.tv_nsec);
    }
};

constexpr gossip::claims::ConnectionId kLink = 1;
constexpr std::size_t kPieceBytes = 16'384;      // what a socket takes at once
constexpr std::uint32_t kChangesPerTurn = 100;   // before they are pushed
constexpr std::uint64_t kTurnsMax = 10'000'000;  // of time that passes one millisecond a turn
constexpr std::uint32_t kLookups = 1'000'000;

double seconds_of(Clock::duration passed) {
    return std::chrono::duration<double>(passed).count();
}

std::vector<AgentId> random_agents(std::uint32_t count) {
    std::mt19937_64 random(1);
    std::vector<AgentId> agents(count);
    for (AgentId& agent : agents) {
        std::ranges::generate(agent.bytes,
                              [&random] { return static_cast<std::uint8_t>(random()); });
        agent.bytes[8] = 0x80;  // of a UUID: never a reserved key
    }
    return agents;
}

std::vector<Attachment> attachments(std::uint32_t sets) {
    std::vector<Attachment> made(sets);
    for (std::uint32_t i = 0; i < sets; ++i) {
        made[i].epoch = 1;
        for (const char* const name : {"model/chat", "tool/search", "store/vector"}) {
            made[i].offers.push_back(
                *routing::offer_from_text(name + std::string("/v") + std::to_string(i)));
        }
    }
    return made;
}

// Time passes as work is done: a millisecond a turn, so that no timer is ever late.
class Pair {
  public:
    explicit Pair(std::uint32_t records) {
        PlaneOptions options;
        options.store.limits.records_max = records;
        options.bytes_per_second = 1ULL << 40;  // what it costs, not what it may take
        for (std::uint64_t i = 0; i < 2; ++i) {
            planes_[i] = std::make_unique<RoutePlane>(options,
                                                      RouterId{i + 1},
                                                      gossip::claims::Generation{1, i + 1},
                                                      i,
                                                      routing::KeyHash::random_key());
        }
    }

    RoutePlane& giver() { return *planes_[0]; }

    RoutePlane& taker() { return *planes_[1]; }

    void connect() {
        static_cast<void>(giver().connect(kLink, true, RouterId{2}, now_ms));
        static_cast<void>(taker().connect(kLink, false, std::nullopt, now_ms));
    }

    // A millisecond: timers, then what they made is carried, and winners are looked up as whoever
    // publishes them would.
    void turn() {
        ++now_ms;
        for (const auto& plane : planes_) {
            timed([&] { plane->on_timer(now_ms); });
        }
        for (const std::size_t from : {std::size_t{0}, std::size_t{1}}) {
            std::vector<std::uint8_t> bytes;
            timed([&] { bytes = planes_[from]->take_output(kLink, kPieceBytes, now_ms); });
            timed([&] { planes_[1 - from]->receive(kLink, bytes, now_ms); });
            carried += bytes.size();
        }
        static_cast<void>(giver().take_changes());
        for (const AgentId& agent : taker().take_changes()) {
            found += taker().store().best(agent) ? 1 : 0;
        }
    }

    // The taker knows what the giver does, and nothing is left to be told of.
    [[nodiscard]] bool settled() {
        return taker().store().row(RouterId{1}) == giver().store().row(RouterId{1}) &&
               taker().next_due_ms() > now_ms;
    }

    [[nodiscard]] bool settle() {
        for (std::uint64_t i = 0; i < kTurnsMax; ++i) {
            turn();
            if (settled()) {
                turn();
                return true;
            }
        }
        return false;
    }

    std::uint64_t now_ms = 1'000'000;
    std::uint64_t carried = 0;
    std::uint64_t found = 0;
    double longest_s = 0;  // of a single call

  private:
    template <class Call>
    void timed(const Call& call) {
        const auto start = Clock::now();
        call();
        longest_s = std::max(longest_s, seconds_of(Clock::now() - start));
    }

    std::unique_ptr<RoutePlane> planes_[2];
};

struct Found {
    double attach_s = 0;
    double snapshot_s = 0;
    double delta_s = 0;
    double best_s = 0;
    double map_fill_s = 0;
    double map_copy_s = 0;
    double map_find_s = 0;
    double bytes_per_claim = 0;
    double bytes_per_change = 0;
    double memory_per_claim = 0;
    double longest_ms = 0;
};

struct Record {
    std::uint64_t router = 0;
    std::uint64_t version = 0;
    gossip::claims::ClaimBody body;
    routing::Load load{};
};

template <class Work>
double time_of(const Work& work) {
    const auto start = Clock::now();
    work();
    return seconds_of(Clock::now() - start);
}

void measure_map(const std::vector<AgentId>& agents,
                 std::span<const std::uint32_t> order,
                 Found& found) {
    std::unordered_map<AgentId, Record, routing::AgentIdHash> map;
    found.map_fill_s = time_of([&] {
        for (std::size_t i = 0; i < agents.size(); ++i) {
            map.emplace(agents[i], Record{.router = 1, .version = i, .body = {}});
        }
    });
    std::unordered_map<AgentId, Record, routing::AgentIdHash> copy;
    found.map_copy_s = time_of([&] { copy = map; });
    std::uint64_t sum = 0;
    found.map_find_s = time_of([&] {
        for (const std::uint32_t place : order) {
            sum += copy.find(agents[place])->second.version;
        }
    });
    asm volatile("" : : "r"(sum));
}

tl::expected<Found, std::string> measure(const ClaimsBenchOptions& options,
                                         const std::vector<AgentId>& agents,
                                         std::span<const std::uint32_t> order) {
    Found found;
    const auto count = static_cast<double>(agents.size());
    Pair pair(options.claims + 2 * options.sets + 16);
    const std::vector<Attachment> offered = attachments(options.sets);
    std::size_t refused = 0;
    const auto attach = [&](std::size_t agent, std::size_t set) {
        refused +=
            pair.giver().own().attach(agents[agent], offered[set % offered.size()], pair.now_ms)
                ? 0
                : 1;
    };
    found.attach_s = time_of([&] {
        for (std::size_t i = 0; i < agents.size(); ++i) {
            attach(i, i);
        }
    });
    pair.giver().own().end_of_rib(pair.now_ms);
    static_cast<void>(pair.giver().take_changes());
    while (pair.giver().next_due_ms() <= pair.now_ms) {
        pair.turn();
    }
    bool good = true;
    pair.longest_s = 0;
    pair.connect();
    found.snapshot_s = time_of([&] { good = pair.settle(); });
    found.bytes_per_claim = static_cast<double>(pair.carried) / count;
    found.longest_ms = pair.longest_s * 1e3;
    found.memory_per_claim = static_cast<double>(pair.taker().store().table().bytes()) / count;
    const std::uint64_t carried = pair.carried;
    found.delta_s = time_of([&] {
        for (std::uint32_t i = 0; i < options.claims; ++i) {
            attach(order[i], order[i] + 1);
            if (i % kChangesPerTurn == kChangesPerTurn - 1) {
                pair.turn();
            }
        }
        good = good && pair.settle();
    });
    found.bytes_per_change = static_cast<double>(pair.carried - carried) / count;
    std::uint64_t sum = 0;
    found.best_s = time_of([&] {
        for (std::uint32_t i = 0; i < kLookups; ++i) {
            sum += number(pair.taker().store().best(agents[order[i % order.size()]])->router);
        }
    });
    if (!good || refused != 0 || sum != kLookups || pair.found < 2 * agents.size()) {
        return tl::unexpected<std::string>("the two route planes do not agree");
    }
    measure_map(agents, order, found);
    return found;
}

struct Column {
    const char* key;
    const char* title;
    double Found::*seconds;
};

constexpr Column kColumns[] = {
    {"attach", "attach, where the agent is", &Found::attach_s},
    {"snapshot", "all of them to a router that knows none, both sides", &Found::snapshot_s},
    {"delta", "a change, pushed and applied, both sides", &Found::delta_s},
    {"best", "which claim holds", &Found::best_s},
    {"map_fill", "std::unordered_map of the records, filled", &Found::map_fill_s},
    {"map_copy", "the same, copied", &Found::map_copy_s},
    {"map_find", "the same, looked up", &Found::map_find_s},
};

}  // namespace

tl::expected<std::string, std::string> run_claims(const ClaimsBenchOptions& options) {
    pin_to(options.core);
    const std::vector<AgentId> agents = random_agents(options.claims);
    std::vector<std::uint32_t> order(options.claims);
    for (std::uint32_t i = 0; i < options.claims; ++i) {
        order[i] = i;
    }
    std::ranges::shuffle(order, std::mt19937_64(2));
    Report report;
    report.heading = std::to_string(options.claims) + " claims with " +
                     std::to_string(options.sets) + " lists of capabilities; medians of " +
                     std::to_string(options.repeat) + " repetitions";
    report.unit = "claim";
    report.options = {{"claims", options.claims},
                      {"sets", options.sets},
                      {"repeat", options.repeat},
                      {"core", options.core}};
    for (const Column& column : kColumns) {
        report.rows.push_back({column.key, column.title, {}});
    }
    Found last;
    std::vector<double> snapshots;
    for (unsigned turn = 0; turn < options.repeat; ++turn) {
        const auto found = measure(options, agents, order);
        if (!found) {
            return tl::unexpected(found.error());
        }
        last = *found;
        snapshots.push_back(found->snapshot_s);
        for (std::size_t i = 0; i < std::size(kColumns); ++i) {
            const double pieces =
                kColumns[i].key == std::string("best") ? kLookups : options.claims;
            report.rows[i].ns.push_back(last.*kColumns[i].seconds * 1e9 / pieces);
        }
    }
    const double millions = options.claims / 1e6;
    report.ratios = {
        {"snapshot_s",
         "seconds for a million claims to a new router",
         median(snapshots) / millions,
         5,
         true},
        {"snapshot_bytes", "bytes of a claim to a new router", last.bytes_per_claim, 40, true},
        {"memory_bytes", "bytes of memory a claim", last.memory_per_claim, 96, true},
        {"longest_ms", "the longest call meanwhile, ms", last.longest_ms, 1, true},
    };
    report.notes.push_back("bytes of a change that is pushed: " +
                           std::to_string(last.bytes_per_change));
    return options.json ? json_of(report) : table_of(report);
}

}  // namespace posthaste::tools
