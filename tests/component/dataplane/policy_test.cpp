// SPDX-License-Identifier: BSD-3-Clause
// Goal: what policies say is done to the frames they are about, to no others, once, and no frame
// or copy is unaccounted for. Method: one worker, turned by hand, with sets of few policies.
#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <string>

#include "routing/capability_name.h"
#include "routing/policy_set.h"
#include "tests/support/capability_router.h"
#include "tests/support/eal_fixture.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;
using routing::Drop;
using routing::Policy;
using routing::PolicyAction;
using routing::PolicyDirection;

namespace {

const bool kMemory = support::eal_argument("-m128");

FrameSpec saying(std::string_view text, std::uint32_t receiver = kReceiver) {
    FrameSpec spec;
    spec.destination = agent(receiver);
    spec.payload.assign(text.begin(), text.end());
    return spec;
}

Policy policy(std::string expression, PolicyAction action) {
    Policy result;
    result.name = "p";
    result.ports = {kEdge, kTagged, kFabric, kIpv4Only};
    result.rules.push_back({{std::move(expression), {}}, "test:1"});
    result.action = action;
    return result;
}

std::shared_ptr<const routing::PolicySet> compile(std::vector<Policy> policies) {
    auto set = routing::PolicySet::compile(
        std::move(policies), {.workers = 1, .ports = kPortCount, .database_bytes_max = 1U << 20});
    return set.has_value() ? std::move(*set) : nullptr;
}

class policy_stage : public ::testing::Test {
  protected:
    void use(std::vector<Policy> policies) {
        set = compile(std::move(policies));
        ASSERT_NE(set, nullptr);
        World world = small_world();
        world.policies = set;
        router.publish(world);
    }

    void TearDown() override {
        EXPECT_EQ(router.broken_law(), "");
        EXPECT_EQ(router.in_use(), 0U);
    }

    void arrive(const FrameSpec& spec, std::uint16_t port = kEdge) {
        router.arrive(port, build(spec));
        router.turn();
    }

    [[nodiscard]] std::uint64_t mirrored() { return router.worker().counters().mirrored.read(); }

    std::shared_ptr<const routing::PolicySet> set;
    CapabilityRouter router;
};

}  // namespace

TEST_F(policy_stage, a_match_is_dropped_and_the_rest_goes_on) {
    use({policy("virus", PolicyAction::drop)});
    arrive(saying("a virus"));
    arrive(saying("no harm"));
    arrive(saying(""));
    EXPECT_EQ(router.leave(kEdge).size(), 2U);
    EXPECT_EQ(router.drops(kEdge, Drop::policy), 1U);
    EXPECT_EQ(set->hits(0), 1U);
    EXPECT_EQ(set->sums(0).acted, 1U);
}

TEST_F(policy_stage, the_sender_of_a_dropped_message_is_told_that_it_may_not) {
    use({policy("virus", PolicyAction::drop)});
    FrameSpec spec = saying("a virus");
    spec.flags = routing::flag::want_error;
    arrive(spec);
    const std::vector<FrameBytes> answers = router.leave(kEdge);
    ASSERT_EQ(answers.size(), 1U);
    const std::size_t at = message_offset(answers[0]);
    EXPECT_EQ(answers[0][at + 3], static_cast<std::uint8_t>(routing::Type::error));
    EXPECT_EQ(answers[0][at + 4], static_cast<std::uint8_t>(routing::ErrorCode::unauthorised));
}

TEST_F(policy_stage, counting_lets_everything_through) {
    use({policy("word", PolicyAction::count)});
    arrive(saying("a word"));
    EXPECT_EQ(router.leave(kEdge).size(), 1U);
    EXPECT_EQ(set->hits(0), 1U);
    EXPECT_EQ(set->sums(0).matched, 1U);
    EXPECT_EQ(set->sums(0).acted, 0U);
}

