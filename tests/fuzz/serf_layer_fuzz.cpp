// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of messages, user states and members into the Serf layer.
//
// Input: records of one byte (bits 0-2: what; 3-4: which member; 5: a minute passes), a length in
// two bytes, that many bytes. Holds: no event or query is told to others more than once, nothing
// that was refused is told at all, a time is never taken back, what is pushed can be read by
// others, and every buffer keeps its bound.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <string>

#include "gossip/membership/serf_layer.h"
#include "routing/check.h"
#include "tests/support/fake_serf_host.h"

namespace {

using namespace posthaste::gossip::membership;
using posthaste::support::FakeSerfHost;
using posthaste::support::member_address;

class Scene {
  public:
    Scene() {
        CHECK(host_.keys.install(std::string(16, 'k')).has_value());
        layer_.on_alive("self", now_ms_);
        for (std::uint8_t number = 0; number < 4; ++number) {
            host_.add(name(number), static_cast<std::uint8_t>(2 + number));
        }
    }

    void step(std::uint8_t what, std::string_view bytes) {
        const std::string member = name(what >> 3 & 3U);
        now_ms_ += (what & 0x20) != 0 ? 60'000 : 1;
        const std::size_t refused = host_.refused.size();
        const std::size_t told = host_.broadcasts.size();
        switch (what & 7U) {
            case 0:
                layer_.on_alive(member, now_ms_);
                break;
            case 1:
                layer_.on_gone(member, NodeState::dead);
                break;
            case 2:
                layer_.merge_user_state(bytes, (what & 8) != 0, now_ms_);
                break;
            case 3:
                layer_.on_timer(now_ms_);
                break;
            case 4:
                static_cast<void>(layer_.ask_keys(KeyAction::list, "", now_ms_));
                layer_.on_conflict("self", now_ms_);
                break;
            default:
                layer_.on_user(bytes, now_ms_);
                check_told(bytes, told, refused);
        }
        check_state();
    }

  private:
    static std::string name(unsigned number) { return std::string(1, "nabc"[number]); }

    void check_told(std::string_view bytes, std::size_t told, std::size_t refused) {
        CHECK(host_.broadcasts.size() <= told + 1);
        const bool passed_on = host_.broadcasts.size() > told && host_.broadcasts.back() == bytes;
        if (passed_on) {
            // An intent is news again when its member comes after it was forgotten.
            CHECK(bytes[0] < 3 || once_.emplace(bytes).second);
            // A query is passed on though its filters are beyond us.
            CHECK(refused == host_.refused.size() || bytes[0] == 4);
        }
    }

    void check_state() {
        const auto state = decode_serf(layer_.user_state());
        CHECK(state.has_value());
        const auto& push = std::get<SerfPushPull>(*state);
        CHECK(push.time >= before_.time && push.event_time >= before_.event_time);
        CHECK(push.query_time >= before_.query_time);
        for (const auto& [member, time] : before_.status_times) {
            CHECK(push.status_times.at(member) >= time);
        }
        CHECK(push.status_times.size() <= 5 && push.events.size() <= kBufferTimes + 1);
        before_ = push;
        host_.events.clear();
        host_.sent.clear();
    }

    FakeSerfHost host_;
    SerfLayer layer_{host_};
    std::set<std::string> once_;
    SerfPushPull before_;
    std::uint64_t now_ms_ = 1'000;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Scene scene;
    for (std::string_view input(reinterpret_cast<const char*>(data), size); input.size() >= 3;) {
        const std::size_t length =
            static_cast<std::uint8_t>(input[1]) * 256U + static_cast<std::uint8_t>(input[2]);
        const std::string_view bytes = input.substr(3, length);
        scene.step(static_cast<std::uint8_t>(input[0]), bytes);
        input.remove_prefix(3 + bytes.size());
    }
    return 0;
}
