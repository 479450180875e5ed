// SPDX-License-Identifier: BSD-3-Clause
// DeadlineHeap: a binary min-heap of records by deadline, from which any record can be taken.
//
// Each record carries its own place (`heap_place`), so there is one node per record and no stale
// ones: moving and removing are O(log n) and memory is bounded by the records. Records must not
// move in memory while they are in. Owned by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace posthaste::routing {

inline constexpr std::size_t kNotInHeap = ~std::size_t{0};

template <typename Record>
class DeadlineHeap {
  public:
    struct Node {
        std::uint64_t at_ms;
        Record* record;
    };

    [[nodiscard]] bool empty() const noexcept { return nodes_.empty(); }

    [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }

    [[nodiscard]] const Node& first() const noexcept { return nodes_.front(); }

    // Of a record that is in.
    [[nodiscard]] std::uint64_t at(const Record& record) const noexcept {
        return nodes_[record.heap_place].at_ms;
    }

    // Puts the record in, or moves it to another deadline.
    void set(Record& record, std::uint64_t at_ms) {
        if (record.heap_place == kNotInHeap) {
            record.heap_place = nodes_.size();
            nodes_.push_back({at_ms, &record});
        } else {
            nodes_[record.heap_place].at_ms = at_ms;
        }
        settle(record.heap_place);
    }

    void remove(Record& record) {
        const std::size_t place = record.heap_place;
        if (place == kNotInHeap) {
            return;
        }
        record.heap_place = kNotInHeap;
        const Node last = nodes_.back();
        nodes_.pop_back();
        if (place < nodes_.size()) {
            put(last, place);
            settle(place);
        }
    }

  private:
    void put(const Node& node, std::size_t place) {
        nodes_[place] = node;
        node.record->heap_place = place;
    }

    // Lets the node at `place` rise or sink to where it belongs.
    void settle(std::size_t place) {
        const Node node = nodes_[place];
        while (place > 0 && node.at_ms < nodes_[(place - 1) / 2].at_ms) {
            put(nodes_[(place - 1) / 2], place);
            place = (place - 1) / 2;
        }
        for (std::size_t child = 2 * place + 1; child < nodes_.size(); child = 2 * place + 1) {
            if (child + 1 < nodes_.size() && nodes_[child + 1].at_ms < nodes_[child].at_ms) {
                ++child;
            }
            if (nodes_[child].at_ms >= node.at_ms) {
                break;
            }
            put(nodes_[child], place);
            place = child;
        }
        put(node, place);
    }

    std::vector<Node> nodes_;
};

}  // namespace posthaste::routing
