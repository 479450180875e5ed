// SPDX-License-Identifier: BSD-3-Clause
// FakeOperations: what it says of lookups and of who is chosen.
#include <algorithm>

#include "tests/support/fake_operations.h"

namespace posthaste::test {

using controlplane::Json;
using controlplane::Outcome;

Outcome FakeOperations::show_discovery() {
    ++calls;
    return Json{{"in_flight", 1},
                {"in_flight_max", 4'096},
                {"requests_per_second", 1'000},
                {"timeout_ms", 1'000},
                {"wanted", 7},
                {"requested", 3},
                {"suppressed", 2},
                {"rate_limited", 1},
                {"refused", 1},
                {"answered", 1},
                {"unanswered", 1},
                {"displaced", 0},
                {"late", 0}};
}

Outcome FakeOperations::show_capabilities(const Page& page) {
    ++calls;
    return Json{
        {"capabilities",
         Json::array({{{"capability", "vision/ocr"},
                       {"kind", "name"},
                       {"providers", 3},
                       {"available", 2},
                       {"available_here", 1},
                       {"bytes", 700},
                       {"matching", nullptr}},
                      {{"capability", "text/*"},
                       {"kind", "glob"},
                       {"providers", 1},
                       {"available", 1},
                       {"available_here", 1},
                       {"bytes", 300},
                       {"matching", "ready"}}})},
        {"next", page.limit == 1 ? Json("1") : Json(nullptr)},
        {"names", 1},
        {"names_max", 10'000},
        {"patterns", 1},
        {"patterns_max", 1'000},
        {"providers", 4},
        {"providers_max", 1'000'000},
        {"sets", 2},
        {"sets_max", 16'000},
        {"bytes", 1'400},
        {"changes", 4},
        {"published", 3},
        {"waiting", 0},
        {"delayed", 0},
        {"lag_ms_worst", 5},
        {"frames",
         {{"chosen", {{"sticky", 9}, {"priority", 0}, {"weighted", 0}, {"least-loaded", 1}}},
          {"to_all", 2},
          {"copies", 6},
          {"no_provider", 1},
          {"failovers", 0},
          {"conversations_kept", 8},
          {"conversations_remembered", 0},
          {"names", 3},
          {"names_hashed", 1}}},
        {"matching",
         {{"matched", 2},
          {"unmatched", 1},
          {"no_room", 0},
          {"nameless", 0},
          {"regexes_tried", 1},
          {"regexes_refused", 0},
          {"builds_failed", 0},
          {"patterns_failed", 0},
          {"per_name_max", 256},
          {"names_cut", 0},
          {"databases", 1},
          {"bytes", 3'000}}}};
}

Outcome FakeOperations::show_capability(const std::string& name, const Page& page, bool all) {
    ++calls;
    Json rows = Json::array();
    for (std::uint64_t number = 1; number <= (all ? 2U : 1U); ++number) {
        rows.push_back({{"agent", numbered_agent(number).to_text()},
                        {"router", number == 1 ? Json(nullptr) : Json("r2")},
                        {"state", number == 1 ? "running" : "draining"},
                        {"priority", 50},
                        {"weight", 100},
                        {"load_per_mille", 250},
                        {"queue_depth", 3}});
    }
    return Json{{"capability", name},
                {"id", numbered_agent(9).to_text()},
                {"by", "name"},
                {"providers", rows},
                {"total", 2},
                {"available", 1},
                {"next", page.limit == 1 ? Json("1") : Json(nullptr)}};
}

Outcome FakeOperations::show_top(unsigned count) {
    ++calls;
    Json rows = Json::array();
    for (std::uint64_t number = 1; number <= std::min(count, 2U); ++number) {
        rows.push_back({{"agent", numbered_agent(number).to_text()},
                        {"kind", number == 1 ? "local" : "remote"},
                        {"used_ms", 12},
                        {"changed_ms", 60'000},
                        {"frames_estimated", 1024 * number}});
    }
    return Json{{"agents", rows},
                {"sampled_one_in", 1024},
                {"samples", 3},
                {"outdated", 0},
                {"ages", Json::array({{{"from_ms", 32'768}, {"samples", 3}}})},
                {"warmed", 0},
                {"still_to_warm", 0}};
}

Outcome FakeOperations::show_rekey() {
    ++calls;
    if (!rekey_asked_) {
        rekey_asked_ = true;
        return Json{{"state", "never"},
                    {"reason", nullptr},
                    {"took_ms", nullptr},
                    {"rekeyed", 0},
                    {"spilled", 0},
                    {"spilled_max", 64}};
    }
    return Json{{"state", "done"},
                {"reason", "operator"},
                {"took_ms", 12},
                {"rekeyed", 1},
                {"spilled", 0},
                {"spilled_max", 64}};
}

Outcome FakeOperations::rekey() {
    ++calls;
    return Json{{"outcome", "started"}};
}

}  // namespace posthaste::test
