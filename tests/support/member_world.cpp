// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/member_world.h"

#include <algorithm>

#include "gossip/membership/serf_layer.h"

namespace posthaste::test {

using namespace gossip::membership;

namespace {

constexpr std::size_t kNobody = ~std::size_t{0};
constexpr std::size_t kTester = kNobody - 1;
constexpr StreamId kTesterStream = 1;
constexpr std::uint16_t kFirstPort = 10'000;

}  // namespace

void PlainLayer::on_user(std::string_view payload, std::uint64_t /*now_ms*/) {
    const bool known = std::ranges::find(heard, payload) != heard.end();
    heard.emplace_back(payload);
    if (known || payload.empty() || payload[0] != 'L') {
        return;
    }
    status_[std::string(payload.substr(1))] = MemberStatus::leaving;
    host_.broadcast_user(std::string(payload));
}

std::string PlainLayer::user_state() const {
    return "state of " + host_.options().name;
}

void PlainLayer::merge_user_state(std::string_view state, bool /*join*/, std::uint64_t /*now_ms*/) {
    states.emplace_back(state);
}

void PlainLayer::on_alive(std::string_view name, std::uint64_t /*now_ms*/) {
    status_[std::string(name)] = MemberStatus::alive;
}

void PlainLayer::on_gone(std::string_view name, NodeState /*state*/) {
    MemberStatus& status = status_[std::string(name)];
    status = status == MemberStatus::leaving ? MemberStatus::left : MemberStatus::failed;
}

void PlainLayer::on_forgotten(std::string_view name) {
    status_.erase(std::string(name));
    forgotten.emplace_back(name);
}

void PlainLayer::on_conflict(std::string_view name, std::uint64_t /*now_ms*/) {
    conflicts.emplace_back(name);
}

MemberStatus PlainLayer::status(std::string_view name) const {
    const auto found = status_.find(name);
    return found == status_.end() ? MemberStatus::alive : found->second;
}

void PlainLayer::announce_join() {
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
                                                        std::uint64_t /*now_ms*/) {
    status_[std::string(name)] = MemberStatus::left;
    if (prune) {
        host_.forget(name);
    }
    return {};
}

tl::expected<void, std::string> PlainLayer::send_event(std::string_view name,
                                                       std::string_view payload) {
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

std::string MemberWorld::versions() {
    return {kOurVersions.begin(), kOurVersions.end()};
}

MembershipOptions MemberWorld::options_of(Number number) {
    return {.name = name_of(number), .address = address_of(number)};
}

void MemberWorld::start(Number number,
                        const MembershipOptions& options,
                        gossip::seal::Keyring keyring,
                        std::uint64_t seed) {
    Node& node = nodes_[number];
    by_address_[node.address].erase(number);
    node.address = options.address;
    by_address_[node.address].insert(number);
    node.up = true;
    ++node.life;
    node.stopped_until_ms = 0;
    node.deaf_until_ms = 0;
    node.state = std::make_unique<MembershipState>(
        options,
        std::move(keyring),
        seed,
        now_ms_,
        [this, &node](SerfHost& host) -> std::unique_ptr<UserLayer> {
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
    nodes_.emplace_back();
    start(nodes_.size() - 1, options, std::move(keyring), seed_ * 1'000'003 + nodes_.size());
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
    nodes_[number].events.clear();
    start(number, options, gossip::seal::Keyring(), seed_ * 7'000'003 + now_ms_);
    pump(number);
}

void MemberWorld::join(Number who, Number seed) {
    const SocketAddress address = nodes_[seed].address;
    at(who).join(std::span(&address, 1), now_ms_);
    pump(who);
}

std::size_t MemberWorld::node_at(const SocketAddress& address) const {
    const auto found = by_address_.find(address);
    if (found != by_address_.end()) {
        for (const Number number : found->second) {
            if (nodes_[number].up) {
                return number;
            }
        }
    }
    return kNobody;
}

void MemberWorld::watch(Number number) {
    if (!nodes_[number].watched) {
        nodes_[number].watched = true;
        watched_.push_back(number);
    }
}

void MemberWorld::schedule(Number number) {
    Node& node = nodes_[number];
    const std::uint64_t due =
        node.up ? std::max(node.state->next_due_ms(), node.stopped_until_ms) : kNever;
    if (due == node.wakes_ms) {
        return;
    }
    wakes_.erase({node.wakes_ms, number});
    node.wakes_ms = due;
    if (due != kNever) {
        wakes_.emplace(due, number);
    }
}

void MemberWorld::pause(Number number, std::uint64_t until_ms, bool timers_first) {
    nodes_[number].stopped_until_ms = until_ms;
    nodes_[number].deaf_until_ms = until_ms + (timers_first ? 1 : 0);
    schedule(number);
}

void MemberWorld::deliver(Number to, std::uint64_t at_ms, Arrival arrival) {
    queue_.emplace(at_ms, [this, to, arrival = std::move(arrival)]() mutable {
        if (!nodes_[to].up) {
            return;
        }
        if (now_ms_ < nodes_[to].deaf_until_ms) {
            deliver(to, nodes_[to].deaf_until_ms, std::move(arrival));
            return;
        }
        arrival(*nodes_[to].state);
        pump(to);
    });
}

void MemberWorld::deliver(const StreamEnd& to, std::uint64_t at_ms, Arrival arrival) {
    deliver(to.node, at_ms, [this, to, arrival = std::move(arrival)](MembershipState& state) {
        if (nodes_[to.node].life == to.life) {
            arrival(state);
        }
    });
}

void MemberWorld::pump(Number number) {
    Node& node = nodes_[number];
    Output output = node.state->take_output();
    for (MemberEvent& event : node.state->take_events()) {
        if (on_event) {
            on_event(number, event);
        } else {
            node.events.push_back(std::move(event));
        }
    }
    std::vector<std::uint64_t> delays_ms;
    for (DatagramOut& datagram : output.datagrams) {
        const Number to = node_at(datagram.to);
        if (on_sent) {
            on_sent(number, to, datagram.bytes);
        }
        if (to == kNobody || (passes_datagram && !passes_datagram(number, to))) {
            continue;
        }
        delays_ms.assign(1, 1);
        if (copies) {
            delays_ms.clear();
            copies(number, to, delays_ms);
        }
        for (const std::uint64_t delay_ms : delays_ms) {
            deliver(to,
                    now_ms_ + delay_ms,
                    [this, from = node.address, bytes = datagram.bytes](MembershipState& state) {
                        state.on_datagram(from, bytes, now_ms_);
                    });
        }
    }
    for (StreamOut& out : output.streams) {
        carry(number, std::move(out));
    }
    schedule(number);
}

void MemberWorld::connect(const StreamEnd& mine, const SocketAddress& address) {
    const Number to = node_at(address);
    if (to == kNobody) {
        deliver(mine, now_ms_ + 1, [mine](MembershipState& state) { state.on_end(mine.stream); });
        return;
    }
    if (passes_stream && !passes_stream(mine.node, to)) {
        return;
    }
    const std::uint64_t there_ms = stream_delay ? stream_delay(mine.node, to, true) : 1;
    const std::uint64_t back_ms = stream_delay ? stream_delay(to, mine.node, true) : 0;
    if (there_ms == kNever || back_ms == kNever) {
        return;
    }
    const StreamEnd other{to, nodes_[to].life, next_accepted_++};
    const std::uint64_t accepted_ms = now_ms_ + there_ms;
    ways_[mine] = {.other = other, .last_ms = accepted_ms};
    ways_[other] = {.other = mine, .last_ms = accepted_ms + back_ms};
    deliver(other, accepted_ms, [this, other, mine](MembershipState& state) {
        state.on_accept(other.stream, nodes_[mine.node].address, now_ms_);
    });
    deliver(mine, accepted_ms + back_ms, [mine](MembershipState& state) {
        state.on_connected(mine.stream);
    });
}

void MemberWorld::carry(Number number, StreamOut out) {
    const StreamEnd mine{number, nodes_[number].life, out.stream};
    if (out.kind == StreamOut::Kind::connect) {
        connect(mine, out.to);
        return;
    }
    const auto found = ways_.find(mine);
    if (found == ways_.end()) {
        return;
    }
    Way& way = found->second;
    const StreamEnd other = way.other;
    const bool close = out.kind == StreamOut::Kind::close;
    const std::uint64_t delay_ms =
        stream_delay && other.node != kTester ? stream_delay(number, other.node, false) : 1;
    const bool broken = delay_ms == kNever || way.last_ms == kNever;
    way.last_ms = broken ? kNever : std::max(now_ms_ + delay_ms, way.last_ms);
    const std::uint64_t at_ms = way.last_ms;
    if (close) {
        ways_.erase(found);
    }
    if (broken) {
        return;
    }
    if (other.node == kTester) {
        queue_.emplace(at_ms, [this, bytes = std::move(out.bytes)] {
            answered_.insert(answered_.end(), bytes.begin(), bytes.end());
        });
    } else if (close) {
        deliver(other, at_ms, [this, other](MembershipState& state) {
            ways_.erase(other);
            state.on_end(other.stream);
        });
    } else {
        deliver(other, at_ms, [this, other, bytes = std::move(out.bytes)](MembershipState& state) {
            state.on_bytes(other.stream, bytes, now_ms_);
        });
    }
}

void MemberWorld::step_to(std::uint64_t until_ms) {
    for (const Number number : watched_) {
        schedule(number);
    }
    std::uint64_t next = queue_.empty() ? kNever : queue_.begin()->first;
    if (!wakes_.empty()) {
        next = std::min(next, wakes_.begin()->first);
    }
    now_ms_ = std::max(now_ms_, std::min(next, until_ms));
    while (!queue_.empty() && queue_.begin()->first <= now_ms_) {
        const auto what = std::move(queue_.begin()->second);
        queue_.erase(queue_.begin());
        what();
    }
    std::vector<Number> due;
    for (auto wake = wakes_.begin(); wake != wakes_.end() && wake->first <= now_ms_; ++wake) {
        due.push_back(wake->second);
    }
    std::ranges::sort(due);
    for (const Number number : due) {
        if (nodes_[number].up && nodes_[number].stopped_until_ms <= now_ms_) {
            nodes_[number].state->on_timer(now_ms_);
            pump(number);
        }
        schedule(number);
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
    nodes_[to].state->on_datagram(nodes_[from].address, bytes, now_ms_);
    pump(to);
}

void MemberWorld::tell(Number to, const std::vector<std::uint8_t>& bytes) {
    const StreamEnd other{to, nodes_[to].life, next_accepted_++};
    answered_.clear();
    ways_[other] = {.other = {.node = kTester, .stream = kTesterStream}};
    nodes_[to].state->on_accept(other.stream, address_of(nodes_.size()), now_ms_);
    pump(to);
    nodes_[to].state->on_bytes(other.stream, bytes, now_ms_);
    pump(to);
}

std::vector<std::uint8_t> MemberWorld::call(Number to, const std::vector<std::uint8_t>& bytes) {
    tell(to, bytes);
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

std::uint64_t MemberWorld::refused(Number who, Refusal why) const {
    return nodes_[who].state->counters().refused[static_cast<std::size_t>(why)];
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
