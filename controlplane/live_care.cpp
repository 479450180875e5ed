// SPDX-License-Identifier: BSD-3-Clause
// LiveOperations: what the control thread does for lookups, and routers taken out and put back.
#include <algorithm>

#include "controlplane/live_operations.h"
#include "dataplane/route_use.h"

namespace posthaste::controlplane {

namespace {

// Counts by age in powers of two of milliseconds; only those that occurred.
Json ages_of(const routing::AccessLog& log) {
    Json rows = Json::array();
    const auto ages = log.ages();
    for (std::size_t bits = 0; bits < ages.size(); ++bits) {
        if (ages[bits] != 0) {
            const std::uint64_t from = bits == 0 ? 0 : std::uint64_t{1} << (bits - 1);
            rows.push_back({{"from_ms", from}, {"samples", ages[bits]}});
        }
    }
    return rows;
}

}  // namespace

Outcome LiveOperations::show_discovery() {
    const routing::Discovery& discovery = box_.care->discovery();
    const routing::DiscoveryCounts& counts = discovery.counts();
    return Json{{"in_flight", discovery.in_flight()},
                {"in_flight_max", discovery.options().in_flight_max},
                {"requests_per_second", discovery.options().requests_per_second},
                {"timeout_ms", discovery.options().timeout_ms},
                {"wanted", counts.wanted},
                {"requested", counts.requested},
                {"suppressed", counts.suppressed},
                {"rate_limited", counts.rate_limited},
                {"refused", counts.refused},
                {"answered", counts.answered},
                {"unanswered", counts.unanswered},
                {"displaced", counts.displaced},
                {"late", counts.late}};
}

Outcome LiveOperations::show_top(unsigned count) {
    Json rows = Json::array();
    for (const RouteCare::Used& used : box_.care->most_used(count, box_.now_ms())) {
        const bool local = used.entry->kind == routing::RouteKind::local;
        rows.push_back(
            {{"agent", used.entry->agent.to_text()},
             {"kind", local ? "local" : "remote"},
             {"used_ms", used.use.used_ms},
             {"changed_ms", used.use.changed_ms},
             {"frames_estimated", std::uint64_t{used.use.uses} * dataplane::kUseSampling}});
    }
    const routing::AccessLog& log = box_.care->access();
    return Json{{"agents", std::move(rows)},
                {"sampled_one_in", dataplane::kUseSampling},
                {"samples", log.samples()},
                {"outdated", log.outdated()},
                {"ages", ages_of(log)},
                {"warmed", box_.care->warmed()},
                {"still_to_warm", box_.care->still_to_warm()}};
}

Outcome LiveOperations::show_rekey() {
    const Rekeying& rekeying = box_.care->rekeying();
    const bool ever = rekeying.state() != Rekeying::State::never;
    const bool ended = ever && rekeying.state() != Rekeying::State::running;
    return Json{{"state", name_of(rekeying.state())},
                {"reason", ever ? Json(rekeying.reason()) : Json(nullptr)},
                {"took_ms",
                 ended ? Json(rekeying.ended_at_ms() - rekeying.started_at_ms()) : Json(nullptr)},
                {"rekeyed", box_.fib->rekeyed_count()},
                {"spilled", box_.fib->spilled_count()},
                {"spilled_max", rekeying.spilled_bound()}};
}

Outcome LiveOperations::rekey() {
    const auto started = box_.care->rekeying().start("operator", box_.now_ms());
    if (!started.has_value()) {
        return refuse(code::conflict, started.error());
    }
    return Json{{"outcome", "started"}};
}

Outcome LiveOperations::withdraw_router(const std::string& router, bool withdrawn) {
    const auto index = box_.next_hops->find_router(router);
    if (!index.has_value()) {
        return refuse(code::not_found, "no router " + router);
    }
    const bool changes = box_.next_hops->routers()[*index].withdrawn != withdrawn;
    box_.next_hops->set_withdrawn(*index, withdrawn);
    const char* const done = withdrawn ? "withdrawn" : "restored";
    return Json{{"router", router}, {"outcome", changes ? done : "unchanged"}};
}

}  // namespace posthaste::controlplane
