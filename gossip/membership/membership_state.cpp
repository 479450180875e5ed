// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/membership_state.h"

#include <algorithm>

#include "gossip/membership/address.h"
#include "gossip/membership/serf_codec.h"
#include "routing/mix.h"

namespace posthaste::gossip::membership {

MembershipState::MembershipState(const MembershipOptions& options,
                                 seal::Keyring keyring,
                                 std::uint64_t random_seed,
                                 std::uint64_t now_ms,
                                 const LayerMaker& make_layer)
    : options_(options),
      keyring_(std::move(keyring)),
      sealing_{.keyring = &keyring_,
               .label = options.label,
               .refuse_plaintext = options.refuse_plaintext,
               .decompressed_max = options.limits.decompressed_max},
      random_state_(random_seed),
      nonces_(random_seed),
      table_(options.limits.members_max),
      awareness_(options.lifeguard.awareness),
      swim_queue_(options.limits.broadcasts_max),
      user_queue_(options.limits.broadcasts_max) {
    const Timing& timing = options_.timing;
    sequence_ = static_cast<std::uint32_t>(draw());
    gossip_due_ms_ = now_ms + draw() % timing.gossip_interval_ms;
    probe_due_ms_ = now_ms + draw() % timing.probe_interval_ms;
    push_pull_due_ms_ = now_ms + draw() % timing.push_pull_interval_ms;
    seed_due_ms_ = now_ms;
    reconnect_due_ms_ = now_ms + options_.reconnect_soon_ms;
    reconnect_late_due_ms_ = now_ms + options_.reconnect_ms;
    reap_due_ms_ = now_ms + kReapEveryMs;
    self_slot_ = table_.insert(options_.name);
    Member& me = self();
    me.address = address_bytes_of(options_.address);
    me.port = options_.address.port;
    me.at = options_.address;
    me.meta = meta_of_tags(options_.tags).value_or(std::string());  // checked by set_tags() only
    me.incarnation = 1;
    table_.set_versions(self_slot_, std::string(kOurVersions.begin(), kOurVersions.end()));
    table_.set_state(self_slot_, NodeState::alive, now_ms);
    table_.enter_ring(self_slot_, 0);
    layer_ = make_layer(*this);
    layer_->on_alive(options_.name, now_ms);
    say_alive();
}

MembershipState::~MembershipState() = default;

std::uint64_t MembershipState::draw() {
    random_state_ += routing::kMixStep;
    return routing::mix(random_state_);
}

bool MembershipState::chance(double part) {
    constexpr double kScale = 0x1p-53;
    return static_cast<double>(draw() >> 11) * kScale < part;
}

void MembershipState::on_timer(std::uint64_t now_ms) {
    end_suspicions(now_ms);
    on_probe_timer(now_ms);
    end_relays(now_ms);
    end_streams(now_ms);
    layer_->on_timer(now_ms);
    if (gossip_due_ms_ <= now_ms) {
        ask_suspects(now_ms);
        gossip(now_ms);
        gossip_due_ms_ = now_ms + options_.timing.gossip_interval_ms;
    }
    on_push_pull_timer(now_ms);
    on_seed_timer(now_ms);
    if (reconnect_due_ms_ <= now_ms) {
        reconnect_due_ms_ = now_ms + options_.reconnect_soon_ms;
        reconnect(now_ms);
    }
    if (reap_due_ms_ <= now_ms) {
        reap_due_ms_ = now_ms + kReapEveryMs;
        reap(now_ms);
    }
    on_leave_timer(now_ms);
}

std::uint64_t MembershipState::next_due_ms() const {
    std::uint64_t due = std::min({gossip_due_ms_,
                                  push_pull_due_ms_,
                                  reconnect_due_ms_,
                                  reap_due_ms_,
                                  layer_->next_due_ms(),
                                  leave_due_ms_});
    if (probes_.size() < options_.timing.probes_at_once) {
        due = std::min(due, probe_due_ms_);
    }
    for (const Probe& probe : probes_) {
        due = std::min(due, probe.due_ms);
    }
    if (!suspicions_.empty()) {
        due = std::min(due, suspicions_.begin()->first);
    }
    if (!relays_.empty()) {
        due = std::min(due, relays_.front().due_ms);
    }
    if (relays_nacked_ < relays_.size()) {
        due = std::min(due, relays_[relays_nacked_].nack_ms);
    }
    if (!knows_anybody() && !options_.seeds.empty() && !leaving()) {
        due = std::min(due, seed_due_ms_);
    }
    for (const auto& [id, stream] : streams_) {
        due = std::min(due, stream.due_ms);
    }
    return due;
}

Output MembershipState::take_output() {
    return std::exchange(output_, {});
}

std::vector<MemberEvent> MembershipState::take_events() {
    return std::exchange(events_, {});
}

Held MembershipState::held() const {
    return {.members = table_.size(),
            .broadcasts = swim_queue_.size() + user_queue_.size(),
            .streams = streams_.size(),
            .relays = relays_.size()};
}

void MembershipState::emit(MemberEvent event) {
    if (events_.size() >= kEventsMax) {
        refuse(Refusal::queue_full);
        return;
    }
    events_.push_back(std::move(event));
}

void MembershipState::emit_member(MemberEventKind kind, std::string_view name) {
    const MemberSlot slot = table_.find(name);
    if (slot != kNoMember) {
        emit({.kind = kind, .member = view_of(table_.at(slot))});
    }
}

MemberView MembershipState::view_of(const Member& member) const {
    MemberView view{.name = member.name,
                    .address = member.at,
                    .tags = tags_of_meta(member.meta).value_or(Tags{}),
                    .status = layer_->status(member.name),
                    .suspect = member.state == NodeState::suspect,
                    .self = is_self(member.name),
                    .incarnation = member.incarnation,
                    .since_ms = member.since_ms,
                    .round_trip_us = member.round_trip_us};
    if (member.versions.size() == view.versions.size()) {
        std::copy(member.versions.begin(), member.versions.end(), view.versions.begin());
    }
    return view;
}

std::vector<MemberView> MembershipState::members() const {
    std::vector<MemberView> views;
    for (const Member& member : table_.all()) {
        if (member.used) {
            views.push_back(view_of(member));
        }
    }
    std::ranges::sort(views, {}, &MemberView::name);
    return views;
}

std::optional<MemberView> MembershipState::member(std::string_view name) const {
    const MemberSlot slot = table_.find(name);
    if (slot == kNoMember) {
        return std::nullopt;
    }
    return view_of(table_.at(slot));
}

SwimMember MembershipState::swim_member(const Member& member) const {
    return {.name = member.name,
            .address = member.address,
            .port = member.port,
            .meta = member.meta,
            .versions = member.versions,
            .state = member.state,
            .found = true};
}

SwimMember MembershipState::find(std::string_view name) const {
    const MemberSlot slot = table_.find(name);
    return slot == kNoMember ? SwimMember{} : swim_member(table_.at(slot));
}

bool MembershipState::has_member_at(const SocketAddress& address, std::string_view name) const {
    const MemberSlot slot = table_.find(name);
    return (slot != kNoMember && table_.at(slot).at == address) ||
           std::ranges::any_of(table_.all(), [&](const Member& member) {
               return member.used && member.at == address;
           });
}

std::vector<SwimMember> MembershipState::random_members(std::size_t count,
                                                        std::string_view except) {
    std::vector<SwimMember> members;
    for (const MemberSlot slot : random_slots(count, [&](const Member& member) {
             return member.state == NodeState::alive && member.name != except;
         })) {
        members.push_back(swim_member(table_.at(slot)));
    }
    return members;
}

tl::expected<void, std::string> MembershipState::set_tags(const Tags& tags) {
    auto meta = meta_of_tags(tags);
    if (!meta) {
        return tl::unexpected("tags take at most " + std::to_string(kMetaBytesMax) + " bytes");
    }
    if (leaving()) {
        return tl::unexpected(std::string("this router is leaving the cluster"));
    }
    Member& me = self();
    if (me.meta != *meta && me.incarnation == kIncarnationMax) {
        return tl::unexpected(std::string("there is no later incarnation that could say so"));
    }
    options_.tags = tags;
    if (me.meta != *meta) {
        me.meta = std::move(*meta);
        raise_incarnation(me.incarnation);
        say_alive();
    }
    return {};
}

BroadcastNumber MembershipState::broadcast_user(std::string payload) {
    std::vector<std::uint8_t> message = encode(User{std::move(payload)});
    const PacketRoom room = packet_room();
    if (message.size() + room.per_part > room.bytes) {
        refuse(Refusal::oversize);
        return 0;
    }
    const BroadcastNumber number = user_queue_.add({}, std::move(message));
    counters_.broadcasts_dropped = swim_queue_.dropped() + user_queue_.dropped();
    return number;
}

bool MembershipState::is_broadcasting(BroadcastNumber number) const {
    return number != 0 && user_queue_.contains(number);
}

bool MembershipState::send_user(const SocketAddress& to, std::string_view payload) {
    if (payload.size() > kUserDatagramMax) {
        refuse(Refusal::oversize);
        return false;
    }
    const std::vector<std::uint8_t> message = encode(User{std::string(payload)});
    std::vector<std::uint8_t> bytes = wrap_datagram(message, sealing_, nonces_.next());
    count_sent(MessageType::user);
    ++counters_.datagrams_sent;
    counters_.bytes_sent += bytes.size();
    output_.datagrams.push_back({.to = to, .bytes = std::move(bytes)});
    return true;
}

}  // namespace posthaste::gossip::membership
