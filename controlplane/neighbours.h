// SPDX-License-Identifier: BSD-3-Clause
// Neighbours: (port, IP) -> MAC. Answers ARP, ND and ping; resolves next hops; holds frames for
// them.
//
// Control thread only; a pure state machine: bytes and time in; frames, adjacency changes and held
// frames out, which pile up until take_output(). Bounds: NeighboursConfig. Strangers add no entry:
// entries come from configured next hops (adjacencies) and from registrations (learn()).
// Order for the caller: publish adjacencies() if they changed, only then resubmit frames.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/config.h"
#include "controlplane/hold_queue.h"
#include "controlplane/neighbour_frames.h"
#include "dataplane/world.h"
#include "routing/address.h"
#include "routing/drop.h"
#include "routing/token_bucket.h"

namespace posthaste::controlplane {

// What the neighbour plane knows of a port; index = Posthaste port index.
struct NeighbourPort {
    routing::Mac mac;
    std::uint16_t vlan = 0;
    std::uint16_t mtu = 1500;
    std::vector<routing::Prefix> addresses;
    std::optional<routing::IpAddress> gateway;  // IPv4
    std::optional<routing::IpAddress> gateway6;
};

enum class NeighbourState : std::uint8_t {
    incomplete,  // asked for, no answer yet
    reachable,   // confirmed within reachable_ms
    stale,       // MAC known, unconfirmed; not asked for since nobody needs it or the port is down
    probe,       // MAC known and in use, being confirmed
    failed,      // never answered; asked for again later if a next hop needs it
};

[[nodiscard]] std::string_view name_of(NeighbourState state) noexcept;

struct NeighbourRow {  // for show neighbours
    std::uint16_t port = 0;
    routing::IpAddress ip;
    std::optional<routing::Mac> mac;
    NeighbourState state = NeighbourState::incomplete;
    std::uint64_t confirmed_at_ms = 0;  // 0: never
    std::uint32_t adjacencies = 0;      // next hops that need it; 0: only learnt
    std::uint32_t held = 0;
};

struct NeighbourCounters {
    std::uint64_t replies = 0;  // ARP and ND
    std::uint64_t echo_replies = 0;
    std::uint64_t replies_suppressed = 0;  // by the rate limit
    std::uint64_t requests = 0;            // broadcast, multicast and unicast
    std::uint64_t announcements = 0;
    std::uint64_t resolved = 0;  // incomplete or failed -> MAC known
    std::uint64_t failures = 0;
    std::uint64_t mac_changes = 0;
    std::uint64_t mac_changes_ignored = 0;  // unsolicited, too soon after another change
    std::uint64_t strangers = 0;            // said something about an address nobody here needs
    std::uint64_t conflicts = 0;            // somebody else claims an address of ours
    std::uint64_t malformed = 0;
    std::uint64_t ignored = 0;        // RS, RA, redirects, other ICMP, not addressed to us
    std::uint64_t forgotten = 0;      // aged out, or made room
    std::uint64_t learn_refused = 0;  // table full
    std::uint64_t held = 0;
    std::uint64_t hold_refused = 0;
};

struct NeighbourOutput {
    struct Frame {
        std::uint16_t port = 0;
        FrameBytes bytes;
    };

    std::vector<Frame> frames;        // to be sent
    std::vector<HeldFrame> resubmit;  // subtract now - held_at_ms from their lifetime
    std::vector<DroppedFrame> dropped;
    bool adjacencies_changed = false;  // publish adjacencies() again
};

class Neighbours {
  public:
    // A neighbour that has just failed: frames for it are dropped at once for so long, not held.
    static constexpr std::uint32_t kFailedBackoffMs = 1'000;
    // A next hop that fails again and again is asked for at intervals that double up to this.
    static constexpr std::uint32_t kRetryIntervalMaxMs = 30'000;
    // A released slot rests so long: readers of the old World and Fib are gone by then.
    static constexpr std::uint32_t kSlotRestMs = 1'000;
    // Replies per second and port; ARP and ND have one allowance, echo another.
    static constexpr std::uint32_t kReplyRate = 1'000;
    static constexpr std::uint32_t kAnnouncements = 2;  // RFC 5227
    static constexpr std::uint32_t kAnnounceIntervalMs = 2'000;
    static constexpr std::uint32_t kDefendIntervalMs = 10'000;  // RFC 5227
    static constexpr std::uint32_t kMacLockMs = 1'000;

