// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a stream of membership, in pieces.
//
// Input: one byte (bit 0: there is a key, and plaintext is allowed; 1: a label; 2: a reply; 3: the
// rest is sealed as one frame; 4 .. 7: length of the pieces less 1), the bytes. Holds: the pieces
// make no difference to what is taken, what is taken keeps the limits, and is written and read
// again as the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gossip/membership/stream.h"
#include "routing/check.h"
#include "tests/support/membership_packets.h"

namespace {

using namespace posthaste::gossip;
using namespace posthaste::gossip::membership;
using Bytes = std::span<const std::uint8_t>;

constexpr StreamLimits kLimits{.nodes_max = 100, .user_state_max = 10'000};

// The message if there is exactly one and nothing behind it.
std::optional<StreamMessage> read(Bytes bytes,
                                  const Sealing& sealing,
                                  StreamPart part,
                                  std::size_t piece) {
    StreamReader reader(sealing, kLimits, part);
    std::optional<StreamMessage> message;
    while (!bytes.empty()) {
        const std::size_t length = std::min(piece, bytes.size());
        reader.add(bytes.first(length));
        bytes = bytes.subspan(length);
        auto next = reader.next();
        if (!next.has_value()) {
            CHECK(reader.next() == tl::unexpected(next.error()));
            return std::nullopt;
        }
        if (next->has_value()) {
            CHECK(!message.has_value());
            message = std::move(*next);
        }
    }
    return message;
}

std::vector<std::uint8_t> frame_of(Bytes plain, const Sealing& sealing, StreamPart part) {
    auto bytes =
        part == StreamPart::request ? label_head(sealing.label) : std::vector<std::uint8_t>();
    const std::size_t length = plain.size() + seal::kSealBytes;
    std::vector<std::uint8_t> associated(5 + sealing.label.size());
    associated[0] = 10;
    for (std::size_t i = 0; i < 4; ++i) {
        associated[1 + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
    }
    std::ranges::copy(sealing.label, associated.begin() + 5);
    const auto sealed = sealing.keyring->seal(plain, associated, {});
    bytes.insert(bytes.end(), associated.begin(), associated.begin() + 5);
    bytes.insert(bytes.end(), sealed.begin(), sealed.end());
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    static const seal::Keyring kKeyring = posthaste::support::one_key();
    const std::uint8_t control = data[0];
    const Sealing sealing{.keyring = (control & 9) != 0 ? &kKeyring : nullptr,
                          .label = (control & 2) != 0 ? "east" : "",
                          .refuse_plaintext = false,
                          .decompressed_max = 1U << 20};
    const StreamPart part = (control & 4) != 0 ? StreamPart::reply : StreamPart::request;
    std::vector<std::uint8_t> bytes(data + 1, data + size);
    if ((control & 8) != 0) {
        bytes = frame_of(bytes, sealing, part);
    }
    const auto whole = read(bytes, sealing, part, bytes.size() + 1);
    const auto pieces = read(bytes, sealing, part, 1U + (control >> 4));
    CHECK(whole.has_value() == pieces.has_value());
    if (!whole.has_value()) {
        return 0;
    }
    const auto once = encode_stream(*whole, sealing, {}, part);
    CHECK(once == encode_stream(*pieces, sealing, {}, part));
    const auto again = read(once, sealing, part, 1'000'000);
    CHECK(again.has_value() && encode_stream(*again, sealing, {}, part) == once);
    if (const auto* const push = std::get_if<PushPull>(&*whole)) {
        CHECK(push->nodes.size() <= kLimits.nodes_max);
        CHECK(push->user_state.size() <= kLimits.user_state_max);
    }
    return 0;
}
