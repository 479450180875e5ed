// SPDX-License-Identifier: BSD-3-Clause
// Conductor, where the store comes in: agents are loaded, and nobody is told what is not safe.
#include "controlplane/conductor.h"
#include "controlplane/log.h"

namespace posthaste::controlplane {

bool Conductor::hold_answer(unsigned worker,
                            std::uint16_t port,
                            std::span<const std::uint8_t> answer,
                            const ControlOutcome& outcome,
                            std::uint64_t now_ms) {
    if (box_.saved == nullptr || answer.empty()) {
        return false;
    }
    box_.saved->turn();
    const std::uint64_t ticket = box_.saved->awaited(outcome.agent);
    if (ticket == 0) {
        return false;
    }
    // One that is given up is asked for again.
    static_cast<void>(box_.held_answers.hold({.ticket = ticket,
                                              .held_at_ms = now_ms,
                                              .worker = worker,
                                              .port = port,
                                              .frame = {answer.begin(), answer.end()}}));
    return true;
}

// Whether registrations of this cycle may change anything. A cycle takes few enough that it does
// not matter when the store begins to refuse in the middle of it.
void Conductor::note_refusal() {
    if (box_.saved != nullptr) {
        box_.registrar->refuse_changes(box_.held_answers.full()
                                           ? "too many registrations wait for the store"
                                           : box_.saved->refusal());
    }
}

// What changed by itself or by an operator goes to the store, too; and what is on the disk is told
// to those who wait for it.
void Conductor::serve_store(std::uint64_t now_ms) {
    if (box_.saved == nullptr) {
        return;
    }
    box_.saved->turn();
    while (const HeldAnswer* const answer = box_.held_answers.front()) {
        // A ring that is full is not a reason to lose it.
        if (!box_.saved->is_settled(answer->ticket) ||
            !try_originate(answer->worker, answer->port, answer->frame)) {
            break;
        }
        box_.held_answers.pop();
    }
    box_.held_answers.give_up_late(now_ms);
}

tl::expected<void, std::string> Conductor::load_agents(std::uint64_t now_ms) {
    if (box_.saved == nullptr) {
        return {};
    }
    // Next hops go before their routes, so the World is out first.
    publish(now_ms);
    const auto loaded =
        box_.saved->load(now_ms, [this, now_ms] { static_cast<void>(apply_fib_changes(now_ms)); });
    const SavedAgentsCounts counts = box_.saved->counts();
    log_notice("store: " + std::to_string(counts.loaded) + " agents loaded");
    if (counts.skipped + box_.store->unreadable() > 0) {
        log_warning("store: " + std::to_string(counts.skipped) +
                    " agents left out whose port is gone, whom the ini has or who found no room"
                    " (these stay in the file), " +
                    std::to_string(box_.store->unreadable()) + " that could not be read");
    }
    return loaded;
}

}  // namespace posthaste::controlplane
