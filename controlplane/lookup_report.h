// SPDX-License-Identifier: BSD-3-Clause
// What `show lookup` says: the counters of lookups as rows, with the ratios and percentiles that
// follow from them. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "controlplane/protocol.h"
#include "routing/lookup_counters.h"

namespace posthaste::controlplane {

// The counters of one worker, or the sum of several, at one time.
class LookupSample {
  public:
    static constexpr std::size_t kCounters = 25;
    static constexpr std::size_t kSizes = 16;
    static constexpr std::size_t kCycles = 20;

    void add(const routing::LookupCounters& counters) noexcept;

    // By the name it has in routing/lookup_counters.h.
    [[nodiscard]] std::uint64_t of(routing::Counter routing::LookupCounters::*which) const noexcept;

    // The time of a lookup, in cycles, that `share` of the sampled batches stayed below: exact to
    // the bucket, and evenly spread within it. None: nothing was sampled.
    [[nodiscard]] std::optional<double> cycles_at(double share) const noexcept;

    [[nodiscard]] const std::array<std::uint64_t, kSizes>& batch_sizes() const noexcept {
        return sizes_;
    }

    // {lookups, batches, ... every counter}
    [[nodiscard]] Json counters() const;

  private:
    std::array<std::uint64_t, kCounters> counters_{};
    std::array<std::uint64_t, kSizes> sizes_{};
    std::array<std::uint64_t, kCycles> cycles_{};
};

// Shares are null where there was no lookup, times where none was sampled.
// {hit_percent, ids_per_batch, p50_ns, p90_ns, p99_ns, p999_ns, every counter}
[[nodiscard]] Json lookup_row(const LookupSample& sample, std::uint64_t cycles_per_second);
// [{outcome: "hit positive"|"hit negative"|"found"|"unknown", count, share_percent}]
[[nodiscard]] Json outcome_rows(const LookupSample& sample);
// [{ids: "1", "2-3", ... "16384 and more", calls, share_percent}], those that occurred
[[nodiscard]] Json batch_rows(const LookupSample& sample);

// part of whole in percent, two decimals; null: of nothing
[[nodiscard]] Json percent_of(std::uint64_t part, std::uint64_t whole);

}  // namespace posthaste::controlplane
