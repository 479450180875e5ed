// SPDX-License-Identifier: BSD-3-Clause
// Sealing: how what we send is labelled and sealed, and what of others' is believed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/membership/message.h"
#include "gossip/seal/keyring.h"

namespace posthaste::gossip::membership {

inline constexpr std::size_t kLabelBytesMax = 255;
inline constexpr std::size_t kLabelHeadBytes = 2;

struct Sealing {
    const seal::Keyring* keyring = nullptr;  // none or empty: nothing is sealed
    std::string label{};                     // of the cluster; empty: none
    bool refuse_plaintext = true;            // where there are keys
    std::size_t decompressed_max = 40U << 20;

    [[nodiscard]] bool sealed() const noexcept { return keyring != nullptr && !keyring->empty(); }
};

// Why nothing could be opened. Without a seal there would be a message type in front.
[[nodiscard]] inline Refusal refusal_of(seal::SealError error) noexcept {
    switch (error) {
        case seal::SealError::bad_version:
            return Refusal::plaintext;
        case seal::SealError::bad_padding:
            return Refusal::bad_padding;
        case seal::SealError::truncated:
        case seal::SealError::bad_seal:
            break;
    }
    return Refusal::bad_seal;
}

[[nodiscard]] constexpr std::uint8_t octet_of(MessageType type) noexcept {
    return static_cast<std::uint8_t>(type);
}

[[nodiscard]] inline std::span<const std::uint8_t> octets_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// In clear text before everything else; nothing for no label.
[[nodiscard]] inline std::vector<std::uint8_t> label_head(std::string_view label) {
    std::vector<std::uint8_t> head;
    if (!label.empty()) {
        head.resize(kLabelHeadBytes + label.size());
        head[0] = octet_of(MessageType::has_label);
        head[1] = static_cast<std::uint8_t>(label.size());
        std::ranges::copy(octets_of(label), head.begin() + kLabelHeadBytes);
    }
    return head;
}

}  // namespace posthaste::gossip::membership
