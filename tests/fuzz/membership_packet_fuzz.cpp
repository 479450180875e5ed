// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a datagram of membership, sealed or not.
//
// Input: one byte (bit 0: there is a key and the rest is sealed with it; 1: a label stands before
// it; 2: there is a key but the rest is not sealed, which is allowed), the datagram. Holds:
// messages are no more than parts may be, their texts keep their bounds, and what was read is
// written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "gossip/membership/packet.h"
#include "routing/check.h"
#include "tests/support/membership_packets.h"

namespace {

using namespace posthaste::gossip;
using namespace posthaste::gossip::membership;

void check(const Message& message) {
    const auto bytes = encode(message);
    const Decoded again = decode_datagram(bytes, {});
    CHECK(again.refused.empty() && again.messages.size() == 1);
    CHECK(again.messages[0].index() == message.index());
    CHECK(encode(again.messages[0]) == bytes);
    if (const auto* const alive = std::get_if<Alive>(&message)) {
        CHECK(alive->node.size() <= kNameBytesMax && alive->meta.size() <= kMetaBytesMax);
        CHECK(alive->address.size() <= 16);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    static const seal::Keyring kKeyring = posthaste::support::one_key();
    const std::uint8_t control = data[0];
    const std::span<const std::uint8_t> bytes(data + 1, size - 1);
    Sealing sealing;
    sealing.label = (control & 2) != 0 ? "east" : "";
    sealing.refuse_plaintext = (control & 4) == 0;
    sealing.keyring = (control & 5) != 0 ? &kKeyring : nullptr;
    Decoded decoded;
    if ((control & 1) != 0) {
        decoded = decode_datagram(wrap_datagram(bytes, sealing, {}), sealing);
    } else {
        decoded = decode_datagram(bytes, sealing);
    }
    CHECK(decoded.messages.size() <= kPartsMax);
    CHECK(!decoded.messages.empty() || !decoded.refused.empty() || bytes.size() <= 7);
    for (const Message& message : decoded.messages) {
        check(message);
    }
    return 0;
}
