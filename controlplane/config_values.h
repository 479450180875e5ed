// SPDX-License-Identifier: BSD-3-Clause
// Reading and writing of one value, for every type a key can have.
//
// read_value() leaves `out` alone and says why when the text is not right; what is allowed is
// added by the caller from the table. write_value() is its inverse; an empty text means not set.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/config.h"
#include "controlplane/config_table.h"
#include "routing/address.h"

namespace posthaste::controlplane {

using Why = std::string;  // empty: the value is right

[[nodiscard]] Why read_number(const KeyRow& key, std::string_view text, std::int64_t& out);

template <typename T>

requires(std::numeric_limits<T>::is_integer && !std::is_same_v<T, bool>) [[nodiscard]] Why
    read_value(const KeyRow& key, std::string_view text, T& out) {
    std::int64_t number = 0;
    Why why = read_number(key, text, number);
    if (why.empty()) {
        out = static_cast<T>(number);
    }
    return why;
}

// "auto" is none.
[[nodiscard]] Why read_value(const KeyRow& key,
                             std::string_view text,
                             std::optional<std::uint32_t>& out);
[[nodiscard]] Why read_value(const KeyRow& key, std::string_view text, bool& out);
[[nodiscard]] Why read_value(const KeyRow& key, std::string_view text, std::string& out);
[[nodiscard]] Why read_value(const KeyRow& key, std::string_view text, LogLevel& out);
[[nodiscard]] Why read_value(const KeyRow& key, std::string_view text, dataplane::Role& out);
[[nodiscard]] Why read_value(const KeyRow& key, std::string_view text, ClusterProfile& out);
[[nodiscard]] Why read_value(const KeyRow& key, std::string_view text, dataplane::SourceCheck& out);
[[nodiscard]] Why read_value(const KeyRow& key, std::string_view text, routing::PolicyAction& out);
[[nodiscard]] Why read_value(const KeyRow& key,
                             std::string_view text,
                             routing::PolicyDirection& out);
[[nodiscard]] Why read_value(const KeyRow& key,
                             std::string_view text,
                             routing::ExpressionFlags& out);
[[nodiscard]] Why read_value(const KeyRow& key,
                             std::string_view text,
                             std::optional<routing::Mac>& out);
[[nodiscard]] Why read_value(const KeyRow& key, std::string_view text, routing::IpAddress& out);
[[nodiscard]] Why read_value(const KeyRow& key,
                             std::string_view text,
                             std::optional<routing::IpAddress>& out);
[[nodiscard]] Why read_value(const KeyRow& key,
                             std::string_view text,
                             std::vector<routing::Prefix>& out);
[[nodiscard]] Why read_value(const KeyRow& key, std::string_view text, std::vector<unsigned>& out);
[[nodiscard]] Why read_value(const KeyRow& key,
                             std::string_view text,
                             std::vector<std::string>& out);

template <typename T>

requires(std::numeric_limits<T>::is_integer && !std::is_same_v<T, bool>) [[nodiscard]] std::string
    write_value(T value) {
    return std::to_string(value);
}

[[nodiscard]] std::string write_value(std::optional<std::uint32_t> value);
[[nodiscard]] std::string write_value(bool value);
[[nodiscard]] std::string write_value(const std::string& value);
[[nodiscard]] std::string write_value(LogLevel value);
[[nodiscard]] std::string write_value(dataplane::Role value);
[[nodiscard]] std::string write_value(ClusterProfile value);
[[nodiscard]] std::string write_value(dataplane::SourceCheck value);
[[nodiscard]] std::string write_value(routing::PolicyAction value);
[[nodiscard]] std::string write_value(routing::PolicyDirection value);
[[nodiscard]] std::string write_value(const routing::ExpressionFlags& value);
[[nodiscard]] std::string write_value(const std::optional<routing::Mac>& value);
[[nodiscard]] std::string write_value(const routing::IpAddress& value);
[[nodiscard]] std::string write_value(const std::optional<routing::IpAddress>& value);
[[nodiscard]] std::string write_value(const std::vector<routing::Prefix>& value);
[[nodiscard]] std::string write_value(const std::vector<unsigned>& value);
[[nodiscard]] std::string write_value(const std::vector<std::string>& value);

// [A-Za-z0-9.-]: a member of the cluster.
[[nodiscard]] bool is_node_name(std::string_view name);

// [a-z0-9_-], 1 to 32 bytes: ports, routers, the box.
[[nodiscard]] bool is_legal_name(std::string_view name);
inline constexpr std::string_view kLegalName = "1 to 32 of a-z, 0-9, '_' and '-'";

}  // namespace posthaste::controlplane
