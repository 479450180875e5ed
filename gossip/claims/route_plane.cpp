// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/route_plane.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "routing/check.h"

namespace posthaste::gossip::claims {

namespace {

constexpr std::size_t kLoadsPerFrame = 1'024;
constexpr std::size_t kUnnotedMax = 65'536;  // agents that changed and wait to be looked at

}  // namespace

RoutePlane::RoutePlane(const PlaneOptions& options,
                       RouterId self,
                       const Generation& generation,
                       std::uint64_t random_seed,
                       const routing::KeyHash::Key& key)
    : state_(options, self, generation, random_seed, key) {
    CHECK(options.push_entries_max <= kEntriesMax && options.chunk_entries <= kEntriesMax);
}

tl::expected<void, Refusal> RoutePlane::connect(ConnectionId connection,
                                                bool initiated,
                                                std::optional<RouterId> expected,
                                                std::uint64_t now_ms) {
    if (sessions_.size() >= state_.options.sessions_max || sessions_.contains(connection)) {
        state_.refuse(Refusal::too_many_sessions);
        return tl::unexpected(Refusal::too_many_sessions);
    }
    auto session = std::make_unique<Session>(state_, connection, initiated, expected);
    session->on_connect(now_ms);
    sessions_.emplace(connection, std::move(session));
    return {};
}

void RoutePlane::receive(ConnectionId connection,
                         std::span<const std::uint8_t> bytes,
                         std::uint64_t now_ms) {
    const auto found = sessions_.find(connection);
    if (found != sessions_.end()) {
        found->second->on_bytes(bytes, now_ms);
    }
}

void RoutePlane::disconnect(ConnectionId connection, std::uint64_t now_ms) {
    const auto found = sessions_.find(connection);
    if (found != sessions_.end()) {
        found->second->on_disconnect(now_ms);
        sessions_.erase(found);
    }
}

std::vector<std::uint8_t> RoutePlane::take_output(ConnectionId connection,
                                                  std::size_t bytes_max,
                                                  std::uint64_t now_ms) {
    const auto found = sessions_.find(connection);
    return found == sessions_.end() ? std::vector<std::uint8_t>{}
                                    : found->second->take_output(bytes_max, now_ms);
}

std::optional<Refusal> RoutePlane::closed(ConnectionId connection) const {
    const auto found = sessions_.find(connection);
    return found == sessions_.end() ? std::nullopt : found->second->closed();
}

// In an order that does not depend on the table's.
std::vector<Session*> RoutePlane::peers() {
    std::vector<Session*> peers;
    peers.reserve(state_.established.size());
    for (const auto& [router, session] : state_.established) {
        peers.push_back(session);
    }
    std::sort(peers.begin(), peers.end(), [](const Session* one, const Session* other) {
        return number(one->peer()) < number(other->peer());
    });
    return peers;
}

void RoutePlane::set_options(const PlaneOptions& next) noexcept {
    state_.options.push_ms = next.push_ms;
    state_.options.digest_ms = next.digest_ms;
    state_.options.max_version_drift = next.max_version_drift;
    next_push_ms_ = 0;  // what was set by the old ones might be far
    next_digest_ms_ = 0;
}

void RoutePlane::on_timer(std::uint64_t now_ms) {
    state_.now_ms = now_ms;
    state_.asked.expire(state_.options.asked_ms, now_ms);
    state_.own.collect(now_ms);
    if (!work_held_) {
        more_work_ = state_.store.work(state_.options.work_budget, now_ms);
    }
    for (const ClaimStore::Check& check : state_.store.take_checks()) {
        Session::finish(state_, check, now_ms);
    }
    settle_changes(now_ms);
    for (const auto& [connection, session] : sessions_) {
        session->on_timer(now_ms);
    }
    if (now_ms >= next_push_ms_) {
        next_push_ms_ = now_ms + state_.options.push_ms;
        push_all();
    }
    if (now_ms >= next_load_ms_) {
        next_load_ms_ = now_ms + state_.options.load_ms;
        send_loads();
    }
    if (now_ms >= next_digest_ms_) {
        next_digest_ms_ = now_ms + state_.options.digest_ms;
        send_digest();
    }
    if (now_ms >= next_floor_ms_) {
        next_floor_ms_ = now_ms + state_.options.floor_ms;
        state_.floor_to_tell = state_.store.row(state_.store.self())->floor;
    }
}

std::uint64_t RoutePlane::next_due_ms() const noexcept {
    return more_work_ || !unnoted_.empty()
               ? 0
               : std::min(std::min(next_push_ms_, next_load_ms_), next_digest_ms_);
}

void RoutePlane::settle_changes(std::uint64_t now_ms) {
    const std::vector<routing::AgentId> changed = state_.store.take_changes();
    changes_.insert(changes_.end(), changed.begin(), changed.end());
    unnoted_.insert(unnoted_.end(), changed.begin(), changed.end());
    // More at once than half a slice only where peers change more than that for long: the other
    // half is the store's.
    const std::size_t over = unnoted_.size() - std::min(unnoted_.size(), kUnnotedMax);
    const auto noted = unnoted_.begin() +
                       static_cast<std::ptrdiff_t>(std::min(
                           unnoted_.size(), std::max(over, state_.options.work_budget / 2 + 1)));
    state_.own.note_changes(std::vector<routing::AgentId>(unnoted_.begin(), noted), now_ms);
    unnoted_.erase(unnoted_.begin(), noted);
    for (const routing::AgentId& agent : state_.own.take_superseded(now_ms)) {
        Event event{.kind = EventKind::close_session, .agent = agent};
        if (const auto best = state_.store.best(agent)) {
            event.router = best->router;
        }
        state_.note(event);
    }
    for (const MoveLimit::Frozen& frozen : state_.own.take_alarms()) {
        state_.note({.kind = EventKind::frozen, .agent = frozen.agent, .number = frozen.until_ms});
    }
}

// With few peers to all of them; with many to some by chance, and the rest hear of it by digests.
void RoutePlane::push_all() {
    std::vector<Session*> peers = this->peers();
    if (peers.size() > state_.options.push_peers_all) {
        const std::size_t few = std::bit_width(peers.size()) + 2;
        for (std::size_t i = 0; i < few; ++i) {
            std::swap(peers[i], peers[i + state_.draw() % (peers.size() - i)]);
        }
        peers.resize(few);
    }
    for (Session* const peer : peers) {
        peer->push();
    }
}

void RoutePlane::send_loads() {
    const auto loads = state_.own.take_loads(kLoadsPerFrame);
    if (loads.empty()) {
        return;
    }
    const LoadUpdate update{state_.store.row(state_.store.self())->at.generation, loads};
    for (Session* const peer : peers()) {
        if (peer->waiting() < state_.options.out_low) {
            peer->send(update);
        }
    }
}

void RoutePlane::send_digest() {
    const std::vector<Session*> peers = this->peers();
    if (!peers.empty()) {
        peers[state_.draw() % peers.size()]->send_root();
    }
}

void RoutePlane::set_member(RouterId router, Membership membership) {
    if (router == state_.store.self()) {
        return;  // others' view of us is theirs
    }
    if (membership == Membership::forgotten) {
        state_.store.forget(router);
        state_.behind.erase(number(router));
        return;
    }
    state_.store.set_eligible(router, membership == Membership::alive);
}

void RoutePlane::compare_all() {
    for (Session* const peer : peers()) {
        peer->ask_rows();
    }
}

const PeerComparison* RoutePlane::comparison_with(RouterId peer) const {
    const auto found = state_.compared.find(number(peer));
    return found == state_.compared.end() ? nullptr : &found->second;
}

void RoutePlane::discover(const routing::AgentId& agent) {
    state_.counters.questions_displaced += state_.asked.put(agent, {}, state_.now_ms) ? 0 : 1;
    for (Session* const peer : peers()) {
        peer->send(Discover{agent});
    }
}

std::vector<ProviderQuestion> RoutePlane::take_questions(std::size_t count) {
    const auto end = state_.questions.begin() +
                     static_cast<std::ptrdiff_t>(std::min(count, state_.questions.size()));
    std::vector<ProviderQuestion> taken(state_.questions.begin(), end);
    state_.questions.erase(state_.questions.begin(), end);
    return taken;
}

void RoutePlane::answer(const ProviderQuestion& question,
                        std::span<const routing::AgentId> agents) {
    if (Session* const peer = state_.session_of(question.router)) {
        peer->tell_providers(question.key, agents);
    }
}

bool RoutePlane::tell_not_here(RouterId router, const routing::AgentId& agent) {
    Session* const peer = state_.session_of(router);
    return peer != nullptr && peer->tell_not_here(agent);
}

std::vector<routing::AgentId> RoutePlane::take_changes() {
    return std::exchange(changes_, {});
}

std::vector<routing::AgentId> RoutePlane::take_load_changes() {
    return state_.store.take_load_changes();
}

std::vector<Event> RoutePlane::take_events() {
    std::vector<Event> events(state_.events.begin(), state_.events.end());
    state_.events.clear();
    return events;
}

}  // namespace posthaste::gossip::claims
