// SPDX-License-Identifier: BSD-3-Clause
// What members ask of each other's keyrings, and the answers: Serf's _serf_*-key queries.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gossip/membership/serf_message.h"
#include "gossip/membership/view.h"
#include "gossip/seal/keyring.h"

namespace posthaste::gossip::membership {

// An answer is to fit a datagram of old peers; of longer lists the last keys are left out.
inline constexpr std::size_t kResponseBytesMax = 1'024;

[[nodiscard]] std::string_view query_name_of(KeyAction action) noexcept;
[[nodiscard]] std::optional<KeyAction> key_action_of(std::string_view query_name) noexcept;

struct KeyOutcome {
    KeyResponse response;
    bool changed = false;  // the keyring is to be kept
};

// `key`: raw, of no meaning for a list. A keyring without keys is never given one: that would cut
// this member off from all others.
[[nodiscard]] KeyOutcome carry_out(KeyAction action, std::string_view key, seal::Keyring& keyring);

}  // namespace posthaste::gossip::membership
