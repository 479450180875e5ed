// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/paced_trial.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include <algorithm>
#include <array>

#include "tools/benchmark/pacing.h"

namespace posthaste::tools {

namespace {

constexpr unsigned kBurst = 64;
constexpr unsigned kRouterLcore = 1;
constexpr double kHeadStartSeconds = 1e-5;
constexpr double kLagSeconds = 1e-3;      // before a sample is judged: windows have come by then
constexpr double kPatienceSeconds = 5.0;  // for what is late: frames due, the last to come out
constexpr double kMomentSeconds = 20e-6;
constexpr std::uint64_t kRecovery = 10;  // times the gap, at most
constexpr unsigned kTurnsPerJudging = 64;

}  // namespace

// One trial, on the generator's thread.
class Sender {
  public:
    Sender(RouterThread& router, double rate, double seconds)
        : router_(router),
          rig_(router.rig_),
          watch_(router.hz_),
          length_(static_cast<std::uint64_t>(seconds * router.hz_)),
          rate_(rate > 0 ? rate : 1),
          pace_(0, router.hz_, rate_),
          flat_out_(rate <= 0),
          total_(flat_out_ ? ~std::uint64_t{0} : pace_.due(length_ - 1)),
          lag_(static_cast<std::uint64_t>(router.hz_ * kLagSeconds)),
          moment_(static_cast<std::uint64_t>(router.hz_ * kMomentSeconds)),
          patience_(static_cast<std::uint64_t>(router.hz_ * kPatienceSeconds)),
          samples_(kSamples) {
        losses_.reserve(kLosses);
        trial_.seconds = seconds;
    }

    tl::expected<Trial, std::string> run();

  private:
    static constexpr std::size_t kSamples = 1U << 16;  // a power of two
    static constexpr std::size_t kLosses = 1U << 18;

    struct Sample {
        std::uint64_t sent;  // when it was due
        std::uint64_t received;
    };

    struct Loss {
        std::uint64_t time;
        std::uint64_t count;
    };

    unsigned send(std::uint64_t now) noexcept;
    unsigned offer(std::uint64_t count, std::uint64_t now) noexcept;
    void lose(std::uint64_t count, std::uint64_t now) noexcept;
    unsigned receive() noexcept;
    void judge(bool all) noexcept;
    void judge_losses() noexcept;
    void watch(std::uint64_t now, unsigned moved) noexcept;
    [[nodiscard]] bool send_all() noexcept;
    [[nodiscard]] bool await_the_last() noexcept;
    void await_the_windows() noexcept;

    [[nodiscard]] std::uint64_t changes() const noexcept {
        return router_.changes_ == nullptr ? 0 : router_.changes_->changes();
    }

