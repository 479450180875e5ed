// SPDX-License-Identifier: BSD-3-Clause
#include "routing/discovery.h"

#include <algorithm>

#include "routing/message.h"

namespace posthaste::routing {

Discovery::Discovery(const DiscoveryOptions& options, const KeyHash::Key& key)
    : options_(options), rate_(options.requests_per_second), waiting_(options.in_flight_max, key) {}

bool Discovery::want(const AgentId& agent, std::uint64_t now_ms) {
    advance(now_ms);
    ++counts_.wanted;
    if (agent.is_nil() || agent == kRouterId || options_.in_flight_max == 0) {
        ++counts_.refused;
        return false;
    }
    if (waiting_.contains(agent)) {
        ++counts_.suppressed;
        return false;
    }
    if (!rate_.take(static_cast<std::uint32_t>(now_ms_))) {
        ++counts_.rate_limited;
        return false;
    }
    counts_.displaced += waiting_.put(agent, {}, now_ms_) ? 0 : 1;
    ++counts_.requested;
    return true;
}

bool Discovery::end(const AgentId& agent) {
    const bool waited = waiting_.erase(agent);
    counts_.answered += waited ? 1 : 0;
    return waited;
}

void Discovery::asked(const AgentId& agent, std::size_t routers) {
    if (Asked* const asked = waiting_.find(agent)) {
        asked->routers = routers;
    }
}

void Discovery::answered(const AgentId& agent) {
    if (!end(agent)) {
        ++counts_.late;
    }
}

bool Discovery::denied(const AgentId& agent) {
    Asked* const asked = waiting_.find(agent);
    return asked != nullptr && asked->routers > 0 && --asked->routers == 0 && end(agent);
}

void Discovery::known(const AgentId& agent) {
    if (!waiting_.empty()) {
        static_cast<void>(end(agent));
    }
}

void Discovery::advance(std::uint64_t now_ms) {
    now_ms_ = std::max(now_ms_, now_ms);
    counts_.unanswered += waiting_.expire(options_.timeout_ms, now_ms_);
}

std::vector<AgentId> Discovery::take_requests() {
    std::vector<AgentId> requests;
    auto& waiting = waiting_.items();
    for (auto at = waiting.rbegin(); at != waiting.rend() && !at->value.taken; ++at) {
        at->value.taken = true;
        requests.push_back(at->id);
    }
    std::ranges::reverse(requests);
    return requests;
}

}  // namespace posthaste::routing
