// SPDX-License-Identifier: BSD-3-Clause
#include "routing/discovery.h"

#include <algorithm>

#include "routing/message.h"

namespace posthaste::routing {

namespace {

constexpr std::size_t kBucketsAtStart = 64;

}  // namespace

Discovery::Discovery(const DiscoveryOptions& options, const KeyHash::Key& key)
    : options_(options),
      rate_(options.requests_per_second),
      place_(kBucketsAtStart, KeyedIdHash{KeyHash(key)}) {}

bool Discovery::want(const AgentId& agent, std::uint64_t now_ms) {
    advance(now_ms);
    ++counts_.wanted;
    if (agent.is_nil() || agent == kRouterId || options_.in_flight_max == 0) {
        ++counts_.refused;
        return false;
    }
    if (place_.contains(agent)) {
        ++counts_.suppressed;
        return false;
    }
    if (!rate_.take(static_cast<std::uint32_t>(now_ms_))) {
        ++counts_.rate_limited;
        return false;
    }
    if (place_.size() == options_.in_flight_max) {
        ++counts_.displaced;
        place_.erase(asked_.front().agent);
        asked_.pop_front();
    }
    asked_.push_back({agent, now_ms_, false});
    place_.emplace(agent, std::prev(asked_.end()));
    ++counts_.requested;
    return true;
}

bool Discovery::end(const AgentId& agent) {
    const auto place = place_.find(agent);
    if (place == place_.end()) {
        return false;
    }
    asked_.erase(place->second);
    place_.erase(place);
    ++counts_.answered;
    return true;
}

void Discovery::answered(const AgentId& agent) {
    if (!end(agent)) {
        ++counts_.late;
    }
}

void Discovery::known(const AgentId& agent) {
    if (!place_.empty()) {
        static_cast<void>(end(agent));
    }
}

void Discovery::advance(std::uint64_t now_ms) {
    now_ms_ = std::max(now_ms_, now_ms);
    while (!asked_.empty() && now_ms_ - asked_.front().at_ms >= options_.timeout_ms) {
        ++counts_.unanswered;
        place_.erase(asked_.front().agent);
        asked_.pop_front();
    }
}

std::vector<AgentId> Discovery::take_requests() {
    std::vector<AgentId> requests;
    for (auto at = asked_.rbegin(); at != asked_.rend() && !at->taken; ++at) {
        at->taken = true;
        requests.push_back(at->agent);
    }
    std::ranges::reverse(requests);
    return requests;
}

}  // namespace posthaste::routing
