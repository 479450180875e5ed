// SPDX-License-Identifier: BSD-3-Clause
// For whom a query is: names, or a regular expression over a tag.
//
// A filter is a byte and msgpack: 0 and a list of names, one of which is meant; 1 and a tag with an
// expression that is found somewhere in its value. All filters must hold. Expressions are bounded
// in length and in the steps they may take.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/membership/serf_message.h"

namespace posthaste::gossip::membership {

inline constexpr std::size_t kExpressionBytesMax = 1'024;
inline constexpr std::size_t kFilterNamesMax = 4'096;

enum class FilterVerdict : std::uint8_t {
    meant,
    not_meant,
    malformed,  // no filter we know, or an expression that is none or takes too long
};

[[nodiscard]] FilterVerdict judge_filters(const std::vector<std::string>& filters,
                                          std::string_view name,
                                          const Tags& tags);

[[nodiscard]] std::string filter_of_names(const std::vector<std::string>& names);
[[nodiscard]] std::string filter_of_tag(std::string_view tag, std::string_view expression);

}  // namespace posthaste::gossip::membership
