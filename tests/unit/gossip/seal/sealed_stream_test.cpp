// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/seal/sealed_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace posthaste::gossip::seal {
namespace {

const std::string kOne(32, '\x01');
const std::string kTwo(16, '\x02');

Keyring ring_of(std::initializer_list<std::string> keys) {
    Keyring ring;
    for (const std::string& key : keys) {
        EXPECT_TRUE(ring.install(key));
    }
    return ring;
}

Challenge challenge(std::uint8_t first) {
    Challenge out{};
    out[0] = first;
    return out;
}

SealedStream side(const Keyring& ring, bool initiated, std::uint8_t number) {
    return {ring, initiated, challenge(number), Nonce{number}};
}

// The refusal, or the plain bytes.
tl::expected<Bytes, StreamRefusal> opened(SealedStream& stream,
                                          std::span<const std::uint8_t> wire) {
    Bytes plain;
    if (const auto done = stream.open(wire, plain); !done) {
        return tl::unexpected(done.error());
    }
    return plain;
}

Bytes sealed(SealedStream& stream, std::span<const std::uint8_t> plain) {
    Bytes wire;
    stream.seal(plain, wire);
    return wire;
}

// Two ends that have heard each other's preamble.
struct Pair {
    explicit Pair(const Keyring& one, const Keyring& other, std::uint8_t number = 1)
        : caller(side(one, true, number)),
          called(side(other, false, static_cast<std::uint8_t>(number + 1))) {
        EXPECT_TRUE(opened(called, caller.preamble()));
        EXPECT_TRUE(opened(caller, called.preamble()));
    }

