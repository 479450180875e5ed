// SPDX-License-Identifier: BSD-3-Clause
// IntentBuffer: what was said about members that are not known yet, for five minutes. Of each name
// the newest counts. Bounded: 4096 names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gossip/membership/serf_message.h"

namespace posthaste::gossip::membership {

struct BufferedIntent {
    bool leave = false;
    LamportTime time = 0;
    std::uint64_t until_ms = 0;
};

class IntentBuffer {
  public:
    static constexpr std::size_t kNamesMax = 4'096;
    static constexpr std::uint64_t kKeepMs = 5 * 60 * 1'000;

    enum class Outcome : std::uint8_t { kept, not_newer, full };

    [[nodiscard]] Outcome add(std::string_view name,
                              bool leave,
                              LamportTime time,
                              std::uint64_t now_ms) {
        const auto found = intents_.find(name);
        const BufferedIntent intent{.leave = leave, .time = time, .until_ms = now_ms + kKeepMs};
        if (found != intents_.end()) {
            if (time <= found->second.time) {
                return Outcome::not_newer;
            }
            found->second = intent;
            return Outcome::kept;
        }
        if (intents_.size() >= kNamesMax) {
            forget(now_ms);
        }
        if (intents_.size() >= kNamesMax) {
            return Outcome::full;
        }
        intents_.emplace(name, intent);
        return Outcome::kept;
    }

    // Out of the buffer: the member is known from now on.
    [[nodiscard]] std::optional<BufferedIntent> take(std::string_view name, std::uint64_t now_ms) {
        const auto found = intents_.find(name);
        if (found == intents_.end()) {
            return std::nullopt;
        }
        const BufferedIntent intent = found->second;
        intents_.erase(found);
        return intent.until_ms > now_ms ? std::optional(intent) : std::nullopt;
    }

    [[nodiscard]] std::size_t size() const noexcept { return intents_.size(); }

  private:
    void forget(std::uint64_t now_ms) {
        std::erase_if(intents_,
                      [now_ms](const auto& entry) { return entry.second.until_ms <= now_ms; });
    }

    std::map<std::string, BufferedIntent, std::less<>> intents_;
};

}  // namespace posthaste::gossip::membership
