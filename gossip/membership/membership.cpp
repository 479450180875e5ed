// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/membership.h"

#include "gossip/membership/membership_state.h"
#include "gossip/membership/serf_layer.h"

namespace posthaste::gossip::membership {

Membership::Membership(const MembershipOptions& options,
                       seal::Keyring keyring,
                       std::uint64_t random_seed,
                       std::uint64_t now_ms)
    : state_(std::make_unique<MembershipState>(
          options, std::move(keyring), random_seed, now_ms, [](SerfHost& host) {
              return std::make_unique<SerfLayer>(host);
          })) {}

Membership::~Membership() = default;

void Membership::on_datagram(const SocketAddress& from,
                             std::span<const std::uint8_t> bytes,
                             std::uint64_t now_ms) {
    state_->on_datagram(from, bytes, now_ms);
}

void Membership::on_accept(StreamId stream, const SocketAddress& from, std::uint64_t now_ms) {
    state_->on_accept(stream, from, now_ms);
}

void Membership::on_connected(StreamId stream) {
    state_->on_connected(stream);
}

void Membership::on_bytes(StreamId stream,
                          std::span<const std::uint8_t> bytes,
                          std::uint64_t now_ms) {
    state_->on_bytes(stream, bytes, now_ms);
}

void Membership::on_end(StreamId stream) {
    state_->on_end(stream);
}

void Membership::on_timer(std::uint64_t now_ms) {
    state_->on_timer(now_ms);
}

std::uint64_t Membership::next_due_ms() const {
    return state_->next_due_ms();
}

Output Membership::take_output() {
    return state_->take_output();
}

std::vector<MemberEvent> Membership::take_events() {
    return state_->take_events();
}

void Membership::join(std::span<const SocketAddress> seeds, std::uint64_t now_ms) {
    state_->join(seeds, now_ms);
}

void Membership::set_options(const MembershipOptions& next) {
    state_->set_options(next);
}

void Membership::leave(std::uint64_t now_ms) {
    state_->leave(now_ms);
}

bool Membership::leaving() const {
    return state_->leaving();
}

bool Membership::left() const {
    return state_->left();
}

tl::expected<void, std::string> Membership::force_leave(std::string_view name,
                                                        bool prune,
                                                        std::uint64_t now_ms) {
    return state_->layer().force_leave(name, prune, now_ms);
}

tl::expected<void, std::string> Membership::set_tags(const Tags& tags) {
    return state_->set_tags(tags);
}

tl::expected<void, std::string> Membership::send_event(std::string_view name,
                                                       std::string_view payload) {
    return state_->layer().send_event(name, payload);
}

tl::expected<std::uint32_t, std::string> Membership::ask_keys(KeyAction action,
                                                              std::string_view key,
                                                              std::uint64_t now_ms) {
    return state_->layer().ask_keys(action, key, now_ms);
}

std::vector<MemberView> Membership::members() const {
    return state_->members();
}

std::optional<MemberView> Membership::member(std::string_view name) const {
    return state_->member(name);
}

std::size_t Membership::alive_count() const {
    return state_->alive_count();
}

const seal::Keyring& Membership::keyring() const {
    return std::as_const(*state_).keyring();
}

const MembershipCounters& Membership::counters() const {
    return std::as_const(*state_).counters();
}

unsigned Membership::health_score() const {
    return state_->health_score();
}

bool Membership::knows_anybody() const {
    return state_->knows_anybody();
}

}  // namespace posthaste::gossip::membership
