// SPDX-License-Identifier: BSD-3-Clause
// ClusterCommands: whose claim of an agent holds and why, and what is in conflict.
#include <algorithm>
#include <array>

#include "controlplane/cluster/cluster_commands.h"
#include "controlplane/cluster/cluster_text.h"
#include "gossip/claims/capability_sets.h"

namespace posthaste::controlplane {

using gossip::claims::Claimant;
using gossip::claims::Comparison;
using gossip::claims::MoveLimit;
using gossip::claims::Precedence;
using gossip::claims::Winner;

namespace {

constexpr std::size_t kFrozenLookedAt = 8'192;
constexpr std::size_t kEventsShown = 32;
constexpr std::array<std::string_view, 4> kStateNames = {"", "running", "draining", "stopped"};

constexpr std::array kConflictKinds = {
    NotedKind::conflict,
    NotedKind::frozen,
    NotedKind::superseded,
    NotedKind::name_conflict,
    NotedKind::lost_name,
    NotedKind::inconsistent,
    NotedKind::damaged_records,
    NotedKind::repaired,
    NotedKind::generations_spent,
};

Claimant claimant_of(const Winner& claim) {
    return {claim.router, claim.body};
}

bool is_same(const Winner& one, const Winner& other) {
    return one.router == other.router && one.at == other.at && one.provisional == other.provisional;
}

Json capabilities_of(const gossip::claims::ClaimStore& store, const Winner& claim) {
    Json texts = Json::array();
    const auto offers = gossip::claims::offers_of(store.sets().text(claim.set));
    if (offers) {
        for (const routing::Offer& offer : *offers) {
            texts.push_back(routing::to_text(offer));
        }
    }
    return texts;
}

std::uint64_t ago(std::uint64_t now_ms, std::uint64_t at_ms) {
    return now_ms > at_ms ? now_ms - at_ms : 0;
}

// Two claims of it that may hold are of equal rank but for time and router, right now.
bool is_concurrent(const gossip::claims::ClaimStore& store, const routing::AgentId& agent) {
    std::vector<Winner> claims = store.claims_of(agent);
    std::erase_if(claims, [&](const Winner& claim) { return !store.is_eligible(claim.router); });
    for (std::size_t i = 0; i < claims.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (compare_claims(claimant_of(claims[i]), claimant_of(claims[j])) ==
                Comparison::concurrent) {
                return true;
            }
        }
    }
    return false;
}

Json noted_rows(const std::vector<NotedEvent>& events, const char* name, std::uint64_t now_ms) {
    Json rows = Json::array();
    for (const NotedEvent& event : events) {
        rows.push_back({{name, event.name},
                        {"event", name_of(event.kind)},
                        {"detail", event.detail.empty() ? Json(nullptr) : Json(event.detail)},
                        {"ago_ms", ago(now_ms, event.at_ms)}});
    }
    return rows;
}

// Why the claim holds, or what it lacks against the one that does.
std::string why_text(const Winner& claim,
                     const std::vector<Winner>& winners,
                     bool eligible,
                     const std::string& holder) {
    if (!eligible) {
        return "its router is out";
    }
    if (std::ranges::any_of(winners,
                            [&](const Winner& winner) { return is_same(winner, claim); })) {
        return winners.size() > 1 ? "holds, one of several that may" : "holds";
    }
    if (winners.empty()) {
        return "no claim holds";
    }
    const Precedence by = decides(claimant_of(winners.front()), claimant_of(claim));
    return "less by " +
           std::string(gossip::claims::kPrecedenceNames[static_cast<std::size_t>(by)]) +
           " than the claim of " + holder;
}

}  // namespace

