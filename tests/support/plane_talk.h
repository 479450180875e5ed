// SPDX-License-Identifier: BSD-3-Clause
// What tests of route planes do over and over, and one plane with a peer that says anything.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/plane_pair.h"

namespace posthaste::support {

inline gossip::claims::Attachment offering(const char* name) {
    return {.offers = {*routing::offer_from_text(name)}};
}

// Agents offer a/b.
inline void attach(PlaneGroup& group, std::size_t router, std::uint32_t agent) {
    ASSERT_TRUE(group[router].own().attach(numbered_id(agent), offering("a/b@9"), group.now_ms));
}

inline std::uint64_t winner(PlaneGroup& group, std::size_t at, std::uint32_t agent) {
    const auto best = group[at].store().best(numbered_id(agent));
    return best ? gossip::claims::number(best->router) : 0;
}

// Somebody who speaks for router 2, message by message, to router 1.
class Stranger {
  public:
    Stranger() {
        EXPECT_TRUE(group[1].connect(9, false, std::nullopt, group.now_ms));
        say(gossip::claims::Hello{gossip::claims::RouterId{2}});
    }

    void say(const gossip::claims::Message& message) {
        group[1].receive(9,
                         gossip::claims::encode(message, gossip::claims::cluster_hash("posthaste")),
                         group.now_ms);
    }

    std::uint64_t refused(gossip::claims::Refusal why) {
        return group[1].counters().refused[static_cast<std::size_t>(why)];
    }

    // A row that makes router 1 pull; its first pull has number 1.
    void offer(std::uint64_t router) {
        say(gossip::claims::DigestRows{
            .all = false,
            .answer = true,
            .rows = {{.router = gossip::claims::RouterId{router}, .at = {{1, 1}, 5}}}});
    }

    PlaneGroup group{1};
};

}  // namespace posthaste::support
