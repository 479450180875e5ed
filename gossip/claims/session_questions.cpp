// SPDX-License-Identifier: BSD-3-Clause
// Questions about agents and capabilities, and their answers.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "gossip/claims/session.h"
#include "routing/capability_name.h"
#include "routing/check.h"

namespace posthaste::gossip::claims {

// Whoever knows an agent says so; usually that is the router where it is. Who has a capability is
// known to the caller of the plane, and told of our own agents alone.
void Session::take(const Discover& request, std::uint64_t now_ms) {
    const bool about_agent = !routing::is_capability_key(request.agent);
    if (!discoveries_.take(static_cast<std::uint32_t>(now_ms)) ||
        (!about_agent && state_.questions.size() >= state_.options.questions_max)) {
        state_.refuse(Refusal::rate_limited);
        return;
    }
    if (!about_agent) {
        state_.questions.push_back({peer_, request.agent});
        return;
    }
    Discovered answer{.agent = request.agent};
    if (const auto best = state_.store.best(request.agent); best && !best->provisional) {
        answer.found = true;
        answer.router = best->router;
        answer.at = best->at;
        answer.body = best->body;
        answer.load = best->load;
        answer.set = state_.store.sets().text(best->set);
    }
    send(answer);
}

// Not all of them, where their lists are long.
void Session::tell_providers(const routing::AgentId& key,
                             std::span<const routing::AgentId> agents) {
    const ClaimStore& store = state_.store;
    Providers answer{
        .key = key, .generation = store.row(store.self())->at.generation, .entries = {}};
    std::size_t claims = 0;
    std::size_t bytes = 0;
    for (const routing::AgentId& agent : agents) {
        const auto claim = store.own(agent);
        if (!claim || claim->body.capabilities == 0 || claims == kProvidersMax ||
            bytes > kProviderSetsBytesMax) {
            continue;
        }
        const routing::AgentId list = set_key(claim->body.capabilities);
        if (std::ranges::find(answer.entries, list, &Entry::key) == answer.entries.end()) {
            auto entry = store.own(list);
            CHECK(entry.has_value());  // a keyspace has every list its claims name
            bytes += entry->set.size();
            answer.entries.push_back(*std::move(entry));
        }
        answer.entries.push_back(*claim);
        ++claims;
    }
    if (claims == 0) {
        send(Discovered{.agent = key});
        return;
    }
    std::ranges::sort(answer.entries, {}, &Entry::version);
    send(answer);
}

void Session::take(const Discovered& answer, std::uint64_t now_ms) {
    if (!state_.asked.contains(answer.agent)) {
        state_.refuse(Refusal::unasked_answer);
        return;
    }
    Event event{.kind = EventKind::discovered, .router = peer_, .agent = answer.agent};
    if (answer.found) {
        event.router = answer.router;
        event.number = 1;
        const auto put =
            state_.store.put_provisional(answer.agent,
                                         {.router = answer.router,
                                          .at = answer.at,
                                          .body = answer.body,
                                          .load = answer.load,
                                          .set = answer.set,
                                          .until_ms = now_ms + state_.options.provisional_ms});
        if (!put) {
            state_.refuse(put.error());
        }
        heard_of(answer.router, answer.at, now_ms);
    }
    state_.note(event);
}

// Ahead of its keyspace, which is asked for.
void Session::take(const Providers& answer, std::uint64_t now_ms) {
    if (!state_.asked.contains(answer.key)) {
        state_.refuse(Refusal::unasked_answer);
        return;
    }
    if (answer.entries.size() > 2 * kProvidersMax) {
        state_.refuse(Refusal::range_too_large);
        return;
    }
    std::unordered_map<std::uint64_t, const std::string*> lists;
    for (const Entry& entry : answer.entries) {
        if (entry.kind == RecordKind::capability_set && !entry.gone) {
            lists.emplace(state_.store.sets().hash_of(entry.set), &entry.set);
        }
    }
    Event event{.kind = EventKind::discovered, .router = peer_, .agent = answer.key};
    Position at{answer.generation, 0};
    for (const Entry& entry : answer.entries) {
        at.version = entry.version;
        if (entry.kind != RecordKind::claim || entry.gone) {
            continue;
        }
        const auto list = lists.find(entry.body.capabilities);
        if (list == lists.end()) {
            state_.refuse(Refusal::unknown_set);
            continue;
        }
        ++event.number;
        const auto put =
            state_.store.put_provisional(entry.key,
                                         {.router = peer_,
                                          .at = at,
                                          .body = entry.body,
                                          .load = entry.load,
                                          .set = *list->second,
                                          .until_ms = now_ms + state_.options.provisional_ms});
        if (!put) {
            state_.refuse(put.error());
        }
    }
    if (event.number != 0) {
        heard_of(peer_, at, now_ms);
    }
    state_.note(event);
}

}  // namespace posthaste::gossip::claims
