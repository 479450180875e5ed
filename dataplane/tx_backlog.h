// SPDX-License-Identifier: BSD-3-Clause
// TxBacklog: frames on their way to one egress port, in order, bounded. Owned by one lcore.
//
// A lane reserves its slot before work is spent on it (resolve) and fills it in transmit; what
// was reserved and not filled is given back at the end of the burst. One allocation, at start.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <span>

#include "routing/check.h"

struct rte_mbuf;

namespace posthaste::dataplane {

class TxBacklog {
  public:
    // Rounded up to a power of two.
    explicit TxBacklog(std::uint32_t capacity)
        : mask_(std::bit_ceil(capacity) - 1),
          slots_(std::make_unique<rte_mbuf*[]>(std::size_t{mask_} + 1)) {}

    [[nodiscard]] std::uint32_t size() const noexcept { return tail_ - head_; }

    [[nodiscard]] std::uint32_t capacity() const noexcept { return mask_ + 1; }

    // False: every slot is taken or promised.
    [[nodiscard]] bool reserve() noexcept {
        if (!has_room()) {
            return false;
        }
        ++reserved_;
        return true;
    }

    // Slots that are neither taken nor promised; and promises so many of them at once.
    [[nodiscard]] std::uint32_t room() const noexcept { return mask_ + 1 - size() - reserved_; }

    void reserve(std::uint32_t count) noexcept {
        DCHECK(count <= room());
        reserved_ += count;
    }

    // For a frame beside those that slots are promised to.
    [[nodiscard]] bool has_room() const noexcept { return size() + reserved_ <= mask_; }

    // Those since set_aside(), or all.
    void give_back_reservations() noexcept { reserved_ = aside_; }

    // A burst within the burst, of copies, has its own reservations; those made so far outlast it.
    void set_aside() noexcept { aside_ = reserved_; }

    void take_back() noexcept { aside_ = 0; }

    // Needs a free slot: reserve() said yes in this burst, or size() < capacity().
    void push(rte_mbuf* frame) noexcept {
        DCHECK(size() <= mask_);
        slots_[tail_++ & mask_] = frame;
    }

    // For a row of frames, each with a free slot; they count when it ends.
    class Row {
      public:
        explicit Row(TxBacklog& backlog) noexcept
            : backlog_(&backlog),
              slots_(backlog.slots_.get()),
              mask_(backlog.mask_),
              tail_(backlog.tail_) {}

        ~Row() {
            backlog_->tail_ = tail_;
            DCHECK(backlog_->size() <= backlog_->capacity());
        }

        Row(const Row&) = delete;
        Row& operator=(const Row&) = delete;

        void push(rte_mbuf* frame) noexcept { slots_[tail_++ & mask_] = frame; }

      private:
        TxBacklog* backlog_;
        rte_mbuf** slots_;
        std::uint32_t mask_;
        std::uint32_t tail_;
    };

    // The oldest frames that lie side by side; empty only if there are none.
    [[nodiscard]] std::span<rte_mbuf*> front() noexcept {
        const std::uint32_t first = head_ & mask_;
        const std::uint32_t to_end = mask_ + 1 - first;
        return {slots_.get() + first, size() < to_end ? size() : to_end};
    }

    void pop(std::uint32_t count) noexcept {
        DCHECK(count <= size());
        head_ += count;
    }

  private:
    std::uint32_t mask_;
    std::uint32_t head_ = 0;  // both count on and wrap; their difference is the size
    std::uint32_t tail_ = 0;
    std::uint32_t reserved_ = 0;
    std::uint32_t aside_ = 0;  // of them, the outer burst's
    std::unique_ptr<rte_mbuf*[]> slots_;
};

}  // namespace posthaste::dataplane
