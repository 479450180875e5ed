// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/lookup_churn.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "tools/benchmark/draw.h"
#include "tools/benchmark/lookup_time.h"
#include "tools/benchmark/machine.h"

namespace posthaste::tools {

namespace {

using routing::AgentId;
using Value = std::optional<std::uint64_t>;  // nothing: the agent is not in the table

constexpr std::size_t kProbeEvery = 64;  // ids; a reader looks for the change between these
constexpr double kSeenSecondsMax = 1.0;

// A change the reader is to look for. Filled by the writer while idle, read while armed.
struct alignas(64) Probe {
    std::atomic<bool> armed = false;
    std::uint32_t slot = 0;
    AgentId id;
    Value expected;
    std::uint64_t started = 0;
};

// Changes the routes of one table, paced, on a thread of its own between resume() and pause().
class Writer {
  public:
    Writer(Contender& table, const LookupOptions& options, std::uint32_t agents)
        : table_(table),
          core_(options.writer_core.value_or(options.core)),
          interval_(rte_get_tsc_hz() / options.changes_per_second),
          random_(options.seed) {
        for (std::uint32_t number = 0; number < agents; number += kChangingStride) {
            values_.emplace_back(number);
        }
    }

    ~Writer() { pause(); }

    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // `probing`: the reader is told of a change whenever it has seen the one before.
    void resume(bool probing) {
        stop_ = false;
        stopped_ = false;
        thread_ = std::thread([this, probing] {
            pin_to(core_);
            run(probing);
        });
    }

    // By the reader: a change that waits for its quiescent state is seen through.
    void pause() {
        if (thread_.joinable()) {
            stop_ = true;
            while (!stopped_) {
                static_cast<void>(table_.find(stranger_id(0)));
            }
            thread_.join();
            probe_.armed = false;
        }
    }

    [[nodiscard]] Probe& probe() noexcept { return probe_; }

    // While paused.
    [[nodiscard]] double changes_per_second() const noexcept {
        return static_cast<double>(made_) * static_cast<double>(rte_get_tsc_hz()) /
               static_cast<double>(std::max<std::uint64_t>(ticks_, 1));
    }

    // While paused: the table holds just what it should.
    [[nodiscard]] bool agrees(std::uint32_t agents) {
        for (std::uint32_t number = 0; number < agents; ++number) {
            const Value expected = number % kChangingStride == 0 ? values_[number / kChangingStride]
                                                                 : std::uint64_t{number};
            if (table_.find(member_id(number)) != expected) {
                return false;
            }
        }
        return true;
    }

  private:
    void run(bool probing) {
        const std::uint64_t start = rte_rdtsc();
        std::uint64_t due = start;
        do {  // at least one change
            if (rte_rdtsc() < due) {
                rte_pause();
            } else {
                due += interval_;
                change(probing);
            }
        } while (!stop_.load(std::memory_order_relaxed));
        ticks_ += rte_rdtsc() - start;
        stopped_ = true;
    }

    // Half of the changes move an agent; as many are added as removed.
    void change(bool probing) {
        const bool armed = probe_.armed.load(std::memory_order_acquire);
        const auto slot = static_cast<std::uint32_t>(random_.below(values_.size()));
        if (armed && slot == probe_.slot) {
            return;  // the reader still looks for this one
        }
        const std::uint32_t number = slot * kChangingStride;
        const AgentId id = member_id(number);
        const bool leaves = values_[slot].has_value() && random_.below(3) == 0;
        values_[slot] = leaves ? Value() : Value(std::uint64_t{++changes_} << 32 | number);
        if (probing && !armed) {
            probe_.slot = slot;
            probe_.id = id;
            probe_.expected = values_[slot];
            probe_.started = rte_rdtsc_precise();
            probe_.armed.store(true, std::memory_order_release);
        }
        // Refused while freed places await the reader: that is part of the change's time.
        while (!(leaves ? table_.remove(id) : table_.set(id, *values_[slot]))) {
            rte_pause();
        }
        ++made_;
    }

