// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/watch.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace posthaste::controlplane {

namespace {

epoll_event event_of(Readiness what, bool reading, bool writing) {
    epoll_event event{};
    event.events = (reading ? std::uint32_t{EPOLLIN} : 0U) | (writing ? EPOLLOUT : 0U);
    event.data.u64 = std::uint64_t{static_cast<std::uint8_t>(what.kind)} << 32 | what.number;
    return event;
}

}  // namespace

tl::expected<Watch, std::string> Watch::open() {
    Watch watch;
    watch.epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    if (!watch.epoll_.is_open()) {
        return tl::unexpected(std::string("cluster: no epoll descriptor: ") + std::strerror(errno));
    }
    return watch;
}

bool Watch::add(const Descriptor& socket, Readiness what, bool writing) {
    epoll_event event = event_of(what, true, writing);
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) == 0;
}

void Watch::change(const Descriptor& socket, Readiness what, bool reading, bool writing) {
    epoll_event event = event_of(what, reading, writing);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket.get(), &event);
}

std::span<const Readiness> Watch::ready(std::span<Readiness> room) const {
    std::array<epoll_event, ReadySockets::kLookMax> events;
    const auto wanted = static_cast<int>(std::min(room.size(), events.size()));
    const int count = ::epoll_wait(epoll_.get(), events.data(), wanted, 0);
    for (int i = 0; i < count; ++i) {
        const std::uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
        room[static_cast<std::size_t>(i)] = {static_cast<Watched>(data >> 32),
                                             static_cast<std::uint32_t>(data)};
    }
    return room.first(static_cast<std::size_t>(std::max(count, 0)));
}

// The kernel puts those it has told of behind the others that are ready, so that a further look
// comes to them.
void ReadySockets::look(const Watch& watch) {
    if (served_ == count_) {
        count_ = watch.ready(room_).size();
        served_ = 0;
    }
}

std::optional<Readiness> ReadySockets::next() {
    while (served_ < count_) {
        const Readiness what = room_[served_++];
        if (what.kind != Watched::datagrams) {
            return what;
        }
    }
    return std::nullopt;
}

}  // namespace posthaste::controlplane
