// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace posthaste::tools {

namespace {

// Numbers that name something rather than count it.
constexpr std::array<std::string_view, 10> kUngrouped = {
    "cpu",
    "index",
    "lcore",
    "mtu",
    "pid",
    "routing_table_version",
    "udp_port",
    "vlan",
    "wire_version",
    "worker",
};

constexpr std::string_view kMinutes = " min ";

std::string formatted(const char* format, double value) {
    std::array<char, 64> text;
    const int length = std::snprintf(text.data(), text.size(), format, value);
    return {text.data(), static_cast<std::size_t>(std::clamp(length, 0, 63))};
}

std::string two_digits(std::uint64_t number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
}

std::string escaped(unsigned char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    return {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
}

// How many bytes at the beginning are to be escaped: a control character (C0, DEL, C1) or one
// that turns the direction of writing (U+202A..202E, U+2066..2069).
std::size_t harmful(std::string_view text) {
    const auto byte = [text](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    if (byte(0) < 0x20 || byte(0) == 0x7f) {
        return 1;
    }
    if (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) <= 0x9f) {
        return 2;
    }
    if (byte(0) == 0xe2 && ((byte(1) == 0x80 && byte(2) >= 0xaa && byte(2) <= 0xae) ||
                            (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9))) {
        return 3;
    }
    return 0;
}

std::string cleaned(std::string_view text, std::string_view kept) {
    std::string clean;
    while (!text.empty()) {
        const std::size_t bad =
            kept.find(text.front()) != std::string_view::npos ? 0 : harmful(text);
        for (std::size_t i = 0; i < bad; ++i) {
            clean += escaped(static_cast<unsigned char>(text[i]));
        }
        if (bad == 0) {
            clean.push_back(text.front());
        }
        text.remove_prefix(std::max<std::size_t>(bad, 1));
    }
    return clean;
}

std::string number_cell(std::string_view key, const Json& value) {
    if (value.is_number_float()) {
        return formatted("%.1f", value.get<double>());
    }
    if (std::ranges::find(kUngrouped, key) != kUngrouped.end()) {
        return value.dump();
    }
    if (!value.is_number_unsigned() && value.get<std::int64_t>() < 0) {
        return grouped(value.get<std::int64_t>());
    }
    const auto number = value.get<std::uint64_t>();
    if (key.ends_with("_ms")) {
        return duration(number);
    }
    return key.ends_with("bytes") ? size(number) : grouped(number);
}

std::string list_cell(std::string_view key, const Json& list) {
    std::string text;
    for (const Json& item : list) {
        text += text.empty() ? "" : " ";
        if (!item.is_object()) {
            text += cell(key, item);
            continue;
        }
        bool first = true;
        for (const auto& [name, value] : item.items()) {
            text += (first ? "" : ":") + cell(name, value);
            first = false;
        }
    }
    return text.empty() ? "-" : text;
}

}  // namespace

std::string printable(std::string_view text) {
    return cleaned(text, "");
}

std::string printable_lines(std::string_view text) {
    return cleaned(text, "\n\t");
}

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t place = text.size(); place > 3; place -= 3) {
        text.insert(place - 3, 1, ',');
    }
    return text;
}

std::string grouped(std::int64_t number) {
    const auto magnitude = static_cast<std::uint64_t>(number);
    return number < 0 ? '-' + grouped(0 - magnitude) : grouped(magnitude);
}

std::string duration(std::uint64_t ms) {
    const std::uint64_t seconds = ms / 1'000;
    if (ms < 1'000) {
        return std::to_string(ms) + " ms";
    }
    if (seconds < 60) {
        return std::to_string(seconds) + '.' + std::to_string(ms % 1'000 / 100) + " s";
    }
    const std::uint64_t minutes = seconds / 60;
    if (minutes < 60) {
        return std::to_string(minutes).append(kMinutes) + two_digits(seconds % 60) + " s";
    }
    const std::uint64_t hours = minutes / 60;
    if (hours < 24) {
        return std::to_string(hours) + " h " + two_digits(minutes % 60) + " min";
    }
    return std::to_string(hours / 24) + " d " + two_digits(hours % 24) + " h";
}

std::string utc(std::uint64_t ms) {
    const auto seconds = static_cast<std::time_t>(ms / 1'000);
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
        return std::to_string(ms) + " ms";
    }
    std::array<char, 8> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%03uZ", static_cast<unsigned>(ms % 1'000));
    return std::string(text.data()) + fraction.data();
}

std::string size(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> units = {
        "%.1f KiB", "%.1f MiB", "%.1f GiB", "%.1f TiB", "%.1f PiB"};
    if (bytes < 1'024) {
        return std::to_string(bytes) + " B";
    }
    double scaled = static_cast<double>(bytes) / 1'024;
    std::size_t unit = 0;
    while (scaled >= 1'024 && unit + 1 < units.size()) {
        scaled /= 1'024;
        ++unit;
    }
    return formatted(units[unit], scaled);
}

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string cell(std::string_view key, const Json& value) {
    if (value.is_null()) {
        return "-";
    }
    if (value.is_boolean()) {
        return value.get<bool>() ? "yes" : "no";
    }
    if (value.is_number()) {
        return number_cell(key, value);
    }
    if (value.is_string()) {
        return printable(value.get_ref<const std::string&>());
    }
    return value.is_array() ? list_cell(key, value)
                            : printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string title(std::string_view key) {
    std::string text(key.substr(0, key.ends_with("_ms") ? key.size() - 3 : key.size()));
    if (text.ends_with("_percent")) {
        text.replace(text.size() - 8, 8, " %");
    }
    std::ranges::replace(text, '_', ' ');
    return printable(text);
}

}  // namespace posthaste::tools
