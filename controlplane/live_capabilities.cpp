// SPDX-License-Identifier: BSD-3-Clause
// The operator's view of capabilities.
#include <algorithm>

#include "controlplane/list_cursor.h"
#include "controlplane/live_operations.h"
#include "routing/capability_name.h"

namespace posthaste::controlplane {

namespace {

using routing::AgentState;
using routing::OfferNames;
using routing::Provider;
using routing::ProviderSet;

// Rows looked at for one page, at most, whether or not they are given.
constexpr std::size_t kLookedAtMax = 100'000;

std::string_view state_name(AgentState state) noexcept {
    return state == AgentState::running    ? "running"
           : state == AgentState::draining ? "draining"
                                           : "stopped";
}

// What lcores did with frames to capabilities, all workers together.
Json frames_of(const Box& box) {
    const auto sum = [&box](auto&& counter_of) {
        std::uint64_t total = 0;
        for (const auto& worker : box.workers) {
            total += counter_of(worker->counters().capability).read();
        }
        return total;
    };
    using Counters = dataplane::CapabilityCounters;
    const auto total = [&sum](routing::Counter Counters::*counter) {
        return sum([counter](const Counters& counters) -> auto& { return counters.*counter; });
    };
    Json chosen = Json::object();
    for (std::size_t strategy = 0; strategy < routing::kStrategyNames.size(); ++strategy) {
        chosen[std::string(routing::kStrategyNames[strategy])] =
            sum([strategy](const Counters& counters) -> auto& {
                return counters.chosen[strategy];
            });
    }
    return Json{{"chosen", std::move(chosen)},
                {"to_all", total(&Counters::fan_outs)},
                {"copies", total(&Counters::copies)},
                {"no_provider", total(&Counters::no_provider)},
                {"failovers", total(&Counters::failovers)},
                {"conversations_kept", total(&Counters::kept)},
                {"conversations_remembered", total(&Counters::remembered)},
                {"names", total(&Counters::names)},
                {"names_hashed", total(&Counters::names_hashed)}};
}

Json matching_of(const Patterns& patterns) {
    const PatternsCounts& counts = patterns.counts();
    const routing::PatternTable& table = patterns.directory().table();
    return Json{{"matched", counts.matched},
                {"unmatched", counts.unmatched},
                {"no_room", counts.no_room},
                {"nameless", counts.nameless},
                {"regexes_tried", counts.tried},
                {"regexes_refused", counts.refused},
                {"builds_failed", counts.build_fails},
                {"patterns_failed", table.failed()},
                {"per_name_max", routing::kPatternMatchesMax},
                {"names_cut", table.counts().overflows},
                {"databases", table.databases()},
                {"bytes", table.bytes()}};
}

// What a row says of a pattern: whether it is looked for by now.
Json state_of(const Patterns& patterns, std::uint32_t number) {
    const routing::PatternTable& table = patterns.directory().table();
    if (!table.contains(number)) {
        return nullptr;
    }
    const routing::PatternState state = table.state(number);
    return state == routing::PatternState::ready    ? "ready"
           : state == routing::PatternState::failed ? "failed"
                                                    : "compiling";
}

}  // namespace

Outcome LiveOperations::show_capabilities(const Page& page) {
    const auto position = read_position(page.after);
    if (!position) {
        return tl::unexpected(position.error());
    }
    const OfferNames& names = box_.rib.names();
    const routing::CapabilityIndex& index = box_.capabilities->index();
    Json rows = Json::array();
    std::size_t at = *position;
    const std::size_t last = std::min<std::size_t>(names.limit(), at + kLookedAtMax);
    for (; at < last && rows.size() < page.limit; ++at) {
        const auto number = static_cast<std::uint32_t>(at + 1);
        const OfferNames::Name& name = names.at(number);
        const ProviderSet* const set = index.providers_of(number);
        if (set == nullptr) {
            continue;
        }
        rows.push_back({{"capability", name.text},
                        {"kind", routing::name_of(name.kind)},
                        {"providers", set->providers().size()},
                        {"available", set->available(box_.fib->routers())},
                        {"available_here", set->local().size()},
                        {"bytes", set->memory_bytes()},
                        {"matching", state_of(*box_.patterns, number)}});
    }
    const routing::CapabilityCounts& counts = index.counts();
    const CapabilitiesConfig& config = box_.config.capabilities;
    return Json{{"capabilities", rows},
                {"next", next_of(at, names.limit())},
                {"names", box_.rib.names_held()},
                {"names_max", config.names_max},
                {"patterns", box_.rib.patterns_held()},
                {"patterns_max", config.patterns_max},
                {"providers", box_.rib.offers_held()},
                {"providers_max", config.providers_max},
                {"sets", box_.capabilities->sets().taken()},
                {"sets_max", box_.capabilities->sets().capacity()},
                {"bytes", box_.capabilities->sets().memory_bytes()},
                {"changes", counts.changes},
                {"published", counts.published},
                {"waiting", index.waiting()},
                {"delayed", counts.delayed},
                {"lag_ms_worst", counts.lag_ms_worst},
                {"frames", frames_of(box_)},
                {"matching", matching_of(*box_.patterns)}};
}

Outcome LiveOperations::show_capability(const std::string& name, const Page& page, bool all) {
    if (!routing::is_capability_name(name)) {
        return refuse(code::usage, name + " is not the name of a capability");
    }
    const auto position = read_position(page.after);
    if (!position) {
        return tl::unexpected(position.error());
    }
    const bool offered = box_.rib.names().find(routing::OfferKind::name, name) != 0;
    const ProviderSet* const set = box_.capabilities->providers(name, box_.now_ms());
    if (set == nullptr) {
        box_.capabilities->discover(name, box_.now_ms());
        return refuse(code::not_found, "nobody has " + name);
    }
    const std::uint8_t flags = all ? query_flag::all_states : std::uint8_t{0};
    const std::span<const Provider> providers = set->providers();
    Json rows = Json::array();
    std::size_t at = *position;
    for (; at < providers.size() && rows.size() < page.limit; ++at) {
        const Provider& provider = providers[at];
        if (!is_wanted(provider, box_.fib->routers(), flags)) {
            continue;
        }
        const routing::Load load = box_.capabilities->load(provider);
        rows.push_back({{"agent", provider.agent.to_text()},
                        {"router",
                         provider.local() ? Json(nullptr)
                                          : Json(box_.capabilities->router_name(provider.router))},
                        {"state", state_name(provider.state)},
                        {"priority", provider.priority},
                        {"weight", provider.weight},
                        {"load_per_mille", load.per_mille},
                        {"queue_depth", load.queue_depth}});
    }
    return Json{{"capability", name},
                {"id", routing::capability_id(name).to_text()},
                {"by", offered ? "name" : "pattern"},
                {"providers", rows},
                {"total", providers.size()},
                {"available", set->available(box_.fib->routers())},
                {"next", next_of(at, providers.size())}};
}

}  // namespace posthaste::controlplane
