// SPDX-License-Identifier: BSD-3-Clause
// Time that somebody else took from a polling loop: the kernel, another process, the hypervisor.
//
// A loop tells each turn when it began; a gap longer than its work explains is a steal. What a
// steal delays is more than what was under way: frames that come after it wait until the loop has
// caught up. So a window reaches from the start of a gap to the first idle turn after it (or, for a
// loop that has more to do than it can, to ten times the gap after it), and samples that overlap a
// window say nothing of the router.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace posthaste::tools {

inline constexpr double kStealMicroseconds = 5;
inline constexpr double kFrameNanoseconds = 100;  // a turn may need so much for each frame it moved

struct StealCount {
    std::uint64_t gaps = 0;
    std::uint64_t cycles = 0;   // of all gaps
    std::uint64_t longest = 0;  // cycles

    void add(const StealCount& other) noexcept;
};

// One loop's watch; that loop's thread.
class LoopWatch {
  public:
    explicit LoopWatch(double hz) noexcept
        : limit_(static_cast<std::uint64_t>(hz * kStealMicroseconds * 1e-6)),
          per_frame_(static_cast<std::uint64_t>(hz * kFrameNanoseconds * 1e-9)) {}

    // A turn begins at `now`; the one before moved so many frames. True: there was a steal since
    // then(), when that one began.
    bool turn(std::uint64_t now, unsigned frames) noexcept {
        then_ = last_;
        last_ = now;
        if (then_ == 0 || now - then_ <= limit_ + frames * per_frame_) [[likely]] {
            return false;
        }
        note(now - then_);
        return true;
    }

    [[nodiscard]] std::uint64_t then() const noexcept { return then_; }

    [[nodiscard]] const StealCount& count() const noexcept { return count_; }

  private:
    void note(std::uint64_t gap) noexcept;

    std::uint64_t limit_;
    std::uint64_t per_frame_;
    std::uint64_t last_ = 0;
    std::uint64_t then_ = 0;
    StealCount count_;
};

// Windows in the order of their ends, written by one thread, read by others.
class StealLog {
  public:
    static constexpr std::uint32_t kWindowsMax = 1U << 16;  // what comes later is left out

    struct Window {
        std::uint64_t start;
        std::uint64_t end;
    };

    StealLog() : windows_(std::make_unique<Window[]>(kWindowsMax)) {}

    void append(std::uint64_t start, std::uint64_t end) noexcept {
        const std::uint32_t at = size_.load(std::memory_order_relaxed);
        if (at < kWindowsMax) {
            windows_[at] = {start, end};
            size_.store(at + 1, std::memory_order_release);
        }
    }

    [[nodiscard]] std::span<const Window> windows() const noexcept {
        return {windows_.get(), size_.load(std::memory_order_acquire)};
    }

  private:
    std::unique_ptr<Window[]> windows_;
    std::atomic<std::uint32_t> size_{0};
};

// Asks a log about times that go forward.
class StealReader {
  public:
    explicit StealReader(const StealLog& log) noexcept : log_(log) {}

    // Whether a window meets [from, to]. `from` never decreases from call to call.
    [[nodiscard]] bool overlaps(std::uint64_t from, std::uint64_t to) noexcept;

  private:
    const StealLog& log_;
    std::size_t next_ = 0;  // windows before it ended before `from`
};

// How much of [from, to] the windows of two logs cover, at most (where they overlap, it counts
// twice).
[[nodiscard]] std::uint64_t spoilt_cycles(const StealLog& one,
                                          const StealLog& other,
                                          std::uint64_t from,
                                          std::uint64_t to) noexcept;

}  // namespace posthaste::tools
