// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/frame_reader.h"

#include "gossip/claims/octets.h"

namespace posthaste::gossip::claims {

void FrameReader::add(std::span<const std::uint8_t> bytes) {
    if (start_ > 0) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(start_));
        start_ = 0;
    }
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

// What of it is there. Of another version all may look otherwise behind that.
tl::expected<void, Refusal> FrameReader::check_hello(std::span<const std::uint8_t> frame) {
    OctetReader in(frame);
    const std::uint32_t length = in.u32();
    const std::uint8_t kind = in.u8();
    if (in.good() && kind != static_cast<std::uint8_t>(MessageKind::hello)) {
        return tl::unexpected(Refusal::no_hello);
    }
    const std::uint8_t version = in.u8();
    if (in.good() && version != kRouteVersion) {
        return tl::unexpected(Refusal::other_version);
    }
    if (in.good() && length != kHelloFrameBytes - 4) {
        return tl::unexpected(Refusal::malformed);
    }
    const std::uint32_t cluster = in.u32();
    if (in.good() && cluster != cluster_) {
        return tl::unexpected(Refusal::wrong_cluster);
    }
    return {};
}

tl::expected<std::optional<FrameReader::Frame>, Refusal> FrameReader::next() {
    const std::span<const std::uint8_t> rest = std::span(bytes_).subspan(start_);
    OctetReader in(rest);
    const std::uint32_t length = in.u32();
    if (!in.good()) {
        return std::optional<Frame>{};
    }
    // Before anything is waited for.
    if (length > kFrameBytesMax - 4) {
        return tl::unexpected(Refusal::oversize);
    }
    if (length < kFrameHeaderBytes - 4) {
        return tl::unexpected(Refusal::truncated);
    }
    if (!greeted_) {
        if (const auto good = check_hello(rest); !good) {
            return tl::unexpected(good.error());
        }
    }
    if (rest.size() < std::size_t{length} + 4) {
        return std::optional<Frame>{};
    }
    const std::uint8_t kind = in.u8();
    greeted_ = true;
    start_ += std::size_t{length} + 4;
    return Frame{kind, rest.subspan(kFrameHeaderBytes, length + 4 - kFrameHeaderBytes)};
}

}  // namespace posthaste::gossip::claims
