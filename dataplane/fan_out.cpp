// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fan_out.h"

#include <rte_mbuf.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>

#include <algorithm>

#include "dataplane/receive.h"
#include "dataplane/recipient_mark.h"
#include "dataplane/resolve.h"
#include "dataplane/rewrite.h"
#include "dataplane/segments.h"
#include "dataplane/settle.h"

namespace posthaste::dataplane {

using routing::Drop;
using routing::FibEntry;
using routing::Provider;
using routing::ProviderSet;
using routing::RouteKind;

namespace {

// A router the World does not know: a next hop that is down.
constexpr FibEntry kNowhere = [] {
    FibEntry entry;
    entry.kind = RouteKind::remote;
    return entry;
}();

const routing::AgentId& sender_of(const Burst& burst, unsigned lane) noexcept {
    return header_in(burst, lane).source;
}

// The recipient a frame was for when it had to wait, if that is still one; null: not any more.
const FibEntry* recipient(std::uint32_t mark,
                          const ProviderSet& set,
                          const CapabilityTables& tables,
                          std::uint32_t now_ms) noexcept {
    if ((mark & kRouterRecipient) != 0) {
        const auto router = static_cast<std::uint16_t>(mark);
        return std::ranges::binary_search(set.routers(), router) &&
                       router < tables.world.routers.size() && !tables.fib.routers().out(router)
                   ? &tables.world.routers[router]
                   : nullptr;
    }
    const Provider* const provider = set.of_cell(mark);
    return provider != nullptr && provider->local() &&
                   provider->state == routing::AgentState::running
               ? route_of(*provider, tables.fib, now_ms)
               : nullptr;
}

// The steps by which the recipients of a frame come nearer; each needs the one before it.
constexpr unsigned kSteps = 4;

void come_nearer(const Burst& burst,
                 unsigned lane,
                 unsigned step,
                 const CapabilityTables& tables) noexcept {
    const ProviderSet* const set = tables.sets.read(capability_of(burst, lane).provider_set());
    if (set == nullptr) {
        return;
    }
    if (step == 0) {
        set->prefetch();
        return;
    }
    const std::span<const Provider> all = set->local();
    const std::span<const Provider> local = all.first(std::min<std::size_t>(all.size(), kBurstMax));
    for (const Provider& provider : local) {
        if (step == 1) {
            rte_prefetch0(&provider);
        } else if (step == 2) {
            tables.fib.prefetch_cell(provider.cell);
        } else {
            rte_prefetch0(tables.fib.entry_of_cell(provider.cell));
        }
    }
}

void gather(std::uint8_t* to, const rte_mbuf* from, std::uint32_t bytes) noexcept {
    for (const rte_mbuf* segment = from; bytes > 0; segment = segment->next) {
        const std::uint32_t part = std::min<std::uint32_t>(segment->data_len, bytes);
        rte_memcpy(to, rte_pktmbuf_mtod(segment, const std::uint8_t*), part);
        to += part;
        bytes -= part;
    }
}

// Of its routers those that are not out.
std::size_t reachable(const ProviderSet& set, const routing::RouterMask& routers) noexcept {
    const std::span<const std::uint16_t> all = set.routers();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](std::uint16_t router) { return !routers.out(router); }));
}

}  // namespace

FanOut::FanOut(rte_mempool* pool) : pool_(pool), copies_(std::make_unique<Burst>()) {}

void FanOut::add_local(const Burst& burst,
                       unsigned lane,
                       const ProviderSet& set,
                       const routing::Fib& fib) noexcept {
    const routing::AgentId sender = sender_of(burst, lane);
    for (const Provider& provider : set.local()) {
        const FibEntry* const entry = route_of(provider, fib, burst.now_ms);
        if (entry != nullptr && provider.agent != sender) {
            recipients_[count_++] = entry;
        }
    }
}

