// SPDX-License-Identifier: BSD-3-Clause
// FakeOperations: what it says of policies. One of them has two rules, the other one.
#include "tests/support/fake_operations.h"

namespace posthaste::test {

using controlplane::Json;
using controlplane::Outcome;

namespace {

Json policy_row(bool secrets) {
    return {{"policy", secrets ? "secrets" : "watch"},
            {"action", secrets ? "redirect" : "count"},
            {"direction", secrets ? "in" : "out"},
            {"priority", secrets ? 900 : 100},
            {"ports", Json::array({"edge0"})},
            {"capability", secrets ? Json("vision/ocr") : Json(nullptr)},
            {"depth", 1'024},
            {"target", secrets ? Json("scanner/virus") : Json(nullptr)},
            {"rules", secrets ? 2 : 1},
            {"matched", 12},
            {"acted", secrets ? 10 : 0},
            {"lost", 0}};
}

}  // namespace

std::vector<std::string> FakeOperations::policy_names() const {
    return {"secrets", "watch"};
}

Outcome FakeOperations::show_policies() {
    ++calls;
    const bool failed = ++policies_asked_ % 2 == 0;
    Json failure = Json::array();
    if (failed) {
        failure.push_back("box.ini:9: [policy watch] expression = (: why");
    }
    return Json{{"policies", Json::array({policy_row(true), policy_row(false)})},
                {"state", failed ? "failed" : "ready"},
                {"failure", failure},
                {"rules", 3},
                {"rules_max", 10'000},
                {"databases", 2},
                {"database_bytes", 7'000},
                {"database_max_bytes", 67'108'864},
                {"scratch_bytes", 3'000},
                {"compile_ms", failed ? Json(nullptr) : Json(4)},
                {"scanned_bytes", 900},
                {"rules_reported", 12},
                {"mirrored", 0},
                {"scans_failed", 0}};
}

Outcome FakeOperations::show_policy(const std::string& name, const Page& page) {
    ++calls;
    const bool first = page.after.empty();
    Json rows = Json::array();
    if (first) {
        rows.push_back({{"rule", R"(password\s*=)"}, {"where", "box.ini:30"}, {"hits", 11}});
    }
    if (!first || page.limit > 1) {
        rows.push_back({{"rule", "secret"}, {"where", "/etc/a.rules:1"}, {"hits", 1}});
    }
    return Json{{"rules", rows},
                {"policy", name},
                {"total", 2},
                {"next", first && page.limit == 1 ? Json("1") : Json(nullptr)}};
}

// Whatever begins with 'p' is a password; what begins with 'o' may not leave.
Outcome FakeOperations::test_policies(const controlplane::PolicyTrial& trial) {
    ++calls;
    const bool found = trial.payload[0] == 'p';
    Json rows = Json::array();
    if (found) {
        rows.push_back({{"direction", "in"},
                        {"policy", "secrets"},
                        {"action", "redirect"},
                        {"priority", 900},
                        {"ports", Json::array({"edge0"})},
                        {"capability", "vision/ocr"},
                        {"rule", R"(password\s*=)"},
                        {"where", "box.ini:30"}});
        rows.push_back({{"direction", "out"},
                        {"policy", "watch"},
                        {"action", "count"},
                        {"priority", 100},
                        {"ports", Json::array({"edge0"})},
                        {"capability", nullptr},
                        {"rule", "p"},
                        {"where", "box.ini:40"}});
    }
    return Json{{"matches", rows},
                {"bytes", trial.payload.size()},
                {"decides",
                 Json::array({{{"port", trial.port.empty() ? "edge0" : trial.port},
                               {"in", found ? Json("secrets") : Json(nullptr)},
                               {"out", found ? Json(nullptr) : Json("watch")}}})}};
}

}  // namespace posthaste::test