    // Ports start down; set_port_up() starts the work on them.
    Neighbours(const NeighboursConfig& limits, std::vector<NeighbourPort> ports);

    // --- next hops ---
    // A slot of World::adjacencies for a router (udp_port: where it listens) or a static agent
    // (udp_port 0). The same three values give the same slot, counted. Resolution starts at once.
    // Refused when neighbours_max is reached (nothing changed).
    [[nodiscard]] tl::expected<std::uint16_t, std::string> acquire(std::uint16_t port,
                                                                   const routing::IpAddress& ip,
                                                                   std::uint16_t udp_port,
                                                                   std::uint64_t now_ms);
    void release(std::uint16_t adjacency, std::uint64_t now_ms);

    // Index = adjacency. Copy it into the World.
    [[nodiscard]] const std::vector<dataplane::Adjacency>& adjacencies() const noexcept {
        return adjacencies_;
    }

    // --- events ---
    // A punted ARP, ND or ICMP frame, contiguous. none: consumed; otherwise the drop to count.
    [[nodiscard]] routing::Drop receive(std::uint16_t port,
                                        std::span<const std::uint8_t> frame,
                                        std::uint64_t now_ms);
    // A frame for an unresolved adjacency. none: it is ours until take_output() gives it back
    // (at once, if the adjacency is resolved by now); otherwise the drop, and it stays yours.
    [[nodiscard]] routing::Drop hold(const HeldFrame& frame, std::uint64_t now_ms);
    // An endpoint an accepted registration came from. Off-link addresses are not learnt.
    void learn(std::uint16_t port,
               const routing::IpAddress& ip,
               const routing::Mac& mac,
               std::uint64_t now_ms);
    void set_port_up(std::uint16_t port, bool up, std::uint64_t now_ms);
    // New addresses, gateway or MAC of a port (reload, reconnect); next hops are resolved anew.
    void set_port(std::uint16_t port, NeighbourPort next, std::uint64_t now_ms);
    void set_limits(const NeighboursConfig& limits);
    // Timers that are due. Call when next_deadline_ms() has come; harmless earlier.
    void advance(std::uint64_t now_ms);
    [[nodiscard]] std::optional<std::uint64_t> next_deadline_ms() const;
    // Gives every held frame back as dropped (shutdown).
    void drop_held(routing::Drop why);

    [[nodiscard]] NeighbourOutput take_output();

    // --- for the operator ---
    [[nodiscard]] std::vector<NeighbourRow> rows() const;

    [[nodiscard]] std::size_t count() const noexcept { return table_.size(); }

    [[nodiscard]] std::size_t held_count() const noexcept { return holds_.size(); }

    [[nodiscard]] const NeighbourCounters& counters() const noexcept { return counters_; }

  private:
    struct Key {
        std::uint16_t port = 0;
        routing::IpAddress ip;
        friend auto operator<=>(const Key&, const Key&) = default;
    };

    struct Entry {
        std::uint64_t id = 0;
        NeighbourState state = NeighbourState::incomplete;
        std::optional<routing::Mac> mac;
        std::uint32_t attempts = 0;
        std::uint32_t failures = 0;     // in a row
        std::uint64_t deadline_ms = 0;  // 0: no timer
        std::uint64_t confirmed_at_ms = 0;
        std::uint64_t changed_at_ms = 0;  // MAC
        std::uint64_t failed_at_ms = 0;
        std::vector<std::uint16_t> adjacencies;
    };

