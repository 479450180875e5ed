// SPDX-License-Identifier: BSD-3-Clause
// Members that talk to each other under virtual time, by datagrams and streams of 1 ms or what the
// hooks say. Tests say what is lost, put in bytes of their own, and read what members know.
// Driven by events: a member costs something when it has something to do. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gossip/membership/membership_state.h"
#include "gossip/membership/packet.h"

namespace posthaste::test {

// The least of a Serf layer: leave intents ('L' and a name), told on once; everything else is kept.
class PlainLayer final : public gossip::membership::UserLayer {
  public:
    explicit PlainLayer(gossip::membership::SerfHost& host) : host_(host) {}

    void on_user(std::string_view payload, std::uint64_t now_ms) override;
    [[nodiscard]] std::string user_state() const override;
    void merge_user_state(std::string_view state, bool join, std::uint64_t now_ms) override;
    void on_alive(std::string_view name, std::uint64_t now_ms) override;
    void on_gone(std::string_view name, gossip::membership::NodeState state) override;
    void on_forgotten(std::string_view name) override;
    void on_conflict(std::string_view name, std::uint64_t now_ms) override;
    [[nodiscard]] gossip::membership::MemberStatus status(std::string_view name) const override;
    void announce_join() override;
    void begin_leave(std::uint64_t now_ms) override;
    [[nodiscard]] bool leave_heard() const override;
    [[nodiscard]] tl::expected<void, std::string> force_leave(std::string_view name,
                                                              bool prune,
                                                              std::uint64_t now_ms) override;
    [[nodiscard]] tl::expected<void, std::string> send_event(std::string_view name,
                                                             std::string_view payload) override;
    [[nodiscard]] tl::expected<std::uint32_t, std::string> ask_keys(
        gossip::membership::KeyAction action, std::string_view key, std::uint64_t now_ms) override;
    void on_timer(std::uint64_t now_ms) override;
    [[nodiscard]] std::uint64_t next_due_ms() const override;
    [[nodiscard]] std::string ack_payload() const override;

    std::vector<std::string> heard;
    std::vector<std::string> states;
    std::vector<std::string> conflicts;
    std::vector<std::string> forgotten;
    unsigned joins_announced = 0;

  private:
    gossip::membership::SerfHost& host_;
    std::map<std::string, gossip::membership::MemberStatus, std::less<>> status_;
    gossip::membership::BroadcastNumber intent_ = 0;
};

// A message of a datagram.
template <typename Kind>
struct Sent {
    std::size_t from = 0;
    std::size_t to = 0;
    Kind message{};
};

class MemberWorld {
  public:
    struct Node {
        std::unique_ptr<gossip::membership::MembershipState> state;
        PlainLayer* layer = nullptr;  // none with Serf's
        gossip::membership::SocketAddress address;
        bool up = true;
        std::vector<gossip::membership::MemberEvent> events;

        unsigned life = 0;  // one more with every start
        std::uint64_t wakes_ms = gossip::membership::kNever;
        std::uint64_t stopped_until_ms = 0;  // its timers
        std::uint64_t deaf_until_ms = 0;     // to what arrives, which waits
        bool watched = false;                // a test may change it at any time
    };

    using Number = std::size_t;

    // 127.0.0.1 and a port by number.
    [[nodiscard]] static gossip::membership::SocketAddress address_of(Number number);
    [[nodiscard]] static gossip::membership::MembershipOptions options_of(Number number);
    [[nodiscard]] static std::string name_of(Number number);
    // Ours, as messages have them.
    [[nodiscard]] static std::string versions();

    enum class Layer : std::uint8_t { plain, serf };

    explicit MemberWorld(std::uint64_t seed = 1, Layer layer = Layer::plain)
        : seed_(seed), layer_(layer) {}

    Number add(const gossip::membership::MembershipOptions& options,
               std::vector<std::string> keys = {});
    // So many, each with all before it known after a moment.
    void add_joined(std::size_t count,
                    const gossip::membership::Timing& timing = gossip::membership::lan_timing());

    void crash(Number number) { nodes_[number].up = false; }

    // Its loop stands still until then: what arrives waits, and is read before or after the timers
    // that are late.
    void pause(Number number, std::uint64_t until_ms, bool timers_first);

    // Anew, and with nothing of its life before; what happened in that is forgotten here, too.
    void restart(Number number, const gossip::membership::MembershipOptions& options);
    void join(Number who, Number seed);

    void run(std::uint64_t ms);
    // False: it did not come true within `ms`.
    [[nodiscard]] bool run_until(const std::function<bool()>& done, std::uint64_t ms);

