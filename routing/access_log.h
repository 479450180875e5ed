// SPDX-License-Identifier: BSD-3-Clause
// AccessLog: when each agent was last looked up, and how often of late, from samples.
//
// Control thread only; time is an argument, coarse milliseconds modulo 2^32. Lcores send one use
// in about a thousand up a ring, with the Fib's cell of the agent. A use counts one, and half as
// much every kHalfLifeMs. O(1) a use; 20 bytes a cell, taken from the system as cells come into
// use. The most used ones are among kTopMax candidates: a cell that is used while it is none
// takes the place of a lighter one, so whatever is used often is, or soon becomes, a candidate.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace posthaste::routing {

class AccessLog {
  public:
    static constexpr std::uint32_t kHalfLifeMs = 60'000;
    static constexpr std::size_t kTopMax = 8'192;
    static constexpr unsigned kAgeBuckets = 33;  // by bits of the age in milliseconds

    struct Use {
        std::uint32_t cell = 0;
        std::uint32_t uses = 0;        // samples since the agent has the cell
        double weight = 0;             // samples, older ones counting less
        std::uint32_t used_ms = 0;     // ago
        std::uint32_t changed_ms = 0;  // ago: the route's last change
    };

    // For cells 0 .. cells - 1; what lies beyond is ignored.
    explicit AccessLog(std::uint32_t cells);

    // The route of the cell's agent was written, with this version (never 0), or its agent went.
    void route_changed(std::uint32_t cell, std::uint32_t version, std::uint32_t now_ms) noexcept;
    void route_gone(std::uint32_t cell) noexcept;

    // A sample. One of a route that was replaced since does not count: it may be another agent's.
    void used(std::uint32_t cell,
              std::uint32_t version,
              std::uint32_t at_ms,
              std::uint32_t now_ms) noexcept;

    // Some cells more each call: what was used or changed too long ago for the clock is forgotten.
    // Has to come round every 12 days.
    void age(std::uint32_t now_ms) noexcept;

    // Nullopt: not used as far as is known.
    [[nodiscard]] std::optional<Use> find(std::uint32_t cell, std::uint32_t now_ms) const noexcept;
    // The most used, heaviest first, at most kTopMax.
    [[nodiscard]] std::vector<Use> top(std::size_t count, std::uint32_t now_ms) const;

    // How old routes were when they were used, counted: bucket i has ages of i bits.
    [[nodiscard]] std::span<const std::uint64_t> ages() const noexcept { return ages_; }

    [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }

    [[nodiscard]] std::uint64_t outdated() const noexcept { return outdated_; }

    [[nodiscard]] static std::size_t planned_bytes(std::uint32_t cells) noexcept;

  private:
    struct Cell {
        std::uint32_t version;  // 0: no agent
        std::uint32_t used_at_ms;
        std::uint32_t changed_at_ms;
        std::uint32_t uses : 31;
        std::uint32_t candidate : 1;
        float weight;  // at used_at_ms
    };

    struct Free {
        void operator()(Cell* cells) const noexcept;
    };

    [[nodiscard]] static double weight_of(const Cell& cell, std::uint32_t now_ms) noexcept;
    [[nodiscard]] Use describe(std::uint32_t cell, std::uint32_t now_ms) const noexcept;
    void nominate(std::uint32_t cell, std::uint32_t now_ms);

    std::uint32_t cell_count_;
    std::unique_ptr<Cell[], Free> cells_;
    std::vector<std::uint32_t> candidates_;
    std::size_t hand_ = 0;         // the next candidate to be compared
    std::uint32_t next_aged_ = 0;  // where age() goes on
    std::array<std::uint64_t, kAgeBuckets> ages_{};
    std::uint64_t samples_ = 0;
    std::uint64_t outdated_ = 0;  // samples that did not count
};

}  // namespace posthaste::routing
