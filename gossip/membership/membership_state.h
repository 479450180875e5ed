// SPDX-License-Identifier: BSD-3-Clause
// MembershipState: what is behind Membership: SWIM's rules, probes, gossip, push/pulls, streams.
//
// One object whose parts are in files of their own: rules, messages, probe, gossip_round,
// push_pull, streams, presence. It is the host of the Serf layer, which it owns. Control thread
// only; bounded by MembershipLimits, kRelaysMax and kEventsMax.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gossip/membership/awareness.h"
#include "gossip/membership/broadcast_queue.h"
#include "gossip/membership/member_table.h"
#include "gossip/membership/nonces.h"
#include "gossip/membership/packet.h"
#include "gossip/membership/sealing.h"
#include "gossip/membership/serf_host.h"
#include "gossip/membership/stream.h"

namespace posthaste::gossip::membership {

inline constexpr std::uint32_t kIncarnationMax = std::numeric_limits<std::uint32_t>::max();

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::size_t kRelaysMax = 1'024;  // pings for others under way
inline constexpr std::size_t kEventsMax = 65'536;
inline constexpr std::uint64_t kLingerMs = 1'000;  // answering still, when all was said
inline constexpr std::uint64_t kReapEveryMs = 15'000;
inline constexpr std::uint64_t kConflictEveryMs = 5'000;  // told of once in that time
inline constexpr std::size_t kSeedsAtOnce = 8;
// Routers of one rack start together: who is not there yet will be in a moment.
inline constexpr std::uint64_t kSeedWaitMs = 250;
// One call to a member that failed lately; what hangs in a partition must not outlast it by much.
inline constexpr std::uint64_t kReconnectMs = 3'000;
inline constexpr std::size_t kUserDatagramMax = 9U << 10;

// What there is of all that can grow.
struct Held {
    std::size_t members = 0;
    std::size_t broadcasts = 0;
    std::size_t streams = 0;
    std::size_t relays = 0;
};

using LayerMaker = std::function<std::unique_ptr<UserLayer>(SerfHost&)>;

class MembershipState final : public SerfHost {
  public:
    MembershipState(const MembershipOptions& options,
                    seal::Keyring keyring,
                    std::uint64_t random_seed,
                    std::uint64_t now_ms,
                    const LayerMaker& make_layer);
    ~MembershipState() override;

    // --- Membership's, see there ---
    void on_datagram(const SocketAddress& from,
                     std::span<const std::uint8_t> bytes,
                     std::uint64_t now_ms);
    void on_accept(StreamId stream, const SocketAddress& from, std::uint64_t now_ms);
    void on_connected(StreamId stream);
    void on_bytes(StreamId stream, std::span<const std::uint8_t> bytes, std::uint64_t now_ms);
    void on_end(StreamId stream);
    void on_timer(std::uint64_t now_ms);
    [[nodiscard]] std::uint64_t next_due_ms() const;
    [[nodiscard]] Output take_output();
    [[nodiscard]] std::vector<MemberEvent> take_events();
    void join(std::span<const SocketAddress> seeds, std::uint64_t now_ms);
    void set_options(const MembershipOptions& next);
    void leave(std::uint64_t now_ms);

    [[nodiscard]] bool leaving() const { return leave_stage_ != LeaveStage::none; }

    [[nodiscard]] bool left() const { return leave_stage_ == LeaveStage::left; }

    [[nodiscard]] tl::expected<void, std::string> set_tags(const Tags& tags);
    [[nodiscard]] std::vector<MemberView> members() const;
    [[nodiscard]] std::optional<MemberView> member(std::string_view name) const;

    [[nodiscard]] unsigned health_score() const { return awareness_.score(); }

    [[nodiscard]] bool knows_anybody() const { return table_.here() > (self().here() ? 1U : 0U); }

    [[nodiscard]] Held held() const;

    [[nodiscard]] UserLayer& layer() { return *layer_; }

    // --- SerfHost's ---
    [[nodiscard]] const MembershipOptions& options() const override { return options_; }

    BroadcastNumber broadcast_user(std::string payload) override;
    [[nodiscard]] bool is_broadcasting(BroadcastNumber number) const override;
    bool send_user(const SocketAddress& to, std::string_view payload) override;
    [[nodiscard]] SwimMember find(std::string_view name) const override;
    [[nodiscard]] bool has_member_at(const SocketAddress& address,
                                     std::string_view name) const override;

    [[nodiscard]] std::size_t known_count() const override { return table_.ring().size(); }

    [[nodiscard]] std::size_t alive_count() const override { return table_.here(); }

    [[nodiscard]] std::vector<SwimMember> random_members(std::size_t count,
                                                         std::string_view except) override;
    void forget(std::string_view name) override;

    [[nodiscard]] seal::Keyring& keyring() override { return keyring_; }

    [[nodiscard]] const seal::Keyring& keyring() const { return keyring_; }

    [[nodiscard]] std::uint64_t draw() override;
    void emit(MemberEvent event) override;
    void emit_member(MemberEventKind kind, std::string_view name) override;

