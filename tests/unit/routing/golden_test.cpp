// SPDX-License-Identifier: BSD-3-Clause
// The golden captures, made with scapy from the specification: every frame gets exactly the
// verdict and the view its sidecar names. See tests/scapy/make_golden.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "routing/frame.h"
#include "tests/support/frame_builder.h"
#include "tests/support/pcap_file.h"

using namespace posthaste::routing;
using namespace posthaste::test;
using nlohmann::json;

namespace {

const std::filesystem::path kFolder = POSTHASTE_GOLDEN;
constexpr std::array<std::string_view, 4> kKinds = {"message", "heartbeat", "control", "neighbour"};

struct Golden {
    std::string name;
    FrameBytes frame;
    json expected;
};

std::vector<Golden> golden(const std::string& capture) {
    const auto frames = read_pcap(kFolder / (capture + ".pcap"));
    std::ifstream stream(kFolder / (capture + ".json"));
    const json entries = json::parse(stream, nullptr, false);
    if (!frames || !entries.is_array() || entries.size() != frames->size()) {
        ADD_FAILURE() << capture << ": capture and sidecar do not agree";
        return {};
    }
    std::vector<Golden> all;
    for (std::size_t i = 0; i < frames->size(); ++i) {
        all.push_back({capture + "/" + std::string(entries[i]["name"]), (*frames)[i], entries[i]});
    }
    return all;
}

std::vector<Golden> all_golden() {
    std::vector<Golden> all;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
        if (entry.path().extension() == ".pcap") {
            std::ranges::move(golden(entry.path().stem()), std::back_inserter(all));
        }
    }
    return all;
}

Parsed parse_golden(const Golden& item) {
    const json& port = item.expected["port"];
    PortRules rules = port["role"] == "fabric" ? fabric_rules() : edge_rules();
    rules.vlan = port["vlan"];
    rules.verify_checksum = port["verify"];
    const std::size_t first = item.expected.value("first", item.frame.size());
    const auto block = std::make_unique<std::uint8_t[]>(first);
    std::copy_n(item.frame.begin(), first, block.get());
    Parsed parsed;
    const ParseResult result = parse_frame({block.get(), first},
                                           static_cast<std::uint32_t>(item.frame.size()),
                                           rules,
                                           ChecksumHint::unknown,
                                           parsed.view);
    parsed.drop = result.drop;
    parsed.checksum_pending = result.checksum_pending;
    return parsed;
}

}  // namespace

TEST(golden, every_frame_gets_its_verdict_and_view) {
    std::size_t frames = 0;
    for (const Golden& item : all_golden()) {
        SCOPED_TRACE(item.name);
        const Parsed parsed = parse_golden(item);
        const json& expected = item.expected;
        const FrameView& view = parsed.view;
        EXPECT_EQ(name_of(parsed.drop), std::string(expected["drop"]));
        EXPECT_EQ(parsed.checksum_pending, expected.value("pending", false));
        if (expected.contains("kind")) {
            EXPECT_EQ(kKinds[static_cast<std::size_t>(view.kind)], std::string(expected["kind"]));
        }
        if (expected.contains("message")) {
            EXPECT_EQ(static_cast<int>(view.family), expected["family"]);
            EXPECT_EQ(view.l3, expected["l3"]);
            EXPECT_EQ(view.l4, expected["l4"]);
            EXPECT_EQ(view.message, expected["message"]);
            EXPECT_EQ(view.header_bytes, expected["header_bytes"]);
            EXPECT_EQ(view.payload_bytes, expected["payload_bytes"]);
        } else {
            EXPECT_EQ(view.message != 0, expected.value("answerable", false));
        }
        ++frames;
    }
    EXPECT_GE(frames, 150U);
}

TEST(golden, every_verdict_of_the_parser_is_among_them) {
    std::set<std::string> seen;
    for (const Golden& item : all_golden()) {
        seen.insert(item.expected["drop"]);
    }
    for (auto drop = static_cast<std::size_t>(Drop::too_short);
         drop <= static_cast<std::size_t>(Drop::hop_limit);
         ++drop) {
        EXPECT_TRUE(seen.contains(std::string(kDropNames[drop]))) << kDropNames[drop];
    }
}

TEST(golden, valid_frames_survive_any_next_hop) {
    for (const Golden& item : golden("valid")) {
        if (!item.expected["port"]["verify"].get<bool>()) {
            continue;
        }
        SCOPED_TRACE(item.name);
        const Parsed parsed = parse_golden(item);
        for (const Family family : {Family::ipv4, Family::ipv6}) {
            for (const std::uint16_t vlan : {0, 7}) {
                const Hop hop = hop_to(family, vlan);
                const FrameBytes out = rewritten(item.frame, parsed.view, hop, {3, 4, 5});
                const std::uint16_t field = udp_checksum_field(out);
                EXPECT_TRUE(
                    field == full_udp_checksum(out) ||
                    (field == 0 && family == Family::ipv4 && udp_checksum_field(item.frame) == 0));
            }
        }
    }
}
