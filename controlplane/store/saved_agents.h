// SPDX-License-Identifier: BSD-3-Clause
// SavedAgents: keeps the store's agents as the Rib's are, and says when an agent's last word is
// safe.
//
// What the Rib notes as touched becomes a change of the file, in order, each with a ticket; a
// ticket is settled once its change is on the disk. Control thread only, never waits but in load().
// Bound: one change waits here for each agent; from kPendingMax on, or while the disk refuses,
// refusal() asks for no new ones.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "controlplane/store/store.h"
#include "routing/keyed_id_hash.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

struct SavedPort {
    std::string name;
    bool edge = true;  // takes agents
};

struct SavedAgentsCounts {
    std::uint64_t loaded = 0;
    std::uint64_t skipped = 0;  // the port is gone, the ini has the agent, or the Rib refused it
    std::uint64_t pending = 0;  // changes the store had no room for yet
    std::uint64_t awaited = 0;  // agents whose last word is not on the disk
};

class SavedAgents {
  public:
    static constexpr std::size_t kPendingMax = 65'536;

    // Both outlive it. `ports` by their index.
    SavedAgents(routing::Rib& rib, Store& store, std::vector<SavedPort> ports);

    // Once, after the ini's agents are in the Rib: the file's agents follow, their leases from
    // `now_ms` on. `after_batch` may take the Rib's changes. Those that cannot be here any more
    // leave the file, too; those the Rib has no room for stay in it.
    [[nodiscard]] tl::expected<void, std::string> load(std::uint64_t now_ms,
                                                       const std::function<void()>& after_batch);

    // Hands over what was touched, and settles what the store has written.
    void turn();

    // The ticket that must be settled before the agent may be told anything; 0: none.
    [[nodiscard]] std::uint64_t awaited(const routing::AgentId& agent) const;

    [[nodiscard]] bool is_settled(std::uint64_t ticket) const noexcept {
        return ticket <= settled_;
    }

    // Why nothing may change at present, for the sender of a request; empty: it may.
    [[nodiscard]] std::string_view refusal() const noexcept;

    [[nodiscard]] SavedAgentsCounts counts() const noexcept;

  private:
    struct Ticket {
        routing::AgentId agent;
        std::uint64_t number = 0;
        std::uint64_t change = 0;  // of the store, once it is there
    };

    void load_one(StoredAgent& stored, std::uint64_t now_ms);
    void touch(const routing::AgentId& agent);
    [[nodiscard]] StoreChange change_of(const routing::AgentId& agent) const;

    routing::Rib& rib_;
    Store& store_;
    std::vector<SavedPort> ports_;
    std::uint64_t last_ = 0;     // ticket given
    std::uint64_t handed_ = 0;   // ticket the store has
    std::uint64_t settled_ = 0;  // ticket on the disk
    std::deque<Ticket> pending_;
    std::deque<Ticket> handed_over_;
    // An agent's last ticket, unless it is settled. Ids in band are chosen by strangers.
    std::unordered_map<routing::AgentId, std::uint64_t, routing::KeyedIdHash> awaited_;
    std::uint64_t loaded_ = 0;
    std::uint64_t skipped_ = 0;
};

}  // namespace posthaste::controlplane