    using Table = std::map<Key, Entry>;
    using Place = Table::iterator;

    struct Port {
        NeighbourPort settings;
        bool up = false;
        std::uint32_t announcements_left = 0;
        std::uint64_t announce_at_ms = 0;
        std::uint64_t defended_at_ms = 0;
        bool defended = false;
        routing::TokenBucket replies{kReplyRate};
        routing::TokenBucket echoes{kReplyRate};
    };

    struct Wanted {  // what a slot was acquired for
        std::uint16_t port = 0;
        std::uint16_t udp_port = 0;
        routing::IpAddress ip;
        friend auto operator<=>(const Wanted&, const Wanted&) = default;
    };

    struct Slot {
        std::uint32_t users = 0;
        std::optional<Key> next_hop;  // none: off-link without a gateway
    };

    void receive_arp(std::uint16_t port, const NeighbourMessage& message, std::uint64_t now_ms);
    void receive_solicitation(std::uint16_t port,
                              const NeighbourMessage& message,
                              std::uint64_t now_ms);
    void receive_advertisement(std::uint16_t port,
                               const NeighbourMessage& message,
                               std::uint64_t now_ms);
    void receive_echo(std::uint16_t port, const NeighbourMessage& message, std::uint64_t now_ms);
    [[nodiscard]] bool refuse_conflict(std::uint16_t port,
                                       const routing::IpAddress& ip,
                                       std::uint64_t now_ms);
    void answer(std::uint16_t port,
                const routing::IpAddress& own,
                const NeighbourMessage& request,
                std::uint64_t now_ms);

    // What somebody said about an address. `solicited`: an answer addressed to us.
    void hear(const Key& key, const routing::Mac& mac, bool solicited, std::uint64_t now_ms);
    void set_mac(Place at, const routing::Mac& mac, std::uint64_t now_ms);
    void confirm(Place at, std::uint64_t now_ms);
    void start_resolving(Place at, std::uint64_t now_ms);
    void start_probing(Place at, std::uint64_t now_ms);
    void request(Place at, bool unicast);
    void fail(Place at, std::uint64_t now_ms);
    void on_timer(Place at, std::uint64_t now_ms);
    void rest_stale(Place at);
    Place forget(Place at);
    void set_timer(Place at, std::uint64_t deadline_ms);

    Place add(const Key& key);
    void make_room();
    void attach(std::uint16_t adjacency, std::uint64_t now_ms);
    void detach(std::uint16_t adjacency, routing::Drop why);
    void update_adjacencies(const Entry& entry);
    void update_adjacency(std::uint16_t adjacency, const std::optional<routing::Mac>& mac);

    [[nodiscard]] std::optional<Key> next_hop(std::uint16_t port,
                                              const routing::IpAddress& ip) const;
    [[nodiscard]] bool is_own(std::uint16_t port, const routing::IpAddress& ip) const;
    [[nodiscard]] bool is_on_link(std::uint16_t port, const routing::IpAddress& ip) const;
    [[nodiscard]] std::optional<routing::IpAddress> source_for(std::uint16_t port,
                                                               const routing::IpAddress& ip) const;
    [[nodiscard]] LinkSide link_of(std::uint16_t port) const;
    void send(std::uint16_t port, FrameBytes bytes);
    void announce(std::uint16_t port, std::uint64_t now_ms);

    NeighboursConfig limits_;
    std::vector<Port> ports_;
    Table table_;
    std::set<std::pair<std::uint64_t, Key>> timers_;
    std::vector<dataplane::Adjacency> adjacencies_;
    std::vector<Slot> slots_;  // parallel to adjacencies_
    std::map<Wanted, std::uint16_t> slot_of_;
    std::deque<std::pair<std::uint64_t, std::uint16_t>> resting_;  // free from, slot
    HoldQueue holds_;
    NeighbourOutput output_;
    NeighbourCounters counters_;
    std::uint64_t ids_ = 0;
};

}  // namespace posthaste::controlplane
