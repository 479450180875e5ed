// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a stream of the route plane: FrameReader, then decode().
//
// Input: bytes as they come, first those of a hello if the first byte is odd. Holds: no more is
// held than a frame and what was given with it; a refusal of the stream is final; a message that is
// good is the same again after encode().
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "gossip/claims/frame_reader.h"
#include "routing/check.h"

namespace {

using namespace posthaste::gossip::claims;

constexpr std::size_t kPiece = 61;

void check(const FrameReader::Frame& frame, std::uint32_t cluster) {
    const auto message = decode(frame.kind, frame.body);
    if (!message) {
        CHECK(message.error() < Refusal::own_keyspace || message.error() == Refusal::bad_key ||
              message.error() == Refusal::bad_set || message.error() == Refusal::out_of_order);
        return;
    }
    const std::vector<std::uint8_t> made = encode(*message, cluster);
    const auto again = decode(static_cast<std::uint8_t>(kind_of(*message)),
                              std::span<const std::uint8_t>(made).subspan(kFrameHeaderBytes));
    CHECK(again.has_value());
    CHECK(encode(*again, cluster) == made);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::uint32_t cluster = cluster_hash("posthaste");
    FrameReader frames(cluster);
    std::span<const std::uint8_t> input(data, size);
    if (!input.empty()) {
        if ((input[0] & 1U) != 0) {
            frames.add(encode(Hello{RouterId{2}}, cluster));
        }
        input = input.subspan(1);
    }
    bool refused = false;
    while (!input.empty()) {
        const auto piece = input.first(std::min(kPiece, input.size()));
        input = input.subspan(piece.size());
        frames.add(piece);
        for (;;) {
            const auto frame = frames.next();
            CHECK(!refused || !frame);
            refused = !frame;
            if (!frame || !*frame) {
                break;
            }
            check(**frame, cluster);
        }
        CHECK(refused || frames.held() <= kFrameBytesMax + kPiece);
    }
    return 0;
}
