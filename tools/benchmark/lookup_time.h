// SPDX-License-Identifier: BSD-3-Clause
// One repetition of one contender. One thread.
#pragma once

#include <rte_cycles.h>

#include <optional>
#include <string>

#include "tools/benchmark/contender.h"
#include "tools/benchmark/key_stream.h"

namespace posthaste::tools {

// The stream a case names; that of churn is hits.
[[nodiscard]] inline StreamKind stream_kind(std::string_view name) {
    for (const StreamKind kind : {StreamKind::zipf, StreamKind::misses}) {
        if (name_of(kind) == name) {
            return kind;
        }
    }
    return StreamKind::hits;
}

[[nodiscard]] inline std::string wrong_answer(const ContenderKind& kind, std::uint32_t agents) {
    return "wrong answer: " + std::string(kind.name) + " with " + std::to_string(agents) +
           " agents";
}

// Nanoseconds per lookup, after a tenth of the time to warm up; nothing where `right` (slice,
// answers) denies an answer. Making keys is not timed.
template <typename Right>
[[nodiscard]] std::optional<double> timed_lookups(
    Contender& table, KeyStream& stream, unsigned batch, double seconds, Right&& right) {
    const double hz = static_cast<double>(rte_get_tsc_hz());
    std::uint64_t ids = 0;
    for (const double share : {0.1, 1.0}) {
        const auto length = static_cast<std::uint64_t>(seconds * share * hz);
        std::uint64_t ticks = 0;
        ids = 0;
        do {
            const KeyStream::Slice slice = stream.next();
            const std::uint64_t start = rte_rdtsc();
            const Answers answers = table.lookup(slice.ids, batch);
            ticks += rte_rdtsc() - start;
            ids += slice.ids.size();
            if (!right(slice, answers)) {
                return {};
            }
        } while (ticks < length);
        if (share == 1.0) {
            return static_cast<double>(ticks) * 1e9 / hz / static_cast<double>(ids);
        }
    }
    return {};
}

}  // namespace posthaste::tools
