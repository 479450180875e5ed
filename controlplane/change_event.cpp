// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/change_event.h"

#include "controlplane/cluster/cluster_text.h"

namespace posthaste::controlplane {

using routing::FibChange;
using routing::FibEntry;
using routing::RouteKind;

namespace {

bool is_elsewhere(const FibEntry& before, const FibEntry& now) {
    if (before.kind != now.kind) {
        return true;
    }
    return now.kind == RouteKind::local ? before.endpoint.port != now.endpoint.port ||
                                              before.endpoint.ip != now.endpoint.ip ||
                                              before.endpoint.udp_port != now.endpoint.udp_port
                                        : before.router != now.router;
}

}  // namespace

std::optional<NotedEvent> event_of(const FibEntry* before,
                                   const FibChange& change,
                                   const Config& config,
                                   std::uint64_t wall_ms) {
    const bool gone = change.remove;
    const FibEntry& now = gone && before != nullptr ? *before : change.entry;
    if (now.kind == RouteKind::capability || (gone && before == nullptr)) {
        return std::nullopt;
    }
    NotedEvent event{.kind = NotedKind::agent_gone, .at_ms = wall_ms, .agent = now.agent};
    if (!gone) {
        event.kind = before == nullptr            ? NotedKind::agent_attached
                     : is_elsewhere(*before, now) ? NotedKind::agent_moved
                                                  : NotedKind::agent_changed;
    }
    if (now.kind == RouteKind::local) {
        event.name = config.ports[now.endpoint.port].name;
        event.detail = text_of(now.endpoint.ip, now.endpoint.udp_port);
    } else {
        event.detail = "at another router";
    }
    return event;
}

}  // namespace posthaste::controlplane
