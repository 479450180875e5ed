// SPDX-License-Identifier: BSD-3-Clause
// IntrusiveList: records in the order they came, any of which can be taken out at once.
//
// The links lie in the record, so that nothing is allocated and a record knows where it is. A copy
// of a record is in no list, and assigning to one leaves it where it is. Records must not move in
// memory, nor end, while they are in. Owned by one thread.
#pragma once

namespace posthaste::routing {

template <typename Record>
struct ListPlace {
    ListPlace() = default;

    ListPlace(const ListPlace& /*other*/) noexcept {}

    ~ListPlace() = default;

    ListPlace& operator=(const ListPlace& /*other*/) noexcept { return *this; }

    Record* next = nullptr;
    Record* previous = nullptr;
};

// kPlace: the member of the record that is, or derives from, ListPlace<Record>.
template <typename Record, auto kPlace>
class IntrusiveList {
  public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

    [[nodiscard]] Record* first() const noexcept { return first_; }

    [[nodiscard]] static Record* after(const Record& record) noexcept {
        return (record.*kPlace).next;
    }

    void push_back(Record& record) noexcept {
        (record.*kPlace).next = nullptr;
        (record.*kPlace).previous = last_;
        (last_ == nullptr ? first_ : (last_->*kPlace).next) = &record;
        last_ = &record;
    }

    // The record is in this list.
    void remove(Record& record) noexcept {
        ListPlace<Record>& place = record.*kPlace;
        (place.previous == nullptr ? first_ : (place.previous->*kPlace).next) = place.next;
        (place.next == nullptr ? last_ : (place.next->*kPlace).previous) = place.previous;
        place.next = nullptr;
        place.previous = nullptr;
    }

  private:
    Record* first_ = nullptr;
    Record* last_ = nullptr;
};

}  // namespace posthaste::routing
