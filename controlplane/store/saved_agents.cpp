// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/store/saved_agents.h"

#include <algorithm>
#include <utility>

namespace posthaste::controlplane {

using routing::AgentId;
using routing::Origin;

namespace {

constexpr std::size_t kBucketsAtStart = 64;

}  // namespace

SavedAgents::SavedAgents(routing::Rib& rib, Store& store, std::vector<SavedPort> ports)
    : rib_(rib),
      store_(store),
      ports_(std::move(ports)),
      awaited_(kBucketsAtStart,
               routing::KeyedIdHash{routing::KeyHash(routing::KeyHash::random_key())}) {}

tl::expected<void, std::string> SavedAgents::load(std::uint64_t now_ms,
                                                  const std::function<void()>& after_batch) {
    rib_.reserve_agents(rib_.agents().size() + store_.agents_at_most());
    auto loaded = store_.load([&](std::span<StoredAgent> batch) {
        for (StoredAgent& stored : batch) {
            load_one(stored, now_ms);
        }
        after_batch();
    });
    // From here on every change is the file's, too.
    rib_.note_touched();
    return loaded;
}

void SavedAgents::load_one(StoredAgent& stored, std::uint64_t now_ms) {
    const AgentId agent = stored.agent;
    const auto port = std::ranges::find(ports_, stored.port, &SavedPort::name);
    if (port != ports_.end() && port->edge) {
        const routing::Endpoint endpoint{.ip = stored.ip,
                                         .udp_port = stored.udp_port,
                                         .mac = stored.mac,
                                         .port = static_cast<std::uint16_t>(port - ports_.begin())};
        const auto outcome = rib_.register_agent({.agent = agent,
                                                  .endpoint = endpoint,
                                                  .origin = Origin::registered,
                                                  .state = stored.state,
                                                  .multi = stored.multi,
                                                  .epoch = stored.epoch,
                                                  .lease_ms = stored.lease_ms,
                                                  .name = std::move(stored.name),
                                                  .offers = std::move(stored.offers)},
                                                 now_ms);
        // Anything else: the ini has the agent, which stays as that says.
        if (outcome == routing::RegisterOutcome::added) {
            ++loaded_;
            return;
        }
        // It was told that it is registered: with more room it is, after the next start.
        if (!outcome.has_value() && outcome.error().code == routing::ErrorCode::overloaded) {
            ++skipped_;
            return;
        }
    }
    ++skipped_;
    touch(agent);
}

void SavedAgents::touch(const AgentId& agent) {
    std::uint64_t& ticket = awaited_[agent];
    if (ticket > handed_) {
        return;  // what waits will say how the agent is by then
    }
    ticket = ++last_;
    pending_.push_back({.agent = agent, .number = ticket});
}

StoreChange SavedAgents::change_of(const AgentId& agent) const {
    const routing::AgentRecord* const record = rib_.find_agent(agent);
    if (record == nullptr || record->registration.origin != Origin::registered) {
        return agent;
    }
    const routing::Registration& held = record->registration;
    return StoredAgent{.agent = agent,
                       .port = ports_[held.endpoint.port].name,
                       .ip = held.endpoint.ip,
                       .mac = held.endpoint.mac,
                       .udp_port = held.endpoint.udp_port,
                       .state = held.state,
                       .multi = held.multi,
                       .epoch = held.epoch,
                       .lease_ms = held.lease_ms,
                       .name = held.name,
                       .offers = rib_.offers_of(record->offers)};
}

void SavedAgents::turn() {
    for (const AgentId& agent : rib_.take_touched()) {
        touch(agent);
    }
    while (!pending_.empty() && store_.has_room()) {
        Ticket ticket = pending_.front();
        ticket.change = store_.put(change_of(ticket.agent));
        handed_ = ticket.number;
        pending_.pop_front();
        handed_over_.push_back(ticket);
    }
    const std::uint64_t durable = store_.durable();
    while (!handed_over_.empty() && handed_over_.front().change <= durable) {
        const Ticket& ticket = handed_over_.front();
        settled_ = ticket.number;
        const auto last = awaited_.find(ticket.agent);
        if (last != awaited_.end() && last->second == ticket.number) {
            awaited_.erase(last);
        }
        handed_over_.pop_front();
    }
}

std::uint64_t SavedAgents::awaited(const AgentId& agent) const {
    const auto last = awaited_.find(agent);
    return last == awaited_.end() ? 0 : last->second;
}

std::string_view SavedAgents::refusal() const noexcept {
    if (store_.failing()) {
        return "this router cannot write its store";
    }
    return pending_.size() >= kPendingMax ? "too many registrations wait for the store" : "";
}

SavedAgentsCounts SavedAgents::counts() const noexcept {
    return {.loaded = loaded_,
            .skipped = skipped_,
            .pending = pending_.size(),
            .awaited = awaited_.size()};
}

}  // namespace posthaste::controlplane