    void refuse(Refusal why) override { ++counters_.refused[static_cast<std::size_t>(why)]; }

    [[nodiscard]] MembershipCounters& counters() override { return counters_; }

    [[nodiscard]] const MembershipCounters& counters() const { return counters_; }

  private:
    enum class LeaveStage : std::uint8_t { none, intent, dead, linger, left };
    enum class ProbeStage : std::uint8_t { direct, indirect };
    enum class Purpose : std::uint8_t { accepted, join, reconnect, exchange, ping };

    // Our own question to one member whether it is alive.
    struct Probe {
        ProbeStage stage = ProbeStage::direct;
        std::uint32_t sequence = 0;
        MemberSlot target = kNoMember;
        std::string name;
        std::uint64_t sent_ms = 0;
        std::uint64_t due_ms = 0;       // of the stage
        std::uint64_t deadline_ms = 0;  // of it all
        unsigned nacks_expected = 0;
        unsigned nacks = 0;
    };

    // A ping for somebody else.
    struct Relaying {
        std::uint32_t sequence = 0;  // ours
        std::uint32_t asked = 0;     // theirs
        SocketAddress to;
        bool nack = false;
        bool answered = false;
        std::uint64_t nack_ms = 0;
        std::uint64_t due_ms = 0;
    };

    struct Stream {
        Purpose purpose = Purpose::accepted;
        SocketAddress peer;
        std::uint64_t due_ms = 0;
        StreamReader reader;
        std::uint32_t sequence = 0;  // of a ping, as the name
        std::string name{};
        std::size_t held = 0;  // of an accepted one, as it was counted
    };

    using Streams = std::unordered_map<StreamId, Stream>;

    // membership_state.cpp
    [[nodiscard]] bool chance(double part);
    [[nodiscard]] MemberView view_of(const Member& member) const;
    [[nodiscard]] SwimMember swim_member(const Member& member) const;

    [[nodiscard]] bool is_self(std::string_view name) const { return name == options_.name; }

    [[nodiscard]] Member& self() { return table_.at(self_slot_); }

    [[nodiscard]] const Member& self() const { return table_.at(self_slot_); }

    // rules.cpp
    // False: its versions do not fit, so whoever says so is of another kind.
    bool alive(const Alive& message, std::uint64_t now_ms);
    void suspect(const Suspect& message, std::uint64_t now_ms);
    void dead(const Dead& message, std::uint64_t now_ms);
    [[nodiscard]] MemberSlot meet(const Alive& message, const SocketAddress& at);
    [[nodiscard]] bool make_room();
    void conflict(const Alive& message, MemberSlot slot, std::uint64_t now_ms);
    void alive_self(const Alive& message);
    void accept(const Alive& message,
                MemberSlot slot,
                const SocketAddress& at,
                std::uint64_t now_ms);
    void refute(std::uint32_t accused);
    void raise_incarnation(std::uint32_t above);
    void say_alive();
    [[nodiscard]] Alive own_life() const;
    void set_suspicion(MemberSlot slot, std::optional<Suspicion> suspicion);
    void end_suspicions(std::uint64_t now_ms);
    void relay(std::string_view subject, const Message& message);

    // messages.cpp
    void take(const Message& message, const SocketAddress& from, std::uint64_t now_ms);
    void answer_accuser(std::string_view accused, const SocketAddress& from);
    void take_ping(const Ping& ping, const SocketAddress& from);
    void take_indirect(const IndirectPing& ping, const SocketAddress& from, std::uint64_t now_ms);
    void take_ack(const Ack& ack, std::uint64_t now_ms);
    void take_nack(const Nack& nack);
    void end_relays(std::uint64_t now_ms);
    void send(const SocketAddress& to, const Message& message);
    void send_packet(const SocketAddress& to, PacketRoom room);
    [[nodiscard]] PacketRoom packet_room() const;
    void put(PacketRoom& room, std::vector<std::uint8_t> message) const;
    void fill_with_broadcasts(PacketRoom& room);
    [[nodiscard]] unsigned transmit_limit() const;

    void count_sent(MessageType type) { ++counters_.sent[static_cast<std::size_t>(type)]; }

    // probe.cpp
    void on_probe_timer(std::uint64_t now_ms);
    void begin_probe(std::uint64_t now_ms);
    [[nodiscard]] Probe* probe_of(std::uint32_t sequence);
    [[nodiscard]] bool is_probed(MemberSlot slot) const;
    // False: it is over.
    [[nodiscard]] bool go_on(Probe& probe, std::uint64_t now_ms);
    [[nodiscard]] MemberSlot next_to_probe(std::uint64_t now_ms);
    void wrap_ring(std::uint64_t now_ms);
    void ask_others(Probe& probe, std::uint64_t now_ms);
    void probe_answered(Probe& probe, std::uint64_t now_ms, bool direct);
    void probe_failed(const Probe& probe, std::uint64_t now_ms);
    void ask_suspects(std::uint64_t now_ms);
    // Those whose time ends before that and whom nobody here has asked for so long; takes from
    // `left`.
    void ask_suspects_due(std::uint64_t before_ms,
                          std::uint64_t wait_ms,
                          std::size_t& left,
                          std::uint64_t now_ms);
    void ask_alive(PacketRoom& room, std::uint32_t sequence, MemberSlot slot, std::uint64_t now_ms);
    [[nodiscard]] Ping ping_of(std::uint32_t sequence, std::string_view name) const;

