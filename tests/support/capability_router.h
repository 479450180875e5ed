// SPDX-License-Identifier: BSD-3-Clause
// A RingRouter whose agents have capabilities: entries and sets as the control thread makes them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "routing/capability_name.h"
#include "routing/check.h"
#include "tests/support/ring_router.h"

namespace posthaste::test {

// A running agent on kEdge beside those of small_world().
inline routing::FibEntry edge_agent(std::uint32_t number) {
    routing::FibEntry entry;
    entry.agent = agent(number);
    entry.endpoint.ip = ipv4(static_cast<std::uint8_t>(number));
    entry.endpoint.mac = mac(static_cast<std::uint8_t>(number));
    entry.endpoint.udp_port = static_cast<std::uint16_t>(5'000 + number);
    entry.endpoint.port = kEdge;
    return entry;
}

class CapabilityRouter : public RingRouter {
  public:
    explicit CapabilityRouter(const RingRouterOptions& options = {}) : RingRouter(options) {}

    // The agent, as the Fib has it, as a provider.
    [[nodiscard]] routing::Provider provider(std::uint32_t number) {
        const routing::FibEntry* const entry = fib().find(agent(number));
        CHECK(entry != nullptr);
        routing::Provider made;
        made.agent = entry->agent;
        made.cell = entry->cell;
        made.state = entry->state;
        made.router = entry->kind == routing::RouteKind::local ? routing::kNoRouter : entry->router;
        return made;
    }

    // These agents have it, and no others; gives the number of the set.
    std::uint32_t provide(std::string_view name, const std::vector<std::uint32_t>& numbers) {
        std::vector<routing::ProviderChange> changes;
        for (const std::uint32_t number : numbers) {
            changes.push_back({false, provider(number)});
        }
        const std::uint32_t set = provider_sets().take_number();
        CHECK(set != 0);
        provider_sets().publish(set, routing::ProviderSet::make(nullptr, changes));
        lead(name, set);
        return set;
    }

    // The name's entry leads to the set.
    void lead(std::string_view name, std::uint32_t set, std::uint32_t fresh_until_ms = 0) {
        routing::FibEntry entry;
        entry.agent = routing::capability_key(routing::capability_id(name));
        entry.kind = routing::RouteKind::capability;
        entry.fresh_until_ms = fresh_until_ms;
        entry.set_provider_set(set);
        CHECK(fib().set(entry, 0));
    }

    [[nodiscard]] const dataplane::CapabilityCounters& capabilities() {
        return worker().counters().capability;
    }
};

enum class To : std::uint8_t { any = 1, all = 2 };

[[nodiscard]] inline FrameSpec to_capability(
    std::string_view name,
    To to = To::any,
    std::uint64_t conversation = 1,
    routing::Strategy strategy = routing::Strategy::sticky) {
    FrameSpec spec;
    spec.destination = routing::capability_id(name);
    spec.addressing_strategy =
        static_cast<std::uint8_t>(static_cast<unsigned>(strategy) << 4 | static_cast<unsigned>(to));
    spec.conversation = conversation;
    return spec;
}

// As `spec`, with the name in the header.
[[nodiscard]] inline FrameSpec named(FrameSpec spec, std::string_view name) {
    spec.tlvs.push_back(static_cast<std::uint8_t>(routing::Tlv::capability_name));
    spec.tlvs.push_back(static_cast<std::uint8_t>(name.size()));
    spec.tlvs.insert(spec.tlvs.end(), name.begin(), name.end());
    return spec;
}

}  // namespace posthaste::test
