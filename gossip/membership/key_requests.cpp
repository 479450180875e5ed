// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/key_requests.h"

#include <algorithm>
#include <array>

namespace posthaste::gossip::membership {

namespace {

// In the order of KeyAction.
constexpr std::array<std::string_view, 4> kNames = {
    "_serf_list-keys", "_serf_install-key", "_serf_use-key", "_serf_remove-key"};

KeyResponse list_of(const seal::Keyring& keyring) {
    KeyResponse response{.result = true};
    for (const std::string& key : keyring.keys()) {
        response.keys.push_back(seal::key_text(key));
    }
    response.primary_key = seal::key_text(keyring.primary());
    return response;
}

}  // namespace

std::string_view query_name_of(KeyAction action) noexcept {
    return kNames[static_cast<std::size_t>(action)];
}

std::optional<KeyAction> key_action_of(std::string_view query_name) noexcept {
    const auto* const found = std::ranges::find(kNames, query_name);
    if (found == kNames.end()) {
        return std::nullopt;
    }
    return static_cast<KeyAction>(found - kNames.begin());
}

KeyOutcome carry_out(KeyAction action, std::string_view key, seal::Keyring& keyring) {
    KeyOutcome outcome;
    if (keyring.empty()) {
        outcome.response.message = "Nothing is sealed here: the keyring is empty.";
        return outcome;
    }
    if (action == KeyAction::list) {
        outcome.response = list_of(keyring);
        return outcome;
    }
    const auto before = keyring.keys();
    tl::expected<void, std::string> done;
    switch (action) {
        case KeyAction::install:
            done = keyring.install(key);
            break;
        case KeyAction::use:
            done = keyring.use(key);
            break;
        case KeyAction::remove:
            done = keyring.remove(key);
            break;
        case KeyAction::list:
            break;
    }
    outcome.response.result = done.has_value();
    if (!done.has_value()) {
        outcome.response.message = done.error();
    }
    outcome.changed = keyring.keys() != before;
    return outcome;
}

}  // namespace posthaste::gossip::membership