// Until there are more than `most`: a router may come back since its like were counted.
void FanOut::add_routers(const ProviderSet& set,
                         const World& world,
                         const routing::RouterMask& routers,
                         std::size_t most) noexcept {
    for (const std::uint16_t router : set.routers()) {
        if (count_ > most) {
            return;
        }
        if (!routers.out(router)) {
            recipients_[count_++] =
                router < world.routers.size() ? &world.routers[router] : &kNowhere;
        }
    }
}

Drop FanOut::find(const Burst& burst, unsigned lane, const CapabilityTables& tables) noexcept {
    count_ = 0;
    const ProviderSet* const set = tables.sets.read(capability_of(burst, lane).provider_set());
    if (set == nullptr) {
        return Drop::no_provider;
    }
    const std::uint32_t mark =
        burst.origin == Origin::resubmitted ? marked_recipient(*burst.frame[lane]) : kNoRecipient;
    if (mark != kNoRecipient) [[unlikely]] {
        recipients_[0] = recipient(mark, *set, tables, burst.now_ms);
        count_ = recipients_[0] == nullptr ? 0 : 1;
        return count_ == 0 ? Drop::no_provider : Drop::none;
    }
    const bool relayed = tables.world.ports[burst.ingress].role == Role::fabric;
    const std::size_t most = std::min(tables.world.fan_out_max, World::kFanOutMax);
    const std::size_t routers = relayed ? 0 : reachable(*set, tables.fib.routers());
    if (set->local().size() + routers > most + 1) {  // the sender may be one of them
        return Drop::fan_out;
    }
    add_local(burst, lane, *set, tables.fib);
    if (!relayed) {
        add_routers(*set, tables.world, tables.fib.routers(), most);
    }
    if (count_ > most) {
        return Drop::fan_out;
    }
    return count_ == 0 ? Drop::no_provider : Drop::none;
}

// Behind the lanes of copies_, which has room for them. Gives how many mbufs there were.
unsigned FanOut::allocate(std::size_t wanted) noexcept {
    rte_mbuf** const room = copies_->frame.data() + copies_->received.count();
    if (pool_ == nullptr) {
        return 0;
    }
    if (rte_pktmbuf_alloc_bulk(pool_, room, static_cast<unsigned>(wanted)) == 0) [[likely]] {
        return static_cast<unsigned>(wanted);
    }
    unsigned made = 0;
    while (made < wanted && (room[made] = rte_pktmbuf_alloc(pool_)) != nullptr) {
        ++made;
    }
    return made;
}

// Most copies of a frame differ in little; they are written as they leave. The others are as the
// frame came, and go on like it. Gives how many there are.
unsigned FanOut::make(const Burst& burst,
                      unsigned lane,
                      std::span<const FibEntry* const> to,
                      const World& world,
                      std::span<TxBacklog> tx) noexcept {
    Burst& copies = *copies_;
    const unsigned first = copies.received.count();
    const unsigned made = allocate(to.size());
    const bool plain = head_.prepare(burst, lane, *to.front(), world);
    const std::uint32_t bytes = routing::frame_end(burst.view[lane]);
    const rte_mbuf* const original = burst.frame[lane];
    const auto* const from = rte_pktmbuf_mtod(original, const std::uint8_t*);
    const std::uint8_t performative = header_of(from, burst.view[lane]).performative;
    for (unsigned i = 0; i < made; ++i) {
        const unsigned at = first + i;
        rte_mbuf* const frame = copies.frame[at];
        frame->pkt_len = bytes;
        frame->data_len = static_cast<std::uint16_t>(bytes);
        copies.received.set(at);
        copies.performative[at] = performative;
        if (plain && head_.serves(*to[i]) && tx[head_.egress()].reserve()) [[likely]] {
            std::uint8_t* const out = bytes_of(frame);
            head_.write(out, *to[i]);
            rte_memcpy(
                out + PlainHead::kBytes, from + PlainHead::kBytes, bytes - PlainHead::kBytes);
            copies.egress[at] = head_.egress();
            copies.finished.set(at);
            plain_.set(at);
            continue;
        }
        gather(bytes_of(frame), original, bytes);
        copies.view[at] = burst.view[lane];
        copies.aim(at, to[i]);
        copies.live.set(at);
        copies.to_all.set(at);
    }
    return made;
}

