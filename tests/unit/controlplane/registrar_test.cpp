// SPDX-License-Identifier: BSD-3-Clause
// Registration in band: what is stored, what is answered, and that a refusal stores nothing.
#include "controlplane/registrar.h"

#include <algorithm>
#include <iterator>

#include "tests/unit/controlplane/registrar_fixture.h"

namespace posthaste::controlplane {

using namespace routing;

namespace {

TEST_F(registrar, stores_where_the_agent_is_and_what_it_says_of_itself) {
    const Bytes payload = tlv(32, "Ada \xc3\xa9") + tlv(1, "vision/read") +
                          tlv(33, {"\x00\x00\x27\x10", 4}) + tlv(34, "\x02") + tlv(1, "sum") +
                          kPadding;
    const auto outcome = enrol(payload);
    EXPECT_EQ(outcome.drop, Drop::none);
    const AgentRecord* const record = rib_.find_agent(test::agent(1));
    ASSERT_NE(record, nullptr);
    const Registration& stored = record->registration;
    EXPECT_EQ(stored.endpoint.ip, test::ipv4(test::kSenderNumber));
    EXPECT_EQ(stored.endpoint.mac, test::mac(test::kSenderNumber));
    EXPECT_EQ(stored.endpoint.udp_port, 40'000);
    EXPECT_EQ(stored.endpoint.port, kPort);
    EXPECT_EQ(stored.endpoint.adjacency, kNoAdjacency);
    EXPECT_EQ(outcome.registered, stored.endpoint);
    EXPECT_EQ(stored.name, "Ada \xc3\xa9");
    EXPECT_EQ(rib_.offers_of(record->offers), support::named_offers({"sum", "vision/read"}));
    EXPECT_EQ(stored.state, AgentState::draining);
    EXPECT_EQ(stored.lease_ms, 10'000U);
    EXPECT_EQ(stored.origin, Origin::registered);
    EXPECT_EQ(registrar_.counters().accepted[0], 1U);
}

TEST_F(registrar, takes_down_which_session_of_the_agent_it_is) {
    ASSERT_EQ(enrol(Bytes{41, 5, 0xfe, 0xdc, 0xba, 0x98, 1}).drop, Drop::none);
    const Registration& stored = rib_.find_agent(test::agent(1))->registration;
    EXPECT_EQ(stored.epoch, 0xfedcba98U);
    EXPECT_TRUE(stored.multi);
    ASSERT_EQ(enrol(session(3, 0)).drop, Drop::none);
    EXPECT_EQ(stored.epoch, 3U) << "the agent's own number, which may be lower, too";
    EXPECT_FALSE(stored.multi);
    EXPECT_EQ(registrar_.counters().accepted[static_cast<std::size_t>(RegisterOutcome::changed)],
              1U);
    ASSERT_EQ(enrol(kPadding).drop, Drop::none);
    EXPECT_EQ(stored.epoch, 0U) << "what is not said is none";
}

TEST_F(registrar, acknowledges_with_the_granted_lease) {
    auto spec =
        test::control_spec(Type::register_agent, tlv(33, {"\x00\x00\x00\x01", 4}) + kPadding);
    spec.message = 0x77;
    static_cast<void>(receive(spec));
    const Answer ack = answer();
    EXPECT_EQ(ack.type, Type::ack);
    EXPECT_EQ(ack.performative, 16U);
    EXPECT_EQ(ack.destination, test::agent(1));
    EXPECT_EQ(ack.source, kRouterId);
    EXPECT_EQ(ack.message, 0x77U);
    EXPECT_EQ(ack.payload, (Bytes{33, 4, 0, 0, 0x03, 0xe8})) << "the least there is, one second";
}

TEST_F(registrar, leaves_the_lease_out_of_an_answer_that_would_outgrow_its_request) {
    static_cast<void>(enrol({}));
    EXPECT_EQ(answer().payload, Bytes{});
    EXPECT_EQ(outcome_.answer_bytes, request_.size());
    static_cast<void>(enrol(Bytes(5)));
    EXPECT_EQ(answer().payload, Bytes{});
    static_cast<void>(enrol(Bytes(6)));
    EXPECT_EQ(answer().payload, (Bytes{33, 4, 0, 0, 0x75, 0x30}));
}

TEST_F(registrar, takes_agents_over_ipv6_and_with_a_tag) {
    edge_.rules.vlan = 7;
    auto spec = test::ipv6_spec();
    spec.tag = 7;
    spec.type = Type::register_agent;
    spec.destination = kRouterId;
    EXPECT_EQ(receive(spec).drop, Drop::none);
    EXPECT_EQ(answer().type, Type::ack);
    ASSERT_NE(rib_.find_agent(test::agent(1)), nullptr);
    EXPECT_EQ(rib_.find_agent(test::agent(1))->registration.endpoint.ip,
              test::ipv6(test::kSenderNumber));
}

TEST_F(registrar, refuses_what_would_change_something_while_it_is_told_to) {
    static_cast<void>(enrol(tlv(32, "Ada") + kPadding));
    registrar_.refuse_changes("no disk");
    EXPECT_EQ(enrol(tlv(32, "Ada") + kPadding).drop, Drop::none) << "a refresh";
    EXPECT_EQ(answer().type, Type::ack);
    EXPECT_EQ(enrol(tlv(32, "Bob") + kPadding).drop, Drop::control_refused);
    EXPECT_EQ(answer().type, Type::error);
    EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::overloaded));
    EXPECT_EQ(receive(test::control_spec(Type::deregister)).drop, Drop::control_refused);
    EXPECT_EQ(rib_.find_agent(test::agent(1))->registration.name, "Ada");
    registrar_.refuse_changes({});
    EXPECT_EQ(enrol(tlv(32, "Bob") + kPadding).drop, Drop::none);
    const auto gone = receive(test::control_spec(Type::deregister));
    EXPECT_EQ(gone.drop, Drop::none);
    EXPECT_EQ(gone.agent, test::agent(1));
    EXPECT_FALSE(gone.registered.has_value());
}

TEST_F(registrar, refreshes_changes_and_moves) {
    EXPECT_EQ(enrol({}).drop, Drop::none);
    EXPECT_EQ(enrol({}).drop, Drop::none);
    EXPECT_EQ(enrol(tlv(34, "\x03")).drop, Drop::none);
    auto spec = test::control_spec(Type::register_agent);
    spec.source_ip = test::ipv4(77);
    EXPECT_EQ(receive(spec).drop, Drop::none);
    EXPECT_EQ(registrar_.counters().accepted, (std::array<std::uint64_t, 4>{1, 1, 1, 1}));
    EXPECT_EQ(rib_.find_agent(test::agent(1))->registration.endpoint.ip, test::ipv4(77));
    EXPECT_EQ(rib_.find_agent(test::agent(1))->registration.state, AgentState::running)
        << "what is not said is the default";
}

struct BadPayload {
    const char* what;
    Bytes payload;
    ErrorCode code;
    std::string_view detail;
};

std::vector<BadPayload> bad_payloads() {
    Bytes many;
    for (int i = 0; i < 65; ++i) {
        many = many + tlv(1, "c" + std::to_string(i));
    }
    return {
        {"TLV past the end", {32, 9, 'A'}, ErrorCode::malformed, ""},
        {"TLV past the end, with room to say so",
         tlv(1, std::string(60, 'a')) + Bytes{32, 9, 'A'},
         ErrorCode::malformed,
         "a TLV runs past the payload"},
        {"empty name",
         tlv(32, "") + kPadding,
         ErrorCode::malformed,
         "an agent name has 1 to 255 bytes"},
        {"two names",
         tlv(32, "a") + tlv(32, "b") + kPadding,
         ErrorCode::malformed,
         "more than one agent name"},
        {"name not UTF-8",
         tlv(32, "a\xff") + kPadding,
         ErrorCode::malformed,
         "the agent's name is not at most 255 bytes of printable UTF-8"},
        {"name with an escape",
         tlv(32, "a\x1b[2J") + kPadding,
         ErrorCode::malformed,
         "the agent's name is not at most 255 bytes of printable UTF-8"},
        {"lease of three bytes",
         tlv(33, "abc") + kPadding,
         ErrorCode::malformed,
         "a lease has 4 bytes"},
        {"two leases",
         tlv(33, "abcd") + tlv(33, "abcd") + kPadding,
         ErrorCode::malformed,
         "more than one lease"},
        {"state 0",
         tlv(34, {"\0", 1}) + kPadding,
         ErrorCode::malformed,
         "a state is 1 running, 2 draining or 3 stopped"},
        {"state 4",
         tlv(34, "\x04") + kPadding,
         ErrorCode::malformed,
         "a state is 1 running, 2 draining or 3 stopped"},
        {"state of two bytes",
         tlv(34, "\x01\x01") + kPadding,
         ErrorCode::malformed,
         "a state is 1 running, 2 draining or 3 stopped"},
        {"two states",
         tlv(34, "\x01") + tlv(34, "\x01") + kPadding,
         ErrorCode::malformed,
         "more than one state"},
        {"65 capabilities", many, ErrorCode::malformed, "at most 64 capabilities"},
        {"capability with a blank",
         tlv(1, "a b") + kPadding + kPadding,
         ErrorCode::malformed,
         "capability 1 is not 1 to 100 bytes of words of a-z 0-9, joined by - _ . or /, with an "
         "optional :version"},
        {"empty capability",
         tlv(1, "") + kPadding + kPadding,
         ErrorCode::malformed,
         "capability 1 is not 1 to 100 bytes of words of a-z 0-9, joined by - _ . or /, with an "
         "optional :version"},
        {"capability twice",
         tlv(1, "sum") + tlv(1, "sum") + kPadding,
         ErrorCode::malformed,
         "capability sum is named twice"},
        {"no room for the text", {34, 1, 9}, ErrorCode::malformed, ""},
        {"room for two letters", {34, 1, 9, 0, 0}, ErrorCode::malformed, "a "},
    };
}

std::vector<BadPayload> bad_sessions() {
    return {
        {"session of four bytes",
         tlv(41, "abcd") + kPadding,
         ErrorCode::malformed,
         "a session has 5 bytes"},
        {"session of six bytes",
         tlv(41, "abcdef") + kPadding,
         ErrorCode::malformed,
         "a session has 5 bytes"},
        {"session with unknown flags",
         session(7, 3) + kPadding,
         ErrorCode::malformed,
         "a session's flags are 0 or 1 multi-homed"},
        {"two sessions",
         session(7, 1) + session(7, 1) + kPadding,
         ErrorCode::malformed,
         "more than one session"},
    };
}

TEST_F(registrar, refuses_bad_requests_and_stores_nothing_of_them) {
    std::vector<BadPayload> cases = bad_payloads();
    std::ranges::move(bad_sessions(), std::back_inserter(cases));
    for (const BadPayload& row : cases) {
        SCOPED_TRACE(row.what);
        static_cast<void>(enrol(row.payload));
        expect_refused(row.code, row.detail, 0);
        EXPECT_TRUE(rib_.agents().empty());
    }
    // The same for an agent that is registered: it stays as it was.
    ASSERT_EQ(enrol(tlv(32, "Ada") + tlv(1, "sum")).drop, Drop::none);
    const std::uint64_t version = rib_.version();
    for (const BadPayload& row : cases) {
        SCOPED_TRACE(row.what);
        static_cast<void>(enrol(row.payload));
        expect_refused(row.code, row.detail, version);
        const AgentRecord* const record = rib_.find_agent(test::agent(1));
        const Registration& stored = record->registration;
        EXPECT_EQ(stored.name, "Ada");
        EXPECT_EQ(rib_.offers_of(record->offers), support::named_offers({"sum"}));
    }
}

TEST_F(registrar, skips_what_it_does_not_know) {
    EXPECT_EQ(enrol(tlv(200, "later") + tlv(42, "xx") + tlv(32, "Ada")).drop, Drop::none);
    EXPECT_EQ(rib_.find_agent(test::agent(1))->registration.name, "Ada");
}

TEST_F(registrar, refuses_endpoints_nobody_could_answer) {
    auto spec = test::control_spec(Type::register_agent, kPadding);
    spec.source_port = 0;
    static_cast<void>(receive(spec));
    expect_refused(ErrorCode::malformed, "the UDP source port is 0", 0);

    spec = test::control_spec(Type::register_agent, kPadding);
    spec.source_ip = test::ipv4(test::kBoxNumber);
    static_cast<void>(receive(spec));
    expect_refused(ErrorCode::malformed, "the source address is no host's", 0);

    spec = test::control_spec(Type::deregister, kPadding);
    spec.source_mac = test::mac(test::kBoxNumber);
    static_cast<void>(receive(spec));
    expect_refused(ErrorCode::malformed, "the source MAC is no host's", 0);
}

TEST_F(registrar, leaves_static_agents_alone) {
    Registration fixed;
    fixed.agent = test::agent(1);
    fixed.endpoint = {.ip = test::ipv4(50), .udp_port = 4747, .mac = test::mac(50), .port = kPort};
    fixed.origin = Origin::configured;
    ASSERT_TRUE(rib_.register_agent(fixed, now_));
    const std::uint64_t version = rib_.version();
    static_cast<void>(enrol(kPadding + kPadding));
    expect_refused(ErrorCode::unauthorised,
                   "agent " + test::agent(1).to_text() + " is configured and cannot be taken over",
                   version);
    auto spec = test::control_spec(Type::deregister);
    static_cast<void>(receive(spec));
    expect_refused(ErrorCode::unauthorised, "", version);
    EXPECT_NE(rib_.find_agent(test::agent(1)), nullptr);
}

TEST_F(registrar, refuses_more_agents_than_the_table_holds) {
    for (std::uint32_t number = 1; number <= 3; ++number) {
        EXPECT_EQ(enrol({}, number).drop, Drop::none);
    }
    const std::uint64_t version = rib_.version();
    static_cast<void>(enrol(kPadding, 4));
    expect_refused(
        ErrorCode::overloaded, "the table is full (3 agents, here or elsewhere)", version);
    EXPECT_EQ(rib_.agents().size(), 3U);
    EXPECT_EQ(enrol({}, 2).drop, Drop::none) << "who is in may refresh";
}

TEST_F(registrar, deregisters_from_the_agents_own_place_only) {
    EXPECT_EQ(enrol({}).drop, Drop::none);
    const std::uint64_t version = rib_.version();
    auto spec = test::control_spec(Type::deregister, kPadding + kPadding);
    spec.source_ip = test::ipv4(77);
    static_cast<void>(receive(spec));
    expect_refused(ErrorCode::unauthorised,
                   "agent " + test::agent(1).to_text() + " is registered elsewhere",
                   version);
    spec = test::control_spec(Type::deregister);
    EXPECT_EQ(receive(spec).drop, Drop::none);
    const Answer ack = answer();
    EXPECT_EQ(ack.type, Type::ack);
    EXPECT_EQ(ack.performative, 18U);
    EXPECT_EQ(ack.payload, Bytes{});
    EXPECT_TRUE(rib_.agents().empty());
    static_cast<void>(receive(spec));
    expect_refused(ErrorCode::unknown_agent, "", rib_.version());
    EXPECT_EQ(registrar_.counters().deregistered, 1U);
}

TEST_F(registrar, limits_the_rate_of_requests) {
    registrar_.set_options({.registrations_per_second = 2, .error_rate = {1'000, 1'000}});
    EXPECT_EQ(enrol({}, 1).drop, Drop::none);
    EXPECT_EQ(enrol({}, 2).drop, Drop::none);
    const std::uint64_t version = rib_.version();
    static_cast<void>(enrol(kPadding, 3));
    expect_refused(ErrorCode::rate_limited, "too many registrations", version);
    now_ += 500;
    EXPECT_EQ(enrol({}, 3).drop, Drop::none);
}

TEST_F(registrar, limits_the_rate_of_errors_per_port) {
    registrar_.set_options({.registrations_per_second = 1'000, .error_rate = {1'000, 2}});
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(enrol(tlv(34, "\x09")).drop, Drop::control_refused);
        EXPECT_EQ(outcome_.answer_bytes > 0, i < 2) << i;
    }
    EXPECT_EQ(registrar_.counters().errors_sent, 2U);
    EXPECT_EQ(registrar_.counters().errors_suppressed, 3U);
    EXPECT_EQ(registrar_.counters().refused[static_cast<std::size_t>(ErrorCode::malformed)], 5U);
}