TEST_F(policy_stage, a_mirrored_frame_goes_on_and_a_copy_as_received_goes_to_the_port) {
    Policy mirroring = policy("secret", PolicyAction::mirror);
    mirroring.mirror_port = kFabric;
    use({mirroring});
    const FrameBytes frame = build(saying("a secret"));
    router.arrive(kEdge, frame);
    router.turn();
    EXPECT_EQ(router.leave(kFabric), std::vector<FrameBytes>{frame});
    EXPECT_EQ(router.leave(kEdge).size(), 1U);
    EXPECT_EQ(mirrored(), 1U);
    EXPECT_EQ(router.port(kFabric).queued.read(), 1U);
    EXPECT_EQ(set->sums(0).acted, 1U);
}

TEST_F(policy_stage, a_copy_that_cannot_be_sent_is_counted_as_lost) {
    Policy down = policy("secret", PolicyAction::mirror);
    down.mirror_port = kDown;
    use({down});
    arrive(saying("a secret"));
    EXPECT_EQ(router.leave(kEdge).size(), 1U);
    EXPECT_EQ(set->sums(0).lost, 1U);
    EXPECT_EQ(set->sums(0).acted, 0U);
    EXPECT_EQ(mirrored(), 0U);
}

TEST_F(policy_stage, a_copy_too_long_for_its_port_is_lost) {
    Policy small = policy("secret", PolicyAction::mirror);
    small.mirror_port = kFabric;
    use({small});
    World world = small_world();
    world.policies = set;
    world.ports[kFabric].mtu = 600;
    router.publish(world);
    FrameSpec spec = saying("a secret");
    spec.payload.resize(600 - 20 - 8 - 64);
    arrive(spec);
    EXPECT_EQ(set->sums(0).acted, 1U);
    spec.payload.push_back(0);
    arrive(spec);
    EXPECT_EQ(set->sums(0).acted, 1U);
    EXPECT_EQ(set->sums(0).lost, 1U);
    EXPECT_EQ(router.discard(kFabric), 1U);
    EXPECT_EQ(router.discard(kEdge), 2U);
}

TEST(policy_stage_without_room, copies_take_no_slot_that_is_promised_to_a_frame) {
    RingRouterOptions options;
    options.worker.tx_backlog = 64;
    options.tx_ring = 64;
    RingRouter router(options);
    Policy mirroring = policy("secret", PolicyAction::mirror);
    mirroring.mirror_port = kEdge;
    const auto set = compile({mirroring});
    ASSERT_NE(set, nullptr);
    World world = small_world();
    world.policies = set;
    router.publish(world);
    for (unsigned i = 0; i < 64; ++i) {
        router.arrive(kEdge, build(saying("a secret")));
    }
    router.turn();
    // Copies are made first, and then no slot is left for the frames.
    EXPECT_EQ(set->sums(0).acted, 64U);
    EXPECT_EQ(router.drops(kEdge, Drop::tx_full), 64U);
    EXPECT_EQ(router.broken_law(), "");
    router.discard(kEdge);
    router.turn();
    router.discard(kEdge);
}

