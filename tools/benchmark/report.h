// SPDX-License-Identifier: BSD-3-Clause
// What a benchmark found: rows of cost per frame or the like, ratios with their goals, as a table
// for people and as JSON for programs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace posthaste::tools {

[[nodiscard]] double median(std::vector<double> values);  // at least one

struct Row {
    std::string key;
    std::string title;
    std::vector<double> ns;  // per piece, one of each repetition

    [[nodiscard]] double cost() const { return median(ns); }

    [[nodiscard]] double millions_per_s() const { return 1e3 / cost(); }
};

// Of the repetitions' quotients: what slowed both for a while leaves them as they are.
[[nodiscard]] double median_ratio(const Row& upper, const Row& lower);

struct Ratio {
    std::string key;
    std::string title;
    double value = 0;
    double goal = 0;
    bool at_most = false;  // else at least

    [[nodiscard]] bool reached() const { return at_most ? value <= goal : value >= goal; }
};

struct Report {
    std::string heading;
    std::string unit = "frame";  // what the rows' costs are of one of
    nlohmann::ordered_json options;
    std::vector<Row> rows;
    std::vector<Ratio> ratios;
    std::vector<std::string> notes;
    nlohmann::ordered_json more = nlohmann::ordered_json::object();  // keys of the top level

    [[nodiscard]] const Row* row(const std::string& key) const;
};

[[nodiscard]] std::string table_of(const Report& report);
[[nodiscard]] std::string json_of(const Report& report);

}  // namespace posthaste::tools