void FanOut::copy(const Burst& burst,
                  unsigned lane,
                  const CapabilityTables& tables,
                  const OnwardTables& onward) noexcept {
    std::span<const FibEntry* const> to(recipients_.data(), count_ - 1);
    onward.counters.capability.copies.add(to.size());
    while (!to.empty()) {
        const std::size_t part =
            std::min<std::size_t>(to.size(), kBurstMax - copies_->received.count());
        const unsigned made = make(burst, lane, to.first(part), tables.world, onward.tx);
        if (made < part) [[unlikely]] {
            PortCounters& port = onward.counters.port[burst.ingress];
            port.copied.add(part - made);
            port.dropped.add(part - made);
            port.drops[static_cast<std::size_t>(Drop::no_buffer)].add(part - made);
        }
        to = to.subspan(part);
        if (copies_->received.count() == kBurstMax) {
            send(tables, onward);
        }
    }
}

// The copies made so far, as far as the ports. Their senders are not told what becomes of them.
void FanOut::send(const CapabilityTables& tables, const OnwardTables& onward) noexcept {
    Burst& copies = *copies_;
    const World& world = tables.world;
    if (copies.live.any()) {
        resolve(copies, world, tables.fib.routers(), onward.lookups, onward.tx);
        policy_out(copies, onward.policies);
        rewrite(copies, world);
        punt(copies, onward.punts);
    }
    copies.messages |= plain_;
    plain_ = LaneMask();
    transmit(copies, onward.tx);
    count(copies, onward.counters);
    release(copies);
    for (std::size_t port = 0; port < onward.tx.size(); ++port) {
        relieve(
            onward.tx[port], onward.tx_queues[port], world.ports[port], onward.counters.port[port]);
    }
    begin(copies, copies.ingress, copies.now_ms);
    copies.origin = Origin::copied;
}

void FanOut::run(Burst& burst,
                 const CapabilityTables& tables,
                 const OnwardTables& onward) noexcept {
    const LaneMask lanes = burst.live & burst.to_all;
    if (!lanes.any()) [[likely]] {
        return;
    }
    begin(*copies_, burst.ingress, burst.now_ms);
    copies_->origin = Origin::copied;
    for (TxBacklog& backlog : onward.tx) {
        backlog.set_aside();
    }
    // Some frames ahead of the one in hand, so that none waits.
    std::array<std::uint8_t, kBurstMax> order;
    unsigned count = 0;
    for (const unsigned lane : lanes) {
        order[count++] = static_cast<std::uint8_t>(lane);
    }
    for (unsigned at = 0; at < count + kSteps; ++at) {
        for (unsigned step = 0; step < kSteps; ++step) {
            if (at >= step && at - step < count) {
                come_nearer(burst, order[at - step], step, tables);
            }
        }
        if (at < kSteps) {
            continue;
        }
        const unsigned lane = order[at - kSteps];
        const Drop why = find(burst, lane, tables);
        if (why != Drop::none) {
            if (why == Drop::no_provider) {
                onward.counters.capability.no_provider.add(1);
                if (tables.world.ports[burst.ingress].role == Role::fabric) {
                    burst.misrouted.set(lane);
                }
            }
            burst.drop(lane, why);
            continue;
        }
        onward.counters.capability.fan_outs.add(1);
        copy(burst, lane, tables, onward);
        burst.aim(lane, recipients_[count_ - 1]);
    }
    if (copies_->received.any()) {
        send(tables, onward);
    }
    for (TxBacklog& backlog : onward.tx) {
        backlog.take_back();
    }
}

}  // namespace posthaste::dataplane