    SealedStream caller;
    SealedStream called;
};

const Bytes kHello = {'h', 'e', 'l', 'l', 'o'};

TEST(sealed_stream, what_is_sealed_on_one_side_is_opened_on_the_other) {
    const Keyring ring = ring_of({kOne});
    Pair pair(ring, ring);
    ASSERT_TRUE(pair.caller.ready());
    ASSERT_TRUE(pair.called.ready());
    Bytes large(3 * kRecordPlain + 7);
    std::iota(large.begin(), large.end(), std::uint8_t{0});
    const Bytes wire = sealed(pair.caller, large);
    EXPECT_EQ(wire.size(), large.size() + 4 * (4 + kSealBytes));
    EXPECT_EQ(opened(pair.called, wire).value(), large);
    EXPECT_EQ(opened(pair.caller, sealed(pair.called, kHello)).value(), kHello);
}

TEST(sealed_stream, bytes_may_come_one_at_a_time) {
    const Keyring ring = ring_of({kOne});
    SealedStream caller = side(ring, true, 1);
    SealedStream called = side(ring, false, 2);
    ASSERT_TRUE(opened(caller, called.preamble()));
    const auto preamble = caller.preamble();
    Bytes wire(preamble.begin(), preamble.end());
    caller.seal(kHello, wire);
    caller.seal(kHello, wire);
    Bytes plain;
    for (const std::uint8_t octet : wire) {
        ASSERT_TRUE(called.open(std::span(&octet, 1), plain));
        EXPECT_LE(called.held(), kRecordBytesMax);
    }
    EXPECT_EQ(plain.size(), 2 * kHello.size());
    EXPECT_EQ(called.held(), 0U);
}

TEST(sealed_stream, without_keys_bytes_go_as_they_are) {
    const Keyring none;
    Pair pair(none, none);
    EXPECT_EQ(sealed(pair.caller, kHello), kHello);
    EXPECT_EQ(opened(pair.called, kHello).value(), kHello);
}

TEST(sealed_stream, sealed_and_plain_refuse_each_other_by_name) {
    const Keyring ring = ring_of({kOne});
    const Keyring none;
    SealedStream with = side(ring, true, 1);
    SealedStream without = side(none, false, 2);
    EXPECT_EQ(opened(with, without.preamble()).error(), StreamRefusal::plaintext);
    EXPECT_EQ(opened(without, with.preamble()).error(), StreamRefusal::sealed);
    EXPECT_FALSE(with.ready());
    EXPECT_FALSE(without.ready());
}

TEST(sealed_stream, another_key_is_a_wrong_key) {
    const Keyring one = ring_of({kOne});
    const Keyring two = ring_of({kTwo});
    Pair pair(one, two);
    EXPECT_EQ(opened(pair.called, sealed(pair.caller, kHello)).error(), StreamRefusal::wrong_key);
}

TEST(sealed_stream, keys_may_rotate_in_mid_stream) {
    Keyring one = ring_of({kOne});
    Keyring other = ring_of({kOne});
    Pair pair(one, other);
    EXPECT_TRUE(opened(pair.called, sealed(pair.caller, kHello)));
    ASSERT_TRUE(other.install(kTwo));
    ASSERT_TRUE(one.install(kTwo));
    ASSERT_TRUE(one.use(kTwo));
    EXPECT_EQ(opened(pair.called, sealed(pair.caller, kHello)).value(), kHello);
    EXPECT_EQ(opened(pair.caller, sealed(pair.called, kHello)).value(), kHello);
    ASSERT_TRUE(one.remove(kOne));
    EXPECT_EQ(opened(pair.caller, sealed(pair.called, kHello)).error(), StreamRefusal::bad_seal);
}

TEST(sealed_stream, a_record_opens_once_and_in_its_place) {
    const Keyring ring = ring_of({kOne});
    Pair repeated(ring, ring);
    const Bytes first = sealed(repeated.caller, kHello);
    EXPECT_TRUE(opened(repeated.called, first));
    EXPECT_EQ(opened(repeated.called, first).error(), StreamRefusal::bad_seal);

    Pair reordered(ring, ring);
    static_cast<void>(sealed(reordered.caller, kHello));
    const Bytes second = sealed(reordered.caller, kHello);
    EXPECT_EQ(opened(reordered.called, second).error(), StreamRefusal::wrong_key);
}

TEST(sealed_stream, what_we_sent_is_not_taken_from_others) {
    const Keyring ring = ring_of({kOne});
    SealedStream mirrored = side(ring, true, 1);
    EXPECT_EQ(opened(mirrored, mirrored.preamble()).error(), StreamRefusal::reflected);

    Pair pair(ring, ring);
    EXPECT_EQ(opened(pair.caller, sealed(pair.caller, kHello)).error(), StreamRefusal::wrong_key);
}

TEST(sealed_stream, a_record_of_another_connection_does_not_open) {
    const Keyring ring = ring_of({kOne});
    Pair old(ring, ring, 1);
    const Bytes record = sealed(old.caller, kHello);
    // The caller is imitated word for word; the called one has a new challenge.
    SealedStream called = side(ring, false, 9);
    EXPECT_TRUE(opened(called, old.caller.preamble()));
    EXPECT_EQ(opened(called, record).error(), StreamRefusal::wrong_key);
}

TEST(sealed_stream, any_altered_bit_of_a_record_is_found) {
    const Keyring ring = ring_of({kOne});
    for (std::size_t bit = 32; bit < 8 * (4 + kSealBytes + kHello.size()); ++bit) {
        Pair pair(ring, ring);
        Bytes wire = sealed(pair.caller, kHello);
        wire[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_EQ(opened(pair.called, wire).error(), StreamRefusal::wrong_key) << bit;
    }
}

TEST(sealed_stream, the_end_of_a_record_cannot_be_passed_off_as_padding) {
    const Keyring ring = ring_of({kOne});
    Pair pair(ring, ring);
    Bytes wire = sealed(pair.caller, Bytes(16, 1));
    wire[4] = 0;  // the version whose plain text is padded
    EXPECT_EQ(opened(pair.called, wire).error(), StreamRefusal::wrong_key);
}

TEST(sealed_stream, what_no_router_of_this_version_sends_is_refused_by_name) {
    const Keyring ring = ring_of({kOne});
    const auto answer = [&ring](std::size_t at, std::uint8_t value) {
        SealedStream stream = side(ring, false, 2);
        auto preamble = side(ring, true, 1).preamble();
        preamble[at] = value;
        return opened(stream, preamble);
    };
    EXPECT_EQ(answer(0, 'G').error(), StreamRefusal::not_a_router);
    EXPECT_EQ(answer(4, 2).error(), StreamRefusal::other_version);
    EXPECT_EQ(answer(5, 2).error(), StreamRefusal::malformed);
    EXPECT_EQ(answer(7, 1).error(), StreamRefusal::malformed);
    SealedStream stream = side(ring, false, 2);
    EXPECT_EQ(opened(stream, Bytes{'G'}).error(), StreamRefusal::not_a_router);
}

TEST(sealed_stream, a_length_is_judged_before_its_bytes_are_awaited) {
    const Keyring ring = ring_of({kOne});
    const auto answer = [&ring](std::uint32_t length) {
        Pair pair(ring, ring);
        return opened(pair.called,
                      Bytes{static_cast<std::uint8_t>(length >> 24),
                            static_cast<std::uint8_t>(length >> 16),
                            static_cast<std::uint8_t>(length >> 8),
                            static_cast<std::uint8_t>(length)});
    };
    EXPECT_EQ(answer(kRecordBytesMax - 3).error(), StreamRefusal::oversize);
    EXPECT_EQ(answer(0xffff'ffff).error(), StreamRefusal::oversize);
    EXPECT_TRUE(answer(kRecordBytesMax - 4));
    EXPECT_EQ(answer(kSealBytes).error(), StreamRefusal::malformed);
}

TEST(sealed_stream, a_refusal_is_final) {
    const Keyring ring = ring_of({kOne});
    Pair pair(ring, ring);
    const Bytes good = sealed(pair.caller, kHello);
    Bytes bad = good;
    bad.back() ^= 1;
    EXPECT_FALSE(opened(pair.called, bad));
    EXPECT_EQ(opened(pair.called, good).error(), StreamRefusal::wrong_key);
    EXPECT_EQ(pair.called.held(), 0U);
}

TEST(sealed_stream, no_nonce_is_used_twice) {
    const Keyring ring = ring_of({kOne});
    Nonce last;
    last.fill(0xff);
    SealedStream stream(ring, true, challenge(1), last);
    ASSERT_TRUE(opened(stream, side(ring, false, 2).preamble()));
    const auto nonce_of = [](const Bytes& wire) { return Bytes(&wire[5], &wire[5 + kNonceBytes]); };
    EXPECT_EQ(nonce_of(sealed(stream, kHello)), Bytes(last.begin(), last.end()));
    EXPECT_EQ(nonce_of(sealed(stream, kHello)), Bytes(kNonceBytes, 0));
    Bytes one(kNonceBytes, 0);
    one.back() = 1;
    EXPECT_EQ(nonce_of(sealed(stream, kHello)), one);
}

}  // namespace
}  // namespace posthaste::gossip::seal
