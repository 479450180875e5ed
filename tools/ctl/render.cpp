// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/render.h"

#include <algorithm>
#include <vector>

#include "tools/ctl/text.h"

namespace posthaste::tools {

namespace {

constexpr std::string_view kGap = "  ";

struct Column {
    std::string key;
    std::string title;
    bool right = false;  // numbers
    std::size_t wide = 0;
};

using Row = std::vector<std::string>;

bool is_table(const Json& value) {
    return value.is_array() && !value.empty() &&
           std::ranges::all_of(value, [](const Json& row) { return row.is_object(); });
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text;
}

std::string padded(std::string_view text, std::size_t columns, bool right) {
    const std::string blanks(columns - std::min(columns, width(text)), ' ');
    return right ? blanks + std::string(text) : std::string(text) + blanks;
}

std::string trimmed(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line + '\n';
}

const Json& value_of(const Json& row, const std::string& key) {
    static const Json none;
    const auto found = row.find(key);
    return found == row.end() ? none : *found;
}

// Those of the view that any row has, then, if all are wanted, the others as they came.
std::vector<Column> columns_of(const View& view, const Json& rows, bool wide) {
    std::vector<std::string> keys(view.columns.begin(), view.columns.end());
    std::erase_if(keys, [&rows](const std::string& key) {
        return std::ranges::none_of(rows, [&](const Json& row) { return row.contains(key); });
    });
    if (wide || keys.empty()) {
        for (const Json& row : rows) {
            for (const auto& [key, value] : row.items()) {
                if (std::ranges::find(keys, key) == keys.end()) {
                    keys.push_back(key);
                }
            }
        }
    }
    std::vector<Column> columns;
    for (std::string& key : keys) {
        bool numbers = false;
        bool others = false;
        for (const Json& row : rows) {
            const Json& value = value_of(row, key);
            numbers = numbers || value.is_number();
            others = others || !(value.is_number() || value.is_null());
        }
        std::string heading = upper(title(key));
        columns.push_back({std::move(key), heading, numbers && !others, width(heading)});
    }
    return columns;
}

// The sums of the columns the view names; empty if it names none that is there.
Row totals_of(const View& view, const Json& rows, const std::vector<Column>& columns) {
    Row totals(columns.size());
    bool any = false;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (std::ranges::find(view.totals, columns[i].key) == view.totals.end()) {
            continue;
        }
        std::uint64_t sum = 0;
        for (const Json& row : rows) {
            const Json& value = value_of(row, columns[i].key);
            sum += value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
        }
        totals[i] = cell(columns[i].key, sum);
        any = true;
    }
    if (!any || rows.size() < 2) {
        return {};
    }
    if (totals[0].empty()) {
        totals[0] = "total";
    }
    return totals;
}

std::string table(const View& view, const Json& rows, bool wide) {
    std::vector<Column> columns = columns_of(view, rows, wide);
    std::vector<Row> lines;
    for (const Json& row : rows) {
        Row line;
        for (const Column& column : columns) {
            line.push_back(cell(column.key, value_of(row, column.key)));
        }
        lines.push_back(std::move(line));
    }
    if (Row totals = totals_of(view, rows, columns); !totals.empty()) {
        lines.push_back(std::move(totals));
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
        for (const Row& line : lines) {
            columns[i].wide = std::max(columns[i].wide, width(line[i]));
        }
    }
    std::string text;
    const auto append = [&text, &columns](auto cell_of) {
        std::string line;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            line += line.empty() ? "" : kGap;
            line += padded(cell_of(i), columns[i].wide, columns[i].right);
        }
        text += trimmed(std::move(line));
    };
    append([&columns](std::size_t i) { return columns[i].title; });
    for (const Row& line : lines) {
        append([&line](std::size_t i) { return line[i]; });
    }
    return text;
}