TEST(policy_stage_without_room, a_copy_for_which_there_is_no_buffer_is_lost) {
    RingRouterOptions options;
    options.mbufs = 127;
    RingRouter router(options);
    Policy mirroring = policy("secret", PolicyAction::mirror);
    mirroring.mirror_port = kFabric;
    const auto set = compile({mirroring});
    ASSERT_NE(set, nullptr);
    World world = small_world();
    world.policies = set;
    router.publish(world);
    router.arrive(kEdge, build(saying("a secret")));
    std::vector<rte_mbuf*> taken;
    while (rte_mbuf* const mbuf = router.make(build(FrameSpec{}))) {
        taken.push_back(mbuf);
    }
    router.turn();
    EXPECT_EQ(set->sums(0).lost, 1U);
    EXPECT_EQ(router.discard(kEdge), 1U);
    rte_pktmbuf_free_bulk(taken.data(), static_cast<unsigned>(taken.size()));
    EXPECT_EQ(router.in_use(), 0U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST_F(policy_stage, a_redirected_frame_is_for_the_capability_from_then_on) {
    Policy redirecting = policy("scan me", PolicyAction::redirect);
    redirecting.redirect = routing::capability_id("scanner/virus");
    use({redirecting});
    FrameSpec spec = saying("please scan me");
    spec.flags = routing::flag::want_error;
    arrive(spec);
    // Nobody has it here.
    EXPECT_EQ(router.drops(kEdge, Drop::unknown_capability), 1U);
    EXPECT_EQ(set->sums(0).acted, 1U);
    EXPECT_EQ(router.discard(kEdge), 1U);  // the error
}

// The conversation itself stays where it is.
TEST_F(policy_stage, a_redirected_frame_leaves_a_conversation_that_goes_on) {
    constexpr std::uint32_t kReader = 60;
    constexpr std::uint32_t kScanner = 61;
    for (const std::uint32_t number : {kReader, kScanner}) {
        ASSERT_TRUE(router.fib().set(edge_agent(number), 0));
    }
    router.provide("vision/ocr", {kReader});
    router.provide("scanner/virus", {kScanner});
    Policy redirecting = policy("scan me", PolicyAction::redirect);
    redirecting.redirect = routing::capability_id("scanner/virus");
    use({redirecting});
    for (const std::string_view text : {"page 1", "page 2", "please scan me", "page 3"}) {
        FrameSpec spec = to_capability("vision/ocr", To::any, 7);
        spec.payload.assign(text.begin(), text.end());
        arrive(spec);
        const std::vector<FrameBytes> left = router.leave(kEdge);
        ASSERT_EQ(left.size(), 1U) << text;
        const std::uint32_t receiver = text == "please scan me" ? kScanner : kReader;
        EXPECT_TRUE(std::equal(left[0].begin(), left[0].begin() + 6, mac(receiver).bytes.begin()))
            << text;
    }
}

TEST_F(policy_stage, the_strongest_match_decides_and_all_are_counted) {
    Policy dropping = policy("both", PolicyAction::drop);
    dropping.priority = 200;
    Policy mirroring = policy("both|one", PolicyAction::mirror);
    mirroring.mirror_port = kFabric;
    use({mirroring, dropping, policy("o", PolicyAction::count)});
    arrive(saying("both"));
    EXPECT_EQ(router.discard(kFabric), 0U);
    arrive(saying("one"));
    EXPECT_EQ(router.discard(kFabric), 1U);
    EXPECT_EQ(router.discard(kEdge), 1U);
    EXPECT_EQ(router.drops(kEdge, Drop::policy), 1U);
    EXPECT_EQ(set->hits(0), 1U);
    EXPECT_EQ(set->hits(1), 2U);
    EXPECT_EQ(set->hits(2), 2U);
}

TEST_F(policy_stage, outwards_the_egress_port_counts) {
    Policy outwards = policy("word", PolicyAction::drop);
    outwards.direction = PolicyDirection::out;
    outwards.ports = {kTagged};
    use({outwards});
    arrive(saying("a word", kReceiver));
    EXPECT_EQ(router.discard(kEdge), 1U);
    arrive(saying("a word", kReceiverTagged));
    EXPECT_EQ(router.discard(kTagged), 0U);
    EXPECT_EQ(router.drops(kEdge, Drop::policy), 1U);
}

TEST_F(policy_stage, only_frames_to_the_capability_are_looked_at) {
    Policy about = policy("word", PolicyAction::drop);
    about.capability = routing::capability_id("vision/ocr");
    use({about});
    arrive(saying("a word"));
    EXPECT_EQ(router.discard(kEdge), 1U);
    FrameSpec spec = saying("a word");
    spec.addressing_strategy = 1;
    spec.destination = routing::capability_id("vision/faces");
    arrive(spec);
    EXPECT_EQ(set->hits(0), 0U);
    spec.destination = routing::capability_id("vision/ocr");
    arrive(spec);
    EXPECT_EQ(set->hits(0), 1U);
    EXPECT_EQ(router.drops(kEdge, Drop::policy), 1U);
}

TEST_F(policy_stage, a_payload_in_segments_is_looked_at_as_one) {
    use({policy("^left.*right$", PolicyAction::drop)});
    FrameSpec spec = saying("left and right");
    const FrameBytes frame = build(spec);
    const std::size_t payload = frame.size() - spec.payload.size();
    const std::vector<std::vector<std::size_t>> all_cuts = {
        {payload},
        {payload + 1},
        {payload + 5, payload + 6, payload + 13},
        {payload - 0, payload + 7}};
    for (const auto& cuts : all_cuts) {
        ASSERT_TRUE(router.arrive(kEdge, router.make(frame, cuts)));
        router.turn();
    }
    EXPECT_EQ(router.drops(kEdge, Drop::policy), all_cuts.size());
}

TEST_F(policy_stage, padding_behind_the_frame_is_not_payload) {
    use({policy("\\x00", PolicyAction::drop)});
    FrameSpec spec = saying("x");
    spec.ethernet_padding = 40;
    arrive(spec);
    EXPECT_EQ(router.discard(kEdge), 1U);
    EXPECT_EQ(set->hits(0), 0U);
}

TEST_F(policy_stage, heartbeats_errors_and_registrations_are_not_looked_at) {
    use({policy(".", PolicyAction::drop)});
    router.arrive(kEdge, build(control_spec(routing::Type::heartbeat, {1, 2, 3, 4})));
    router.arrive(kEdge, build(control_spec(routing::Type::register_agent, {32, 1, 'a', 0})));
    FrameSpec error = saying("an error");
    from_fabric(error);
    error.type = routing::Type::error;
    error.source = routing::kRouterId;
    router.arrive(kFabric, build(error));
    router.turn();
    EXPECT_EQ(set->hits(0), 0U);
    EXPECT_EQ(router.leave(kEdge).size(), 2U);  // the heartbeat's answer and the error
    std::array<Punted, 4> punted;
    ASSERT_EQ(router.worker().punts(PuntClass::registration).pop(punted), 1U);
    rte_pktmbuf_free(punted[0].frame);
}

TEST_F(policy_stage, a_fragment_is_looked_at_by_itself) {
    use({policy("word", PolicyAction::count)});
    FrameSpec spec = saying("a word");
    spec.flags = routing::flag::fragment;
    arrive(spec);
    EXPECT_EQ(router.discard(kEdge), 1U);
    EXPECT_EQ(set->hits(0), 1U);
}

// A frame that waited for a neighbour comes through the pipeline a second time.
TEST_F(policy_stage, a_frame_that_was_held_is_looked_at_once_in_each_direction) {
    Policy outwards = policy("word", PolicyAction::count);
    outwards.direction = PolicyDirection::out;
    use({policy("word", PolicyAction::count), outwards});
    arrive(saying("a word", kStaticUnresolved));
    std::array<Punted, 4> punted;
    ASSERT_EQ(router.worker().punts(PuntClass::hold).pop(punted), 1U);
    EXPECT_EQ(set->hits(0), 1U);
    EXPECT_EQ(set->hits(1), 0U);
    World world = small_world();
    world.policies = set;
    world.adjacencies[kHostUnresolved].resolved = true;
    world.adjacencies[kHostUnresolved].mac = mac(56);
    router.publish(world);
    Injected back;
    back.frame = punted[0].frame;
    back.port = kEdge;
    back.kind = InjectKind::resubmit;
    ASSERT_TRUE(router.worker().inject().push(back));
    router.turn();
    EXPECT_EQ(router.discard(kTagged), 1U);
    EXPECT_EQ(set->hits(0), 1U);
    EXPECT_EQ(set->hits(1), 1U);
}

// The old set lives as long as a World that has it.
TEST_F(policy_stage, sets_change_between_bursts_and_the_old_one_goes) {
    use({policy("one", PolicyAction::drop)});
    std::weak_ptr<const routing::PolicySet> old = set;
    arrive(saying("one"));
    use({policy("two", PolicyAction::drop)});
    arrive(saying("one"));
    arrive(saying("two"));
    EXPECT_EQ(router.discard(kEdge), 1U);
    EXPECT_EQ(router.drops(kEdge, Drop::policy), 2U);
    World world = small_world();
    router.publish(world);
    arrive(saying("two"));
    EXPECT_EQ(router.discard(kEdge), 1U);
    router.publish(world);  // reclaims what the worker has let go of
    EXPECT_TRUE(old.expired());
}
