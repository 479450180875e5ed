// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/key_stream.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "tools/benchmark/draw.h"

namespace posthaste::tools {

namespace {

constexpr std::size_t kSlicesMin = 64;     // a million ids
constexpr std::size_t kSlicesMax = 1'024;  // 16 million: 256 MiB
constexpr std::uint64_t kDomain = 0x243f6a8885a308d3ULL;
constexpr std::uint64_t kStranger = std::uint64_t{1} << 63;  // no agent's number has this bit

// mix() is a bijection, so the second half alone tells all numbers of a domain apart.
routing::AgentId spread(std::uint64_t number) noexcept {
    const std::uint64_t low = mix(number ^ kDomain);
    const std::uint64_t high = mix(low ^ kDomain);
    routing::AgentId id;
    std::memcpy(id.bytes.data(), &high, sizeof high);
    std::memcpy(&id.bytes[8], &low, sizeof low);
    return id;
}

std::size_t slices_for(std::uint32_t agents) {
    return std::clamp((std::size_t{agents} * 2 + KeyStream::kSliceIds - 1) / KeyStream::kSliceIds,
                      kSlicesMin,
                      kSlicesMax);
}

}  // namespace

std::string_view name_of(StreamKind kind) noexcept {
    switch (kind) {
        case StreamKind::hits:
            return "hits";
        case StreamKind::zipf:
            return "zipf";
        case StreamKind::misses:
            return "misses";
    }
    return "";
}

routing::AgentId member_id(std::uint64_t number) noexcept {
    return spread(number);
}

routing::AgentId stranger_id(std::uint64_t number) noexcept {
    return spread(number | kStranger);
}

KeyStream::KeyStream(StreamKind kind, std::uint32_t agents, std::uint64_t seed)
    : kind_(kind),
      ids_(slices_for(agents) * kSliceIds),
      expected_(slices_for(agents)),
      changing_(slices_for(agents)) {
    switch (kind) {
        case StreamKind::hits:
            fill_hits(agents, seed);
            break;
        case StreamKind::zipf:
            fill_zipf(agents, seed);
            break;
        case StreamKind::misses:
            fill_misses();
            break;
    }
}

void KeyStream::put(std::size_t at, std::uint32_t number) noexcept {
    ids_[at] = member_id(number);
    expected_[at / kSliceIds] += {1, number};
    changing_[at / kSliceIds] += number % kChangingStride == 0 ? 1 : 0;
}

void KeyStream::fill_hits(std::uint32_t agents, std::uint64_t seed) {
    Random random(seed);
    for (std::size_t i = 0; i < ids_.size(); ++i) {
        put(i, static_cast<std::uint32_t>(random.below(agents)));
    }
}

void KeyStream::fill_zipf(std::uint32_t agents, std::uint64_t seed) {
    Random random(seed);
    std::vector<std::uint32_t> agent_of_rank(agents);
    std::iota(agent_of_rank.begin(), agent_of_rank.end(), 0U);
    for (std::uint32_t left = agents; left > 1; --left) {
        std::swap(agent_of_rank[left - 1], agent_of_rank[random.below(left)]);
    }
    Draw zipf(Stream::zipf, agents, seed);
    for (std::size_t i = 0; i < ids_.size(); ++i) {
        put(i, agent_of_rank[zipf.next()]);
    }
}

void KeyStream::fill_misses() {
    for (routing::AgentId& id : ids_) {
        id = stranger_id(next_stranger_++);
    }
}

KeyStream::Slice KeyStream::next() {
    if (slice_ == expected_.size()) {
        slice_ = 0;
        if (kind_ == StreamKind::misses) {
            fill_misses();
        }
    }
    const std::size_t at = slice_++;
    return {std::span(ids_).subspan(at * kSliceIds, kSliceIds), expected_[at], changing_[at]};
}

}  // namespace posthaste::tools
