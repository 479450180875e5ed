// SPDX-License-Identifier: BSD-3-Clause
// KeyStream: the ids a lookup benchmark asks for, made beforehand and read from front to back, so
// that having the next one costs a nanosecond or two. With each slice of it comes what a table of
// the agents must answer. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "routing/agent_id.h"

namespace posthaste::tools {

enum class StreamKind : std::uint8_t {
    hits,    // each agent as likely as the other
    zipf,    // by Zipf's law with exponent 0.99; neighbours in rank lie anywhere in the table
    misses,  // ids that are in no table and come only once
};

[[nodiscard]] std::string_view name_of(StreamKind kind) noexcept;

// Agent `number` (below 2^32) of the table, spread over all ids.
[[nodiscard]] routing::AgentId member_id(std::uint64_t number) noexcept;
// An id that is no agent's, and none of another number.
[[nodiscard]] routing::AgentId stranger_id(std::uint64_t number) noexcept;

// Of this many agents in a row the first is one whose route the churn benchmark changes.
inline constexpr std::uint32_t kChangingStride = 16;

// How many of a slice's ids were found, and the sum of the numbers of the agents found.
struct Answers {
    std::uint64_t hits = 0;
    std::uint64_t sum = 0;

    Answers& operator+=(const Answers& other) noexcept {
        hits += other.hits;
        sum += other.sum;
        return *this;
    }

    friend bool operator==(const Answers&, const Answers&) = default;
};

class KeyStream {
  public:
    // The unit that is timed as one: 256 KiB of ids, fifty microseconds at least.
    static constexpr std::size_t kSliceIds = 1 << 14;

    // As long as it takes for a table of `agents` to be visited all over.
    KeyStream(StreamKind kind, std::uint32_t agents, std::uint64_t seed);

    struct Slice {
        std::span<const routing::AgentId> ids;
        Answers expected;
        std::uint32_t changing = 0;  // how many of the ids are those of changing agents
    };

    // The next slice. After the last comes the first, or of misses a new one.
    [[nodiscard]] Slice next();

    [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }

  private:
    void fill_hits(std::uint32_t agents, std::uint64_t seed);
    void fill_zipf(std::uint32_t agents, std::uint64_t seed);
    void fill_misses();
    void put(std::size_t at, std::uint32_t number) noexcept;

    StreamKind kind_;
    std::vector<routing::AgentId> ids_;
    std::vector<Answers> expected_;  // of each slice
    std::vector<std::uint32_t> changing_;
    std::size_t slice_ = 0;
    std::uint64_t next_stranger_ = 0;
};

}  // namespace posthaste::tools