TEST_F(registrar, takes_nobody_in_but_lets_everybody_go_while_it_drains) {
    EXPECT_EQ(enrol({}).drop, Drop::none);
    registrar_.set_draining(true);
    static_cast<void>(enrol(kPadding, 2));
    expect_refused(ErrorCode::draining, "this router is shutting down", rib_.version());
    EXPECT_EQ(receive(test::control_spec(Type::deregister)).drop, Drop::none);
    EXPECT_TRUE(rib_.agents().empty());
}

TEST_F(registrar, never_answers_what_is_no_request_from_an_edge_port) {
    EXPECT_EQ(receive({}).drop, Drop::control_refused) << "a message";
    EXPECT_EQ(outcome_.answer_bytes, 0U);
    EXPECT_EQ(receive(test::control_spec(Type::heartbeat)).drop, Drop::control_refused);
    EXPECT_EQ(outcome_.answer_bytes, 0U);

    edge_.rules = test::fabric_rules();
    EXPECT_NE(enrol(kPadding).drop, Drop::none) << "rules of a fabric port";
    EXPECT_EQ(outcome_.answer_bytes, 0U);
    edge_.rules = test::edge_rules();
    edge_.role = dataplane::Role::fabric;
    EXPECT_EQ(enrol(kPadding).drop, Drop::control_refused) << "a fabric port by its role";
    EXPECT_EQ(outcome_.answer_bytes, 0U);
    EXPECT_TRUE(rib_.agents().empty());
    EXPECT_EQ(registrar_.counters().unanswered, 4U);
}

