// SPDX-License-Identifier: BSD-3-Clause
#include "routing/rib.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "routing/rib_checks.h"

namespace posthaste::routing {

namespace {

// An lcore reads its clock after the control thread did: its heartbeats may lie ahead this far.
constexpr std::uint32_t kAheadMaxMs = 60'000;

constexpr std::size_t kBucketsAtStart = 64;

// Each of the wheel's ten moves in a record's life is paid for by one of its checks.
constexpr std::size_t kWheelMovesPerCheck = 10;

RibError unknown_agent(const AgentId& agent) {
    return rib_error(ErrorCode::unknown_agent, "agent " + agent.to_text() + " is not registered");
}

// Whether an in-band registration comes from where a static agent is known to be. The MAC of one
// behind an adjacency is the adjacency's, not known here.
bool same_place(const Endpoint& known, const Endpoint& seen) noexcept {
    return known.port == seen.port && known.ip == seen.ip && known.udp_port == seen.udp_port &&
           (known.adjacency != kNoAdjacency || known.mac == seen.mac);
}

}  // namespace

Rib::Rib(const RibLimits& limits, const KeyHash::Key& key)
    : limits_(limits),
      agents_(kBucketsAtStart, KeyedIdHash{KeyHash(key)}),
      routes_(kBucketsAtStart, KeyedIdHash{KeyHash(key)}),
      names_(key) {}

tl::expected<RegisterOutcome, RibError> Rib::register_agent(Registration registration,
                                                            std::uint64_t now_ms) {
    if (auto wrong = check_registration(registration, limits_)) {
        return tl::unexpected(std::move(*wrong));
    }
    const auto held = agents_.find(registration.agent);
    if (held == agents_.end()) {
        return add(std::move(registration), now_ms);
    }
    return renew(held->second, std::move(registration), now_ms);
}

Rib::Outcome Rib::add(Registration&& registration, std::uint64_t now_ms) {
    if (auto full = check_room(registration.agent, registration.origin)) {
        return tl::unexpected(std::move(*full));
    }
    if (auto full = check_port(registration.endpoint.port)) {
        return tl::unexpected(std::move(*full));
    }
    auto offers = hold_offers(registration.offers, 0, registration.origin);
    if (!offers) {
        return tl::unexpected(std::move(offers.error()));
    }
    make_room(registration.agent);
    const auto routed = routes_.empty() ? routes_.end() : routes_.find(registration.agent);
    RouteRecord* const route = routed == routes_.end() ? nullptr : &routed->second;
    const Shown before = shown(nullptr, route);
    if (route != nullptr) {
        ++both_;
        if (route->origin == Origin::claimed) {
            spare_.remove(*route);
        }
    }
    AgentRecord& record = agents_[registration.agent];
    record.registration = std::move(registration);
    record.registration.offers = std::vector<Offer>();  // = {} would keep the memory
    record.offers = std::move(*offers);
    record.registered_at_ms = now_ms;
    ++agents_per_port_[record.registration.endpoint.port];
    start_lease(record, now_ms);
    static_cast<void>(judge(record, now_ms));
    if (route == nullptr || route->origin != Origin::claimed) {
        publish_local(record);
    }
    announce(record.registration.agent, before, shown(&record, route));
    touch(record.registration.agent, record.registration.origin, record.registration.origin);
    note_attach(record.registration.agent, true);
    return RegisterOutcome::added;
}

Rib::Outcome Rib::renew(AgentRecord& record, Registration&& wanted, std::uint64_t now_ms) {
    Registration& held = record.registration;
    if (authority(wanted.origin) < authority(held.origin)) {
        if (wanted.origin == Origin::registered && same_place(held.endpoint, wanted.endpoint)) {
            record.heard_ms = now_ms;
            return RegisterOutcome::refreshed;
        }
        return tl::unexpected(rib_error(ErrorCode::unauthorised,
                                        "agent " + held.agent.to_text() + " " +
                                            std::string(words_for(held.origin)) +
                                            " and cannot be taken over"));
    }
    const std::uint16_t old_port = held.endpoint.port;
    const bool moved = held.endpoint != wanted.endpoint;
    const bool restated = held.state != wanted.state;
    auto offers = hold_offers(wanted.offers, record.offers.size(), wanted.origin);
    if (!offers) {
        return tl::unexpected(std::move(offers.error()));
    }
    const bool reoffered = *offers != record.offers;
    const bool changed = restated || held.name != wanted.name || held.origin != wanted.origin ||
                         held.epoch != wanted.epoch || held.multi != wanted.multi || reoffered;
    if (old_port != wanted.endpoint.port) {
        if (auto full = check_port(wanted.endpoint.port)) {
            release_offers(*offers);
            return tl::unexpected(std::move(*full));
        }
        leave_port(old_port);
        ++agents_per_port_[wanted.endpoint.port];
    }
    const Shown before = restated || reoffered ? shown(held.agent) : Shown{};
    const Origin old_origin = held.origin;
    const std::uint32_t old_lease_ms = held.lease_ms;
    held = std::move(wanted);
    held.offers = std::vector<Offer>();
    release_offers(record.offers);
    record.offers = std::move(*offers);
    start_lease(record, now_ms);
    if (moved) {
        ++record.moves;
        record.rate.note_move(now_ms);
    }
    const bool judged = judge(record, now_ms);
    if (moved || restated || judged) {
        publish_agent(record);
    }
    if (restated || reoffered) {
        announce(held.agent, before);
    }
    if (moved || changed || held.lease_ms != old_lease_ms) {
        touch(held.agent, old_origin, held.origin);
    }
    // One that is claimed away and registers again wants to be here.
    const bool new_session = moved || is_claimed_away(held.agent);
    if (new_session || changed) {
        note_attach(held.agent, new_session);
    }
    if (moved) {
        return RegisterOutcome::moved;
    }
    return changed ? RegisterOutcome::changed : RegisterOutcome::refreshed;
}

std::optional<RibError> Rib::check_room(const AgentId& agent, Origin origin) const {
    const bool displaces = origin != Origin::claimed && !spare_.empty();
    if (has_room() || displaces || agents_.contains(agent) || routes_.contains(agent)) {
        return std::nullopt;
    }
    return rib_error(
        ErrorCode::overloaded,
        "the table is full (" + std::to_string(limits_.routes_max) + " agents, here or elsewhere)");
}

// The agent's own route is left alone: it needs no place of its own.
void Rib::make_room(const AgentId& agent) {
    if (has_room() || spare_.empty() || agents_.contains(agent) || routes_.contains(agent)) {
        return;
    }
    const AgentId gone = spare_.first()->agent;
    drop_route(gone);
    ++displaced_;
    note_attach(gone, false);
}

std::optional<RibError> Rib::check_port(std::uint16_t port) const {
    if (limits_.agents_per_port_max == 0 || agents_on_port(port) < limits_.agents_per_port_max) {
        return std::nullopt;
    }
    return rib_error(
        ErrorCode::overloaded,
        "the port is full (" + std::to_string(limits_.agents_per_port_max) + " agents)");
}

std::uint32_t Rib::granted_lease_ms(const Registration& registration) const {
    const std::uint32_t wanted =
        registration.lease_ms == 0 ? limits_.lease_default_ms : registration.lease_ms;
    return std::max(limits_.lease_min_ms, std::min(wanted, limits_.lease_max_ms));
}

void Rib::start_lease(AgentRecord& record, std::uint64_t now_ms) {
    record.heard_ms = now_ms;
    if (record.registration.origin != Origin::registered) {
        record.registration.lease_ms = 0;
        record.deadline_ms = 0;
        leases_.remove(record);
        return;
    }
    record.registration.lease_ms = granted_lease_ms(record.registration);
    record.deadline_ms = now_ms + record.registration.lease_ms;
    // A later deadline waits until the one in the wheel is due: a refresh touches no other record.
    if (!record.due.in() || record.deadline_ms < record.due.at_ms) {
        leases_.set(record, record.deadline_ms);
    }
}

tl::expected<void, RibError> Rib::deregister_agent(const AgentId& agent, const Endpoint* from) {
    const auto held = agents_.find(agent);
    if (held == agents_.end()) {
        return tl::unexpected(unknown_agent(agent));
    }
    const Registration& registration = held->second.registration;
    if (from != nullptr && registration.origin != Origin::registered) {
        return tl::unexpected(rib_error(ErrorCode::unauthorised,
                                        "agent " + agent.to_text() + " " +
                                            std::string(words_for(registration.origin)) +
                                            " and cannot deregister"));
    }
    if (from != nullptr && !same_host(registration.endpoint, *from)) {
        return tl::unexpected(rib_error(ErrorCode::unauthorised,
                                        "agent " + agent.to_text() + " is registered elsewhere"));
    }
    withdraw(agent);
    return {};
}

tl::expected<void, RibError> Rib::set_state(const AgentId& agent, AgentState state) {
    const auto held = agents_.find(agent);
    if (held == agents_.end()) {
        return tl::unexpected(unknown_agent(agent));
    }
    if (!is_valid(state)) {
        return tl::unexpected(
            rib_error(ErrorCode::malformed, "the agent's state is none that there is"));
    }
    if (held->second.registration.state != state) {
        const Shown before = shown(agent);
        const Origin origin = held->second.registration.origin;
        held->second.registration.state = state;
        publish_agent(held->second);
        announce(agent, before);
        touch(agent, origin, origin);
        note_attach(agent, false);
    }
    return {};
}

std::size_t Rib::expire(std::uint64_t now_ms, const LastHeard& last_heard, std::size_t budget) {
    std::size_t gone = 0;
    std::size_t judged = 0;
    std::size_t moves = budget * kWheelMovesPerCheck;
    for (; budget > 0; --budget) {
        AgentRecord* const record = leases_.next_due(now_ms, moves);
        if (record == nullptr) {
            break;
        }
        read_heartbeat(*record, now_ms, last_heard(record->registration.agent));
        if (record->heard_ms < leases_from_ms_) {
            record->heard_ms = leases_from_ms_;
            record->deadline_ms = leases_from_ms_ + record->registration.lease_ms;
        }
        if (record->deadline_ms <= now_ms) {
            withdraw(record->registration.agent);
            ++gone;
            continue;
        }
        leases_.set(*record, record->deadline_ms);
        if (judged < kJudgedPerCall && judge(*record, now_ms)) {
            publish_agent(*record);
            ++judged;
        }
    }
    return gone;
}

// True: the class has changed.
bool Rib::judge(AgentRecord& record, std::uint64_t now_ms) const {
    const bool vouched = record.registration.origin != Origin::registered;
    const Stability now =
        record.rate.judge(record.stability, record.registered_at_ms, vouched, now_ms);
    return std::exchange(record.stability, now) != now;
}

// The cell counts only if it changed since it was last read: an agent that refreshes by
// registering alone leaves it as it is, and after 2^32 ms an old value would look new.
void Rib::read_heartbeat(AgentRecord& record,
                         std::uint64_t now_ms,
                         std::optional<std::uint32_t> cell_ms) {
    if (!cell_ms || *cell_ms == record.cell_ms) {
        return;
    }
    record.cell_ms = *cell_ms;
    const std::uint32_t age = static_cast<std::uint32_t>(now_ms) - *cell_ms;
    const bool ahead = -age <= kAheadMaxMs;  // also: now
    const std::uint64_t heard_ms = ahead ? now_ms : now_ms - std::min<std::uint64_t>(age, now_ms);
    if (heard_ms > record.heard_ms) {
        record.heard_ms = heard_ms;
        record.deadline_ms = heard_ms + record.registration.lease_ms;
    }
}

void Rib::leave_port(std::uint16_t port) {
    const auto count = agents_per_port_.find(port);
    if (--count->second == 0) {
        agents_per_port_.erase(count);
    }
}

void Rib::withdraw(const AgentId& agent) {
    const AgentId id = agent;  // the caller's may lie in the record
    const auto held = agents_.find(id);
    leases_.remove(held->second);
    leave_port(held->second.registration.endpoint.port);
    const bool hidden = is_claimed_away(id);
    const Shown before = shown(id);
    const Origin origin = held->second.registration.origin;
    touch(id, origin, origin);
    release_offers(held->second.offers);
    agents_.erase(held);
    note_attach(id, false);
    if (const auto route = routes_.find(id); route != routes_.end()) {
        --both_;
        if (is_spare(route->second)) {
            spare_.push_back(route->second);
        }
    }
    if (hidden) {
        return;
    }
    announce(id, before);
    if (const RouteRecord* const route = find_route(id)) {
        publish_route(*route);
    } else {
        publish_removal(id);
    }
}

// What was never registered in band outlives no restart by itself.
void Rib::touch(const AgentId& agent, Origin before, Origin now) {
    if (notes_touched_ && (before == Origin::registered || now == Origin::registered)) {
        touched_.push_back(agent);
    }
}

std::vector<AgentId> Rib::take_touched() {
    return std::exchange(touched_, {});
}

bool Rib::holds(const Registration& wanted) const {
    const AgentRecord* const record = find_agent(wanted.agent);
    if (record == nullptr) {
        return false;
    }
    const Registration& held = record->registration;
    if (authority(wanted.origin) < authority(held.origin)) {
        return true;  // refreshed or refused
    }
    std::vector<Offer> offers = wanted.offers;
    std::sort(offers.begin(), offers.end(), by_kind_and_text);
    return held.endpoint == wanted.endpoint && held.origin == wanted.origin &&
           held.state == wanted.state && held.lease_ms == granted_lease_ms(wanted) &&
           held.epoch == wanted.epoch && held.multi == wanted.multi && held.name == wanted.name &&
           offers_of(record->offers) == offers;
}

void Rib::note_attach(const AgentId& agent, bool new_session) {
    if (notes_attaches_) {
        attaches_.push_back({agent, new_session});
    }
}

std::vector<AttachChange> Rib::take_attaches() {
    return std::exchange(attaches_, {});
}

bool Rib::is_claimed_away(const AgentId& agent) const {
    const RouteRecord* const route = find_route(agent);
    return route != nullptr && route->origin == Origin::claimed && agents_.contains(agent);
}

FibChange& Rib::add_change(const AgentId& agent) {
    FibChange& change = changes_.emplace_back();
    change.entry.agent = agent;
    change.entry.version = static_cast<std::uint32_t>(++version_);
    return change;
}

void Rib::publish_agent(AgentRecord& record) {
    if (!is_claimed_away(record.registration.agent)) {
        publish_local(record);
    }
}

void Rib::publish_local(AgentRecord& record) {
    FibChange& change = add_change(record.registration.agent);
    change.entry.endpoint = record.registration.endpoint;
    change.entry.kind = RouteKind::local;
    change.entry.state = record.registration.state;
    change.entry.stability = record.stability;
    change.last_heard_ms = static_cast<std::uint32_t>(record.heard_ms);
    record.cell_ms = change.last_heard_ms;
}

void Rib::publish_route(const RouteRecord& route) {
    FibChange& change = add_change(route.agent);
    change.entry.endpoint.adjacency = route.adjacency;
    change.entry.kind = RouteKind::remote;
    change.entry.state = route.state;
    change.entry.stability = route.stability;
    change.entry.router = route.router;
    change.entry.fresh_until_ms = route.fresh_until_ms;
}

void Rib::publish_removal(const AgentId& agent) {
    add_change(agent).remove = true;
}

std::vector<FibChange> Rib::take_changes() {
    return std::exchange(changes_, {});
}

const AgentRecord* Rib::find_agent(const AgentId& agent) const {
    const auto held = agents_.find(agent);
    return held == agents_.end() ? nullptr : &held->second;
}

std::uint32_t Rib::agents_on_port(std::uint16_t port) const {
    const auto count = agents_per_port_.find(port);
    return count == agents_per_port_.end() ? 0 : count->second;
}

}  // namespace posthaste::routing
