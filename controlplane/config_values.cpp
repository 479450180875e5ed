// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/config_values.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "controlplane/endpoint_text.h"
#include "routing/capability_name.h"
#include "routing/offer.h"
#include "routing/text.h"

namespace posthaste::controlplane {

namespace {

using dataplane::Role;
using dataplane::SourceCheck;
using routing::ExpressionFlags;
using routing::Family;
using routing::IpAddress;
using routing::Mac;
using routing::PolicyAction;
using routing::PolicyDirection;
using routing::Prefix;

constexpr std::array<std::string_view, 5> kLogLevels = {
    "error", "warning", "notice", "info", "debug"};
constexpr std::string_view kAutomatic = "auto";
constexpr std::array<std::string_view, 2> kRoles = {"edge", "fabric"};
constexpr std::array<std::string_view, 4> kProfiles = {"lan", "wan", "local", "fast"};
constexpr std::array<std::string_view, 3> kSourceChecks = {"strict", "port", "off"};
constexpr std::array<std::string_view, 4> kPolicyActions = {"count", "drop", "mirror", "redirect"};
constexpr std::array<std::string_view, 2> kPolicyDirections = {"in", "out"};
constexpr std::array<std::pair<std::string_view, bool ExpressionFlags::*>, 4> kExpressionFlags = {{
    {"caseless", &ExpressionFlags::caseless},
    {"multiline", &ExpressionFlags::multiline},
    {"dotall", &ExpressionFlags::dotall},
    {"utf8", &ExpressionFlags::utf8},
}};

template <typename T, std::size_t count>
Why read_word(std::string_view text, const std::array<std::string_view, count>& words, T& out) {
    const auto found = std::find(words.begin(), words.end(), text);
    if (found == words.end()) {
        return "unknown word";
    }
    out = static_cast<T>(found - words.begin());
    return {};
}

template <typename T, std::size_t count>
std::string word_of(T value, const std::array<std::string_view, count>& words) {
    return std::string(words[static_cast<std::size_t>(value)]);
}

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The items of "a, b, c", blanks stripped; an empty item is kept, for its reader to refuse.
std::vector<std::string_view> items_of(std::string_view text) {
    std::vector<std::string_view> items;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find(',', start), text.size());
        std::string_view item = text.substr(start, end - start);
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) {
            item.remove_prefix(1);
        }
        while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) {
            item.remove_suffix(1);
        }
        items.push_back(item);
        start = end + 1;
    }
    return items;
}

template <typename T, typename Text>
std::string join(const std::vector<T>& items, Text text) {
    std::string result;
    for (const T& item : items) {
        result += (result.empty() ? "" : ", ") + text(item);
    }
    return result;
}

// dddd:bb:dd.f or bb:dd.f in hex.
bool is_pci_address(std::string_view text) {
    const auto shape_is = [&](std::string_view shape) {
        return text.size() == shape.size() &&
               std::equal(text.begin(), text.end(), shape.begin(), [](char c, char expected) {
                   const bool hex =
                       (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
                   return expected == 'x' ? hex : c == expected;
               });
    };
    return shape_is("xxxx:xx:xx.x") || shape_is("xx:xx.x");
}

// A PCI address or a vdev's driver, and behind a comma arguments for it.
bool is_device(std::string_view text) {
    const std::string_view device = text.substr(0, text.find(','));
    return is_pci_address(device) || (device.starts_with("net_") && device.size() > 4 &&
                                      std::all_of(device.begin(), device.end(), [](char c) {
                                          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                                                 c == '_' || c == '-';
                                      }));
}

Why check_text(const KeyRow& key, std::string_view text) {
    const auto bytes = static_cast<std::int64_t>(text.size());
    if (bytes < key.min || bytes > key.max) {
        return "it has " + std::to_string(bytes) + " bytes";
    }
    if (!routing::is_printable_utf8(text)) {
        return "not printable UTF-8";
    }
    switch (key.rule) {
        case TextRule::name:
            return is_legal_name(text) ? "" : "not a legal name";
        case TextRule::path:
            return text.front() == '/' ? "" : "not an absolute path";
        case TextRule::device:
            return is_device(text) ? "" : "not a device";
        case TextRule::capability:
            return routing::is_capability_name(text) ? "" : "not the name of a capability";
        case TextRule::node:
            return is_node_name(text) ? "" : "not the name of a node";
        case TextRule::none:
        case TextRule::ipv4:
        case TextRule::ipv6:
        case TextRule::offer:
        case TextRule::seed:
            return {};
    }
    return {};
}

Why read_index(const KeyRow& key, std::string_view text, unsigned& out) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!is_digits(text) || error != std::errc{} || value > key.item_max) {
        return "'" + std::string(text.substr(0, 40)) + "' is not a number up to " +
               std::to_string(key.item_max);
    }
    out = value;
    return {};
}