TEST_F(registrar, never_reads_past_a_cut_frame) {
    const auto whole =
        test::build(test::control_spec(Type::register_agent, tlv(32, "Ada") + kPadding));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        FrameBytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto outcome = registrar_.receive(kPort, edge_, cut, now_);
        EXPECT_NE(outcome.drop, Drop::none) << length;
        EXPECT_EQ(outcome.answer_bytes, 0U) << length;
    }
    EXPECT_TRUE(rib_.agents().empty());
}

// --- errors about frames that waited in vain ---

struct DroppedCase {
    const char* what;
    Drop why;
    std::uint16_t flags;
    Type type;
    unsigned performative;  // 0: no answer
};

TEST_F(registrar, tells_the_sender_of_a_dropped_frame_if_it_wants_to_know) {
    constexpr DroppedCase kCases[] = {
        {"unresolved", Drop::neighbour_unresolved, flag::want_error, Type::message, 1},
        {"lifetime", Drop::lifetime, flag::want_error, Type::message, 5},
        {"hold full", Drop::hold_full, flag::want_error, Type::message, 10},
        {"draining", Drop::draining, flag::want_error, Type::message, 9},
        {"does not want to know", Drop::lifetime, 0, Type::message, 0},
        {"a reason without an error", Drop::bad_neighbour, flag::want_error, Type::message, 0},
        {"an error itself", Drop::lifetime, flag::want_error, Type::error, 0},
    };
    for (const DroppedCase& row : kCases) {
        SCOPED_TRACE(row.what);
        test::FrameSpec spec;
        spec.flags = row.flags;
        spec.type = row.type;
        spec.payload = kPadding;
        request_ = frame_ = test::build(spec);
        outcome_.answer_bytes = registrar_.answer_dropped(
            kPort, edge_, frame_, static_cast<std::uint32_t>(frame_.size()), row.why, now_);
        if (row.performative == 0) {
            EXPECT_EQ(outcome_.answer_bytes, 0U);
            EXPECT_EQ(frame_, request_);
            continue;
        }
        EXPECT_EQ(outcome_.answer_bytes, kHeaders4 + kHeaderBytesMin);
        const Answer error = answer();
        EXPECT_EQ(error.type, Type::error);
        EXPECT_EQ(error.performative, row.performative);
        EXPECT_EQ(error.destination, test::agent(1));
        EXPECT_EQ(error.payload, Bytes{});
    }
}

