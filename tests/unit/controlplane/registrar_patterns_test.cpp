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
    EXPECT_EQ(patterns_.kept[0], request_);
    EXPECT_EQ(registrar_.counters().kept, 1U);

    patterns_.verdicts["a+b"] = "";
    frame_ = patterns_.kept[0];
    outcome_ = registrar_.receive_kept(kPort, edge_, frame_, now_);
    EXPECT_EQ(answer().type, Type::ack) << "it was counted against the rate before";
    EXPECT_NE(rib_.find_agent(test::agent(1)), nullptr);
    enrol(kPadding, 2);
    EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::rate_limited));
}

TEST_F(registrar, a_regex_that_proved_bad_is_refused_with_the_reason) {
    enrol(tlv(1, "ocr") + pattern(1, "a+b") + kPadding);
    ASSERT_EQ(patterns_.kept.size(), 1U);
    patterns_.verdicts["a+b"] = "too large";
    frame_ = patterns_.kept[0];
    const auto version = rib_.version();
    outcome_ = registrar_.receive_kept(kPort, edge_, frame_, now_);
    expect_refused(ErrorCode::malformed, "too large", version);
    EXPECT_EQ(rib_.find_agent(test::agent(1)), nullptr);
    EXPECT_EQ(rib_.names_held(), 0U);
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
