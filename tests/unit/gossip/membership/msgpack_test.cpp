// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/msgpack.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/hex.h"

namespace posthaste::gossip::membership {
namespace {

using support::from_hex;

template <typename Read>
std::optional<Refusal> refusal_of_reading(std::string_view hex, Read read) {
    const auto bytes = from_hex(hex);
    PackReader in(bytes);
    read(in);
    return in.refusal();
}

std::uint64_t number_in(std::string_view hex) {
    const auto bytes = from_hex(hex);
    PackReader in(bytes);
    const std::uint64_t number = in.number();
    EXPECT_TRUE(in.good() && in.rest().empty()) << hex;
    return number;
}

std::string text_in(std::string_view hex) {
    const auto bytes = from_hex(hex);
    PackReader in(bytes);
    const std::string text(in.text());
    EXPECT_TRUE(in.good() && in.rest().empty()) << hex;
    return text;
}

constexpr auto kText = [](PackReader& in) { static_cast<void>(in.text()); };
constexpr auto kNumber = [](PackReader& in) { static_cast<void>(in.number()); };
constexpr auto kMap = [](PackReader& in) { static_cast<void>(in.map()); };
constexpr auto kSkip = [](PackReader& in) { in.skip(); };

TEST(msgpack, every_form_of_a_number_is_read) {
    EXPECT_EQ(number_in("00"), 0U);
    EXPECT_EQ(number_in("7f"), 127U);
    EXPECT_EQ(number_in("ccff"), 255U);
    EXPECT_EQ(number_in("cdffff"), 65'535U);
    EXPECT_EQ(number_in("ceffffffff"), 4'294'967'295U);
    EXPECT_EQ(number_in("cfffffffffffffffff"), UINT64_MAX);
    EXPECT_EQ(number_in("d07f"), 127U);
    EXPECT_EQ(number_in("d103e8"), 1'000U);
    EXPECT_EQ(number_in("d2000f4240"), 1'000'000U);
    EXPECT_EQ(number_in("d37fffffffffffffff"), static_cast<std::uint64_t>(INT64_MAX));
    EXPECT_EQ(number_in("c0"), 0U);
}

TEST(msgpack, what_is_no_number_is_refused) {
    for (const char* hex : {"ff",
                            "e0",
                            "d080",
                            "d1ffff",
                            "d2ffffffff",
                            "d3ffffffffffffffff",
                            "a131",
                            "c3",
                            "ca3f800000",
                            "80",
                            "90",
                            "c1"}) {
        EXPECT_EQ(refusal_of_reading(hex, kNumber), Refusal::malformed) << hex;
    }
}

TEST(msgpack, every_form_of_text_is_read) {
    EXPECT_EQ(text_in("a0"), "");
    EXPECT_EQ(text_in("a26869"), "hi");
    EXPECT_EQ(text_in("d9026869"), "hi");
    EXPECT_EQ(text_in("da00026869"), "hi");
    EXPECT_EQ(text_in("db000000026869"), "hi");
    EXPECT_EQ(text_in("c4026869"), "hi");
    EXPECT_EQ(text_in("c500026869"), "hi");
    EXPECT_EQ(text_in("c6000000026869"), "hi");
    EXPECT_EQ(text_in("c0"), "");
    EXPECT_EQ(refusal_of_reading("01", kText), Refusal::malformed);
    EXPECT_EQ(refusal_of_reading("91a0", kText), Refusal::malformed);
}

TEST(msgpack, text_that_says_it_is_too_long_is_refused_before_it_is_there) {
    const auto bytes = from_hex("db7fffffff61");
    EXPECT_EQ(refusal_of_reading("db7fffffff61", kText), Refusal::truncated);
    PackReader in(bytes, 1'000);
    EXPECT_EQ(in.text(), "");
    EXPECT_EQ(in.refusal(), Refusal::oversize);
}

TEST(msgpack, maps_and_arrays_of_every_form_are_counted) {
    for (const auto& [hex, count] :
         {std::pair("82", 2U), {"de0003", 3U}, {"df00010000", 65'536U}}) {
        const auto bytes = from_hex(hex);
        PackReader in(bytes);
        EXPECT_EQ(in.map(), count);
        EXPECT_TRUE(in.good());
    }
    for (const auto& [hex, count] : {std::pair("9f", 15U), {"dc0010", 16U}, {"dd00000001", 1U}}) {
        const auto bytes = from_hex(hex);
        PackReader in(bytes);
        EXPECT_EQ(in.array(), count);
        EXPECT_TRUE(in.good());
    }
    EXPECT_EQ(refusal_of_reading("90", kMap), Refusal::malformed);
    EXPECT_EQ(refusal_of_reading("", kMap), Refusal::truncated);
}

TEST(msgpack, any_value_can_be_skipped_with_all_that_is_in_it) {
    for (const char* hex : {"00",
                            "7f",
                            "ff",
                            "c0",
                            "c2",
                            "c3",
                            "cc01",
                            "cd0001",
                            "ce00000001",
                            "cf0000000000000001",
                            "d001",
                            "d10001",
                            "d200000001",
                            "d30000000000000001",
                            "ca00000000",
                            "cb0000000000000000",
                            "a161",
                            "d90161",
                            "da000161",
                            "db0000000161",
                            "c40161",
                            "c5000161",
                            "c60000000161",
                            "d40161",
                            "d5016161",
                            "d60161616161",
                            "d7016161616161616161",
                            "d80161616161616161616161616161616161",
                            "c7020161"
                            "61",
                            "c80001"
                            "0161",
                            "c900000001"
                            "0161",
                            "80",
                            "90",
                            "82a16101a162920102",
                            "dc000201"
                            "02",
                            "de0001a16190",
                            "df00000001a16190",
                            "dd0000000101"}) {
        const auto bytes = from_hex(hex);
        PackReader in(bytes);
        in.skip();
        EXPECT_TRUE(in.good() && in.rest().empty()) << hex;
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            PackReader cut({bytes.data(), length});
            cut.skip();
            EXPECT_EQ(cut.refusal(), Refusal::truncated) << hex << " " << length;
        }
    }
    EXPECT_EQ(refusal_of_reading("c1", kSkip), Refusal::malformed);
}

TEST(msgpack, deep_nesting_needs_no_more_than_its_bytes) {
    const std::vector<std::uint8_t> deep(1'000'000, 0x91);
    PackReader in(deep);
    in.skip();
    EXPECT_EQ(in.refusal(), Refusal::truncated);
    const std::vector<std::uint8_t> wide = from_hex("ddffffffffddffffffffddffffffff");
    PackReader other(wide);
    other.skip();
    EXPECT_EQ(other.refusal(), Refusal::truncated);
}

TEST(msgpack, what_failed_gives_nothing_more) {
    const auto bytes = from_hex("ff01a161");
    PackReader in(bytes);
    EXPECT_EQ(in.number(), 0U);
    EXPECT_EQ(in.number(), 0U);
    EXPECT_EQ(in.text(), "");
    EXPECT_FALSE(in.flag());
    EXPECT_EQ(in.refusal(), Refusal::malformed);
    EXPECT_EQ(in.unread(), 3U);
}

TEST(msgpack, is_written_in_the_shortest_form_of_the_old_format) {
    PackWriter out;
    out.number(127);
    out.number(128);
    out.number(256);
    out.number(65'536);
    out.number(4'294'967'296);
    out.text(std::string(31, 'a'));
    EXPECT_EQ(out.take(), from_hex("7fcc80cd0100ce00010000cf0000000100000000bf" + [] {
                  std::string text;
                  for (int i = 0; i < 31; ++i) {
                      text += "61";
                  }
                  return text;
              }()));
}

TEST(msgpack, text_of_32_bytes_has_no_one_byte_length) {
    PackWriter out;
    out.text(std::string(32, 'a'));
    const auto bytes = out.take();
    EXPECT_EQ(bytes[0], 0xda);
    EXPECT_EQ(bytes.size(), 35U);
    out.text(std::string(65'536, 'a'));
    EXPECT_EQ(out.take()[0], 0xdb);
}

TEST(msgpack, counts_nil_flags_and_reals_are_written) {
    PackWriter out;
    out.map(15);
    out.map(16);
    out.array(15);
    out.array(65'536);
    out.nil();
    out.flag(true);
    out.flag(false);
    out.real(1.5);
    EXPECT_EQ(out.take(), from_hex("8fde00109fdd00010000c0c3c2cb3ff8000000000000"));
}

}  // namespace
}  // namespace posthaste::gossip::membership
