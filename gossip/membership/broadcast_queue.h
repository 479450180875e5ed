// SPDX-License-Identifier: BSD-3-Clause
// BroadcastQueue: what is still to be told to all, as messages ready to send.
//
// Told least often first, of those the longest, of those the newest. Each goes into as many packets
// as the limit says, and into one packet once: what fill() takes is out of reach of the next fill()
// until the packet is done. At most `max` entries: then the one told most often makes room.
// O(log n) each, whatever the subjects are called.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace posthaste::gossip::membership {

// Of a queued broadcast; 0: none.
using BroadcastNumber = std::uint64_t;

// Room in one packet, and what is in it.
struct PacketRoom {
    std::size_t bytes = 0;       // still free
    std::size_t per_part = 0;    // a part needs so many more
    std::size_t parts_left = 0;  // of the packet
    std::vector<std::vector<std::uint8_t>> parts{};
};

class BroadcastQueue {
  public:
    explicit BroadcastQueue(std::size_t max) : max_(max) {}

    // Takes the place of what is queued under `subject`, unless that is empty.
    BroadcastNumber add(std::string_view subject, std::vector<std::uint8_t> message);
    [[nodiscard]] bool contains(BroadcastNumber number) const;
    [[nodiscard]] bool contains_subject(std::string_view subject) const;
    // Puts into `room` what fits and is not in it yet, all but `kept_bytes` of it.
    void fill(PacketRoom& room, std::size_t kept_bytes);
    // After the last fill() of a packet, before anything else; `limit`: packets an entry goes into.
    void packet_done(unsigned limit);

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    // Those that made room.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

  private:
    struct Place {
        std::uint32_t told = 0;
        std::uint32_t length = 0;
        BroadcastNumber number = 0;

        friend bool operator<(const Place& one, const Place& other) noexcept {
            if (one.told != other.told) {
                return one.told < other.told;
            }
            if (one.length != other.length) {
                return one.length > other.length;
            }
            return one.number > other.number;
        }
    };

    struct Entry {
        std::string subject;
        std::vector<std::uint8_t> message;
    };

    using Entries = std::map<Place, Entry>;

    void drop(Entries::iterator entry);

    std::size_t max_;
    BroadcastNumber last_ = 0;
    std::uint64_t dropped_ = 0;
    Entries entries_;
    std::vector<Entries::node_type> told_;  // in the packet that is being filled
    std::unordered_map<BroadcastNumber, Entries::iterator> numbers_;
    std::map<std::string, BroadcastNumber, std::less<>> subjects_;
};

}  // namespace posthaste::gossip::membership
