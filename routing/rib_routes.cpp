// SPDX-License-Identifier: BSD-3-Clause
// The Rib's routes to other routers: one per agent, by router, and until their end.
#include <algorithm>
#include <limits>
#include <utility>

#include "routing/rib.h"
#include "routing/rib_checks.h"

namespace posthaste::routing {

namespace {

constexpr std::size_t kWheelMovesPerCheck = 10;  // as for leases

// The end of a route for lcores, whose clock has 32 bits: 0 says that there is none, and an end
// that clock could not tell from the past is left to expire_routes() alone.
std::uint32_t fresh_until(std::uint64_t expires_at_ms, std::uint64_t now_ms) noexcept {
    constexpr std::uint64_t kAheadMax = std::numeric_limits<std::int32_t>::max();
    if (expires_at_ms == 0 || (expires_at_ms > now_ms && expires_at_ms - now_ms > kAheadMax)) {
        return 0;
    }
    // One that is long past would look new again; it is past all the same.
    const auto end = static_cast<std::uint32_t>(
        now_ms > expires_at_ms && now_ms - expires_at_ms > kAheadMax ? now_ms : expires_at_ms);
    return end == 0 ? 1 : end;
}

}  // namespace

tl::expected<void, RibError> Rib::set_route(const RouteRecord& route,
                                            std::uint64_t now_ms,
                                            std::span<const Offer> offers) {
    if (!may_be_agent(route.agent)) {
        return tl::unexpected(rib_error(ErrorCode::malformed,
                                        route.agent.to_text() + " cannot be the id of an agent"));
    }
    if (auto wrong = check_offers(offers, limits_.capabilities_max)) {
        return tl::unexpected(std::move(*wrong));
    }
    const auto held = routes_.find(route.agent);
    if (held == routes_.end()) {
        if (auto full = check_room(route.agent, route.origin)) {
            return tl::unexpected(std::move(*full));
        }
    } else if (authority(route.origin) < authority(held->second.origin)) {
        return tl::unexpected(rib_error(ErrorCode::unauthorised,
                                        "the route to " + route.agent.to_text() + " " +
                                            std::string(words_for(held->second.origin))));
    }
    const bool added = held == routes_.end();
    auto taken = hold_offers(offers, added ? 0 : held->second.offers.size(), route.origin);
    if (!taken) {
        return tl::unexpected(std::move(taken.error()));
    }
    if (route.origin != Origin::claimed) {
        make_room(route.agent);
    }
    const Shown offered = shown(route.agent);
    const RouteRecord before = added ? RouteRecord{} : held->second;
    RouteRecord& now = change_route(route, now_ms);
    release_offers(now.offers);
    now.offers = std::move(*taken);
    show_route(now, added ? nullptr : &before);
    announce(route.agent, offered);
    return {};
}

// `before`: what it was; null: it is new.
void Rib::show_route(const RouteRecord& now, const RouteRecord* before) {
    const auto agent = agents_.find(now.agent);
    const bool local = agent != agents_.end();
    const bool was_shown = before != nullptr && (!local || before->origin == Origin::claimed);
    if (local && now.origin != Origin::claimed) {
        if (was_shown) {
            publish_agent(agent->second);
        }
        return;
    }
    const bool same = was_shown && before->router == now.router &&
                      before->adjacency == now.adjacency && before->state == now.state &&
                      before->stability == now.stability &&
                      before->fresh_until_ms == now.fresh_until_ms;
    if (!same) {
        publish_route(now);
    }
}

RouteRecord& Rib::change_route(const RouteRecord& route, std::uint64_t now_ms) {
    const auto [at, added] = routes_.try_emplace(route.agent);
    RouteRecord& record = at->second;
    if (added) {
        record.since_ms = now_ms;
    } else if (record.router != route.router) {
        record.rate.note_move(now_ms);
    }
    // For a new adjacency, too: see readdress_routes_to().
    const bool elsewhere = added || record.router != route.router ||
                           record.adjacency != route.adjacency || record.origin != route.origin;
    if (elsewhere && !added) {
        leave_router(record);
    }
    const bool was_spare = !added && is_spare(record);
    record.agent = route.agent;
    record.router = route.router;
    record.adjacency = route.adjacency;
    record.origin = route.origin;
    if (elsewhere) {
        join_router(record);
    }
    both_ += added && agents_.contains(route.agent) ? 1 : 0;
    if (is_spare(record) && !was_spare) {
        spare_.push_back(record);
    } else if (was_spare && !is_spare(record)) {
        spare_.remove(record);
    }
    record.state = route.state;
    record.expires_at_ms = route.expires_at_ms;
    record.fresh_until_ms = fresh_until(route.expires_at_ms, now_ms);
    record.stability = record.rate.judge(record.stability, record.since_ms, true, now_ms);
    if (record.expires_at_ms == 0) {
        ends_.remove(record);
    } else {
        ends_.set(record, record.expires_at_ms);
    }
    return record;
}

void Rib::join_router(RouteRecord& route) {
    RouterRoutes& router = routes_per_router_[route.router];
    router.routes.push_back(route);
    ++router.count;
    router.claims += route.origin == Origin::claimed ? 1 : 0;
}

void Rib::leave_router(RouteRecord& route) {
    RouterRoutes& router = routes_per_router_[route.router];
    router.routes.remove(route);
    --router.count;
    router.claims -= route.origin == Origin::claimed ? 1 : 0;
}

bool Rib::is_spare(const RouteRecord& route) const {
    return route.origin == Origin::claimed && !agents_.contains(route.agent);
}

// The route is there.
void Rib::drop_route(const AgentId& agent) {
    const AgentId id = agent;  // the caller's may lie in the record
    const auto held = routes_.find(id);
    RouteRecord& record = held->second;
    ends_.remove(record);
    leave_router(record);
    if (is_spare(record)) {
        spare_.remove(record);
    }
    const Shown before = shown(id);
    const bool claimed = record.origin == Origin::claimed;
    release_offers(record.offers);
    routes_.erase(held);
    const auto local = agents_.find(id);
    both_ -= local != agents_.end() ? 1 : 0;
    announce(id, before);
    if (local == agents_.end()) {
        publish_removal(id);
    } else if (claimed) {
        publish_agent(local->second);
    }
    if (!claimed) {
        note_attach(id, false);
    }
}

tl::expected<void, RibError> Rib::remove_route(const AgentId& agent) {
    if (!routes_.contains(agent)) {
        return tl::unexpected(
            rib_error(ErrorCode::unknown_agent, "there is no route to " + agent.to_text()));
    }
    drop_route(agent);
    return {};
}

std::size_t Rib::expire_routes(std::uint64_t now_ms, std::size_t budget) {
    std::size_t gone = 0;
    std::size_t moves = budget * kWheelMovesPerCheck;
    for (; gone < budget; ++gone) {
        const RouteRecord* const record = ends_.next_due(now_ms, moves);
        if (record == nullptr) {
            break;
        }
        drop_route(record->agent);
    }
    return gone;
}

std::optional<std::uint64_t> Rib::next_deadline_ms() const {
    const auto lease = leases_.earliest_ms();
    const auto end = ends_.earliest_ms();
    if (lease.has_value() && end.has_value()) {
        return std::min(*lease, *end);
    }
    return lease.has_value() ? lease : end;
}

std::uint32_t Rib::routes_to(std::uint16_t router) const {
    const auto routes = routes_per_router_.find(router);
    return routes == routes_per_router_.end() ? 0 : routes->second.count;
}

std::uint32_t Rib::claims_to(std::uint16_t router) const {
    const auto routes = routes_per_router_.find(router);
    return routes == routes_per_router_.end() ? 0 : routes->second.claims;
}

std::size_t Rib::remove_routes_to(std::uint16_t router, std::size_t budget) {
    const auto routes = routes_per_router_.find(router);
    std::size_t gone = 0;
    for (; gone < budget && routes != routes_per_router_.end() && routes->second.count > 0;
         ++gone) {
        drop_route(routes->second.routes.first()->agent);
    }
    return gone;
}

std::size_t Rib::readdress_routes_to(std::uint16_t router,
                                     std::uint16_t adjacency,
                                     std::size_t count) {
    const auto routes = routes_per_router_.find(router);
    if (routes == routes_per_router_.end()) {
        return 0;
    }
    const std::size_t all = std::min<std::size_t>(count, routes->second.count);
    for (std::size_t left = all; left > 0; --left) {
        RouteRecord& first = *routes->second.routes.first();
        const RouteRecord before = first;
        leave_router(first);
        first.adjacency = adjacency;
        join_router(first);
        show_route(first, &before);
    }
    return all;
}

std::vector<AgentId> Rib::agents_behind(std::uint16_t router) const {
    std::vector<AgentId> agents;
    const auto routes = routes_per_router_.find(router);
    if (routes == routes_per_router_.end()) {
        return agents;
    }
    agents.reserve(routes->second.count);
    using List = IntrusiveList<RouteRecord, &RouteRecord::sibling>;
    for (const RouteRecord* at = routes->second.routes.first(); at != nullptr;
         at = List::after(*at)) {
        agents.push_back(at->agent);
    }
    return agents;
}

const RouteRecord* Rib::find_route(const AgentId& agent) const {
    if (routes_.empty()) {
        return nullptr;  // without a hash: a router alone, and any while it starts
    }
    const auto held = routes_.find(agent);
    return held == routes_.end() ? nullptr : &held->second;
}

}  // namespace posthaste::routing
