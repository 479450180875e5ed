// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/store/stored.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kHeadBytes = 7;

void put_u16(std::vector<std::uint8_t>& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(value));
}

std::uint16_t get_u16(std::span<const std::uint8_t> bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

}  // namespace

std::vector<std::uint8_t> pack_offers(std::span<const routing::Offer> offers) {
    std::vector<std::uint8_t> bytes;
    for (const routing::Offer& offer : offers) {
        // What an agent may offer is far shorter than a length can say.
        const std::size_t length =
            std::min<std::size_t>(offer.text.size(), std::numeric_limits<std::uint16_t>::max());
        bytes.push_back(static_cast<std::uint8_t>(offer.kind));
        put_u16(bytes, offer.priority);
        put_u16(bytes, offer.weight);
        put_u16(bytes, length);
        bytes.insert(bytes.end(), offer.text.begin(), offer.text.begin() + std::ptrdiff_t(length));
    }
    return bytes;
}

std::optional<std::vector<routing::Offer>> unpack_offers(std::span<const std::uint8_t> bytes) {
    std::vector<routing::Offer> offers;
    while (!bytes.empty()) {
        if (bytes.size() < kHeadBytes ||
            bytes[0] > static_cast<std::uint8_t>(routing::OfferKind::regex)) {
            return std::nullopt;
        }
        routing::Offer offer;
        offer.kind = static_cast<routing::OfferKind>(bytes[0]);
        offer.priority = get_u16(bytes, 1);
        offer.weight = get_u16(bytes, 3);
        const std::size_t length = get_u16(bytes, 5);
        bytes = bytes.subspan(kHeadBytes);
        if (bytes.size() < length) {
            return std::nullopt;
        }
        offer.text.assign(reinterpret_cast<const char*>(bytes.data()), length);
        bytes = bytes.subspan(length);
        offers.push_back(std::move(offer));
    }
    return offers;
}

}  // namespace posthaste::controlplane