    // As if `from` had sent it; plain and at once.
    void inject(Number to, Number from, const gossip::membership::Message& message);
    void inject_bytes(Number to, Number from, const std::vector<std::uint8_t>& bytes);
    // Calls and writes; what comes back is nobody's.
    void tell(Number to, const std::vector<std::uint8_t>& bytes);
    // The same, and gives what comes back until it is closed.
    [[nodiscard]] std::vector<std::uint8_t> call(Number to, const std::vector<std::uint8_t>& bytes);

    [[nodiscard]] gossip::membership::MembershipState& at(Number number) {
        watch(number);
        return *nodes_[number].state;
    }

    [[nodiscard]] Node& node(Number number) {
        watch(number);
        return nodes_[number];
    }

    [[nodiscard]] const Node& look(Number number) const { return nodes_[number]; }

    [[nodiscard]] std::size_t size() const { return nodes_.size(); }

    [[nodiscard]] std::uint64_t now() const { return now_ms_; }

    // What `who` says of `whom`; empty if it knows no such.
    [[nodiscard]] std::string status(Number who, Number whom) const;
    [[nodiscard]] std::uint32_t incarnation(Number who, Number whom) const;
    [[nodiscard]] std::uint64_t refused(Number who, gossip::membership::Refusal why) const;
    [[nodiscard]] bool all_see_alive(std::size_t count) const;
    [[nodiscard]] std::size_t count_events(Number who,
                                           gossip::membership::MemberEventKind kind) const;

    // Every message of this kind that is sent unsealed from now on; takes the place of on_sent.
    template <typename Kind>
    void listen(std::vector<Sent<Kind>>& heard) {
        on_sent = [&heard](Number from, Number to, const std::vector<std::uint8_t>& bytes) {
            const auto datagram = gossip::membership::decode_datagram(bytes, {});
            for (const gossip::membership::Message& message : datagram.messages) {
                if (const auto* const kind = std::get_if<Kind>(&message)) {
                    heard.push_back({from, to, *kind});
                }
            }
        };
    }

    // False: the datagram, or the stream to open, is lost.
    std::function<bool(Number from, Number to)> passes_datagram;
    std::function<bool(Number from, Number to)> passes_stream;
    // Every datagram that a member sends.
    std::function<void(Number from, Number to, const std::vector<std::uint8_t>&)> on_sent;
    // How long each copy of a datagram takes; none: it is lost.
    std::function<void(Number from, Number to, std::vector<std::uint64_t>& delays_ms)> copies;
    // Of one step of a stream, after those before it; kNever: nothing comes through any more.
    std::function<std::uint64_t(Number from, Number to, bool connect)> stream_delay;
    // Every event; where unset they are kept with the member.
    std::function<void(Number who, const gossip::membership::MemberEvent&)> on_event;

  private:
    struct StreamEnd {
        Number node = 0;
        unsigned life = 0;  // of the member
        gossip::membership::StreamId stream = 0;

        friend auto operator<=>(const StreamEnd&, const StreamEnd&) = default;
    };

    struct Way {
        StreamEnd other;
        std::uint64_t last_ms = 0;  // the latest arrival; kNever: broken
    };

    using Arrival = std::function<void(gossip::membership::MembershipState&)>;

    [[nodiscard]] std::size_t node_at(const gossip::membership::SocketAddress& address) const;
    void step_to(std::uint64_t until_ms);
    void pump(Number number);
    void watch(Number number);
    void schedule(Number number);
    void carry(Number number, gossip::membership::StreamOut out);
    void connect(const StreamEnd& mine, const gossip::membership::SocketAddress& to);
    // To whoever is there then.
    void deliver(Number to, std::uint64_t at_ms, Arrival arrival);
    // To that end, unless it was started anew meanwhile.
    void deliver(const StreamEnd& to, std::uint64_t at_ms, Arrival arrival);

    void start(Number number,
               const gossip::membership::MembershipOptions& options,
               gossip::seal::Keyring keyring,
               std::uint64_t seed);

    std::uint64_t seed_;
    Layer layer_;
    std::uint64_t now_ms_ = 1'000'000;
    std::deque<Node> nodes_;
    std::multimap<std::uint64_t, std::function<void()>> queue_;  // in order at equal times
    std::set<std::pair<std::uint64_t, Number>> wakes_;           // every member once, if ever
    std::vector<Number> watched_;
    std::map<gossip::membership::SocketAddress, std::set<Number>> by_address_;
    std::map<StreamEnd, Way> ways_;
    gossip::membership::StreamId next_accepted_ = gossip::membership::kAcceptedStreams;
    std::vector<std::uint8_t> answered_;  // of call()
};

}  // namespace posthaste::test
