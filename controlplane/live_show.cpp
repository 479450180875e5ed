// SPDX-License-Identifier: BSD-3-Clause
// LiveOperations: what the box counts and takes.
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_version.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "controlplane/eal.h"
#include "controlplane/live_operations.h"
#include "controlplane/version.h"
#include "routing/drop.h"
#include "routing/message.h"

namespace posthaste::controlplane {

namespace {

using dataplane::Counter;
using dataplane::PortCounters;

// One cell of a port over all workers.
std::uint64_t sum(const Box& box, std::size_t port, Counter PortCounters::*cell) {
    std::uint64_t total = 0;
    for (const auto& worker : box.workers) {
        total += (worker->counters().port[port].*cell).read();
    }
    return total;
}

// One cell of a worker over all ports.
std::uint64_t sum(const dataplane::Worker& worker, Counter PortCounters::*cell) {
    std::uint64_t total = 0;
    for (const PortCounters& port : worker.counters().port) {
        total += (port.*cell).read();
    }
    return total;
}

Json ratio(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) {
        return nullptr;
    }
    const double value = static_cast<double>(part) / static_cast<double>(whole);
    return static_cast<double>(static_cast<std::int64_t>(value * 100 + 0.5)) / 100;
}

Json drop_row(const Box& box, std::size_t port, std::size_t reason) {
    Json lcores = Json::array();
    std::uint64_t frames = box.counters.port[port].drops[reason];
    if (frames > 0) {
        lcores.push_back({{"lcore", rte_get_main_lcore()}, {"frames", frames}});
    }
    for (const auto& worker : box.workers) {
        const std::uint64_t here = worker->counters().port[port].drops[reason].read();
        if (here > 0) {
            lcores.push_back({{"lcore", lcore_of_worker(worker->id())}, {"frames", here}});
        }
        frames += here;
    }
    const routing::ErrorCode error = routing::error_of(static_cast<routing::Drop>(reason));
    return {{"port", box.config.ports[port].name},
            {"reason", routing::kDropNames[reason]},
            {"error",
             error == routing::ErrorCode::none
                 ? Json(nullptr)
                 : Json(routing::kErrorNames[static_cast<std::size_t>(error)])},
            {"frames", frames},
            {"lcores", lcores}};
}

}  // namespace

LiveOperations::LiveOperations(Box& box, Conductor& conductor, std::optional<LogLevel> log_level)
    : box_(box), conductor_(conductor), log_level_(log_level), last_busy_(box.workers.size()) {
    if (box.cluster != nullptr) {
        cluster_.emplace(box);
    }
}

std::vector<std::string> LiveOperations::port_names() const {
    std::vector<std::string> names;
    for (const PortConfig& port : box_.config.ports) {
        names.push_back(port.name);
    }
    return names;
}

std::vector<std::string> LiveOperations::router_names() const {
    std::vector<std::string> names;
    for (const RouterConfig& router : box_.config.routers) {
        names.push_back(router.name);
    }
    return names;
}

Json LiveOperations::port_row(std::size_t index) const {
    const PortConfig& config = box_.config.ports[index];
    const PortSlot& slot = box_.ports[index];
    const ControlPortCounters& control = box_.counters.port[index];
    Json addresses = Json::array();
    for (const routing::Prefix& prefix : config.addresses) {
        addresses.push_back(prefix.to_text());
    }
    Json gateways = Json::array();
    for (const auto& gateway : {config.gateway, config.gateway6}) {
        if (gateway.has_value()) {
            gateways.push_back(gateway->to_text());
        }
    }
    Json link_mbps = nullptr;
    rte_eth_link link{};
    if (slot.device->ethdev() != dataplane::kNoEthdev &&
        rte_eth_link_get_nowait(slot.device->ethdev(), &link) == 0 && link.link_status != 0 &&
        link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN) {
        link_mbps = link.link_speed;
    }
    const dataplane::PortStats device = slot.device->stats();
    Json row = {{"name", config.name},
                {"index", index},
                {"device", config.device},
                {"driver", slot.device->driver()},
                {"role", config.role == dataplane::Role::edge ? "edge" : "fabric"},
                {"addresses", addresses},
                {"gateways", gateways},
                {"mac", slot.device->mac().to_text()},
                {"vlan", config.vlan == 0 ? Json(nullptr) : Json(config.vlan)},
                {"mtu", config.mtu},
                {"up", slot.up},
                {"link", slot.device->link_up()},
                {"link_mbps", link_mbps},
                {"rx_queues", slot.device->rx_queues()},
                {"tx_queues", slot.device->tx_queues()}};
    constexpr std::array<std::pair<const char*, Counter PortCounters::*>, 13> cells = {{
        {"received", &PortCounters::received},
        {"received_bytes", &PortCounters::received_bytes},
        {"resubmitted", &PortCounters::resubmitted},
        {"copied", &PortCounters::copied},
        {"sent", &PortCounters::sent},
        {"punted", &PortCounters::punted},
        {"dropped", &PortCounters::dropped},
        {"answered", &PortCounters::answered},
        {"answers_suppressed", &PortCounters::answers_suppressed},
        {"transmitted", &PortCounters::transmitted},
        {"transmitted_bytes", &PortCounters::transmitted_bytes},
        {"tx_discarded", &PortCounters::tx_discarded},
        {"tx_backlog", &PortCounters::backlog},
    }};
    for (const auto& [name, cell] : cells) {
        row[name] = sum(box_, index, cell);
    }
    row["control_consumed"] = control.consumed;
    row["control_resubmitted"] = control.resubmitted;
    row["control_dropped"] = control.dropped;
    row["control_originated"] = control.originated;
    row["missed"] = device.rx_missed;
    row["rx_errors"] = device.rx_errors;
    row["no_mbuf"] = device.rx_no_mbuf;
    row["tx_errors"] = device.tx_errors;
    row["reconnects"] = slot.reconnect.restarts();
    return row;
}