TEST_F(registrar, refuses_whom_the_cluster_does_not_let_come_and_registers_nothing) {
    struct NobodyMay final : AttachJudge {
        std::size_t asked = 0;

        tl::expected<void, routing::RibError> may_attach(const routing::Registration& wanted,
                                                         std::uint64_t /*now_ms*/) override {
            ++asked;
            EXPECT_EQ(wanted.agent, test::agent(1));
            EXPECT_EQ(wanted.endpoint.port, kPort);
            EXPECT_EQ(wanted.offers.size(), 1U);
            EXPECT_EQ(wanted.epoch, 7U);
            EXPECT_TRUE(wanted.multi);
            return tl::unexpected(
                routing::RibError{ErrorCode::rate_limited, "claimed by two routers too often"});
        }
    } judge;

    registrar_.ask(judge);
    const auto version = rib_.version();
    enrol(tlv(1, "vision/ocr") + session(7, 1) + kPadding);
    expect_refused(ErrorCode::rate_limited, "claimed by two routers too often", version);
    EXPECT_EQ(judge.asked, 1U);
    EXPECT_TRUE(rib_.agents().empty());
}

TEST_F(registrar, tells_the_sender_of_a_frame_in_two_segments) {
    test::FrameSpec spec;
    spec.flags = flag::want_error;
    spec.payload = kPadding;
    const FrameBytes whole = test::build(spec);
    const auto whole_bytes = static_cast<std::uint32_t>(whole.size());
    FrameBytes first(whole.begin(), whole.end() - 40);
    EXPECT_EQ(registrar_.answer_dropped(kPort, edge_, first, whole_bytes, Drop::lifetime, now_),
              kHeaders4 + kHeaderBytesMin);
    FrameBytes headless(whole.begin(), whole.begin() + 60);
    EXPECT_EQ(registrar_.answer_dropped(kPort, edge_, headless, whole_bytes, Drop::lifetime, now_),
              0U)
        << "the header is in the second segment";
}

}  // namespace
}  // namespace posthaste::controlplane
