// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/member_world.h"

#include <algorithm>

#include "gossip/membership/packet.h"
#include "gossip/membership/serf_layer.h"

namespace posthaste::test {

using namespace gossip::membership;

namespace {

constexpr std::size_t kNobody = ~std::size_t{0};
constexpr std::size_t kTester = kNobody - 1;
constexpr StreamId kTesterStream = 1;
constexpr std::uint16_t kFirstPort = 10'000;

}  // namespace

void PlainLayer::on_user(std::string_view payload,
                         const SocketAddress& /*from*/,
                         std::uint64_t /*now_ms*/) {
    const bool known = std::ranges::find(heard, payload) != heard.end();
    heard.emplace_back(payload);
    if (known || payload.empty() || payload[0] != 'L') {
        return;
    }
    status_[std::string(payload.substr(1))] = MemberStatus::leaving;
    host_.broadcast_user(std::string(payload));
}

std::string PlainLayer::user_state(bool /*join*/) const {
    return "state of " + host_.options().name;
}

void PlainLayer::merge_user_state(std::string_view state, bool /*join*/, std::uint64_t /*now_ms*/) {
    states.emplace_back(state);
}

void PlainLayer::on_alive(std::string_view name, std::uint64_t /*now_ms*/) {
    status_[std::string(name)] = MemberStatus::alive;
}

void PlainLayer::on_gone(std::string_view name, NodeState /*state*/, std::uint64_t /*now_ms*/) {
    MemberStatus& status = status_[std::string(name)];
    status = status == MemberStatus::leaving ? MemberStatus::left : MemberStatus::failed;
}

void PlainLayer::on_forgotten(std::string_view name) {
    status_.erase(std::string(name));
    forgotten.emplace_back(name);
}

void PlainLayer::on_conflict(std::string_view name,
                             std::string_view /*address*/,
                             std::uint16_t /*port*/,
                             std::uint64_t /*now_ms*/) {
    conflicts.emplace_back(name);
}

MemberStatus PlainLayer::status(std::string_view name) const {
    const auto found = status_.find(name);
    return found == status_.end() ? MemberStatus::alive : found->second;
}

void PlainLayer::announce_join(std::uint64_t /*now_ms*/) {
    ++joins_announced;
}

void PlainLayer::begin_leave(std::uint64_t /*now_ms*/) {
    status_[host_.options().name] = MemberStatus::leaving;
    intent_ = host_.broadcast_user("L" + host_.options().name);
}

bool PlainLayer::leave_heard() const {
    return !host_.is_broadcasting(intent_);
}

tl::expected<void, std::string> PlainLayer::force_leave(std::string_view name,
                                                        bool prune,
                                                        std::uint64_t now_ms) {
    status_[std::string(name)] = MemberStatus::left;
    if (prune) {
        host_.forget(name, now_ms);
    }
    return {};
}

tl::expected<void, std::string> PlainLayer::send_event(std::string_view name,
                                                       std::string_view payload,
                                                       std::uint64_t /*now_ms*/) {
    host_.broadcast_user("E" + std::string(name) + std::string(payload));
    return {};
}

tl::expected<std::uint32_t, std::string> PlainLayer::ask_keys(KeyAction /*action*/,
                                                              std::string_view /*key*/,
                                                              std::uint64_t /*now_ms*/) {
    return tl::unexpected(std::string("no keys here"));
}

void PlainLayer::on_timer(std::uint64_t /*now_ms*/) {}

std::uint64_t PlainLayer::next_due_ms() const {
    return kNever;
}

std::string PlainLayer::ack_payload() const {
    return "pong";
}

SocketAddress MemberWorld::address_of(Number number) {
    SocketAddress address{.port = static_cast<std::uint16_t>(kFirstPort + number)};
    address.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    return address;
}

std::string MemberWorld::name_of(Number number) {
    return "router-" + std::to_string(number);
}

MembershipOptions MemberWorld::options_of(Number number) {
    return {.name = name_of(number), .address = address_of(number)};
}

void MemberWorld::start(Node& node,
                        const MembershipOptions& options,
                        gossip::seal::Keyring keyring,
                        std::uint64_t seed) {
    node.address = options.address;
    node.up = true;
    node.state =
        std::make_unique<MembershipState>(options,
                                          std::move(keyring),
                                          seed,
                                          now_ms_,
                                          [&](SerfHost& host) -> std::unique_ptr<UserLayer> {
                                              if (layer_ == Layer::serf) {
                                                  return std::make_unique<SerfLayer>(host);
                                              }
                                              auto layer = std::make_unique<PlainLayer>(host);
                                              node.layer = layer.get();
                                              return layer;
                                          });
}

MemberWorld::Number MemberWorld::add(const MembershipOptions& options,
                                     std::vector<std::string> keys) {
    gossip::seal::Keyring keyring;
    for (const std::string& key : keys) {
        static_cast<void>(keyring.install(key));
    }
    Node& node = nodes_.emplace_back();
    start(node, options, std::move(keyring), seed_ * 1'000'003 + nodes_.size());
    pump(nodes_.size() - 1);
    return nodes_.size() - 1;
}

void MemberWorld::add_joined(std::size_t count, const Timing& timing) {
    for (std::size_t i = 0; i < count; ++i) {
        MembershipOptions options = options_of(nodes_.size());
        options.timing = timing;
        const Number number = add(options);
        if (number > 0) {
            join(number, 0);
            run(10);
        }
    }
    constexpr std::uint64_t kSettleMs = 5'000;
    run(kSettleMs);
}

void MemberWorld::restart(Number number, const MembershipOptions& options) {
    Node& node = nodes_[number];
    node.events.clear();
    start(node, options, gossip::seal::Keyring(), seed_ * 7'000'003 + now_ms_);
    pump(number);
}

void MemberWorld::join(Number who, Number seed) {
    const SocketAddress address = nodes_[seed].address;
    at(who).join(std::span(&address, 1), now_ms_);
    pump(who);
}

std::size_t MemberWorld::node_at(const SocketAddress& address) const {
    for (Number i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].up && nodes_[i].address == address) {
            return i;
        }
    }
    return kNobody;
}