Why check_item_count(const KeyRow& key, std::size_t count) {
    if (static_cast<std::int64_t>(count) <= key.max) {
        return {};
    }
    return "more than " + std::to_string(key.max) + " items";
}

}  // namespace

bool is_node_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-';
    });
}

bool is_legal_name(std::string_view name) {
    return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

Why read_number(const KeyRow& key, std::string_view text, std::int64_t& out) {
    std::int64_t value = 0;
    if (!is_digits(text)) {
        const bool has_unit = text[0] >= '0' && text[0] <= '9';
        return has_unit ? "not a whole number; units and signs are not understood"
                        : "not a whole number";
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value < key.min || value > key.max) {
        return "out of range";
    }
    out = value;
    return {};
}

Why read_value(const KeyRow& key, std::string_view text, std::optional<std::uint32_t>& out) {
    if (text == kAutomatic) {
        out = std::nullopt;
        return {};
    }
    std::int64_t number = 0;
    Why why = read_number(key, text, number);
    if (why.empty()) {
        out = static_cast<std::uint32_t>(number);
    }
    return why;
}

Why read_value(const KeyRow& /*key*/, std::string_view text, bool& out) {
    if (text == "yes" || text == "true" || text == "on") {
        out = true;
    } else if (text == "no" || text == "false" || text == "off") {
        out = false;
    } else {
        return "neither yes nor no";
    }
    return {};
}

Why read_value(const KeyRow& key, std::string_view text, std::string& out) {
    Why why = check_text(key, text);
    if (why.empty()) {
        out = text;
    }
    return why;
}

Why read_value(const KeyRow& /*key*/, std::string_view text, LogLevel& out) {
    return read_word(text, kLogLevels, out);
}

Why read_value(const KeyRow& /*key*/, std::string_view text, Role& out) {
    return read_word(text, kRoles, out);
}

Why read_value(const KeyRow& /*key*/, std::string_view text, ClusterProfile& out) {
    return read_word(text, kProfiles, out);
}

Why read_value(const KeyRow& /*key*/, std::string_view text, SourceCheck& out) {
    return read_word(text, kSourceChecks, out);
}

Why read_value(const KeyRow& /*key*/, std::string_view text, PolicyAction& out) {
    return read_word(text, kPolicyActions, out);
}

Why read_value(const KeyRow& /*key*/, std::string_view text, PolicyDirection& out) {
    return read_word(text, kPolicyDirections, out);
}

Why read_value(const KeyRow& /*key*/, std::string_view text, ExpressionFlags& out) {
    ExpressionFlags flags;
    for (const std::string_view item : items_of(text)) {
        const auto known = std::find_if(kExpressionFlags.begin(),
                                        kExpressionFlags.end(),
                                        [&](const auto& each) { return each.first == item; });
        if (known == kExpressionFlags.end()) {
            return "unknown word '" + std::string(item.substr(0, 40)) + "'";
        }
        flags.*known->second = true;
    }
    out = flags;
    return {};
}

Why read_value(const KeyRow& /*key*/, std::string_view text, std::optional<Mac>& out) {
    const std::optional<Mac> mac = Mac::from_text(text);
    if (!mac) {
        return "not a MAC address";
    }
    if (mac->is_group() || mac->is_zero()) {
        return "not the address of one host";
    }
    out = mac;
    return {};
}

Why read_value(const KeyRow& key, std::string_view text, IpAddress& out) {
    const std::optional<IpAddress> address = IpAddress::from_text(text);
    if (!address) {
        return "not an IP address";
    }
    if ((key.rule == TextRule::ipv4 && address->family != Family::ipv4) ||
        (key.rule == TextRule::ipv6 && address->family != Family::ipv6)) {
        return "an address of the other family";
    }
    if (!address->is_unicast_host()) {
        return "not the address of one host";
    }
    out = *address;
    return {};
}

Why read_value(const KeyRow& key, std::string_view text, std::optional<IpAddress>& out) {
    IpAddress address;
    Why why = read_value(key, text, address);
    if (why.empty()) {
        out = address;
    }
    return why;
}

Why read_value(const KeyRow& key, std::string_view text, std::vector<Prefix>& out) {
    std::vector<Prefix> prefixes;
    for (const std::string_view item : items_of(text)) {
        const std::optional<Prefix> prefix = Prefix::from_text(item);
        const std::string shown = "'" + std::string(item.substr(0, 60)) + "'";
        if (!prefix || prefix->length == 0) {
            return shown + " is not ADDRESS/LENGTH";
        }
        if (!prefix->address.is_unicast_host()) {
            return shown + " is not the address of one host";
        }
        prefixes.push_back(*prefix);
    }
    Why why = check_item_count(key, prefixes.size());
    if (why.empty()) {
        out = std::move(prefixes);
    }
    return why;
}

Why read_value(const KeyRow& key, std::string_view text, std::vector<unsigned>& out) {
    std::vector<unsigned> numbers;
    for (const std::string_view item : items_of(text)) {
        const std::size_t dash = item.find('-');
        unsigned first = 0;
        unsigned last = 0;
        Why why = read_index(key, item.substr(0, dash), first);
        if (why.empty()) {
            why = dash == std::string_view::npos ? read_index(key, item, last)
                                                 : read_index(key, item.substr(dash + 1), last);
        }
        if (why.empty() && last < first) {
            why = "'" + std::string(item) + "' goes downwards";
        }
        if (why.empty()) {
            why = check_item_count(key, numbers.size() + last - first + 1);
        }
        if (!why.empty()) {
            return why;
        }
        for (unsigned value = first; value <= last; ++value) {
            numbers.push_back(value);
        }
    }
    out = std::move(numbers);
    return {};
}

// What is wrong with an item beyond its bytes. `name` becomes what no other item may be.
Why check_item(const KeyRow& key, std::string_view item, std::string& name) {
    name = item;
    if (!routing::is_printable_utf8(item)) {
        return "not printable UTF-8";
    }
    if (key.rule == TextRule::offer) {
        auto offer = routing::offer_from_text(item);
        if (!offer) {
            return std::move(offer.error());
        }
        name = std::move(offer->text);
    }
    if (key.rule == TextRule::seed && !host_endpoint_from_text(item)) {
        return "'" + std::string(item) + "' is not ADDRESS or ADDRESS:PORT";
    }
    return {};
}

Why read_value(const KeyRow& key, std::string_view text, std::vector<std::string>& out) {
    std::vector<std::string> texts;
    std::vector<std::string> names;
    for (const std::string_view item : items_of(text)) {
        if (item.empty() || static_cast<std::int64_t>(item.size()) > key.item_max) {
            return "an item has " + std::to_string(item.size()) + " bytes";
        }
        std::string name;
        if (Why why = check_item(key, item, name); !why.empty()) {
            return why;
        }
        if (std::find(names.begin(), names.end(), name) != names.end()) {
            return "'" + name + "' is there twice";
        }
        texts.emplace_back(item);
        names.push_back(std::move(name));
    }
    Why why = check_item_count(key, texts.size());
    if (why.empty()) {
        out = std::move(texts);
    }
    return why;
}

std::string write_value(std::optional<std::uint32_t> value) {
    return value ? std::to_string(*value) : std::string(kAutomatic);
}

std::string write_value(bool value) {
    return value ? "yes" : "no";
}

std::string write_value(const std::string& value) {
    return value;
}

std::string write_value(LogLevel value) {
    return word_of(value, kLogLevels);
}

std::string write_value(Role value) {
    return word_of(value, kRoles);
}

std::string write_value(ClusterProfile value) {
    return word_of(value, kProfiles);
}

std::string write_value(SourceCheck value) {
    return word_of(value, kSourceChecks);
}

std::string write_value(PolicyAction value) {
    return word_of(value, kPolicyActions);
}

std::string write_value(PolicyDirection value) {
    return word_of(value, kPolicyDirections);
}

std::string write_value(const ExpressionFlags& value) {
    std::string text;
    for (const auto& [word, flag] : kExpressionFlags) {
        if (value.*flag) {
            text += (text.empty() ? "" : ", ") + std::string(word);
        }
    }
    return text;
}

std::string write_value(const std::optional<Mac>& value) {
    return value ? value->to_text() : "";
}

std::string write_value(const IpAddress& value) {
    return value.is_none() ? "" : value.to_text();
}

std::string write_value(const std::optional<IpAddress>& value) {
    return value ? value->to_text() : "";
}

std::string write_value(const std::vector<Prefix>& value) {
    return join(value, [](const Prefix& prefix) { return prefix.to_text(); });
}

std::string write_value(const std::vector<unsigned>& value) {
    return join(value, [](unsigned number) { return std::to_string(number); });
}

std::string write_value(const std::vector<std::string>& value) {
    return join(value, [](const std::string& text) { return text; });
}

std::string_view to_text(LogLevel level) {
    return kLogLevels[static_cast<std::size_t>(level)];
}

std::optional<LogLevel> log_level_from_text(std::string_view text) {
    LogLevel level{};
    if (!read_word(text, kLogLevels, level).empty()) {
        return std::nullopt;
    }
    return level;
}

}  // namespace posthaste::controlplane
