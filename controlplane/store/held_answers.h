// SPDX-License-Identifier: BSD-3-Clause
// HeldAnswers: acknowledgements that wait until what they acknowledge is on the disk.
//
// Copies of frames, so that no buffer of a port waits for a disk. Control thread only; at most
// kHeldMax, first in, first out. One that waited kWaitMaxMs goes: its agent has asked again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace posthaste::controlplane {

struct HeldAnswer {
    std::uint64_t ticket = 0;  // of SavedAgents
    std::uint64_t held_at_ms = 0;
    unsigned worker = 0;
    std::uint16_t port = 0;
    std::vector<std::uint8_t> frame{};
};

class HeldAnswers {
  public:
    static constexpr std::size_t kHeldMax = 16'384;
    static constexpr std::uint64_t kWaitMaxMs = 10'000;

    // False: no room, the answer is given up.
    bool hold(HeldAnswer answer) {
        if (full()) {
            ++given_up_;
            return false;
        }
        held_.push_back(std::move(answer));
        return true;
    }

    // The first one; null: none.
    [[nodiscard]] const HeldAnswer* front() const noexcept {
        return held_.empty() ? nullptr : &held_.front();
    }

    void pop() { held_.pop_front(); }

    void give_up_late(std::uint64_t now_ms) {
        while (!held_.empty() && now_ms - held_.front().held_at_ms > kWaitMaxMs) {
            held_.pop_front();
            ++given_up_;
        }
    }

    void give_up_all() {
        given_up_ += held_.size();
        held_.clear();
    }

    [[nodiscard]] bool full() const noexcept { return held_.size() >= kHeldMax; }

    [[nodiscard]] std::size_t size() const noexcept { return held_.size(); }

    // Never sent: too late, too many, or the router ended.
    [[nodiscard]] std::uint64_t given_up() const noexcept { return given_up_; }

  private:
    std::deque<HeldAnswer> held_;
    std::uint64_t given_up_ = 0;
};

}  // namespace posthaste::controlplane
