// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/claims_judge.h"

#include <vector>

#include "tests/support/store_damage.h"

namespace posthaste::sim {

namespace {

using claims::number;
using claims::Refusal;

constexpr unsigned kSettleTicksMax = 1'500;
constexpr unsigned kRestTicks = 40;
constexpr unsigned kStepsMax = 100;

std::string at(const Router& router) {
    return "router " + std::to_string(number(router.id)) + ": ";
}

std::string text_of(const claims::DigestRow& row) {
    return "keyspace " + std::to_string(number(row.router)) + " generation " +
           std::to_string(row.at.generation.counter) + "/" +
           std::to_string(row.at.generation.boot) + " version " + std::to_string(row.at.version) +
           " floor " + std::to_string(row.floor);
}

// A keyspace's claims by agent, for comparison byte by byte.
using Content = std::map<routing::AgentId, std::pair<std::uint64_t, claims::ClaimBody>>;

Content content_of(const Router& router, claims::RouterId whose) {
    Content content;
    router.plane->store().for_each_claim(whose, [&content](const claims::Entry& entry) {
        content[entry.key] = {entry.version, entry.body};
    });
    return content;
}

bool has_session(const ClaimsWorld& world, std::uint64_t router, const routing::AgentId& agent) {
    for (const Router& candidate : world.routers()) {
        if (number(candidate.id) == router && candidate.plane != nullptr) {
            return candidate.plane->store().own(agent).has_value();
        }
    }
    return false;
}

bool has_any_session(const ClaimsWorld& world, const routing::AgentId& agent) {
    for (const Router& router : world.routers()) {
        if (router.plane != nullptr && router.plane->store().own(agent)) {
            return true;
        }
    }
    return false;
}

}  // namespace

// What no router that keeps to the rules ever makes another refuse.
std::optional<std::string> ClaimsJudge::check_refusals(const Router& router) {
    for (const Refusal refusal : {Refusal::oversize,
                                  Refusal::truncated,
                                  Refusal::trailing_bytes,
                                  Refusal::malformed,
                                  Refusal::no_hello,
                                  Refusal::second_hello,
                                  Refusal::slow_peer,
                                  Refusal::own_keyspace,
                                  Refusal::foreign_keyspace,
                                  Refusal::sequence_jump,
                                  Refusal::out_of_order,
                                  Refusal::incomplete_range,
                                  Refusal::fingerprint_mismatch,
                                  Refusal::bad_key,
                                  Refusal::unknown_set,
                                  Refusal::bad_set,
                                  Refusal::store_full}) {
        if (router.plane->counters().refused[static_cast<std::size_t>(refusal)] > 0) {
            return at(router) + "refused: " + std::string(name_of(refusal));
        }
    }
    if (router.plane->counters().fingerprint_mismatches > 0) {
        return at(router) + "a fingerprint differs";
    }
    return std::nullopt;
}

std::optional<std::string> ClaimsJudge::check_rows(const Router& router) {
    for (const claims::DigestRow& row : router.plane->store().rows()) {
        const Place place{
            number(row.router), row.at.generation.counter, row.at.generation.boot, row.at.version};
        const auto [known, first] = contents_.emplace(place, row.fingerprint);
        if (!first && known->second != row.fingerprint) {
            return at(router) + "other content at " + text_of(row);
        }
        // Who forgets begins anew.
        const auto forgets = router.forgets.find(number(row.router));
        claims::Position& reached =
            reached_[{number(router.id),
                      router.lives << 32U | (forgets == router.forgets.end() ? 0 : forgets->second),
                      number(row.router)}];
        if (row.at < reached) {
            return at(router) + "went back to " + text_of(row);
        }
        reached = row.at;
    }
    return std::nullopt;
}

std::optional<std::string> ClaimsJudge::at_any_time(const ClaimsWorld& world) {
    if (world.too_many_moves()) {
        return "an agent moved more often than it may";
    }
    for (const Router& router : world.routers()) {
        if (router.plane == nullptr) {
            continue;
        }
        if (auto wrong = check_rows(router)) {
            return wrong;
        }
        if (auto wrong = check_refusals(router)) {
            return wrong;
        }
        for (unsigned agent = 0; agent < kAgents; ++agent) {
            const auto best = router.plane->store().best(agent_id(agent));
            const auto told = router.fib.find(agent_id(agent));
            const std::uint64_t is = best ? number(best->router) : 0;
            const std::uint64_t was = told == router.fib.end() ? 0 : told->second;
            if (is != was) {
                return at(router) + "agent " + std::to_string(agent) + " is at " +
                       std::to_string(is) + ", and was told to be at " + std::to_string(was);
            }
        }
    }
    return std::nullopt;
}

std::optional<std::string> ClaimsJudge::at_rest(const ClaimsWorld& world) const {
    const Router* first = nullptr;
    for (const Router& router : world.routers()) {
        if (router.plane == nullptr) {
            continue;
        }
        first = first == nullptr ? &router : first;
        if (router.plane->store().root() != first->plane->store().root()) {
            return at(router) + "knows other than router " + std::to_string(number(first->id));
        }
        for (const Router& whose : world.routers()) {
            if (content_of(router, whose.id) != content_of(*first, whose.id)) {
                return at(router) + "other claims of router " + std::to_string(number(whose.id));
            }
            if (!claims::StoreDamage::is_whole(router.plane->store(), whose.id)) {
                return at(router) + "a fingerprint that is not of its records";
            }
        }
        for (unsigned agent = 0; agent < kAgents; ++agent) {
            const auto best = router.plane->store().best(agent_id(agent));
            const bool wanted = has_any_session(world, agent_id(agent));
            if (best.has_value() != wanted ||
                (best && !has_session(world, number(best->router), agent_id(agent)))) {
                return at(router) + "agent " + std::to_string(agent) + " is routed to " +
                       std::to_string(best ? number(best->router) : 0);
            }
        }
    }
    return std::nullopt;
}

std::optional<std::string> run_schedule(std::uint64_t seed, const claims::Mutations& mutations) {
    ClaimsWorld world(seed, mutations);
    ClaimsJudge judge;
    const unsigned steps = 20 + world.dice().below(kStepsMax);
    const auto tick = [&world, &judge]() {
        world.tick();
        return judge.at_any_time(world);
    };
    for (unsigned i = 0; i < steps; ++i) {
        world.step();
        if (auto wrong = tick()) {
            return wrong;
        }
    }
    world.heal();
    // Sessions that lost are closed after a grace, and old claims end: it must stay at rest.
    std::optional<std::string> wrong = "never at rest";
    unsigned rested = 0;
    for (unsigned ticks = 0; ticks < kSettleTicksMax && rested < kRestTicks; ++ticks) {
        if (auto at_once = tick()) {
            return at_once;
        }
        wrong = judge.at_rest(world);
        rested = wrong ? 0 : rested + 1;
    }
    return wrong;
}

}  // namespace posthaste::sim