    // gossip_round.cpp
    void gossip(std::uint64_t now_ms);
    template <typename Fits>
    [[nodiscard]] std::vector<MemberSlot> random_slots(std::size_t count, Fits fits);

    // push_pull.cpp
    void on_push_pull_timer(std::uint64_t now_ms);
    [[nodiscard]] std::uint64_t push_pull_period() const;
    [[nodiscard]] PushPull state_to_push(bool join) const;
    void merge(const PushPull& remote, std::uint64_t now_ms);

    // streams.cpp
    bool open_stream(Purpose purpose,
                     const SocketAddress& to,
                     std::uint64_t due_ms,
                     std::uint32_t sequence = 0,  // of a ping, as the name
                     std::string_view name = {});
    void write_stream(StreamId id, const StreamMessage& message, StreamPart part);
    void close_stream(StreamId id);
    void forget_stream(Streams::iterator stream);
    [[nodiscard]] bool accepts_from(const SocketAddress& from) const;
    void count_held(Stream& stream, std::size_t bytes);
    // False: it was this one that gave way.
    [[nodiscard]] bool make_room_for(StreamId stream, std::size_t bytes);
    void refuse_stream(StreamId id, Refusal why);
    void take_accepted(StreamId id, const StreamMessage& message, std::uint64_t now_ms);
    void take_reply(StreamId id, const StreamMessage& message, std::uint64_t now_ms);
    void end_streams(std::uint64_t now_ms);
    [[nodiscard]] StreamLimits stream_limits() const;

    void count_received(MessageType type) { ++counters_.received[static_cast<std::size_t>(type)]; }

    // presence.cpp
    [[nodiscard]] bool is_calling(Purpose purpose, const SocketAddress& peer) const;
    void try_seeds(std::span<const SocketAddress> seeds, std::uint64_t now_ms);
    void on_seed_timer(std::uint64_t now_ms);
    void reconnect(std::uint64_t now_ms);
    [[nodiscard]] std::vector<SocketAddress> missing_seeds() const;
    [[nodiscard]] bool is_our_turn(std::size_t missing);
    void reap(std::uint64_t now_ms);
    void forget_slot(MemberSlot slot);
    void on_leave_timer(std::uint64_t now_ms);

    MembershipOptions options_;
    seal::Keyring keyring_;
    Sealing sealing_;
    std::uint64_t random_state_;
    Nonces nonces_;
    MembershipCounters counters_;
    MemberTable table_;
    MemberSlot self_slot_ = kNoMember;
    Awareness awareness_;
    BroadcastQueue swim_queue_;
    BroadcastQueue user_queue_;
    std::uint32_t packets_shared_ = 0;                           // by both queues
    std::set<std::pair<std::uint64_t, MemberSlot>> suspicions_;  // by when they end
    std::unique_ptr<UserLayer> layer_;

    std::vector<Probe> probes_;  // as many as Timing says, no two of one member
    std::size_t ring_next_ = 0;
    std::uint32_t sequence_ = 0;
    std::deque<Relaying> relays_;    // in the order of both times
    std::size_t relays_nacked_ = 0;  // of the first ones the time for a nack has come
    Streams streams_;
    std::size_t accepted_bytes_ = 0;  // what accepted ones hold
    StreamId next_stream_ = 1;

    std::uint64_t gossip_due_ms_ = 0;
    std::uint64_t probe_due_ms_ = 0;
    std::uint64_t push_pull_due_ms_ = 0;
    std::uint64_t seed_due_ms_ = 0;
    std::uint64_t seed_wait_ms_ = kSeedWaitMs;
    std::uint64_t reconnect_due_ms_ = 0;       // to members that failed lately
    std::uint64_t reconnect_late_due_ms_ = 0;  // to the others, and to seeds
    std::uint64_t reap_due_ms_ = 0;
    LeaveStage leave_stage_ = LeaveStage::none;
    std::uint64_t leave_due_ms_ = kNever;  // of the stage, at the latest
    Output output_;
    std::vector<MemberEvent> events_;
};

// By rejection: a handful of draws where most fit, and never many more than there are members.
template <typename Fits>
std::vector<MemberSlot> MembershipState::random_slots(std::size_t count, Fits fits) {
    constexpr std::size_t kTriesPerMember = 3;
    std::vector<MemberSlot> picked;
    const auto& ring = table_.ring();
    for (std::size_t i = 0; i < ring.size() * kTriesPerMember && picked.size() < count; ++i) {
        const MemberSlot slot = ring[draw() % ring.size()];
        if (slot != self_slot_ && fits(table_.at(slot)) &&
            std::find(picked.begin(), picked.end(), slot) == picked.end()) {
            picked.push_back(slot);
        }
    }
    return picked;
}

}  // namespace posthaste::gossip::membership