void MemberWorld::later(std::function<void()> what) {
    queue_.emplace(now_ms_ + 1, std::move(what));
}

void MemberWorld::pump(Number number) {
    Node& node = nodes_[number];
    Output output = node.state->take_output();
    for (MemberEvent& event : node.state->take_events()) {
        node.events.push_back(std::move(event));
    }
    for (DatagramOut& datagram : output.datagrams) {
        const Number to = node_at(datagram.to);
        if (on_sent) {
            on_sent(number, to, datagram.bytes);
        }
        if (to == kNobody || (passes_datagram && !passes_datagram(number, to))) {
            continue;
        }
        later([this, number, to, bytes = std::move(datagram.bytes)] {
            if (nodes_[to].up) {
                at(to).on_datagram(nodes_[number].address, bytes, now_ms_);
                pump(to);
            }
        });
    }
    for (StreamOut& out : output.streams) {
        carry(number, std::move(out));
    }
}

void MemberWorld::carry(Number number, StreamOut out) {
    const StreamEnd mine{number, out.stream};
    if (out.kind == StreamOut::Kind::connect) {
        const Number to = node_at(out.to);
        if (to == kNobody) {
            later([this, mine] {
                at(mine.node).on_end(mine.stream, now_ms_);
                pump(mine.node);
            });
        } else if (!passes_stream || passes_stream(number, to)) {
            const StreamEnd other{to, next_accepted_++};
            peers_[mine] = other;
            peers_[other] = mine;
            later([this, mine, other] {
                at(other.node).on_accept(other.stream, nodes_[mine.node].address, now_ms_);
                pump(other.node);
                at(mine.node).on_connected(mine.stream, now_ms_);
                pump(mine.node);
            });
        }
        return;
    }
    const auto found = peers_.find(mine);
    if (found == peers_.end()) {
        return;
    }
    const StreamEnd other = found->second;
    if (out.kind == StreamOut::Kind::close) {
        peers_.erase(found);
    }
    later([this, other, close = out.kind == StreamOut::Kind::close, bytes = std::move(out.bytes)] {
        if (other.node == kTester) {
            answered_.insert(answered_.end(), bytes.begin(), bytes.end());
        } else if (nodes_[other.node].up && close) {
            at(other.node).on_end(other.stream, now_ms_);
            pump(other.node);
        } else if (nodes_[other.node].up) {
            at(other.node).on_bytes(other.stream, bytes, now_ms_);
            pump(other.node);
        }
    });
}

void MemberWorld::step_to(std::uint64_t until_ms) {
    std::uint64_t next = queue_.empty() ? kNever : queue_.begin()->first;
    for (const Node& node : nodes_) {
        if (node.up) {
            next = std::min(next, node.state->next_due_ms());
        }
    }
    now_ms_ = std::max(now_ms_, std::min(next, until_ms));
    while (!queue_.empty() && queue_.begin()->first <= now_ms_) {
        const auto what = std::move(queue_.begin()->second);
        queue_.erase(queue_.begin());
        what();
    }
    for (Number i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].up && nodes_[i].state->next_due_ms() <= now_ms_) {
            at(i).on_timer(now_ms_);
            pump(i);
        }
    }
}

void MemberWorld::run(std::uint64_t ms) {
    static_cast<void>(run_until([] { return false; }, ms));
}

bool MemberWorld::run_until(const std::function<bool()>& done, std::uint64_t ms) {
    const std::uint64_t until = now_ms_ + ms;
    while (!done()) {
        if (now_ms_ >= until) {
            return false;
        }
        step_to(until);
    }
    return true;
}

void MemberWorld::inject(Number to, Number from, const Message& message) {
    inject_bytes(to, from, encode(message));
}

void MemberWorld::inject_bytes(Number to, Number from, const std::vector<std::uint8_t>& bytes) {
    at(to).on_datagram(nodes_[from].address, bytes, now_ms_);
    pump(to);
}

std::vector<std::uint8_t> MemberWorld::call(Number to, const std::vector<std::uint8_t>& bytes) {
    const StreamEnd other{to, next_accepted_++};
    answered_.clear();
    peers_[other] = {kTester, kTesterStream};
    at(to).on_accept(other.stream, address_of(nodes_.size()), now_ms_);
    pump(to);
    at(to).on_bytes(other.stream, bytes, now_ms_);
    pump(to);
    run(2);
    return answered_;
}

std::string MemberWorld::status(Number who, Number whom) const {
    const auto member = nodes_[who].state->member(name_of(whom));
    if (!member) {
        return {};
    }
    return member->suspect ? "suspect"
                           : std::string(kStatusNames[static_cast<std::size_t>(member->status)]);
}

std::uint32_t MemberWorld::incarnation(Number who, Number whom) const {
    const auto member = nodes_[who].state->member(name_of(whom));
    return member ? member->incarnation : 0;
}

bool MemberWorld::all_see_alive(std::size_t count) const {
    return std::ranges::all_of(
        nodes_, [&](const Node& node) { return !node.up || node.state->alive_count() == count; });
}

std::size_t MemberWorld::count_events(Number who, MemberEventKind kind) const {
    return static_cast<std::size_t>(
        std::ranges::count(nodes_[who].events, kind, &MemberEvent::kind));
}

}  // namespace posthaste::test
