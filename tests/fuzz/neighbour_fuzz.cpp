// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of frames and pauses into the neighbour plane.
//
// Input: records of one byte (pause in 64 ms, its top bit: also hold a frame), two bytes length,
// frame. Holds: no growth by strangers, no answer larger than question and padding, every frame
// sent is sound in our own eyes, every held frame comes back once, timers come to rest.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <vector>

#include "controlplane/neighbours.h"
#include "routing/check.h"

namespace {

using namespace posthaste;
using namespace posthaste::controlplane;
using Bytes = std::span<const std::uint8_t>;

NeighbourPort port(std::uint16_t vlan) {
    return {.mac = {{2, 0, 0, 0, 0, 1}},
            .vlan = vlan,
            .mtu = 1'500,
            .addresses = {*routing::Prefix::from_text("10.0.0.1/24"),
                          *routing::Prefix::from_text("2001:db8::1/64")},
            .gateway = {},
            .gateway6 = {}};
}

class Scene {
  public:
    explicit Scene(std::uint16_t vlan) : vlan_(vlan), box_(NeighboursConfig{}, {port(vlan)}) {
        box_.set_port_up(0, true, now_);
        for (const char* hop : {"10.0.0.2", "2001:db8::2"}) {
            slots_.push_back(*box_.acquire(0, *routing::IpAddress::from_text(hop), 4747, now_));
        }
        settle(0);
    }

    void pass(std::uint64_t pause_ms) {
        now_ += pause_ms;
        box_.advance(now_);
        CHECK(box_.next_deadline_ms().value_or(now_ + 1) > now_);
        settle(0);
    }

    void hold() {
        const HeldFrame frame{.handle = ++handles_, .adjacency = slots_[handles_ % 2]};
        if (box_.hold(frame, now_) == routing::Drop::none) {
            inside_.insert(handles_);
        }
        settle(0);
    }

    void receive(Bytes frame) {
        const auto drop = box_.receive(0, frame, now_);
        CHECK(drop < routing::Drop::count);
        CHECK(box_.count() == slots_.size());
        settle(frame.size());
    }

    void finish() {
        box_.drop_held(routing::Drop::draining);
        settle(0);
        CHECK(inside_.empty() && box_.held_count() == 0);
    }

  private:
    void settle(std::size_t question_bytes) {
        const NeighbourOutput output = box_.take_output();
        for (const auto& frame : output.frames) {
            CHECK(frame.bytes.size() >= 60);
            CHECK(frame.bytes.size() <= std::max<std::size_t>(question_bytes, 14 + 4 + 72));
            CHECK(parse_neighbour_frame(frame.bytes, vlan_).has_value());
        }
        for (const HeldFrame& frame : output.resubmit) {
            CHECK(inside_.erase(frame.handle) == 1);
        }
        for (const DroppedFrame& dropped : output.dropped) {
            CHECK(inside_.erase(dropped.frame.handle) == 1);
            CHECK(dropped.why != routing::Drop::none);
        }
        for (const dataplane::Adjacency& adjacency : box_.adjacencies()) {
            CHECK(adjacency.resolved != adjacency.mac.is_zero());
            CHECK(!adjacency.mac.is_group());
        }
    }

    std::uint16_t vlan_;
    std::uint64_t now_ = 1'000;
    Neighbours box_;
    std::vector<std::uint16_t> slots_;
    std::set<std::uint64_t> inside_;
    std::uint64_t handles_ = 0;
};

void play(std::uint16_t vlan, Bytes input) {
    Scene scene(vlan);
    while (input.size() >= 3) {
        const std::size_t length =
            std::min<std::size_t>(input[1] << 8 | input[2], input.size() - 3);
        scene.pass((input[0] & 0x7fU) * 64);
        if ((input[0] & 0x80) != 0) {
            scene.hold();
        }
        // A copy of its exact size, so that a sanitizer sees any read behind it.
        const std::vector<std::uint8_t> frame(
            input.begin() + 3, input.begin() + 3 + static_cast<std::ptrdiff_t>(length));
        scene.receive(frame);
        input = input.subspan(3 + length);
    }
    scene.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    play(0, {data, size});
    play(7, {data, size});
    return 0;
}
