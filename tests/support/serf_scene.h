// SPDX-License-Identifier: BSD-3-Clause
// A Serf layer over a host with three members beside it: a, b and c, at 10.0.0.2 to 10.0.0.4.
#pragma once

#include <string>
#include <string_view>

#include "gossip/membership/serf_layer.h"
#include "tests/support/fake_serf_host.h"

namespace posthaste::support {

struct SerfScene {
    FakeSerfHost host;
    gossip::membership::SerfLayer layer{host};
    std::uint64_t now_ms = 1'000;

    SerfScene() {
        layer.on_alive("self", now_ms);
        std::uint8_t number = 2;
        for (const char* name : {"a", "b", "c"}) {
            host.add(name, number++);
            layer.on_alive(name, now_ms);
        }
    }

    void hear(const gossip::membership::SerfMessage& message) {
        layer.on_user(gossip::membership::encode_serf(message), now_ms);
    }

    void merge(const gossip::membership::SerfPushPull& push, bool join = false) {
        layer.merge_user_state(gossip::membership::encode_serf(push), join, now_ms);
    }

    void goes(const std::string& name, gossip::membership::NodeState state) {
        host.table[name].state = state;
        layer.on_gone(name, state);
    }

    [[nodiscard]] gossip::membership::SerfPushPull pushed() const {
        return std::get<gossip::membership::SerfPushPull>(
            *gossip::membership::decode_serf(layer.user_state()));
    }

    // Empties what was broadcast.
    [[nodiscard]] std::vector<std::string> take_broadcasts() {
        return std::exchange(host.broadcasts, {});
    }

    // Of the last broadcast, which there is.
    template <typename Structure>
    [[nodiscard]] Structure last_broadcast() const {
        return std::get<Structure>(
            *gossip::membership::decode_serf(host.broadcasts.at(host.broadcasts.size() - 1)));
    }
};

}  // namespace posthaste::support
