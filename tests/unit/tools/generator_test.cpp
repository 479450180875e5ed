// SPDX-License-Identifier: BSD-3-Clause
// What the benchmark sends: sound frames are sound for the router's parser, faulty ones are
// dropped for the fault they were given.
#include "tools/benchmark/generator.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "routing/capability_name.h"
#include "routing/frame.h"
#include "tests/support/frame_builder.h"

using namespace posthaste;
using namespace posthaste::tools;
using routing::Drop;

namespace {

constexpr std::uint32_t kAgents = 50;

GeneratorOptions small() {
    GeneratorOptions made;
    made.source_mac = test::mac(test::kSenderNumber);
    made.destination_mac = test::mac(test::kBoxNumber);
    made.source = test::ipv4(test::kSenderNumber);
    made.destination = test::ipv4(test::kBoxNumber);
    made.sender = agent_id(kAgents);
    made.agents = kAgents;
    made.targets = 4'096;
    return made;
}

test::FrameBytes next_of(Generator& generator, Fault* fault = nullptr) {
    test::FrameBytes frame(generator.frame_bytes(), 0xee);
    const Fault written = generator.write(frame.data());
    if (fault != nullptr) {
        *fault = written;
    }
    return frame;
}

routing::AgentId destination_of(const test::FrameBytes& frame, const routing::FrameView& view) {
    return routing::header_of(frame.data(), view).destination;
}

}  // namespace

