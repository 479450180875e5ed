// SPDX-License-Identifier: BSD-3-Clause
// Conductor: one duty cycle of the control thread after the other.
//
// Takes what the lcores punted, drives neighbours, registrations, leases and ports, and publishes
// what follows from it to the Fib and the World. Never blocks; work per cycle is bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/box.h"
#include "dataplane/punt.h"

struct rte_mbuf;

namespace posthaste::controlplane {

class Conductor {
  public:
    explicit Conductor(Box& box) : box_(box) {}

    // One cycle. True: there is more to do at once.
    bool do_work(std::uint64_t now_ms);
    // Makes what changed in the Rib and among the neighbours visible to the lcores.
    void publish(std::uint64_t now_ms);
    // What happened to routes in the cluster, since the last call.
    [[nodiscard]] std::vector<gossip::claims::Event> take_route_events();
    // Before the workers start: the store's agents into Rib and Fib. The error ends the start.
    [[nodiscard]] tl::expected<void, std::string> load_agents(std::uint64_t now_ms);
    // Shutdown, after the workers have stopped: what still waits is dropped, counted and freed.
    void drop_everything();

  private:
    [[nodiscard]] unsigned serve_punts(std::uint64_t now_ms);
    void serve(unsigned worker, const dataplane::Punted& punted, std::uint64_t now_ms);
    void serve_neighbour(const dataplane::Punted& punted, std::uint64_t now_ms);
    void serve_registration(unsigned worker, const dataplane::Punted& punted, std::uint64_t now_ms);
    void serve_tried_registrations(std::uint64_t now_ms);
    // Whether the answer to that must wait for the store; then it is held, or given up.
    [[nodiscard]] bool hold_answer(unsigned worker,
                                   std::uint16_t port,
                                   std::span<const std::uint8_t> answer,
                                   const ControlOutcome& outcome,
                                   std::uint64_t now_ms);
    void serve_store(std::uint64_t now_ms);
    void note_refusal();
    void note_registered(const ControlOutcome& outcome, std::uint64_t now_ms);
    void note_load(const ControlOutcome& outcome);
    void serve_capability(unsigned worker, const dataplane::Punted& punted, std::uint64_t now_ms);
    [[nodiscard]] const routing::WireHeader* message_of(unsigned worker,
                                                        const dataplane::Punted& punted,
                                                        routing::FrameView& view);
    void serve_hold(unsigned worker, const dataplane::Punted& punted, std::uint64_t now_ms);

    // False: the Fib has no slack now.
    bool apply_fib_changes(std::uint64_t now_ms);
    [[nodiscard]] std::size_t prefetch_changes() const;
    void apply_changes(std::uint64_t now_ms);
    // True: there is more to do at once.
    [[nodiscard]] bool serve_cluster(std::uint64_t now_ms);
    void expire_leases(std::uint64_t now_ms);
    void drive_ports(std::uint64_t now_ms);
    void drive_port(std::uint16_t index, std::uint64_t now_ms);
    void set_up(std::uint16_t index, bool up, std::uint64_t now_ms);
    void serve_neighbour_output(std::uint64_t now_ms);
    void publish_world();

    // Frames down to a worker; false: its ring is full and the frame is still the caller's.
    [[nodiscard]] bool inject(unsigned worker,
                              rte_mbuf* frame,
                              std::uint16_t port,
                              dataplane::InjectKind kind);
    [[nodiscard]] bool try_originate(unsigned worker,
                                     std::uint16_t port,
                                     std::span<const std::uint8_t> bytes);
    void originate(std::uint16_t port, std::span<const std::uint8_t> bytes);
    void send_answer(unsigned worker, rte_mbuf* frame, std::uint16_t port, std::size_t bytes);
    void drop(rte_mbuf* frame, std::uint16_t ingress, routing::Drop why);
    // As drop(), but tells the sender if it wants to be told.
    void drop_answered(rte_mbuf* frame,
                       std::uint16_t ingress,
                       routing::Drop why,
                       std::uint64_t now_ms);
    void resubmit(const HeldFrame& held, std::uint64_t now_ms);

    Box& box_;
    std::deque<routing::FibChange> waiting_changes_;   // the Fib had no slack for them yet
    std::vector<HeldFrame> waiting_frames_;            // for the World to show their next hop
    std::vector<gossip::claims::Event> route_events_;  // that nobody took; some are left out
};

}  // namespace posthaste::controlplane
