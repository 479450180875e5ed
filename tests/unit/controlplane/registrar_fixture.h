// SPDX-License-Identifier: BSD-3-Clause
// A registrar behind one edge port, the requests agents send it and the answers they get.
#pragma once

#include "controlplane/registrar.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_directory.h"
#include "tests/support/fake_patterns.h"
#include "tests/support/frame_builder.h"
#include "tests/support/named_offers.h"

namespace posthaste::controlplane {

using routing::AgentId;
using routing::Drop;
using routing::ErrorCode;
using routing::kRouterId;
using routing::Rib;
using routing::RibLimits;
using routing::Type;
using test::FrameBytes;
using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint16_t kPort = 1;
inline constexpr std::size_t kHeaders4 = 14 + 20 + 8;

inline Bytes tlv(unsigned type, std::string_view value) {
    Bytes bytes{static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(value.size())};
    for (const char letter : value) {
        bytes.push_back(static_cast<std::uint8_t>(letter));
    }
    return bytes;
}

inline Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

inline Bytes session(std::uint8_t epoch, std::uint8_t flags) {
    return {41, 5, 0, 0, 0, epoch, flags};
}

inline const Bytes kPadding(64);

// What an answer says, read without the code that wrote it.
struct Answer {
    Type type;
    unsigned performative;
    AgentId source;
    AgentId destination;
    std::uint64_t message;
    Bytes payload;
};

class registrar : public testing::Test {
  protected:
    registrar() {
        edge_.rules = test::edge_rules();
        edge_.role = dataplane::Role::edge;
        edge_.up = true;
    }

    static RibLimits limits() {
        RibLimits limits;
        limits.routes_max = 3;
        return limits;
    }

    static RegistrarOptions options() {
        return {.registrations_per_second = 1'000,
                .error_rate = {1'000, 1'000},
                .regexes = {false, true}};
    }

    ControlOutcome receive(const test::FrameSpec& spec) {
        request_ = test::build(spec);
        frame_ = request_;
        outcome_ = registrar_.receive(kPort, edge_, frame_, now_);
        EXPECT_LE(outcome_.answer_bytes, request_.size());
        return outcome_;
    }

    ControlOutcome enrol(Bytes payload, std::uint32_t number = 1) {
        auto spec = test::control_spec(Type::register_agent, std::move(payload));
        spec.source = test::agent(number);
        return receive(spec);
    }

    // The request that was kept as the n-th.
    void serve_kept(std::size_t n) {
        request_ = patterns_.kept.at(n).frame;
        outcome_ = registrar_.receive_kept(patterns_.kept[n], edge_, now_);
        frame_ = patterns_.kept[n].frame;
    }

    // The answer to the last request; it must be a sound frame back to where that came from.
    Answer answer() {
        EXPECT_GT(outcome_.answer_bytes, 0U);
        const FrameBytes bytes(frame_.begin(),
                               frame_.begin() + static_cast<std::ptrdiff_t>(outcome_.answer_bytes));
        EXPECT_TRUE(std::equal(bytes.begin(), bytes.begin() + 6, request_.begin() + 6));
        EXPECT_TRUE(std::equal(bytes.begin() + 6, bytes.begin() + 12, request_.begin()));
        EXPECT_EQ(test::udp_checksum_field(bytes), test::full_udp_checksum(bytes));
        const std::size_t at = test::message_offset(bytes);
        Answer answer{.type = static_cast<Type>(bytes[at + 3]),
                      .performative = bytes[at + 4],
                      .source = {},
                      .destination = {},
                      .message = bytes[at + 63],
                      .payload = {}};
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at) + 16,
                    16,
                    answer.destination.bytes.begin());
        std::copy_n(
            bytes.begin() + static_cast<std::ptrdiff_t>(at) + 32, 16, answer.source.bytes.begin());
        answer.payload.assign(bytes.begin() + static_cast<std::ptrdiff_t>(at) + 64, bytes.end());
        return answer;
    }

    // The last request was refused with this code, and nothing was stored since `version`.
    void expect_refused(ErrorCode code, std::string_view detail, std::uint64_t version) {
        EXPECT_EQ(outcome_.drop, Drop::control_refused) << detail;
        EXPECT_FALSE(outcome_.registered) << detail;
        EXPECT_EQ(rib_.version(), version) << detail;
        const Answer error = answer();
        EXPECT_EQ(error.type, Type::error) << detail;
        EXPECT_EQ(error.performative, static_cast<unsigned>(code)) << detail;
        EXPECT_EQ(error.source, kRouterId);
        std::string said;
        if (error.payload.size() > 3) {
            EXPECT_EQ(error.payload[0], 5);
            EXPECT_EQ(error.payload[1], error.payload.size() - 2);
            EXPECT_EQ(error.payload[2], static_cast<unsigned>(code));
            said.assign(error.payload.begin() + 3, error.payload.end());
        }
        EXPECT_EQ(said, detail);
    }

    Rib rib_{limits()};
    support::FakeDirectory directory_;
    support::FakePatterns patterns_;
    Registrar registrar_{rib_, directory_, patterns_, options()};
    dataplane::PortView edge_;
    FrameBytes request_;
    FrameBytes frame_;
    ControlOutcome outcome_;
    std::uint64_t now_ = 5'000;
};

}  // namespace posthaste::controlplane
