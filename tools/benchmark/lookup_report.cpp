// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/lookup_report.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/benchmark/statistics.h"

namespace posthaste::tools {

namespace {

using Json = nlohmann::ordered_json;

[[gnu::format(printf, 1, 2)]] std::string line(const char* format, ...) {
    std::array<char, 512> text;
    std::va_list values;
    va_start(values, format);
    std::vsnprintf(text.data(), text.size(), format, values);
    va_end(values);
    return text.data();
}

std::string pages(const LookupOptions& options, const LookupFigures& figures) {
    return options.hugepages ? line("EAL in hugepages, malloc in transparent ones (up to %.2f GiB)",
                                    static_cast<double>(figures.transparent_kib) / (1 << 20))
                             : "4 KiB pages for all";
}

std::string head(const LookupOptions& options,
                 const LookupFigures& figures,
                 const Machine& machine) {
    return line("lookup: %s, %u processors, Linux %s; core %u, writer on core %u\n",
                machine.processor.c_str(),
                machine.processors,
                machine.release.c_str(),
                options.core,
                options.writer_core.value_or(options.core)) +
           line("  medians of %u x %.3g s in turn; %s\n",
                options.repeat,
                options.seconds,
                pages(options, figures).c_str()) +
           "  ns: processor time per lookup, with reading the ids; ratio: to the subject's in the "
           "same "
           "round\n";
}

Json json_of(const Summary& summary) {
    return {{"median", summary.median}, {"min", summary.min}, {"max", summary.max}};
}

Json json_of(const Case& what, const std::string& contender) {
    return {{"stream", what.stream},
            {"agents", what.agents},
            {"batch", what.batch},
            {"contender", contender}};
}

Json json_of(const LookupRow& row) {
    Json object = json_of(row.what, row.contender);
    object["ns"] = json_of(summary_of(row.ns));
    object["ratio"] = json_of(ratio_of(row.ns, row.subject_ns));
    object["all_ns"] = row.ns;
    return object;
}

Json json_of(const ChurnRow& row) {
    Json object = json_of(row.what, row.contender);
    object["quiet_ns"] = json_of(summary_of(row.quiet_ns));
    object["churn_ns"] = json_of(summary_of(row.churn_ns));
    object["slowdown"] = json_of(ratio_of(row.churn_ns, row.quiet_ns));
    object["changes_per_second"] = row.changes_per_second;
    object["visible_us"] = {{"count", row.visible_us.size()},
                            {"p50", quantile(row.visible_us, 0.5)},
                            {"p99", quantile(row.visible_us, 0.99)},
                            {"max", quantile(row.visible_us, 1)}};
    return object;
}

std::string churn_table(const std::vector<ChurnRow>& rows) {
    std::string text;
    const Case* last = nullptr;
    for (const ChurnRow& row : rows) {
        if (last == nullptr || !(*last == row.what)) {
            text += line("\nchurn, %u agents, batches of %u\n", row.what.agents, row.what.batch);
            text += line("  %-18s %9s %9s %9s %10s  %s\n",
                         "contender",
                         "quiet ns",
                         "churn ns",
                         "slowdown",
                         "changes/s",
                         "seen after us: p50, p99, max of");
        }
        last = &row.what;
        text += line("  %-18s %9.1f %9.1f %9.3f %10.0f  %.2f, %.2f, %.1f of %zu\n",
                     row.contender.c_str(),
                     summary_of(row.quiet_ns).median,
                     summary_of(row.churn_ns).median,
                     ratio_of(row.churn_ns, row.quiet_ns).median,
                     row.changes_per_second,
                     quantile(row.visible_us, 0.5),
                     quantile(row.visible_us, 0.99),
                     quantile(row.visible_us, 1),
                     row.visible_us.size());
    }
    return text;
}

}  // namespace

std::string lookup_table(const LookupOptions& options,
                         const Kinds& kinds,
                         const LookupFigures& figures,
                         const Machine& machine) {
    std::string text = head(options, figures, machine);
    const Case* last = nullptr;
    for (const LookupRow& row : figures.lookups) {
        if (last == nullptr || !(*last == row.what)) {
            text += line("\n%s, %u agents, batches of %u\n",
                         row.what.stream.c_str(),
                         row.what.agents,
                         row.what.batch);
            text += line(
                "  %-18s %9s %9s %9s %9s\n", "contender", "ns", "least ns", "most ns", "ratio");
        }
        last = &row.what;
        const Summary ns = summary_of(row.ns);
        text += line("  %-18s %9.2f %9.2f %9.2f %9.2f\n",
                     row.contender.c_str(),
                     ns.median,
                     ns.min,
                     ns.max,
                     ratio_of(row.ns, row.subject_ns).median);
    }
    text += churn_table(figures.churn);
    text += "\n";
    for (const ContenderKind* kind : kinds) {
        text += line("%-18s %.*s\n",
                     std::string(kind->name).c_str(),
                     static_cast<int>(kind->what.size()),
                     kind->what.data());
    }
    return text;
}

std::string lookup_json(const LookupOptions& options,
                        const Kinds& kinds,
                        const LookupFigures& figures,
                        const Machine& machine) {
    Json object;
    object["benchmark"] = "lookup";
    object["machine"] = {{"cpu", machine.processor},
                         {"processors", machine.processors},
                         {"release", machine.release},
                         {"pages", pages(options, figures)},
                         {"core", options.core},
                         {"writer_core", options.writer_core.value_or(options.core)}};
    object["subject"] = kinds.front()->name;
    object["seconds"] = options.seconds;
    object["repeat"] = options.repeat;
    object["seed"] = options.seed;
    object["hugepages"] = options.hugepages;
    for (const ContenderKind* kind : kinds) {
        object["contenders"][std::string(kind->name)] = kind->what;
    }
    object["lookups"] = Json::array();
    for (const LookupRow& row : figures.lookups) {
        object["lookups"].push_back(json_of(row));
    }
    object["churn"] = Json::array();
    for (const ChurnRow& row : figures.churn) {
        object["churn"].push_back(json_of(row));
    }
    object["answers"] = "right";
    return object.dump() + "\n";
}

}  // namespace posthaste::tools
