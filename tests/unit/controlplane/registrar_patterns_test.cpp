// SPDX-License-Identifier: BSD-3-Clause
// Registrations with patterns: what the judge says is what becomes of them.
#include "tests/unit/controlplane/registrar_fixture.h"

namespace posthaste::controlplane {

namespace {

// Kind, priority 7, weight 9, text.
Bytes pattern(char kind, const std::string& text) {
    return tlv(37, std::string{kind, 0, 7, 0, 9} + text);
}

}  // namespace

TEST_F(registrar, a_glob_is_registered_with_its_priority_and_weight) {
    enrol(pattern(0, "vision/*") + kPadding);
    EXPECT_EQ(answer().type, Type::ack);
    const auto offers = rib_.offers_of(rib_.find_agent(test::agent(1))->offers);
    ASSERT_EQ(offers.size(), 1U);
    EXPECT_EQ(offers[0], (routing::Offer{routing::OfferKind::glob, 7, 9, "vision/*"}));
}

TEST_F(registrar, a_regex_waits_until_it_was_tried_and_is_then_registered) {
    registrar_.set_options(
        {.registrations_per_second = 1, .error_rate = {1'000, 1'000}, .regexes = {false, true}});
    enrol(pattern(1, "a+b") + kPadding);
    EXPECT_EQ(outcome_.drop, Drop::none);
    EXPECT_EQ(outcome_.answer_bytes, 0U) << "no answer yet";
    EXPECT_EQ(frame_, request_);
    EXPECT_EQ(rib_.find_agent(test::agent(1)), nullptr) << "nothing half-registered";
    ASSERT_EQ(patterns_.kept.size(), 1U);
    EXPECT_EQ(patterns_.kept[0].frame, request_);
    EXPECT_EQ(registrar_.counters().kept, 1U);

    patterns_.verdicts["a+b"] = "";
    serve_kept(0);
    EXPECT_EQ(answer().type, Type::ack) << "it was counted against the rate before";
    EXPECT_NE(rib_.find_agent(test::agent(1)), nullptr);
    enrol(kPadding, 2);
    EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::rate_limited));
}

TEST_F(registrar, a_regex_that_proved_bad_is_refused_with_the_reason) {
    enrol(tlv(1, "ocr") + pattern(1, "a+b") + kPadding);
    ASSERT_EQ(patterns_.kept.size(), 1U);
    patterns_.verdicts["a+b"] = "too large";
    const auto version = rib_.version();
    serve_kept(0);
    expect_refused(ErrorCode::malformed, "too large", version);
    EXPECT_EQ(rib_.find_agent(test::agent(1)), nullptr);
    EXPECT_EQ(rib_.names_held(), 0U);
}

TEST_F(registrar, a_later_register_ends_one_that_waits) {
    enrol(pattern(1, "a+b") + kPadding);
    enrol(tlv(1, "ocr") + kPadding);
    EXPECT_EQ(answer().type, Type::ack);
    patterns_.verdicts["a+b"] = "";
    const auto version = rib_.version();
    serve_kept(0);
    expect_refused(ErrorCode::superseded, "a later request of the agent was served first", version);
    const auto offers = rib_.offers_of(rib_.find_agent(test::agent(1))->offers);
    ASSERT_EQ(offers.size(), 1U);
    EXPECT_EQ(offers[0].text, "ocr");
}

TEST_F(registrar, a_deregister_ends_what_waits_registered_or_not) {
    enrol(tlv(1, "ocr") + kPadding);
    enrol(pattern(1, "a+b") + kPadding);
    receive(test::control_spec(Type::deregister, {}));
    EXPECT_EQ(answer().type, Type::ack);
    EXPECT_TRUE(patterns_.kept[0].superseded);
    enrol(pattern(1, "a+c") + kPadding);
    receive(test::control_spec(Type::deregister, {}));
    EXPECT_EQ(answer().type, Type::ack) << "there was something to end";
    EXPECT_TRUE(patterns_.kept[1].superseded);
    patterns_.verdicts["a+c"] = "";
    serve_kept(1);
    EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::superseded));
    EXPECT_EQ(rib_.find_agent(test::agent(1)), nullptr);
}

TEST_F(registrar, a_request_that_waits_is_ended_by_what_is_later_and_allowed_only) {
    enrol(pattern(1, "a+b") + kPadding);
    enrol(pattern(1, "a+c") + kPadding);
    patterns_.verdicts["a+b"] = "";
    serve_kept(0);
    EXPECT_EQ(answer().type, Type::ack);
    EXPECT_FALSE(patterns_.kept[1].superseded) << "it came later";
    enrol(tlv(1, "NOT A NAME") + kPadding);
    EXPECT_EQ(answer().type, Type::error);
    enrol(tlv(1, "ocr") + kPadding, 2);
    EXPECT_EQ(answer().type, Type::ack);
    auto elsewhere = test::control_spec(Type::deregister, {});
    elsewhere.source_ip = test::ipv4(77);
    receive(elsewhere);
    EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::unauthorised));
    EXPECT_FALSE(patterns_.kept[1].superseded);
    patterns_.verdicts["a+c"] = "";
    serve_kept(1);
    EXPECT_EQ(answer().type, Type::ack);
}

// Two hosts ask for the same agent; neither can end what the other waits for, and a deregister that
// is refused ends nothing.
TEST_F(registrar, a_deregister_ends_what_its_own_host_waits_for) {
    enrol(pattern(1, "a+b") + kPadding);
    auto elsewhere = test::control_spec(Type::register_agent, pattern(1, "a+c") + kPadding);
    elsewhere.source_ip = test::ipv4(77);
    receive(elsewhere);
    ASSERT_EQ(patterns_.kept.size(), 2U);
    auto ended = test::control_spec(Type::deregister, {});
    ended.source_ip = test::ipv4(77);
    receive(ended);
    EXPECT_EQ(answer().type, Type::ack);
    EXPECT_FALSE(patterns_.kept[0].superseded);
    EXPECT_TRUE(patterns_.kept[1].superseded);
    patterns_.kept[1].superseded = false;
    patterns_.verdicts["a+b"] = "";
    serve_kept(0);
    EXPECT_EQ(answer().type, Type::ack);
    receive(ended);
    EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::unauthorised));
    EXPECT_FALSE(patterns_.kept[1].superseded);
}

TEST_F(registrar, no_more_wait_than_may) {
    patterns_.kept_max = 1;
    enrol(pattern(1, "a+b") + kPadding);
    const auto version = rib_.version();
    enrol(pattern(1, "a+c") + kPadding, 2);
    expect_refused(ErrorCode::overloaded,
                   "too many registrations wait for their patterns to be tried",
                   version);
}

TEST_F(registrar, a_port_allows_regexes_only_if_it_says_so) {
    registrar_.set_options(
        {.registrations_per_second = 1'000, .error_rate = {1'000, 1'000}, .regexes = {true}});
    const auto version = rib_.version();
    enrol(pattern(1, "a+b") + kPadding);
    expect_refused(ErrorCode::unauthorised, "not allowed", version);
    EXPECT_TRUE(patterns_.kept.empty());
}

}  // namespace posthaste::controlplane