Outcome LiveOperations::show_ports() {
    Json rows = Json::array();
    for (std::size_t i = 0; i < box_.ports.size(); ++i) {
        rows.push_back(port_row(i));
    }
    return rows;
}

Json LiveOperations::control_row() const {
    ControlPortCounters all;
    for (const ControlPortCounters& port : box_.counters.port) {
        all.punted += port.punted;
        all.originated += port.originated;
        all.resubmitted += port.resubmitted;
        all.dropped += port.dropped;
    }
    return {{"lcore", rte_get_main_lcore()},
            {"cpu", box_.cpus.front()},
            {"role", "control"},
            {"worker", nullptr},
            {"queues", Json::array()},
            {"busy_percent", nullptr},
            {"loops", nullptr},
            {"received", all.punted},
            {"resubmitted", 0},
            {"copied", 0},
            {"injected", all.originated + all.resubmitted},
            {"sent", 0},
            {"punted", 0},
            {"dropped", all.dropped},
            {"transmitted", 0}};
}

Json LiveOperations::worker_row(std::size_t index) {
    const dataplane::Worker& worker = *box_.workers[index];
    const dataplane::WorkerCounters& counters = worker.counters();
    Json queues = Json::array();
    for (const dataplane::RxQueue& rx : worker.rx_queues()) {
        queues.push_back(box_.config.ports[rx.port].name + "/" + std::to_string(rx.queue));
    }
    const BusySample now{counters.busy_cycles.read(), counters.total_cycles.read()};
    BusySample& before = last_busy_[index];
    const std::uint64_t total = now.total - before.total;
    const std::uint64_t busy = std::min(now.busy - before.busy, total);
    before = now;
    return {{"lcore", lcore_of_worker(worker.id())},
            {"cpu", box_.cpus[index + 1]},
            {"role", "worker"},
            {"worker", worker.id()},
            {"queues", queues},
            {"busy_percent", total == 0 ? Json(nullptr) : ratio(busy * 100, total)},
            {"loops", counters.loops.read()},
            {"received", sum(worker, &PortCounters::received)},
            {"resubmitted", sum(worker, &PortCounters::resubmitted)},
            {"copied", sum(worker, &PortCounters::copied)},
            {"injected", counters.injected.read()},
            {"sent", sum(worker, &PortCounters::sent)},
            {"punted", sum(worker, &PortCounters::punted)},
            {"dropped", sum(worker, &PortCounters::dropped)},
            {"transmitted", sum(worker, &PortCounters::transmitted)}};
}

Outcome LiveOperations::show_lcores() {
    Json rows = Json::array();
    rows.push_back(control_row());
    for (std::size_t i = 0; i < box_.workers.size(); ++i) {
        rows.push_back(worker_row(i));
    }
    return rows;
}

Outcome LiveOperations::show_stages() {
    Json rows = Json::array();
    for (std::size_t s = 0; s < dataplane::kStageCount; ++s) {
        std::uint64_t calls = 0;
        std::uint64_t frames = 0;
        std::uint64_t cycles = 0;
        for (const auto& worker : box_.workers) {
            const dataplane::StageCounters& stage = worker->counters().stage[s];
            calls += stage.calls.read();
            frames += stage.frames.read();
            cycles += stage.cycles.read();
        }
        rows.push_back({{"stage", dataplane::kStageNames[s]},
                        {"calls", calls},
                        {"frames", frames},
                        {"frames_per_call", ratio(frames, calls)},
                        {"cycles_per_frame", ratio(cycles, frames)}});
    }
    return rows;
}

Outcome LiveOperations::show_drops(bool all) {
    Json rows = Json::array();
    std::uint64_t frames = 0;
    for (std::size_t port = 0; port < box_.ports.size(); ++port) {
        for (std::size_t reason = 1; reason < routing::kDropCount; ++reason) {
            Json row = drop_row(box_, port, reason);
            const auto here = row["frames"].get<std::uint64_t>();
            frames += here;
            if (all || here > 0) {
                rows.push_back(std::move(row));
            }
        }
    }
    return Json{{"drops", rows}, {"frames", frames}};
}

Outcome LiveOperations::show_config() {
    return Json{{"path", box_.config.path}, {"text", print_config(box_.config)}};
}

Outcome LiveOperations::show_version() {
    return Json{{"name", box_.config.system.name},
                {"version", version()},
                {"dpdk", rte_version()},
                {"wire_version", routing::kVersion},
                {"pid", getpid()},
                {"state", box_.draining ? "draining" : "running"},
                {"uptime_ms", box_.now_ms()},
                {"routing_table_version", box_.rib.version()}};
}

}  // namespace posthaste::controlplane
