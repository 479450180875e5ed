// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "tools/benchmark/machine.h"

namespace posthaste::tools {

namespace {

std::string machine_line() {
    const Machine machine = this_machine();
    return machine.processor + ", " + std::to_string(machine.processors) + " processors, Linux " +
           machine.release;
}

std::string line_of(const Row& row, const std::string& unit) {
    const auto [low, high] = std::ranges::minmax(row.ns);
    std::array<char, 256> text;
    std::snprintf(text.data(),
                  text.size(),
                  "  %-34s %8.2f ns/%s %8.2f M%ss/s   (%.2f to %.2f ns)\n",
                  row.title.c_str(),
                  row.cost(),
                  unit.c_str(),
                  row.millions_per_s(),
                  unit.c_str(),
                  low,
                  high);
    return text.data();
}

std::string line_of(const Ratio& ratio) {
    std::array<char, 256> text;
    std::snprintf(text.data(),
                  text.size(),
                  "  %-58s %6.2f  goal: at %s %.2f%s\n",
                  ratio.title.c_str(),
                  ratio.value,
                  ratio.at_most ? "most" : "least",
                  ratio.goal,
                  ratio.reached() ? "" : "  (missed)");
    return text.data();
}

// Enough digits to compare by, not more.
double rounded(double value) {
    return static_cast<double>(static_cast<std::int64_t>(value * 1'000 + 0.5)) / 1'000;
}

}  // namespace

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

double median_ratio(const Row& upper, const Row& lower) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < upper.ns.size() && i < lower.ns.size(); ++i) {
        ratios.push_back(upper.ns[i] / lower.ns[i]);
    }
    return median(std::move(ratios));
}

const Row* Report::row(const std::string& key) const {
    const auto at = std::ranges::find(rows, key, &Row::key);
    return at == rows.end() ? nullptr : &*at;
}

std::string table_of(const Report& report) {
    std::string text = report.heading + "\n" + machine_line() + "\n";
    for (const Row& row : report.rows) {
        text += line_of(row, report.unit);
    }
    if (!report.ratios.empty()) {
        text += "ratios\n";
    }
    for (const Ratio& ratio : report.ratios) {
        text += line_of(ratio);
    }
    for (const std::string& note : report.notes) {
        text += note + "\n";
    }
    return text;
}

std::string json_of(const Report& report) {
    using Json = nlohmann::ordered_json;
    const Machine machine = this_machine();
    Json made;
    made["options"] = report.options;
    made["machine"] = {{"processor", machine.processor},
                       {"processors", machine.processors},
                       {"kernel", machine.release}};
    made["rows"] = Json::object();
    for (const Row& row : report.rows) {
        const auto [low, high] = std::ranges::minmax(row.ns);
        made["rows"][row.key] = {{"ns_per_" + report.unit, rounded(row.cost())},
                                 {"m" + report.unit + "s_per_s", rounded(row.millions_per_s())},
                                 {"ns_least", rounded(low)},
                                 {"ns_most", rounded(high)}};
    }
    made["ratios"] = Json::object();
    for (const Ratio& ratio : report.ratios) {
        made["ratios"][ratio.key] = {{"value", rounded(ratio.value)},
                                     {"goal", ratio.goal},
                                     {"goal_is", ratio.at_most ? "at most" : "at least"},
                                     {"reached", ratio.reached()}};
    }
    made["notes"] = report.notes;
    for (const auto& [key, value] : report.more.items()) {
        made[key] = value;
    }
    return made.dump(2) + "\n";
}

}  // namespace posthaste::tools