    RouterThread& router_;
    Rig& rig_;
    LoopWatch watch_;
    std::uint64_t start_ = 0;
    std::uint64_t length_;
    double rate_;
    Pace pace_;
    bool flat_out_;
    std::uint64_t total_;
    std::uint64_t lag_;
    std::uint64_t moment_;
    std::uint64_t patience_;
    std::uint64_t offered_ = 0;
    std::uint64_t gap_ = 0;  // of our own, not yet caught up with
    StealLog own_windows_;
    StealReader own_reader_{own_windows_};
    StealReader router_reader_{router_.windows_};
    std::vector<Loss> losses_;
    std::vector<Sample> samples_;  // that wait to be judged, a ring
    std::size_t first_ = 0;
    std::size_t next_ = 0;
    Trial trial_;
};

void Sender::watch(std::uint64_t now, unsigned moved) noexcept {
    if (watch_.turn(now, moved)) [[unlikely]] {
        gap_ = gap_ == 0 ? watch_.then() : gap_;
    }
}

// Whether the time was stolen is known later, so losses are kept with their times: those of a
// moment as one.
void Sender::lose(std::uint64_t count, std::uint64_t now) noexcept {
    if (flat_out_ || count == 0) {
        return;  // nothing was due
    }
    offered_ += count;
    trial_.lost += count;
    if (losses_.empty() || (now - losses_.back().time > moment_ && losses_.size() < kLosses)) {
        losses_.push_back({now, 0});
    }
    losses_.back().count += count;
}

// Frames `offered_` and following, as many of `count` as the ring takes; the rest is lost.
unsigned Sender::offer(std::uint64_t count, std::uint64_t now) noexcept {
    std::array<rte_mbuf*, kBurst> frames;
    const auto batch = static_cast<unsigned>(std::min<std::uint64_t>(count, kBurst));
    const unsigned room = std::min(batch, rte_ring_free_count(rig_.towards()));
    if (room == 0 || rte_pktmbuf_alloc_bulk(rig_.pool(), frames.data(), room) != 0) {
        lose(batch, now);
        return 0;
    }
    for (unsigned i = 0; i < room; ++i) {
        rte_mbuf* const frame = frames[i];
        rig_.generator().write_stamped(rte_pktmbuf_mtod(frame, std::uint8_t*),
                                       flat_out_ ? now : pace_.time_of(offered_ + i));
        frame->data_len = static_cast<std::uint16_t>(rig_.frame_bytes());
        frame->pkt_len = rig_.frame_bytes();
    }
    rte_ring_sp_enqueue_bulk(
        rig_.towards(), reinterpret_cast<void**>(frames.data()), room, nullptr);
    offered_ += room;
    trial_.accepted += room;
    lose(batch - room, now);
    return room;
}

unsigned Sender::send(std::uint64_t now) noexcept {
    const std::uint64_t due = flat_out_ ? offered_ + kBurst : std::min(pace_.due(now), total_);
    const unsigned moved = due > offered_ ? offer(due - offered_, now) : 0;
    if (gap_ != 0 && offered_ >= due) {
        own_windows_.append(gap_, now);
        router_.caught_up_.store(gap_, std::memory_order_relaxed);
        gap_ = 0;
    }
    return moved;
}

unsigned Sender::receive() noexcept {
    std::array<rte_mbuf*, kBurst> frames;
    const unsigned count = rte_ring_sc_dequeue_burst(
        rig_.away(), reinterpret_cast<void**>(frames.data()), kBurst, nullptr);
    if (count == 0) {
        return 0;
    }
    for (unsigned i = 0; i < count; ++i) {
        rte_prefetch0(rte_pktmbuf_mtod(frames[i], const std::uint8_t*) + 64);
    }
    const std::uint64_t now = rte_rdtsc();
    for (unsigned i = 0; i < count; ++i) {
        const std::uint64_t sent =
            Generator::stamp_of(rte_pktmbuf_mtod(frames[i], const std::uint8_t*));
        trial_.all.record(now - sent);
        // A full ring means that the worker has not settled for long: a steal, so nothing is lost.
        if (next_ - first_ < kSamples) {
            samples_[next_++ % kSamples] = {sent, now};
        }
    }
    rte_pktmbuf_free_bulk(frames.data(), count);
    trial_.received += count;
    return count;
}

// Samples old enough that every window they might meet is in a log.
void Sender::judge(bool all) noexcept {
    const std::uint64_t settled = gap_ == 0 ? router_.settled_.load(std::memory_order_acquire) : 0;
    while (first_ != next_) {
        const Sample& sample = samples_[first_ % kSamples];
        if (!all && sample.received + lag_ > settled) {
            return;
        }
        if (!own_reader_.overlaps(sample.sent, sample.received) &&
            !router_reader_.overlaps(sample.sent, sample.received)) {
            trial_.quiet.record(sample.received - sample.sent);
        }
        ++first_;
    }
}

void Sender::judge_losses() noexcept {
    StealReader own(own_windows_);
    StealReader router(router_.windows_);
    for (const Loss& loss : losses_) {
        const bool mine = own.overlaps(loss.time, loss.time + moment_);
        if (router.overlaps(loss.time, loss.time + moment_) || mine) {
            trial_.lost_stolen += loss.count;
        }
    }
    const std::uint64_t spoilt =
        spoilt_cycles(own_windows_, router_.windows_, start_, start_ + length_);
    trial_.quiet_seconds = static_cast<double>(length_ - spoilt) / router_.hz_;
}

// False: the generator fell behind for good.
bool Sender::send_all() noexcept {
    unsigned moved = 0;
    unsigned turns = 0;
    for (;;) {
        const std::uint64_t now = rte_rdtsc();
        watch(now, moved);
        if (offered_ >= total_ || (flat_out_ && now - start_ > length_ && now > start_)) {
            return true;
        }
        if (now > start_ + 2 * length_ + patience_) {
            return false;
        }
        moved = now < start_ ? 0 : send(now);
        moved += receive();
        if (router_.changes_ != nullptr) {
            router_.changes_->turn(now);
        }
        if (++turns % kTurnsPerJudging == 0) {
            judge(false);
        }
    }
}

bool Sender::await_the_last() noexcept {
    const std::uint64_t deadline = rte_rdtsc() + patience_;
    while (rte_rdtsc() < deadline) {
        receive();
        judge(false);
        const dataplane::PortCounters& in = rig_.counters().port[Rig::kIngress];
        const dataplane::PortCounters& out = rig_.counters().port[Rig::kEgress];
        const std::uint64_t settled = in.sent.read() + in.punted.read() + in.dropped.read();
        const bool through =
            settled == rig_.generator().frames() && in.sent.read() == out.transmitted.read();
        // The ring last: what was counted as transmitted lies in it or was taken.
        std::atomic_thread_fence(std::memory_order_acquire);
        if (through && rte_ring_empty(rig_.away()) != 0) {
            return true;
        }
    }
    return false;
}

// The worker idles now: the last window closes within a turn, or was none.
void Sender::await_the_windows() noexcept {
    const std::uint64_t now = rte_rdtsc();
    while (router_.settled_.load(std::memory_order_acquire) < now &&
           rte_rdtsc() < now + patience_) {
        rte_pause();
    }
}

tl::expected<Trial, std::string> Sender::run() {
    const auto faulty_before = rig_.generator().faulty();
    const StealCount steal_before = router_.steal();
    router_.longest_.store(0, std::memory_order_relaxed);
    // Only now: making room for the samples took longer than many of them will.
    start_ = rte_rdtsc() + static_cast<std::uint64_t>(router_.hz_ * kHeadStartSeconds);
    pace_ = Pace(start_, router_.hz_, rate_);
    const std::uint64_t changes_before = changes();
    if (router_.changes_ != nullptr) {
        router_.changes_->start(start_);
    }
    if (!send_all()) {
        return tl::unexpected(std::string("the generator cannot offer that rate"));
    }
    trial_.changes = changes() - changes_before;
    if (!await_the_last()) {
        return tl::unexpected(std::string("frames stayed in the router"));
    }
    await_the_windows();
    judge(true);
    judge_losses();
    for (std::size_t i = 0; i < faulty_before.size(); ++i) {
        trial_.faulty += rig_.generator().faulty()[i] - faulty_before[i];
    }
    trial_.offered = offered_;
    trial_.lost += trial_.accepted - trial_.faulty - trial_.received;
    trial_.generator_steal = watch_.count();
    trial_.router_steal = router_.steal();
    trial_.router_steal.gaps -= steal_before.gaps;
    trial_.router_steal.cycles -= steal_before.cycles;
    return std::move(trial_);
}

RouterThread::RouterThread(Rig& rig, RouteChanges* changes)
    : rig_(rig), changes_(changes), hz_(static_cast<double>(rte_get_tsc_hz())) {
    rte_eal_remote_launch(turn_worker, this, kRouterLcore);
}

RouterThread::~RouterThread() {
    stop_.store(true, std::memory_order_relaxed);
    rte_eal_wait_lcore(kRouterLcore);
}

tl::expected<Trial, std::string> RouterThread::run(double rate, double seconds) {
    return Sender(*this, rate, seconds).run();
}

StealCount RouterThread::steal() const noexcept {
    return {gaps_.load(std::memory_order_relaxed),
            stolen_.load(std::memory_order_relaxed),
            longest_.load(std::memory_order_relaxed)};
}

void RouterThread::note(const LoopWatch& watch, std::uint64_t gap) noexcept {
    gaps_.store(watch.count().gaps, std::memory_order_relaxed);
    stolen_.store(watch.count().cycles, std::memory_order_relaxed);
    longest_.store(std::max(gap, longest_.load(std::memory_order_relaxed)),
                   std::memory_order_relaxed);
}

int RouterThread::turn_worker(void* self) noexcept {
    RouterThread& me = *static_cast<RouterThread*>(self);
    LoopWatch watch(me.hz_);
    std::uint64_t window = 0;  // its start; 0: none is open
    std::uint64_t closes = 0;  // the window, at the latest
    std::uint64_t caught_up = 0;
    unsigned moved = 0;
    while (!me.stop_.load(std::memory_order_relaxed)) {
        const std::uint64_t now = rte_rdtsc();
        std::uint64_t gap_start = 0;
        if (watch.turn(now, moved)) [[unlikely]] {
            gap_start = watch.then();
            me.note(watch, now - gap_start);
        }
        if (const std::uint64_t theirs = me.caught_up_.load(std::memory_order_relaxed);
            theirs != caught_up) [[unlikely]] {
            caught_up = theirs;
            gap_start = gap_start == 0 ? theirs : std::min(gap_start, theirs);
        }
        if (gap_start != 0) [[unlikely]] {
            window = window == 0 ? gap_start : std::min(window, gap_start);
            closes = std::max(closes, now + kRecovery * (now - gap_start));
        }
        moved = me.rig_.worker().run_once(now);
        if (window == 0) [[likely]] {
            me.settled_.store(now, std::memory_order_release);
        } else if (moved == 0 || now > closes) {
            me.windows_.append(window, now);
            window = 0;
        }
    }
    return 0;
}

}  // namespace posthaste::tools