Json ClusterCommands::claim_row(const Winner& claim, const std::vector<Winner>& winners) const {
    const gossip::claims::ClaimStore& store = source_.routes().store();
    const bool eligible = store.is_eligible(claim.router);
    const std::string holder = winners.empty() ? "" : router_text(winners.front().router);
    return {{"router", router_text(claim.router)},
            {"holds",
             std::ranges::any_of(winners,
                                 [&](const Winner& winner) { return is_same(winner, claim); })},
            {"why", why_text(claim, winners, eligible, holder)},
            {"state", kStateNames[static_cast<std::size_t>(claim.body.state)]},
            {"sticky", claim.body.sticky},
            {"multi", claim.body.multi},
            {"epoch", claim.body.epoch},
            {"mobility", claim.body.mobility},
            {"attached_ms", ago(source_.claims_ms(), claim.body.since >> 16)},
            {"generation", claim.at.generation.counter},
            {"version", claim.at.version},
            {"stale", claim.stale},
            {"provisional", claim.provisional},
            {"eligible", eligible},
            {"load_per_mille", claim.load.per_mille},
            {"queue_depth", claim.load.queue_depth},
            {"capabilities", capabilities_of(store, claim)}};
}

Outcome ClusterCommands::show_claims(const routing::AgentId& agent) const {
    const gossip::claims::RoutePlane& plane = source_.routes();
    std::vector<Winner> claims = plane.store().claims_of(agent);
    if (claims.empty()) {
        return refuse(code::not_found, "no router claims agent " + agent.to_text());
    }
    const std::vector<Winner> winners = plane.store().winners(agent);
    const auto holds = [&winners](const Winner& claim) {
        return std::ranges::any_of(winners,
                                   [&](const Winner& winner) { return is_same(winner, claim); });
    };
    std::ranges::sort(claims, [&](const Winner& one, const Winner& other) {
        return holds(one) != holds(other) ? holds(one)
                                          : holds_over(claimant_of(one), claimant_of(other));
    });
    Json rows = Json::array();
    for (const Winner& claim : claims) {
        rows.push_back(claim_row(claim, winners));
    }
    const std::uint64_t now_ms = source_.claims_ms();
    const auto frozen = plane.own().moves().frozen(now_ms, kFrozenLookedAt);
    const auto own = std::ranges::find(frozen, agent, &MoveLimit::Frozen::agent);
    return Json{{"agent", agent.to_text()},
                {"claims", std::move(rows)},
                {"frozen_ms", own == frozen.end() ? Json(nullptr) : Json(own->until_ms - now_ms)}};
}

Outcome ClusterCommands::show_conflicts() const {
    const gossip::claims::RoutePlane& plane = source_.routes();
    const std::uint64_t now_ms = source_.claims_ms();
    Json frozen = Json::array();
    for (const MoveLimit::Frozen& each : plane.own().moves().frozen(now_ms, kFrozenLookedAt)) {
        if (frozen.size() < kPageMax) {
            frozen.push_back({{"agent", each.agent.to_text()},
                              {"for_ms", each.until_ms - now_ms},
                              {"times", each.times}});
        }
    }
    Json conflicts = Json::array();
    for (const NotedEvent& event : log_.last(bit_of(NotedKind::conflict), kEventsShown)) {
        conflicts.push_back({{"agent", event.agent->to_text()},
                             {"router", event.name},
                             {"ago_ms", ago(now_ms, event.at_ms)},
                             {"concurrent", is_concurrent(plane.store(), *event.agent)}});
    }
    Json totals = Json::object();
    for (const NotedKind kind : kConflictKinds) {
        totals[std::string(name_of(kind))] = log_.counts()[static_cast<std::size_t>(kind)];
    }
    const auto names =
        log_.last(bit_of(NotedKind::name_conflict) | bit_of(NotedKind::lost_name), kEventsShown);
    const auto damage =
        log_.last(bit_of(NotedKind::inconsistent) | bit_of(NotedKind::damaged_records) |
                      bit_of(NotedKind::repaired) | bit_of(NotedKind::generations_spent),
                  kEventsShown);
    return Json{{"frozen", std::move(frozen)},
                {"conflicts", std::move(conflicts)},
                {"names", noted_rows(names, "name", now_ms)},
                {"inconsistencies", noted_rows(damage, "router", now_ms)},
                {"totals", std::move(totals)}};
}

}  // namespace posthaste::controlplane
