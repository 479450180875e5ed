// SPDX-License-Identifier: BSD-3-Clause
// A small Rib, its agents and the lease cells their heartbeats are read from.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "routing/rib.h"
#include "tests/support/hash_key.h"

namespace posthaste::support {

using routing::AgentId;
using routing::Endpoint;
using routing::ErrorCode;
using routing::FibChange;
using routing::FibEntry;
using routing::IpAddress;
using routing::Origin;
using routing::RegisterOutcome;
using routing::Registration;
using routing::Rib;

inline constexpr routing::RibLimits kLimits{.routes_max = 4,
                                            .agents_per_port_max = 3,
                                            .capabilities_max = 3,
                                            .lease_min_ms = 1'000,
                                            .lease_max_ms = 60'000,
                                            .lease_default_ms = 30'000};

inline AgentId id_of(std::uint8_t number) {
    AgentId id = *AgentId::from_text("20000000-0000-4000-8000-000000000000");
    id.bytes[15] = number;
    return id;
}

inline Endpoint endpoint(std::uint16_t port, std::uint8_t host, std::uint16_t udp_port = 5000) {
    Endpoint where;
    where.ip = *IpAddress::from_text("10.0.0." + std::to_string(host));
    where.mac = {{2, 0, 0, 0, 0, host}};
    where.port = port;
    where.udp_port = udp_port;
    return where;
}

inline Registration agent(std::uint8_t number, std::uint16_t port = 0) {
    Registration registration;
    registration.agent = id_of(number);
    registration.endpoint = endpoint(port, number);
    return registration;
}

inline Registration agent_of(Origin origin, std::uint8_t number) {
    Registration registration = agent(number);
    registration.origin = origin;
    return registration;
}

// Heartbeats as the lease cells of the Fib would hold them.
struct Cells {
    std::map<AgentId, std::uint32_t> heard;

    [[nodiscard]] Rib::LastHeard reader() const {
        return [this](const AgentId& agent) -> std::optional<std::uint32_t> {
            const auto cell = heard.find(agent);
            return cell == heard.end() ? std::nullopt : std::optional(cell->second);
        };
    }
};

class RibFixture : public testing::Test {
  protected:
    Rib table{kLimits, support::hash_key(1)};
    Cells cells;

    RegisterOutcome add(const Registration& registration, std::uint64_t now_ms = 0) {
        const auto outcome = table.register_agent(registration, now_ms);
        EXPECT_TRUE(outcome.has_value()) << outcome.error().detail;
        return outcome.value_or(RegisterOutcome::refreshed);
    }

    ErrorCode refused(const Registration& registration, std::uint64_t now_ms = 0) {
        const auto version = table.version();
        const auto outcome = table.register_agent(registration, now_ms);
        EXPECT_FALSE(outcome.has_value());
        EXPECT_EQ(table.version(), version);
        EXPECT_TRUE(table.take_changes().empty());
        if (outcome) {
            return ErrorCode::none;
        }
        EXPECT_FALSE(outcome.error().detail.empty());
        return outcome.error().code;
    }

    FibChange only_change() {
        const auto changes = table.take_changes();
        EXPECT_EQ(changes.size(), 1U);
        return changes.empty() ? FibChange{} : changes.front();
    }

    void forget_changes() { static_cast<void>(table.take_changes()); }

    std::size_t expire(std::uint64_t now_ms) { return table.expire(now_ms, cells.reader(), 1000); }
};

}  // namespace posthaste::support
