// SPDX-License-Identifier: BSD-3-Clause
// TimingWheel: records by deadline in milliseconds; setting, moving and taking out cost O(1).
//
// A hashed hierarchical timing wheel (Varghese and Lauck 1987): eleven wheels of 64 slots, the
// first of one millisecond a slot, each next one 64 times as coarse. A record lies where its
// deadline first differs from the wheel's time, and comes down one wheel at a time as that time
// comes near: at most ten moves in its life, two for a lease of half a minute. They come due in
// the order of their deadlines. Any 64-bit deadline will do; one that is past is due at once. Time
// that goes back counts as standing still.
//
// Bounds: 17 KiB, and three words in each record. Owned by one thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "routing/intrusive_list.h"

namespace posthaste::routing {

template <typename Record>
struct WheelPlace : ListPlace<Record> {
    static constexpr std::uint16_t kNowhere = 0xffff;

    WheelPlace() = default;

    WheelPlace(const WheelPlace& other) noexcept : ListPlace<Record>(other) {}

    ~WheelPlace() = default;

    WheelPlace& operator=(const WheelPlace& /*other*/) noexcept { return *this; }

    [[nodiscard]] bool in() const noexcept { return slot != kNowhere; }

    std::uint64_t at_ms = 0;
    std::uint16_t slot = kNowhere;
};

// kPlace: the record's member of type WheelPlace<Record>.
template <typename Record, auto kPlace>
class TimingWheel {
  public:
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // Puts the record in, or moves it to another deadline.
    void set(Record& record, std::uint64_t at_ms) noexcept {
        remove(record);
        (record.*kPlace).at_ms = at_ms;
        put(record);
        ++size_;
    }

    void remove(Record& record) noexcept {
        if ((record.*kPlace).in()) {
            take_out(record);
            --size_;
        }
    }

    // Takes out the record that is due the longest by now; null: none is, or `moves` between
    // wheels were not enough to tell, and the next call goes on. Counts `moves` down.
    [[nodiscard]] Record* next_due(std::uint64_t now_ms, std::size_t& moves) noexcept {
        now_ms = std::max(now_ms, now_ms_);
        for (;;) {
            if (!bring_down(moves)) {
                return nullptr;
            }
            if (Record* const due = slots_[digit(now_ms_, 0)].records.first(); due != nullptr) {
                remove(*due);
                return due;
            }
            const std::uint64_t next_ms = next_slot_ms();
            if (next_ms > now_ms) {
                now_ms_ = now_ms;
                return nullptr;
            }
            now_ms_ = next_ms;
        }
    }

    // Not later than the earliest deadline, and equal to it unless the record that made it the
    // earliest was taken out since; nullopt: no record.
    [[nodiscard]] std::optional<std::uint64_t> earliest_ms() const noexcept {
        if (size_ == 0) {
            return std::nullopt;
        }
        std::uint64_t earliest = kNever;
        for (unsigned wheel = 0; wheel < kWheels; ++wheel) {
            if (used_[wheel] != 0) {
                const auto first = static_cast<unsigned>(std::countr_zero(used_[wheel]));
                earliest = std::min(earliest, slots_[wheel * kSlots + first].earliest_ms);
            }
        }
        return earliest;
    }

  private:
    static constexpr unsigned kDigitBits = 6;
    static constexpr unsigned kSlots = 1U << kDigitBits;
    static constexpr unsigned kWheels = 11;  // 66 bits
    static constexpr std::uint64_t kNever = ~std::uint64_t{0};

    struct Slot {
        IntrusiveList<Record, kPlace> records;
        std::uint64_t earliest_ms = kNever;  // of all that came since it was empty
    };

    [[nodiscard]] static unsigned digit(std::uint64_t ms, unsigned wheel) noexcept {
        return static_cast<unsigned>(ms >> (wheel * kDigitBits)) % kSlots;
    }

    void put(Record& record) noexcept {
        WheelPlace<Record>& place = record.*kPlace;
        const std::uint64_t at_ms = std::max(place.at_ms, now_ms_);
        const auto bits = static_cast<unsigned>(std::bit_width(at_ms ^ now_ms_));
        const unsigned wheel = bits == 0 ? 0 : (bits - 1) / kDigitBits;
        const unsigned in_wheel = digit(at_ms, wheel);
        place.slot = static_cast<std::uint16_t>(wheel * kSlots + in_wheel);
        Slot& slot = slots_[place.slot];
        slot.records.push_back(record);
        slot.earliest_ms = std::min(slot.earliest_ms, place.at_ms);
        used_[wheel] |= std::uint64_t{1} << in_wheel;
    }

    void take_out(Record& record) noexcept {
        WheelPlace<Record>& place = record.*kPlace;
        Slot& slot = slots_[place.slot];
        slot.records.remove(record);
        if (slot.records.empty()) {
            slot.earliest_ms = kNever;
            used_[place.slot / kSlots] &= ~(std::uint64_t{1} << place.slot % kSlots);
        }
        place.slot = WheelPlace<Record>::kNowhere;
    }

    // Empties the slots of the coarser wheels whose time has come; false: not all, no moves left.
    [[nodiscard]] bool bring_down(std::size_t& moves) noexcept {
        for (unsigned wheel = kWheels - 1; wheel > 0; --wheel) {
            const Slot& slot = slots_[wheel * kSlots + digit(now_ms_, wheel)];
            for (; !slot.records.empty(); --moves) {
                if (moves == 0) {
                    return false;
                }
                Record& record = *slot.records.first();
                take_out(record);
                put(record);
            }
        }
        return true;
    }

    // When the first slot that is used begins, all slots of the present time being empty.
    [[nodiscard]] std::uint64_t next_slot_ms() const noexcept {
        for (unsigned wheel = 0; wheel < kWheels; ++wheel) {
            if (used_[wheel] != 0) {
                const unsigned shift = wheel * kDigitBits;
                const auto first = static_cast<std::uint64_t>(std::countr_zero(used_[wheel]));
                const std::uint64_t above =
                    shift + kDigitBits < 64 ? now_ms_ >> (shift + kDigitBits) : 0;
                return (above << kDigitBits | first) << shift;
            }
        }
        return kNever;
    }

    std::array<Slot, std::size_t{kWheels} * kSlots> slots_;
    std::array<std::uint64_t, kWheels> used_{};  // by wheel, a bit per slot
    std::uint64_t now_ms_ = 0;
    std::size_t size_ = 0;
};

}  // namespace posthaste::routing
