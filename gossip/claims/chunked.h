// SPDX-License-Identifier: BSD-3-Clause
// Chunked: a vector that grows without moving what it holds, so that no growth takes long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace posthaste::gossip::claims {

template <typename T>
class Chunked {
  public:
    static constexpr std::uint32_t kChunk = 4'096;

    [[nodiscard]] T& operator[](std::uint32_t place) noexcept {
        return (*chunks_[place / kChunk])[place % kChunk];
    }

    [[nodiscard]] const T& operator[](std::uint32_t place) const noexcept {
        return (*chunks_[place / kChunk])[place % kChunk];
    }

    void push_back(const T& value) {
        if (size_ % kChunk == 0) {
            chunks_.push_back(std::make_unique<std::array<T, kChunk>>());
        }
        (*chunks_[size_ / kChunk])[size_ % kChunk] = value;
        ++size_;
    }

    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

    [[nodiscard]] std::size_t bytes() const noexcept {
        return chunks_.size() * sizeof(std::array<T, kChunk>);
    }

  private:
    std::vector<std::unique_ptr<std::array<T, kChunk>>> chunks_;
    std::uint32_t size_ = 0;
};

}  // namespace posthaste::gossip::claims
