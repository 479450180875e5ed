// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/conductor.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "controlplane/log.h"
#include "controlplane/punted_frame.h"
#include "controlplane/world_builder.h"
#include "routing/capability_name.h"
#include "routing/frame.h"

namespace posthaste::controlplane {

namespace {

using dataplane::InjectKind;
using dataplane::PuntClass;
using dataplane::Punted;
using routing::Drop;

constexpr unsigned kPuntsPerClassAndCycle = 64;
constexpr std::size_t kLeaseChecksPerCycle = 4'096;
// Of agents that left just now: what is known of them elsewhere is shown in the same cycle.
constexpr std::size_t kEndsPerCycle = 256;

}  // namespace

bool Conductor::do_work(std::uint64_t now_ms) {
    box_.builder.collect();
    box_.world_stale |= box_.policies.turn();
    const bool more_claims = serve_cluster(now_ms);
    publish(now_ms);  // what operators and the builder changed since the last cycle
    note_refusal();
    serve_tried_registrations(now_ms);
    const unsigned served = serve_punts(now_ms);
    box_.neighbours->advance(now_ms);
    expire_leases(now_ms);
    drive_ports(now_ms);
    publish(now_ms);
    serve_store(now_ms);
    box_.patterns->turn(now_ms);
    box_.care->turn(now_ms);
    box_.fib->reclaim();
    box_.world->reclaim();
    return served > 0 || more_claims;
}

// Next hops before the routes that name them: a lcore may see a World newer than the Fib it looks
// into, never an older one that lacks the slot.
void Conductor::publish(std::uint64_t now_ms) {
    serve_neighbour_output(now_ms);
    publish_world();
    if (!box_.world_stale) {
        apply_changes(now_ms);
    }
}

unsigned Conductor::serve_punts(std::uint64_t now_ms) {
    unsigned served = 0;
    std::array<Punted, kPuntsPerClassAndCycle> batch;
    for (unsigned c = 0; c < dataplane::kPuntClassCount; ++c) {
        for (std::size_t w = 0; w < box_.workers.size(); ++w) {
            const unsigned count = box_.workers[w]->punts(static_cast<PuntClass>(c)).pop(batch);
            for (unsigned i = 0; i < count; ++i) {
                serve(static_cast<unsigned>(w), batch[i], now_ms);
            }
            served += count;
        }
    }
    return served;
}

void Conductor::serve(unsigned worker, const Punted& punted, std::uint64_t now_ms) {
    ++box_.counters.port[punted.ingress].punted;
    if (punted.why != PuntClass::hold && rte_pktmbuf_linearize(punted.frame) != 0) {
        drop(punted.frame, punted.ingress, Drop::segmented);
        return;
    }
    switch (punted.why) {
        case PuntClass::neighbour:
            serve_neighbour(punted, now_ms);
            return;
        case PuntClass::registration:
            serve_registration(worker, punted, now_ms);
            return;
        case PuntClass::capability:
            serve_capability(worker, punted, now_ms);
            return;
        default:
            serve_hold(worker, punted, now_ms);
    }
}

void Conductor::serve_neighbour(const Punted& punted, std::uint64_t now_ms) {
    const Drop why = box_.neighbours->receive(punted.ingress, first_segment(punted.frame), now_ms);
    if (why != Drop::none) {
        drop(punted.frame, punted.ingress, why);
        return;
    }
    ++box_.counters.port[punted.ingress].consumed;
    rte_pktmbuf_free(punted.frame);
}

void Conductor::serve_registration(unsigned worker, const Punted& punted, std::uint64_t now_ms) {
    const dataplane::PortView& port = box_.world->read().ports[punted.ingress];
    const ControlOutcome outcome =
        box_.registrar->receive(punted.ingress, port, first_segment(punted.frame), now_ms);
    note_registered(outcome, now_ms);
    ControlPortCounters& counters = box_.counters.port[punted.ingress];
    if (outcome.drop == Drop::none) {
        ++counters.consumed;
    } else {
        ++counters.dropped;
        ++counters.drops[static_cast<std::size_t>(outcome.drop)];
    }
    const auto answer =
        first_segment(punted.frame)
            .first(std::min(outcome.answer_bytes, first_segment(punted.frame).size()));
    const bool held = hold_answer(worker, punted.ingress, answer, outcome, now_ms);
    send_answer(worker, punted.frame, punted.ingress, held ? 0 : outcome.answer_bytes);
}

// Copies of requests that were consumed when they came; their answers are frames of our own.
void Conductor::serve_tried_registrations(std::uint64_t now_ms) {
    for (KeptRequest& kept : box_.patterns->take_tried()) {
        const dataplane::PortView& port = box_.world->read().ports[kept.ingress];
        const ControlOutcome outcome = box_.registrar->receive_kept(kept, port, now_ms);
        note_registered(outcome, now_ms);
        const auto answer = std::span<const std::uint8_t>(kept.frame).first(outcome.answer_bytes);
        if (!answer.empty() && !hold_answer(0, kept.ingress, answer, outcome, now_ms)) {
            originate(kept.ingress, answer);
        }
    }
}

void Conductor::note_registered(const ControlOutcome& outcome, std::uint64_t now_ms) {
    if (outcome.agent.is_nil()) {
        return;
    }
    if (box_.cluster_routes != nullptr) {
        box_.cluster_routes->settle_agent(outcome.agent);
    }
    if (outcome.registered.has_value()) {
        const routing::Endpoint& endpoint = *outcome.registered;
        box_.neighbours->learn(endpoint.port, endpoint.ip, endpoint.mac, now_ms);
    }
    // The acknowledgement must not overtake its effect: an agent that came may send at once, and
    // one that went is sent nothing from then on.
    apply_changes(now_ms);
    note_load(outcome);
}

// The header of a message a worker sent up, which is noted to be that worker's. Null: it is not
// sound, and dropped.
const routing::WireHeader* Conductor::message_of(unsigned worker,
                                                 const Punted& punted,
                                                 routing::FrameView& view) {
    const dataplane::PortView& port = box_.world->read().ports[punted.ingress];
    const routing::WireHeader* const header = header_of(punted.frame, port.rules, view);
    if (header == nullptr) {
        drop(punted.frame, punted.ingress, Drop::bad_length);
        return nullptr;
    }
    note_worker(punted.frame, worker);
    return header;
}

// The first frame to a name that nobody has: what patterns say of it is put where lcores look, and
// the frame goes back to look again. So it does where somebody has the name by now; a frame that
// came back once is not sent up again.
void Conductor::serve_capability(unsigned worker, const Punted& punted, std::uint64_t now_ms) {
    routing::FrameView view;
    const routing::WireHeader* const header = message_of(worker, punted, view);
    if (header == nullptr) {
        return;
    }
    std::string_view name = capability_name_in(first_segment(punted.frame), view);
    if (name.empty()) {
        name = box_.policies.redirect_name(header->destination);
    }
    if (name.empty()) {
        box_.patterns->note_nameless();
        drop_answered(punted.frame, punted.ingress, Drop::unknown_capability, now_ms);
        return;
    }
    if (!routing::is_capability_name(name) || routing::capability_id(name) != header->destination) {
        drop_answered(punted.frame, punted.ingress, Drop::bad_name, now_ms);
        return;
    }
    const auto version = static_cast<std::uint32_t>(box_.rib.version());
    const auto answer = box_.patterns->answer(header->destination, name, now_ms, version);
    if (answer != Patterns::Answer::matched && answer != Patterns::Answer::offered) {
        drop_answered(punted.frame, punted.ingress, Drop::unknown_capability, now_ms);
        return;
    }
    HeldFrame held;
    held.handle = reinterpret_cast<std::uintptr_t>(punted.frame);
    held.ingress = punted.ingress;
    held.held_at_ms = now_ms;
    resubmit(held, now_ms);
}

// A registration may say how busy its agent is.
void Conductor::note_load(const ControlOutcome& outcome) {
    const routing::FibEntry* const entry =
        outcome.load.has_value() ? box_.fib->find(outcome.agent) : nullptr;
    if (entry != nullptr) {
        box_.fib->loads().set(entry->cell, *outcome.load);
    }
}

void Conductor::serve_hold(unsigned worker, const Punted& punted, std::uint64_t now_ms) {
    routing::FrameView view;
    const routing::WireHeader* const header = message_of(worker, punted, view);
    if (header == nullptr) {
        return;
    }
    HeldFrame held;
    held.handle = reinterpret_cast<std::uintptr_t>(punted.frame);
    held.ingress = punted.ingress;
    held.adjacency = punted.adjacency;
    held.lifetime_ms = header->lifetime_ms;
    const Drop why = box_.neighbours->hold(held, now_ms);
    if (why != Drop::none) {
        drop_answered(punted.frame, punted.ingress, why, now_ms);
    }
}

void Conductor::expire_leases(std::uint64_t now_ms) {
    const auto deadline = box_.rib.next_deadline_ms();
    if (!deadline.has_value() || *deadline > now_ms) {
        return;
    }
    // What waits for its place in the Fib, or shows as a route still, has no heartbeats there.
    const auto last_heard = [this](const routing::AgentId& agent) -> std::optional<std::uint32_t> {
        const routing::FibEntry* const entry = box_.fib->find(agent);
        if (entry == nullptr || entry->kind != routing::RouteKind::local) {
            return std::nullopt;
        }
        return box_.fib->last_heard_ms(*entry);
    };
    const std::size_t gone = box_.rib.expire(now_ms, last_heard, kLeaseChecksPerCycle);
    if (gone > 0) {
        log_at(LogLevel::info, "lease", std::to_string(gone) + " agents gone: lease expired");
        if (box_.cluster_routes != nullptr) {
            box_.cluster_routes->settle_some(kEndsPerCycle);
        }
    }
    const std::size_t ended = box_.rib.expire_routes(now_ms, kLeaseChecksPerCycle);
    if (ended > 0) {
        log_at(LogLevel::info, "route", std::to_string(ended) + " routes gone: their end came");
    }
}

void Conductor::drive_ports(std::uint64_t now_ms) {
    for (std::size_t i = 0; i < box_.ports.size(); ++i) {
        drive_port(static_cast<std::uint16_t>(i), now_ms);
    }
}

void Conductor::drive_port(std::uint16_t index, std::uint64_t now_ms) {
    PortSlot& slot = box_.ports[index];
    if (slot.pause_token.has_value()) {
        // The token is taken when the World without the port is out.
        if (!box_.world_stale && box_.grace.elapsed(*slot.pause_token)) {
            slot.pause_token.reset();
            slot.reconnect.paused(now_ms);
        }
        return;
    }
    switch (slot.reconnect.poll(now_ms, slot.device->link_up())) {
        case dataplane::ReconnectStep::nothing:
            return;
        case dataplane::ReconnectStep::pause:
            log_warning("port " + box_.config.ports[index].name + ": link down");
            set_up(index, false, now_ms);
            publish_world();
            slot.pause_token = box_.grace.start();
            return;
        case dataplane::ReconnectStep::restart: {
            slot.device->stop();
            const auto started = slot.device->start();
            if (!started.has_value()) {
                log_at(LogLevel::debug, box_.config.ports[index].name, started.error());
            }
            slot.reconnect.restarted(now_ms, started.has_value());
            return;
        }
        case dataplane::ReconnectStep::resume:
            log_notice("port " + box_.config.ports[index].name + ": link up");
            set_up(index, true, now_ms);
            return;
    }
}

void Conductor::set_up(std::uint16_t index, bool up, std::uint64_t now_ms) {
    PortSlot& slot = box_.ports[index];
    slot.up = up;
    box_.world_stale = true;
    box_.events.note({.kind = up ? NotedKind::port_up : NotedKind::port_down,
                      .at_ms = box_.wall_ms(),
                      .name = box_.config.ports[index].name});
    if (up) {
        // A reopened device may have another MAC.
        box_.neighbours->set_port(
            index, neighbour_port(box_.config.ports[index], slot.device->mac()), now_ms);
    }
    box_.neighbours->set_port_up(index, up, now_ms);
}

void Conductor::serve_neighbour_output(std::uint64_t now_ms) {
    NeighbourOutput output = box_.neighbours->take_output();
    for (const NeighbourOutput::Frame& frame : output.frames) {
        originate(frame.port, frame.bytes);
    }
    for (const DroppedFrame& dropped : output.dropped) {
        drop_answered(mbuf_of(dropped.frame), dropped.frame.ingress, dropped.why, now_ms);
    }
    box_.world_stale |= output.adjacencies_changed;
    waiting_frames_.insert(waiting_frames_.end(), output.resubmit.begin(), output.resubmit.end());
    if (waiting_frames_.empty()) {
        return;
    }
    publish_world();
    if (!box_.world_stale) {
        for (const HeldFrame& held : std::exchange(waiting_frames_, {})) {
            resubmit(held, now_ms);
        }
    }
}

void Conductor::publish_world() {
    if (!box_.world_stale) {
        return;
    }
    std::unique_ptr<const dataplane::World> next = build_world(box_);
    if (box_.world->publish(next)) {
        ++box_.world_version;
        box_.world_stale = false;
    }
}

bool Conductor::inject(unsigned worker,
                       rte_mbuf* frame,
                       std::uint16_t port,
                       dataplane::InjectKind kind) {
    dataplane::Injected injected;
    injected.frame = frame;
    injected.port = port;
    injected.kind = kind;
    return box_.workers[worker]->inject().push(injected);
}

bool Conductor::try_originate(unsigned worker,
                              std::uint16_t port,
                              std::span<const std::uint8_t> bytes) {
    rte_mbuf* frame = rte_pktmbuf_alloc(box_.control_pool.get());
    char* room = frame == nullptr
                     ? nullptr
                     : rte_pktmbuf_append(frame, static_cast<std::uint16_t>(bytes.size()));
    if (room != nullptr) {
        std::memcpy(room, bytes.data(), bytes.size());
        if (inject(worker, frame, port, InjectKind::transmit)) {
            ++box_.counters.port[port].originated;
            return true;
        }
    }
    rte_pktmbuf_free(frame);
    return false;
}

void Conductor::originate(std::uint16_t port, std::span<const std::uint8_t> bytes) {
    if (!try_originate(0, port, bytes)) {
        ++box_.counters.port[port].originate_failed;
    }
}

void Conductor::send_answer(unsigned worker,
                            rte_mbuf* frame,
                            std::uint16_t port,
                            std::size_t bytes) {
    if (bytes > 0) {
        keep_first_segment(frame, bytes);
        if (inject(worker, frame, port, InjectKind::transmit)) {
            ++box_.counters.port[port].originated;
            return;
        }
        ++box_.counters.port[port].originate_failed;
    }
    rte_pktmbuf_free(frame);
}

void Conductor::drop(rte_mbuf* frame, std::uint16_t ingress, Drop why) {
    ControlPortCounters& counters = box_.counters.port[ingress];
    ++counters.dropped;
    ++counters.drops[static_cast<std::size_t>(why)];
    rte_pktmbuf_free(frame);
}

void Conductor::drop_answered(rte_mbuf* frame,
                              std::uint16_t ingress,
                              Drop why,
                              std::uint64_t now_ms) {
    ControlPortCounters& counters = box_.counters.port[ingress];
    ++counters.dropped;
    ++counters.drops[static_cast<std::size_t>(why)];
    const dataplane::PortView& port = box_.world->read().ports[ingress];
    const std::size_t bytes = box_.registrar->answer_dropped(
        ingress, port, first_segment(frame), rte_pktmbuf_pkt_len(frame), why, now_ms);
    send_answer(worker_of(frame), frame, ingress, bytes);
}

void Conductor::resubmit(const HeldFrame& held, std::uint64_t now_ms) {
    rte_mbuf* frame = mbuf_of(held);
    const dataplane::PortView& port = box_.world->read().ports[held.ingress];
    routing::FrameView view;
    routing::WireHeader* header = header_of(frame, port.rules, view);
    if (header == nullptr || !shorten_lifetime(frame, view, *header, now_ms - held.held_at_ms)) {
        drop_answered(frame, held.ingress, Drop::lifetime, now_ms);
        return;
    }
    if (!inject(worker_of(frame), frame, held.ingress, InjectKind::resubmit)) {
        drop_answered(frame, held.ingress, Drop::hold_full, now_ms);
        return;
    }
    ++box_.counters.port[held.ingress].resubmitted;
}

void Conductor::drop_everything() {
    std::array<Punted, kPuntsPerClassAndCycle> batch;
    for (const auto& worker : box_.workers) {
        for (unsigned c = 0; c < dataplane::kPuntClassCount; ++c) {
            while (const unsigned count = worker->punts(static_cast<PuntClass>(c)).pop(batch)) {
                for (unsigned i = 0; i < count; ++i) {
                    ++box_.counters.port[batch[i].ingress].punted;
                    drop(batch[i].frame, batch[i].ingress, Drop::draining);
                }
            }
        }
    }
    box_.held_answers.give_up_all();
    box_.neighbours->drop_held(Drop::draining);
    const NeighbourOutput output = box_.neighbours->take_output();
    for (const DroppedFrame& dropped : output.dropped) {
        drop(mbuf_of(dropped.frame), dropped.frame.ingress, dropped.why);
    }
    for (const HeldFrame& held : std::exchange(waiting_frames_, {})) {
        drop(mbuf_of(held), held.ingress, Drop::draining);
    }
    for (const HeldFrame& held : output.resubmit) {
        drop(mbuf_of(held), held.ingress, Drop::draining);
    }
}

}  // namespace posthaste::controlplane