TEST(generator, frames_are_sound_whatever_their_size) {
    for (const unsigned payload : {0U, 1U, 63U, 1'400U}) {
        GeneratorOptions options = small();
        options.payload = payload;
        Generator generator(options);
        for (unsigned i = 0; i < 200; ++i) {
            const test::FrameBytes frame = next_of(generator);
            const test::Parsed parsed = test::parse(frame);
            ASSERT_EQ(parsed.drop, Drop::none) << routing::name_of(parsed.drop);
            ASSERT_EQ(parsed.view.payload_bytes, payload);
            ASSERT_EQ(test::udp_checksum_field(frame), test::full_udp_checksum(frame));
        }
    }
}

TEST(generator, every_agent_and_no_other_is_a_destination) {
    Generator generator(small());
    std::set<routing::AgentId> known;
    for (std::uint32_t i = 0; i < kAgents; ++i) {
        known.insert(agent_id(i));
    }
    ASSERT_EQ(known.size(), kAgents);
    std::set<routing::AgentId> seen;
    for (unsigned i = 0; i < 4'096; ++i) {
        const test::FrameBytes frame = next_of(generator);
        seen.insert(destination_of(frame, test::parse(frame).view));
    }
    EXPECT_EQ(seen, known);
}

TEST(generator, a_relayed_frame_is_one_for_a_fabric_port) {
    GeneratorOptions options = small();
    options.relayed = true;
    Generator generator(options);
    const test::FrameBytes frame = next_of(generator);
    EXPECT_EQ(test::parse(frame, test::fabric_rules()).drop, Drop::none);
    EXPECT_EQ(test::parse(frame).drop, Drop::bad_flags);
}

TEST(generator, a_checksum_may_be_absent) {
    GeneratorOptions options = small();
    options.checksum = false;
    Generator generator(options);
    const test::FrameBytes frame = next_of(generator);
    EXPECT_EQ(test::udp_checksum_field(frame), 0);
    EXPECT_EQ(test::parse(frame).drop, Drop::none);
}

TEST(generator, faulty_frames_are_dropped_for_their_fault_and_counted) {
    for (const bool checksum : {true, false}) {
        GeneratorOptions options = small();
        options.malformed = 20;
        options.unknown = 10;
        options.checksum = checksum;
        Generator generator(options);
        std::map<Drop, std::uint64_t> dropped;
        unsigned unknown = 0;
        for (unsigned i = 0; i < 10'000; ++i) {
            Fault fault;
            const test::FrameBytes frame = next_of(generator, &fault);
            const test::Parsed parsed = test::parse(frame);
            if (fault == Fault::unknown) {
                ASSERT_EQ(parsed.drop, Drop::none);
                ++unknown;
            } else {
                ASSERT_EQ(parsed.drop, drop_of(fault)) << routing::name_of(parsed.drop);
                dropped[parsed.drop] += fault != Fault::none;
            }
        }
        EXPECT_EQ(generator.frames(), 10'000U);
        for (const Drop drop :
             {Drop::bad_magic, Drop::bad_checksum, Drop::bad_agent_id, Drop::bad_version}) {
            EXPECT_EQ(generator.faulty()[static_cast<std::size_t>(drop)], dropped[drop]);
            EXPECT_NEAR(dropped[drop], 500, 100);
        }
        EXPECT_EQ(generator.faulty()[static_cast<std::size_t>(Drop::unknown_agent)], unknown);
        EXPECT_NEAR(unknown, 1'000, 150);
    }
}

TEST(generator, unknown_agents_are_neither_known_nor_the_sender) {
    GeneratorOptions options = small();
    options.unknown = 50;
    Generator generator(options);
    std::set<routing::AgentId> known;
    for (std::uint32_t i = 0; i <= kAgents; ++i) {
        known.insert(agent_id(i));
    }
    for (unsigned i = 0; i < 4'096; ++i) {
        Fault fault;
        const test::FrameBytes frame = next_of(generator, &fault);
        const routing::AgentId destination = destination_of(frame, test::parse(frame).view);
        ASSERT_EQ(known.contains(destination), fault == Fault::none);
    }
}

TEST(generator, a_stamp_is_read_back_and_the_checksum_still_holds) {
    Generator generator(small());
    std::uint64_t stamp = 1;
    for (unsigned i = 0; i < 2'000; ++i) {
        stamp = mix(stamp) >> (i % 64);
        test::FrameBytes frame(generator.frame_bytes());
        generator.write_stamped(frame.data(), stamp);
        ASSERT_EQ(Generator::stamp_of(frame.data()), stamp);
        ASSERT_EQ(test::parse(frame).drop, Drop::none) << stamp;
        ASSERT_EQ(test::udp_checksum_field(frame), test::full_udp_checksum(frame));
    }
}

TEST(generator, a_frame_says_the_name_of_its_capability) {
    for (const routing::OfferKind offered : {routing::OfferKind::name, routing::OfferKind::glob}) {
        GeneratorOptions options = small();
        options.addressing = routing::Addressing::capability_any;
        options.offered = offered;
        options.named = true;
        options.payload = 5;
        Generator generator(options);
        std::set<std::string> said;
        for (unsigned i = 0; i < 1'000; ++i) {
            const test::FrameBytes frame = next_of(generator);
            const test::Parsed parsed = test::parse(frame);
            ASSERT_EQ(parsed.drop, Drop::none) << routing::name_of(parsed.drop);
            ASSERT_EQ(parsed.view.payload_bytes, 5U);
            ASSERT_EQ(test::udp_checksum_field(frame), test::full_udp_checksum(frame));
            const std::span<const std::uint8_t> bytes(frame);
            routing::TlvReader tlvs(bytes.subspan(Generator::kHeadBytes, Generator::kNameTlvBytes));
            ASSERT_TRUE(tlvs.next());
            ASSERT_EQ(tlvs.type(), static_cast<std::uint8_t>(routing::Tlv::capability_name));
            const std::string name(tlvs.value().begin(), tlvs.value().end());
            ASSERT_FALSE(tlvs.next());
            ASSERT_TRUE(tlvs.ok());
            ASSERT_EQ(routing::capability_id(name), destination_of(frame, parsed.view));
            said.insert(name);
        }
        EXPECT_EQ(said.size(), kAgents);
        EXPECT_TRUE(said.contains(capability_name(kAgents - 1, offered)));
    }
}

TEST(generator, targets_are_enough_for_the_agents_and_bounded) {
    EXPECT_EQ(targets_for(1), 1U << 20);
    EXPECT_EQ(targets_for(1'000'000), 2'000'000U);
    EXPECT_EQ(targets_for(50'000'000), 1U << 24);
}
