// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/views.h"

#include <array>

namespace posthaste::tools {

namespace {

using Key = std::string_view;

constexpr std::array kPorts{
    Key{"name"},
    Key{"role"},
    Key{"link"},
    Key{"up"},
    Key{"addresses"},
    Key{"mac"},
    Key{"mtu"},
    Key{"received"},
    Key{"sent"},
    Key{"punted"},
    Key{"dropped"},
    Key{"transmitted"},
    Key{"tx_discarded"},
    Key{"missed"},
};
constexpr std::array kPortTotals{
    Key{"received"},
    Key{"sent"},
    Key{"punted"},
    Key{"dropped"},
    Key{"transmitted"},
    Key{"tx_discarded"},
    Key{"missed"},
};

constexpr std::array kLcores{
    Key{"lcore"},
    Key{"cpu"},
    Key{"role"},
    Key{"busy_percent"},
    Key{"received"},
    Key{"sent"},
    Key{"punted"},
    Key{"dropped"},
    Key{"transmitted"},
    Key{"queues"},
};

constexpr std::array kDrops{
    Key{"port"},
    Key{"reason"},
    Key{"error"},
    Key{"frames"},
    Key{"lcores"},
};
constexpr std::array kDropTotals{Key{"frames"}};

constexpr std::array kLookup{
    Key{"worker"},
    Key{"lcore"},
    Key{"cache"},
    Key{"cache_bytes"},
    Key{"lookups"},
    Key{"hit_percent"},
    Key{"unknown"},
    Key{"ids_per_batch"},
    Key{"p50_ns"},
    Key{"p99_ns"},
    Key{"p999_ns"},
    // of the tables below
    Key{"outcome"},
    Key{"count"},
    Key{"ids"},
    Key{"calls"},
    Key{"share_percent"},
};
constexpr std::array kLookupTotals{
    Key{"cache_bytes"},
    Key{"lookups"},
    Key{"unknown"},
};

constexpr std::array kAgents{
    Key{"agent"},
    Key{"name"},
    Key{"state"},
    Key{"origin"},
    Key{"port"},
    Key{"address"},
    Key{"udp_port"},
    Key{"mac"},
    Key{"expires_in_ms"},
    Key{"capability_count"},
};

constexpr std::array kPolicies{
    Key{"policy"},
    Key{"action"},
    Key{"target"},
    Key{"direction"},
    Key{"priority"},
    Key{"ports"},
    Key{"rules"},
    Key{"matched"},
    Key{"acted"},
    Key{"lost"},
};

constexpr std::array kMatches{
    Key{"direction"},
    Key{"policy"},
    Key{"action"},
    Key{"priority"},
    Key{"rule"},
    Key{"where"},
};

constexpr std::array kPeers{
    Key{"name"},
    Key{"status"},
    Key{"address"},
    Key{"session"},
    Key{"drift"},
    Key{"compared_ms"},
    Key{"round_trip_us"},
    Key{"since_ms"},
};

constexpr std::array kVersions{
    Key{"name"},
    Key{"router"},
    Key{"eligible"},
    Key{"generation"},
    Key{"version"},
    Key{"floor"},
    Key{"claims"},
    Key{"records"},
    Key{"behind"},
    Key{"ahead"},
    // of the peers
    Key{"compared_ms"},
    Key{"drift_sum"},
    Key{"drift_max"},
};

constexpr std::array kClaims{
    Key{"router"},
    Key{"holds"},
    Key{"why"},
    Key{"state"},
    Key{"epoch"},
    Key{"mobility"},
    Key{"attached_ms"},
    Key{"version"},
    Key{"capabilities"},
};

constexpr std::array kViews{
    View{"policy test", kMatches, {}},
    View{"show agents", kAgents, {}},
    View{"show claims", kClaims, {}},
    View{"show drops", kDrops, kDropTotals},
    View{"show lcores", kLcores, {}},
    View{"show lookup", kLookup, kLookupTotals},
    View{"show peers", kPeers, {}},
    View{"show policies", kPolicies, {}},
    View{"show ports", kPorts, kPortTotals},
    View{"show versions", kVersions, {}},
};

}  // namespace

View view_of(std::span<const std::string> words) {
    std::string line;
    for (const std::string& word : words) {
        line += word + ' ';
    }
    for (const View& view : kViews) {
        if (line.starts_with(std::string(view.command) + ' ')) {
            return view;
        }
    }
    return {};
}

}  // namespace posthaste::tools