// "100 of 1,000,000 agents; the next page: --after CURSOR"
std::string footer(const Json& data, std::string_view what, std::size_t rows) {
    std::string text;
    if (data.contains("total")) {
        text = grouped(std::uint64_t{rows}) + " of " + cell("total", data["total"]) + ' ' +
               title(what);
    }
    if (data.contains("next") && !data["next"].is_null()) {
        text += (text.empty() ? "" : "; ") + std::string("the next page: --after ") +
                cell("next", data["next"]);
    }
    return text.empty() ? text : text + '\n';
}

// Commands and their sentences: one would not fit beside the other.
std::string help_text(const Json& rows) {
    std::string text;
    for (const Json& row : rows) {
        text += cell("command", value_of(row, "command")) + "\n    " +
                cell("help", value_of(row, "help")) + '\n';
    }
    return text;
}

// "added: agent 0000..., router r2"
std::string outcome_line(const Json& data) {
    std::string line;
    for (const auto& [key, value] : data.items()) {
        if (key != "outcome") {
            line += (line.empty() ? ": " : ", ") + title(key) + ' ' + cell(key, value);
        }
    }
    return cell("outcome", data["outcome"]) + line + '\n';
}

bool is_block(const Json& value) {
    return is_table(value) || value.is_object();
}

std::string object_text(const View& view, const Json& data, bool wide, bool top) {
    std::size_t title_width = 0;
    for (const auto& [key, value] : data.items()) {
        title_width = std::max(title_width, is_block(value) ? 0 : width(title(key)));
    }
    const bool paged = data.contains("total") || data.contains("next");
    // A name above a table is needed only where there are several.
    const bool named = !top || std::ranges::count_if(data, is_block) > 1;
    std::string lines;
    std::string tables;
    for (const auto& [key, value] : data.items()) {
        if (is_block(value)) {
            tables += tables.empty() ? "" : "\n";
            tables += named ? upper(title(key)) + '\n' : "";
            tables +=
                value.is_object() ? object_text({}, value, wide, false) : table(view, value, wide);
            tables += paged ? footer(data, key, value.size()) : "";
        } else if (paged && value.is_array()) {
            tables += "none\n" + footer(data, key, 0);
        } else if (!(paged && (key == "total" || key == "next"))) {
            lines += trimmed(padded(title(key), title_width, false) + std::string(kGap) +
                             cell(key, value));
        }
    }
    return lines + (lines.empty() || tables.empty() ? "" : "\n") + tables;
}

}  // namespace

std::string render(const View& view, const Json& data, bool wide) {
    if (data.is_array()) {
        if (data.empty()) {
            return "none\n";
        }
        if (is_table(data)) {
            return data[0].contains("command") ? help_text(data) : table(view, data, wide);
        }
        std::string lines;
        for (const Json& item : data) {
            lines += cell("", item) + '\n';
        }
        return lines;
    }
    if (!data.is_object()) {
        return cell("", data) + '\n';
    }
    if (data.contains("text") && data["text"].is_string()) {
        const std::string text = printable_lines(data["text"].get_ref<const std::string&>());
        return text.ends_with('\n') ? text : text + '\n';
    }
    return data.contains("outcome") ? outcome_line(data) : object_text(view, data, wide, true);
}

std::string event_line(const Json& event) {
    const Json& at = value_of(event, "at_ms");
    const std::uint64_t ms = at.is_number_unsigned() ? at.get<std::uint64_t>() : 0;
    std::string line = utc(ms);
    for (const char* const key : {"event", "agent", "name", "detail"}) {
        if (const Json& value = value_of(event, key); value.is_string()) {
            line += std::string(kGap) + cell(key, value);
        }
    }
    const Json& lost = value_of(event, "lost");
    const std::uint64_t missed = lost.is_number_unsigned() ? lost.get<std::uint64_t>() : 0;
    return (missed == 0 ? "" : "(" + grouped(missed) + " events lost)\n") + line + '\n';
}

std::string render_error(const Json& error) {
    std::string text = cell("message", value_of(error, "message")) + '\n';
    for (const Json& detail : value_of(error, "details")) {
        text += "  " + cell("", detail) + '\n';
    }
    return text;
}

}  // namespace posthaste::tools
