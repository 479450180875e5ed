// SPDX-License-Identifier: BSD-3-Clause
// Membership: which routers (and Serf agents) there are and which are alive: SWIM with Lifeguard's
// timeouts, wire-compatible with memberlist protocol 5 and Serf.
//
// Sources: SWIM (DSN 2002), Lifeguard (arXiv 1707.00788), the memberlist and Serf wire formats.
// A pure state machine: datagrams, streams, time and a random seed come in; datagrams, streams to
// open, bytes and events are there to be taken. Whoever drives it sends what take_output() gives
// and calls on_timer() when next_due_ms() has come. Bounded by MembershipLimits. Control thread
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gossip/membership/options.h"
#include "gossip/membership/view.h"
#include "gossip/seal/keyring.h"

namespace posthaste::gossip::membership {

class MembershipState;

class Membership {
  public:
    // `keyring` empty: nothing is sealed, and sealed things are refused.
    Membership(const MembershipOptions& options,
               seal::Keyring keyring,
               std::uint64_t random_seed,
               std::uint64_t now_ms);
    ~Membership();
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

    // --- the transport ---
    void on_datagram(const SocketAddress& from,
                     std::span<const std::uint8_t> bytes,
                     std::uint64_t now_ms);
    // Somebody connected; the number is the transport's, kAcceptedStreams and up.
    void on_accept(StreamId stream, const SocketAddress& from, std::uint64_t now_ms);
    // A stream of take_output() is open, or could not be had.
    void on_connected(StreamId stream);
    void on_bytes(StreamId stream, std::span<const std::uint8_t> bytes, std::uint64_t now_ms);
    // The other side has ended it, or it broke, or was not to be had.
    void on_end(StreamId stream);
    void on_timer(std::uint64_t now_ms);
    [[nodiscard]] std::uint64_t next_due_ms() const;
    // Datagrams to send, streams to open, write and close; in order.
    [[nodiscard]] Output take_output();

    // --- what happened ---
    [[nodiscard]] std::vector<MemberEvent> take_events();

    // --- the router and its operator ---
    // Tries them at once. Those of the options it tries for ever: while nobody else is there, and
    // now and then where nobody is that it knows of.
    void join(std::span<const SocketAddress> seeds, std::uint64_t now_ms);
    // What can change while it runs: of these the seeds count, tried at once while nobody else is
    // there, and reap_ms.
    void set_options(const MembershipOptions& next);
    // Tells all; left() once they had time to hear it. No way back.
    void leave(std::uint64_t now_ms);
    [[nodiscard]] bool leaving() const;
    [[nodiscard]] bool left() const;
    // Takes a failed member for one that left. The error is one sentence.
    [[nodiscard]] tl::expected<void, std::string> force_leave(std::string_view name,
                                                              bool prune,
                                                              std::uint64_t now_ms);
    [[nodiscard]] tl::expected<void, std::string> set_tags(const Tags& tags);
    [[nodiscard]] tl::expected<void, std::string> send_event(std::string_view name,
                                                             std::string_view payload);
    // Asks every member about or to change its keyring (our own is done at once); the answers come
    // as one MemberEvent of kind keys_answered with this number. `key`: base64, as Serf writes it.
    [[nodiscard]] tl::expected<std::uint32_t, std::string> ask_keys(KeyAction action,
                                                                    std::string_view key,
                                                                    std::uint64_t now_ms);

    [[nodiscard]] std::vector<MemberView> members() const;
    [[nodiscard]] std::optional<MemberView> member(std::string_view name) const;
    [[nodiscard]] std::size_t alive_count() const;
    [[nodiscard]] const seal::Keyring& keyring() const;
    [[nodiscard]] const MembershipCounters& counters() const;
    // 0: all is well .. 7: this router is slow itself (Lifeguard's local health).
    [[nodiscard]] unsigned health_score() const;
    [[nodiscard]] bool knows_anybody() const;

  private:
    std::unique_ptr<MembershipState> state_;
};

}  // namespace posthaste::gossip::membership
