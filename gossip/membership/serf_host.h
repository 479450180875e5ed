// SPDX-License-Identifier: BSD-3-Clause
// The line between SWIM and the Serf layer above it: what each asks of the other.
//
// MembershipState is the SerfHost and owns the SerfLayer, which is its UserLayer. SWIM knows which
// members answer; the layer knows what they said they would do (intents), and so has the last word
// on a member's status. Neither calls the other back from within a const call. `now_ms` is the
// driver's. Control thread only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gossip/membership/broadcast_queue.h"
#include "gossip/membership/message.h"
#include "gossip/membership/options.h"
#include "gossip/membership/view.h"
#include "gossip/seal/keyring.h"

namespace posthaste::gossip::membership {

// A member as SWIM sees it. Views into the table: good until the next call that is not const.
struct SwimMember {
    std::string_view name;
    std::string_view address;  // as it came, 4 or 16 bytes
    std::uint16_t port = 0;
    std::string_view meta;
    std::string_view versions;
    NodeState state = NodeState::alive;
    bool found = false;
};

// What the Serf layer asks of SWIM.
class SerfHost {
  public:
    SerfHost() = default;
    SerfHost(const SerfHost&) = delete;
    SerfHost& operator=(const SerfHost&) = delete;
    virtual ~SerfHost() = default;

    // Options as given, but for the tags, which set_tags() changes.
    [[nodiscard]] virtual const MembershipOptions& options() const = 0;

    // --- sending; `payload` starts with a SerfType ---
    // To everybody, through gossip. 0: it does not fit a datagram (counted as oversize). A full
    // queue makes room by what was told most often. Entries do not replace each other; memberlist's
    // own are in a queue beside it.
    virtual BroadcastNumber broadcast_user(std::string payload) = 0;
    // Not yet told as often as it will be.
    [[nodiscard]] virtual bool is_broadcasting(BroadcastNumber number) const = 0;
    // One datagram, sealed and labelled. False: too large for one (counted as oversize).
    virtual bool send_user(const SocketAddress& to, std::string_view payload) = 0;

    // --- members, we among them ---
    // Dead and left ones, too, until they are forgotten; `found` says whether there is one.
    [[nodiscard]] virtual SwimMember find(std::string_view name) const = 0;
    // Of whatever state; `name` is looked at first.
    [[nodiscard]] virtual bool has_member_at(const SocketAddress& address,
                                             std::string_view name) const = 0;
    // n of SWIM's formulas: all but those dead for long. At least 1.
    [[nodiscard]] virtual std::size_t known_count() const = 0;
    // Alive and suspect, we among them.
    [[nodiscard]] virtual std::size_t alive_count() const = 0;
    // At most `count` different ones that are alive, without us and `except`.
    [[nodiscard]] virtual std::vector<SwimMember> random_members(std::size_t count,
                                                                 std::string_view except) = 0;
    // A member that failed or left is forgotten now (prune); on_forgotten() follows. Nothing
    // happens to one that is alive or unknown.
    virtual void forget(std::string_view name) = 0;

    // --- keys, randomness, what happened ---
    // Whoever changes it emits keys_changed.
    [[nodiscard]] virtual seal::Keyring& keyring() = 0;
    [[nodiscard]] virtual std::uint64_t draw() = 0;
    // The layer fills the fields of events of its own (user_event, keys_*, name_conflict,
    // lost_name).
    virtual void emit(MemberEvent event) = 0;
    // An event about a member, with its view as it is now: left (after a force-leave).
    virtual void emit_member(MemberEventKind kind, std::string_view name) = 0;
    virtual void refuse(Refusal why) = 0;
    [[nodiscard]] virtual MembershipCounters& counters() = 0;
};

// What SWIM asks of the layer above.
class UserLayer {
  public:
    UserLayer() = default;
    UserLayer(const UserLayer&) = delete;
    UserLayer& operator=(const UserLayer&) = delete;
    virtual ~UserLayer() = default;

    // --- what came ---
    // A user message by datagram or stream; never trusted.
    virtual void on_user(std::string_view payload, std::uint64_t now_ms) = 0;
    [[nodiscard]] virtual std::string user_state() const = 0;
    // Not empty.
    virtual void merge_user_state(std::string_view state, bool join, std::uint64_t now_ms) = 0;

    // --- members; the host's table already says so ---
    // New, or back from dead or left. Us too, once, at the start.
    virtual void on_alive(std::string_view name, std::uint64_t now_ms) = 0;
    // Dead or left as SWIM has it. The host emits failed or left after it, as status() says then.
    virtual void on_gone(std::string_view name, NodeState state) = 0;
    // Reaped or pruned: gone from the table.
    virtual void on_forgotten(std::string_view name) = 0;
    // Somebody at another address says that it has this name, which may be ours. The host has
    // counted it, and emits name_conflict itself; the layer settles whose name it is, if ours.
    virtual void on_conflict(std::string_view name, std::uint64_t now_ms) = 0;
    // Of a member that the table has; we are leaving or left from begin_leave() on.
    [[nodiscard]] virtual MemberStatus status(std::string_view name) const = 0;

    // --- joining and leaving ---
    // After every join and rejoin: a join intent of ours.
    virtual void announce_join() = 0;
    // Our own state is leaving before the intent is queued.
    virtual void begin_leave(std::uint64_t now_ms) = 0;
    // The intent was told as often as it will be.
    [[nodiscard]] virtual bool leave_heard() const = 0;
    [[nodiscard]] virtual tl::expected<void, std::string> force_leave(std::string_view name,
                                                                      bool prune,
                                                                      std::uint64_t now_ms) = 0;

    // --- the operator ---
    [[nodiscard]] virtual tl::expected<void, std::string> send_event(std::string_view name,
                                                                     std::string_view payload) = 0;
    [[nodiscard]] virtual tl::expected<std::uint32_t, std::string> ask_keys(
        KeyAction action, std::string_view key, std::uint64_t now_ms) = 0;

    // --- time ---
    virtual void on_timer(std::uint64_t now_ms) = 0;
    // UINT64_MAX: nothing is due.
    [[nodiscard]] virtual std::uint64_t next_due_ms() const = 0;

    // --- probes ---
    // What our acks carry: a coordinate.
    [[nodiscard]] virtual std::string ack_payload() const = 0;
};

}  // namespace posthaste::gossip::membership
