// SPDX-License-Identifier: BSD-3-Clause
// NextHop: what most frames need of a route, small enough to lie beside the agent's id in the
// RouteTable, so that forwarding waits for one line of memory and not for the Fib entry's, too.
//
// There is one for a running agent here that is reached over IPv4 by a MAC learnt from it, on one
// of the first ports; for an agent at another router; and for a capability. All other routes say so
// (`kElsewhere`), and the Fib entry is asked.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace posthaste::routing {

struct FibEntry;

class alignas(16) NextHop {
  public:
    // Where it goes: to a port here, another router, whoever is chosen, or where the entry says.
    static constexpr std::uint32_t kPortMax = 12;
    static constexpr std::uint32_t kCapability = 13;
    static constexpr std::uint32_t kRemote = 14;
    static constexpr std::uint32_t kElsewhere = 15;  // the highest: four bits will do
    static constexpr unsigned kWords = 3;

    // Of no value yet: there are large arrays of them.
    NextHop() = default;  // NOLINT(*-member-init)

    // What sends to the Fib entry.
    [[nodiscard]] static NextHop elsewhere() noexcept {
        NextHop hop{};
        hop.where_ = kElsewhere;
        return hop;
    }

    // Out of its words() and where().
    [[nodiscard]] static NextHop of(const std::array<std::uint32_t, kWords>& words,
                                    std::uint32_t where) noexcept {
        NextHop hop;
        hop.word_ = words;
        hop.where_ = where;
        return hop;
    }

    // What the entry says, if it fits.
    [[nodiscard]] static NextHop of(const FibEntry& entry) noexcept;

    [[nodiscard]] bool is_local() const noexcept { return where_ <= kPortMax; }

    [[nodiscard]] bool is_remote() const noexcept { return where_ == kRemote; }

    [[nodiscard]] bool is_capability() const noexcept { return where_ == kCapability; }

    [[nodiscard]] bool is_elsewhere() const noexcept { return where_ == kElsewhere; }

    [[nodiscard]] std::uint32_t where() const noexcept { return where_; }

    // --- local: an index of a Posthaste port; the rest in wire order ---
    [[nodiscard]] std::uint16_t port() const noexcept { return static_cast<std::uint16_t>(where_); }

    [[nodiscard]] std::uint32_t ip() const noexcept { return word_[0]; }

    // Six bytes.
    [[nodiscard]] const std::uint8_t* mac() const noexcept {
        return reinterpret_cast<const std::uint8_t*>(&word_[1]);
    }

    [[nodiscard]] std::uint16_t udp_port() const noexcept {
        return static_cast<std::uint16_t>(word_[2] >> 16);
    }

    // --- remote, capability: as in the Fib entry ---
    [[nodiscard]] bool fresh(std::uint32_t now_ms) const noexcept {
        return word_[0] == 0 || static_cast<std::int32_t>(word_[0] - now_ms) > 0;
    }

    // Fresh for ever.
    [[nodiscard]] bool lasts() const noexcept { return word_[0] == 0; }

    // --- capability: as in the Fib entry ---
    [[nodiscard]] std::uint32_t provider_set() const noexcept { return word_[1]; }

    // --- remote: as in the Fib entry ---
    [[nodiscard]] std::uint16_t router() const noexcept {
        return static_cast<std::uint16_t>(word_[1]);
    }

    [[nodiscard]] std::uint16_t adjacency() const noexcept {
        return static_cast<std::uint16_t>(word_[1] >> 16);
    }

    [[nodiscard]] const std::array<std::uint32_t, kWords>& words() const noexcept { return word_; }

    friend bool operator==(const NextHop&, const NextHop&) = default;

  private:
    friend class RouteTable;

    std::array<std::uint32_t, kWords> word_;
    std::uint32_t where_;
};

static_assert(sizeof(NextHop) == 16);

}  // namespace posthaste::routing
