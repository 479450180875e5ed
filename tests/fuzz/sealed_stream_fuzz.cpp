// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: SealedStream::open(), with keys and without, in pieces. Whatever comes, no more than
// a record is held, and nothing comes out that the other side did not seal. What is sealed by a
// real peer opens, however it is cut.
//
// Input: one byte of choices, one byte for the size of the pieces, the bytes of the wire.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "gossip/seal/sealed_stream.h"

using namespace posthaste::gossip::seal;

namespace {

enum Choice : std::uint8_t {
    kKeys = 1,
    kInitiated = 2,
    kPeer = 4,      // the bytes are what a peer seals
    kGreeting = 8,  // a good preamble goes before the bytes
};

void demand(bool fact) {
    if (!fact) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::uint8_t choice = data[0];
    const std::size_t piece = std::size_t{data[1]} + 1;
    const std::span<const std::uint8_t> input(data + 2, size - 2);
    Keyring ring;
    if ((choice & kKeys) != 0) {
        demand(ring.install(std::string(16, 'k')).has_value());
    }
    const bool initiated = (choice & kInitiated) != 0;
    SealedStream stream(ring, initiated, Challenge{1}, Nonce{1});
    SealedStream peer(ring, !initiated, Challenge{2}, Nonce{2});
    Bytes unused;
    demand(peer.open(stream.preamble(), unused).has_value());

    Bytes wire;
    if ((choice & (kPeer | kGreeting)) != 0) {
        const auto preamble = peer.preamble();
        wire.assign(preamble.begin(), preamble.end());
    }
    if ((choice & kPeer) != 0) {
        peer.seal(input, wire);
    } else {
        wire.insert(wire.end(), input.begin(), input.end());
    }
    Bytes plain;
    bool good = true;
    for (std::size_t at = 0; at < wire.size(); at += piece) {
        const auto part = std::span(wire).subspan(at, std::min(piece, wire.size() - at));
        good = stream.open(part, plain).has_value();
        demand(stream.held() < kRecordBytesMax);
        demand(good || stream.held() == 0);
    }
    if ((choice & kPeer) != 0) {
        demand(good && std::ranges::equal(plain, input));
    } else if ((choice & kKeys) != 0) {
        demand(plain.empty());
    } else {
        demand(plain.size() <= wire.size());
    }
    return 0;
}
