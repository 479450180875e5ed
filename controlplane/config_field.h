// SPDX-License-Identifier: BSD-3-Clause
// field<&Section::member>({...}): a row of the table of keys, completed from the field it fills.
//
// For the files that hold the rows (controlplane/config_keys*.cpp) and nobody else.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/config_table.h"
#include "controlplane/config_values.h"

namespace posthaste::controlplane {

template <typename S>
inline constexpr SectionKind kKindOf = SectionKind::system;
template <>
inline constexpr SectionKind kKindOf<EalConfig> = SectionKind::eal;
template <>
inline constexpr SectionKind kKindOf<DataplaneConfig> = SectionKind::dataplane;
template <>
inline constexpr SectionKind kKindOf<AgentsConfig> = SectionKind::agents;
template <>
inline constexpr SectionKind kKindOf<LookupConfig> = SectionKind::lookup;
template <>
inline constexpr SectionKind kKindOf<CapabilitiesConfig> = SectionKind::capabilities;
template <>
inline constexpr SectionKind kKindOf<PoliciesConfig> = SectionKind::policies;
template <>
inline constexpr SectionKind kKindOf<NeighboursConfig> = SectionKind::neighbours;
template <>
inline constexpr SectionKind kKindOf<AdminConfig> = SectionKind::admin;
template <>
inline constexpr SectionKind kKindOf<ClusterConfig> = SectionKind::cluster;
template <>
inline constexpr SectionKind kKindOf<StoreConfig> = SectionKind::store;
template <>
inline constexpr SectionKind kKindOf<PortConfig> = SectionKind::port;
template <>
inline constexpr SectionKind kKindOf<RouterConfig> = SectionKind::router;
template <>
inline constexpr SectionKind kKindOf<RouteConfig> = SectionKind::route;
template <>
inline constexpr SectionKind kKindOf<AgentConfig> = SectionKind::agent;
template <>
inline constexpr SectionKind kKindOf<PolicyConfig> = SectionKind::policy;

template <typename T>
inline constexpr KeyType kTypeOf = KeyType::number;
template <>
inline constexpr KeyType kTypeOf<bool> = KeyType::boolean;
template <>
inline constexpr KeyType kTypeOf<std::optional<std::uint32_t>> = KeyType::number_or_auto;
template <>
inline constexpr KeyType kTypeOf<std::string> = KeyType::text;
template <>
inline constexpr KeyType kTypeOf<LogLevel> = KeyType::word;
template <>
inline constexpr KeyType kTypeOf<dataplane::Role> = KeyType::word;
template <>
inline constexpr KeyType kTypeOf<ClusterProfile> = KeyType::word;
template <>
inline constexpr KeyType kTypeOf<dataplane::SourceCheck> = KeyType::word;
template <>
inline constexpr KeyType kTypeOf<routing::PolicyAction> = KeyType::word;
template <>
inline constexpr KeyType kTypeOf<routing::PolicyDirection> = KeyType::word;
template <>
inline constexpr KeyType kTypeOf<routing::ExpressionFlags> = KeyType::flags;
template <>
inline constexpr KeyType kTypeOf<std::optional<routing::Mac>> = KeyType::mac;
template <>
inline constexpr KeyType kTypeOf<routing::IpAddress> = KeyType::ip;
template <>
inline constexpr KeyType kTypeOf<std::optional<routing::IpAddress>> = KeyType::ip;
template <>
inline constexpr KeyType kTypeOf<std::vector<routing::Prefix>> = KeyType::prefixes;
template <>
inline constexpr KeyType kTypeOf<std::vector<unsigned>> = KeyType::numbers;
template <>
inline constexpr KeyType kTypeOf<std::vector<std::string>> = KeyType::texts;

template <auto member>
struct Field;

template <typename S, typename T, T S::*member>
struct Field<member> {
    static constexpr SectionKind kSection = kKindOf<S>;
    static constexpr KeyType kType = kTypeOf<T>;
    static constexpr bool kIsNumber = kType == KeyType::number;

    static std::string read(const KeyRow& key, std::string_view text, Target target) {
        return read_value(key, text, std::get<S*>(target)->*member);
    }

    static std::string write(Source source) {
        return write_value(std::get<const S*>(source)->*member);
    }

    static std::string initial() {
        const S start;
        return write(&start);
    }

    static consteval bool holds(std::int64_t value) {
        if constexpr (kIsNumber) {
            return value >= 0 && static_cast<std::uint64_t>(value) <= std::numeric_limits<T>::max();
        } else if constexpr (kType == KeyType::number_or_auto) {
            return value >= 0 && value <= std::numeric_limits<std::uint32_t>::max();
        }
        return true;
    }
};

// Completes a row from the field it fills. A range the field could not hold does not compile.
template <auto member>
consteval KeyRow field(KeyRow row) {
    using F = Field<member>;
    if (!F::holds(row.min) || !F::holds(row.max) || row.min > row.max || row.help.empty()) {
        throw "bad row";
    }
    row.section = F::kSection;
    row.type = F::kType;
    row.read = F::read;
    row.write = F::write;
    row.initial = F::initial;
    return row;
}

inline constexpr std::int64_t kDayMs = 86'400'000;

// The rows of [cluster] and [store].
[[nodiscard]] std::span<const KeyRow> config_keys_of_cluster();
// The rows of [port NAME] and of what follows it in enum SectionKind; config_keys() has them all.
[[nodiscard]] std::span<const KeyRow> config_keys_of_named_sections();

}  // namespace posthaste::controlplane
