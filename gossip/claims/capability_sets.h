// SPDX-License-Identifier: BSD-3-Clause
// CapabilitySets: what agents offer, each different list once, by the hash of its text.
//
// The text of a list, canonical, big-endian: count (16 bits); for each offer kind (8), priority
// (16), weight (16), length (8), that many bytes; ascending by kind and name, none twice. The hash
// is XXH3_64 with the cluster's seed, so that who merely offers things cannot make two lists meet.
// Counted references; control thread only; bounded by SetLimits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "gossip/claims/refusal.h"
#include "routing/offer.h"

namespace posthaste::gossip::claims {

inline constexpr std::size_t kSetOffersMax = 256;
inline constexpr std::size_t kSetBytesMax = 2 + kSetOffersMax * (6 + 200);

struct SetLimits {
    std::uint32_t sets_max = 65'536;
    std::uint64_t bytes_max = 64ULL << 20;
};

// Empty for no offers. No two of one kind and text; texts of at most 200 bytes.
[[nodiscard]] std::string set_text(std::span<const routing::Offer> offers);
// Refuses what is not canonical: bad_set.
[[nodiscard]] tl::expected<std::vector<routing::Offer>, Refusal> offers_of(std::string_view text);

class CapabilitySets {
  public:
    static constexpr std::uint32_t kNone = 0;  // no offers

    CapabilitySets(const SetLimits& limits, std::uint64_t seed);

    // Never 0, but for no text.
    [[nodiscard]] std::uint64_t hash_of(std::string_view text) const noexcept;
    // kNone: not here.
    [[nodiscard]] std::uint32_t find(std::uint64_t hash) const noexcept;
    // Takes a reference. The text is canonical, and not empty.
    [[nodiscard]] tl::expected<std::uint32_t, Refusal> intern(std::string_view text);
    [[nodiscard]] bool has_room(std::uint64_t sets, std::uint64_t bytes) const noexcept;
    void hold(std::uint32_t set) noexcept;
    void release(std::uint32_t set);

    [[nodiscard]] std::string_view text(std::uint32_t set) const noexcept;
    [[nodiscard]] std::uint64_t hash(std::uint32_t set) const noexcept;

    [[nodiscard]] std::uint32_t count() const noexcept {
        return static_cast<std::uint32_t>(places_.size());
    }

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

  private:
    struct Set {
        std::uint64_t hash = 0;
        std::uint64_t references = 0;
        std::string text;
    };

    SetLimits limits_;
    std::uint64_t seed_;
    std::vector<Set> sets_;  // by number; the first is kNone
    std::vector<std::uint32_t> free_;
    std::unordered_map<std::uint64_t, std::uint32_t> places_;  // by hash
    std::uint64_t bytes_ = 0;
};

}  // namespace posthaste::gossip::claims
