// SPDX-License-Identifier: BSD-3-Clause
// Agents as the store holds them, and what a file of them reads as.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controlplane/store/store_file.h"
#include "tests/support/numbered_id.h"

namespace posthaste::controlplane {

inline StoredAgent stored_agent(unsigned number) {
    StoredAgent agent;
    agent.agent = support::numbered_id(number);
    agent.port = "edge";
    agent.ip = *routing::IpAddress::from_text("10.0.0.7");
    agent.mac = {{2, 0, 0, 0, 0, 7}};
    agent.udp_port = 40'000;
    agent.lease_ms = 30'000;
    agent.name = "agent " + std::to_string(number);
    return agent;
}

inline std::vector<StoredAgent> agents_in(StoreFile& file) {
    std::vector<StoredAgent> all;
    for (;;) {
        auto batch = file.read_agents(3);
        EXPECT_TRUE(batch.has_value()) << batch.error();
        if (!batch.has_value() || batch->empty()) {
            return all;
        }
        all.insert(all.end(), batch->begin(), batch->end());
    }
}

inline std::vector<StoredAgent> agents_in(const std::string& path) {
    auto file = StoreFile::open(path);
    EXPECT_TRUE(file.has_value()) << file.error();
    return file.has_value() ? agents_in(**file) : std::vector<StoredAgent>{};
}

}  // namespace posthaste::controlplane
