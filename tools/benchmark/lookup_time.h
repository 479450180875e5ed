// SPDX-License-Identifier: BSD-3-Clause
// One repetition of one contender. One thread.
#pragma once

#include <ctime>
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

// Processor time of this thread, in nanoseconds: what others take from it does not count.
[[nodiscard]] inline std::uint64_t thread_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

// Nanoseconds per lookup, after a tenth of the time to warm up; nothing where `right` (slice,
// answers) denies an answer. Making keys is not timed.
template <typename Right>
[[nodiscard]] std::optional<double> timed_lookups(
    Contender& table, KeyStream& stream, unsigned batch, double seconds, Right&& right) {
    std::uint64_t ids = 0;
    std::uint64_t ns = 0;
    for (const double share : {0.1, 1.0}) {
        const auto length = static_cast<std::uint64_t>(seconds * share * 1e9);
        ids = 0;
        ns = 0;
        do {
            const KeyStream::Slice slice = stream.next();
            const std::uint64_t start = thread_ns();
            const Answers answers = table.lookup(slice.ids, batch);
            ns += thread_ns() - start;
            ids += slice.ids.size();
            if (!right(slice, answers)) {
                return {};
            }
        } while (ns < length);
    }
    return static_cast<double>(ns) / static_cast<double>(ids);
}

}  // namespace posthaste::tools
