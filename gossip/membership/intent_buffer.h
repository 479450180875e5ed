// SPDX-License-Identifier: BSD-3-Clause
// IntentBuffer: what was said about members that are not known yet, for five minutes. Of each name
// the newest counts. Bounded: 4096 names. O(log n) each: what is over is at the front of one list.
#pragma once

#include <cstdint>
#include <iterator>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gossip/membership/serf_message.h"

namespace posthaste::gossip::membership {

struct BufferedIntent {
    std::string name{};
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
        const auto found = by_name_.find(name);
        if (found != by_name_.end()) {
            if (time <= found->second->time) {
                return Outcome::not_newer;
            }
            erase(found);
        }
        while (!intents_.empty() && intents_.front().until_ms <= now_ms) {
            erase(by_name_.find(intents_.front().name));
        }
        if (intents_.size() >= kNamesMax) {
            return Outcome::full;
        }
        intents_.push_back({.name = std::string(name),
                            .leave = leave,
                            .time = time,
                            .until_ms = now_ms + kKeepMs});
        by_name_.emplace(intents_.back().name, std::prev(intents_.end()));
        return Outcome::kept;
    }

    // Out of the buffer: the member is known from now on.
    [[nodiscard]] std::optional<BufferedIntent> take(std::string_view name, std::uint64_t now_ms) {
        const auto found = by_name_.find(name);
        if (found == by_name_.end()) {
            return std::nullopt;
        }
        const BufferedIntent intent = *found->second;
        erase(found);
        return intent.until_ms > now_ms ? std::optional(intent) : std::nullopt;
    }

    [[nodiscard]] std::size_t size() const noexcept { return intents_.size(); }

  private:
    using Intents = std::list<BufferedIntent>;  // in the order of `until_ms`
    using ByName = std::map<std::string_view, Intents::iterator>;

    void erase(ByName::iterator found) {
        const auto intent = found->second;
        by_name_.erase(found);
        intents_.erase(intent);
    }

    Intents intents_;
    ByName by_name_;  // names are those of the list
};

}  // namespace posthaste::gossip::membership