    Contender& table_;
    unsigned core_;
    std::uint64_t interval_;
    Random random_;
    std::vector<Value> values_;  // by slot: of agent slot * kChangingStride
    std::uint32_t changes_ = 0;
    std::uint64_t made_ = 0;
    std::uint64_t ticks_ = 0;
    Probe probe_;
    std::atomic<bool> stop_ = false;
    std::atomic<bool> stopped_ = false;
    std::thread thread_;
};

// Reads on as in the timed runs, and after every 64 ids looks for the change that is due.
// False: one did not show up.
bool watch(Contender& table, KeyStream& stream, Writer& writer, double seconds, ChurnRow& row) {
    const double hz = static_cast<double>(rte_get_tsc_hz());
    const std::uint64_t start = rte_rdtsc();
    Probe& probe = writer.probe();
    while (static_cast<double>(rte_rdtsc() - start) < seconds * hz) {
        const std::span<const AgentId> ids = stream.next().ids;
        for (std::size_t at = 0; at < ids.size(); at += kProbeEvery) {
            table.lookup(ids.subspan(at, kProbeEvery), row.what.batch);
            if (!probe.armed.load(std::memory_order_acquire)) {
                continue;
            }
            const bool seen = table.find(probe.id) == probe.expected;
            // The counters of two cores may be some ticks apart.
            const auto ticks = static_cast<std::int64_t>(rte_rdtsc_precise() - probe.started);
            const double waited = static_cast<double>(std::max<std::int64_t>(ticks, 0)) / hz;
            if (seen) {
                row.visible_us.push_back(waited * 1e6);
                probe.armed.store(false, std::memory_order_release);
            } else if (waited > kSeenSecondsMax) {
                return false;
            }
        }
    }
    return true;
}

tl::expected<void, std::string> measure(const LookupOptions& options,
                                        Contender& table,
                                        const ContenderKind& kind,
                                        ChurnRow& row) {
    KeyStream stream(StreamKind::hits, row.what.agents, options.seed);
    Writer writer(table, options, row.what.agents);
    const auto right = [](const KeyStream::Slice& slice, const Answers& answers) {
        return answers.hits <= slice.ids.size() &&
               answers.hits + slice.changing >= slice.ids.size();
    };
    const std::string wrong = wrong_answer(kind, row.what.agents) + " under changes";
    for (unsigned round = 0; round < options.repeat; ++round) {
        std::fprintf(stderr,
                     "lookup: %u agents, churn, %s: round %u of %u\n",
                     row.what.agents,
                     row.contender.c_str(),
                     round + 1,
                     options.repeat);
        for (const bool churn : {false, true}) {
            if (churn) {
                writer.resume(false);
            }
            const auto ns = timed_lookups(table, stream, row.what.batch, options.seconds, right);
            writer.pause();
            if (!ns.has_value()) {
                return tl::unexpected(wrong);
            }
            (churn ? row.churn_ns : row.quiet_ns).push_back(*ns);
        }
    }
    writer.resume(true);
    const bool all_seen = watch(table, stream, writer, options.seconds * options.repeat, row);
    writer.pause();
    row.changes_per_second = writer.changes_per_second();
    if (!all_seen) {
        return tl::unexpected(std::string(kind.name) + ": a change was not seen in time");
    }
    if (!writer.agrees(row.what.agents)) {
        return tl::unexpected(wrong);
    }
    return {};
}

}  // namespace

tl::expected<ChurnRow, std::string> measure_churn(const LookupOptions& options,
                                                  const Case& what,
                                                  const ContenderKind& kind) {
    auto table = kind.make({.agents = what.agents, .changing = true});
    if (!table.has_value()) {
        return tl::unexpected(std::string(kind.name) + ": " + table.error());
    }
    ChurnRow row;
    row.what = what;
    row.contender = kind.name;
    (*table)->start_reading();
    const auto measured = measure(options, **table, kind, row);
    (*table)->stop_reading();
    if (!measured.has_value()) {
        return tl::unexpected(measured.error());
    }
    return row;
}

}  // namespace posthaste::tools
