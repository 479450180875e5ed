// SPDX-License-Identifier: BSD-3-Clause
// Opening, starting, stopping and closing one DPDK device; see the header.
#include "dataplane/port.h"

#include <poll.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

#include "dataplane/interrupt_thread.h"
#include "dataplane/pool.h"

namespace posthaste::dataplane {
namespace {

std::string count_of(unsigned count, const char* what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string why(int error) {
    return std::strerror(error < 0 ? -error : error);
}

// The largest IP packet the device takes. Drivers fill in either limit, or neither.
std::uint32_t mtu_limit(const rte_eth_dev_info& info) {
    std::uint32_t limit = info.max_mtu;
    if (info.max_mtu == UINT16_MAX && info.max_rx_pktlen > RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN) {
        limit = std::min<std::uint32_t>(limit,
                                        info.max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN);
    }
    return limit;
}

bool waits_for_peer(PeerLoss loss) {
    return loss != PeerLoss::no_peer;
}

void wait_ms(int milliseconds) {
    ::poll(nullptr, 0, milliseconds);
}

}  // namespace

Port::Port(const PortOptions& options)
    : options_(options),
      device_(options.device),
      workers_(std::max<std::uint16_t>(options.tx_queues, 1)),
      rx_queues_(std::max<std::uint16_t>(options.rx_queues, 1)) {
    complete_arguments(
        device_, rx_queues_, options.mtu, std::max(options.rx_descriptors, options.tx_descriptors));
    peer_loss_ = traits_of(device_.name()).peer_loss;
    if (peer_loss_ == PeerLoss::restart && listens(device_)) {
        peer_loss_ = PeerLoss::by_itself;  // a restart would cut off a client that just came
    }
}

tl::expected<std::unique_ptr<Port>, std::string> Port::open(const PortOptions& options) {
    std::unique_ptr<Port> port{new Port(options)};
    if (options.mtu < kMtuMin || options.mtu > kMtuMax) {
        return tl::unexpected(port->named("an MTU of " + std::to_string(options.mtu) +
                                          " is not possible; allowed: " + std::to_string(kMtuMin) +
                                          " to " + std::to_string(kMtuMax)));
    }
    if (auto possible = check_prerequisites(port->device_); !possible) {
        return tl::unexpected(port->named(possible.error()));
    }
    const bool patient = options.reconnect && waits_for_peer(port->peer_loss_);
    if (patient && !port->backend_present()) {
        // Nothing can be probed yet. start() does all of it once the backend listens.
        auto ready = port->prepare_absent();
        return ready ? tl::expected<std::unique_ptr<Port>, std::string>{std::move(port)}
                     : tl::unexpected(std::move(ready).error());
    }
    if (auto made = port->make(); !made) {
        return tl::unexpected(std::move(made).error());
    }
    if (auto started = port->start(); !started && !patient) {
        return tl::unexpected(std::move(started).error());
    }
    // A patient port whose peer is there has link in a moment, and is worth waiting for; a listener
    // without one would wait in vain.
    if (!patient || (port->started() && port->meets_peer_in_start())) {
        if (auto linked = port->wait_for_link(); !linked && !patient) {
            return tl::unexpected(std::move(linked).error());
        }
    }
    return port;
}

Port::~Port() {
    stop();
    close();
    for (rte_ring* ring : handoff_) {
        void* frame = nullptr;
        while (ring != nullptr && rte_ring_dequeue(ring, &frame) == 0) {
            rte_pktmbuf_free(static_cast<rte_mbuf*>(frame));
        }
        rte_ring_free(ring);
    }
}

std::string Port::named(const std::string& text) const {
    return "port " + options_.name + " (" + options_.device + "): " + text;
}

bool Port::backend_present() const {
    const auto backend = backend_socket(device_);
    return !backend || probe_socket(*backend) == SocketState::live;
}

// A start that succeeded has found the peer.
bool Port::meets_peer_in_start() const {
    return peer_loss_ == PeerLoss::restart || peer_loss_ == PeerLoss::reopen;
}

// A port without a device still has what its workers are set up with.
tl::expected<void, std::string> Port::prepare_absent() {
    tx_queues_ = rx_queues_;
    mac_ = options_.mac.value_or(made_up_address());
    return create_handoff();
}

// From the device string to a configured, stopped device.
tl::expected<void, std::string> Port::make() {
    if (auto done = probe(); !done) {
        return done;
    }
    auto done = configure();
    if (done) {
        done = set_up_queues();
    }
    if (done) {
        done = set_addresses();
    }
    if (done && handoff_.empty()) {
        done = create_handoff();
    }
    return done;
}

tl::expected<void, std::string> Port::probe() {
    if (const auto socket = listening_socket(device_)) {
        if (probe_socket(*socket) == SocketState::stale && !remove_stale_socket(*socket)) {
            return tl::unexpected(named("cannot remove the socket '" + *socket +
                                        "' a dead process left behind: " + why(errno)));
        }
    }
    const char* name = device_.name().c_str();
    if (rte_eth_dev_get_port_by_name(name, &ethdev_) == 0) {
        // EAL probed the PCI devices it was given with -a; a vdev of that name is another port's.
        if (!device_.pci() || rte_eth_dev_is_valid_port(ethdev_) == 0) {
            ethdev_ = kNoEthdev;
            return tl::unexpected(named("the device name is already in use by another port"));
        }
    } else {
        ethdev_ = kNoEthdev;
        const int rc =
            rte_eal_hotplug_add(device_.pci() ? "pci" : "vdev", name, device_.arguments().c_str());
        // A driver may fail and EAL still say that all is well, so the port itself is looked for.
        if (rc != 0 || rte_eth_dev_get_port_by_name(name, &ethdev_) != 0) {
            ethdev_ = kNoEthdev;
            const std::string reason = rc != 0 ? why(rc) : "the driver made no port";
            if (rc == 0) {
                (void)rte_eal_hotplug_remove(device_.pci() ? "pci" : "vdev", name);
            }
            return tl::unexpected(named("no driver could open the device: " + reason));
        }
    }
    rte_eth_dev_info info{};
    if (const int rc = rte_eth_dev_info_get(ethdev_, &info); rc != 0) {
        return tl::unexpected(named("the device does not describe itself: " + why(rc)));
    }
    driver_ = info.driver_name;
    return {};
}

tl::expected<void, std::string> Port::configure() {
    rte_eth_dev_info info{};
    if (const int rc = rte_eth_dev_info_get(ethdev_, &info); rc != 0) {
        return tl::unexpected(named("the device does not describe itself: " + why(rc)));
    }
    const DriverTraits& traits = traits_of(device_.name());
    if (rx_queues_ > info.max_rx_queues) {
        return tl::unexpected(named("queues = " + std::to_string(rx_queues_) +
                                    " is more than the device has; allowed: 1 to " +
                                    std::to_string(info.max_rx_queues)));
    }
    if (const auto made = queues_made(); traits.polls_all && made && rx_queues_ < *made) {
        return tl::unexpected(named(
            "the device spreads over " + count_of(*made, "queue") +
            ", and those nobody polls would lose frames; set queues = " + std::to_string(*made)));
    }
    if (info.max_tx_queues == 0) {
        return tl::unexpected(named("the device cannot send: it has no transmit queue"));
    }
    tx_queues_ = std::min(traits.paired_queues ? rx_queues_ : workers_, info.max_tx_queues);

    rte_eth_conf conf{};
    // The checksum results are taken where they are for free; parse works them out otherwise.
    constexpr std::uint64_t kChecksums =
        RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
    rx_checksum_ = options_.rx_checksum && (info.rx_offload_capa & kChecksums) == kChecksums;
    conf.rxmode.offloads = rx_checksum_ ? kChecksums : 0;
    // The sender puts a hash of the conversation into the UDP source port, so hashing addresses
    // and ports keeps a conversation on one queue. Without RSS more than one queue is still right
    // where the device spreads by itself (DriverTraits::spreads).
    constexpr std::uint64_t kFlows = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
    const std::uint64_t flows = info.flow_type_rss_offloads & kFlows;
    rss_ = rx_queues_ > 1 && flows != 0 && !traits.spreads;
    if (rss_) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = flows;
    } else if (rx_queues_ > 1 && !traits.spreads) {
        return tl::unexpected(named("the device cannot spread UDP over " +
                                    count_of(rx_queues_, "queue") + "; allowed: queues = 1"));
    }
    const std::uint32_t limit = traits.understates_mtu ? kMtuMax : mtu_limit(info);
    if (options_.mtu > limit) {
        return tl::unexpected(named("mtu = " + std::to_string(options_.mtu) +
                                    " is more than the device takes; allowed: " +
                                    std::to_string(kMtuMin) + " to " + std::to_string(limit)));
    }
    if (device_.pci()) {
        conf.rxmode.mtu = options_.mtu;
    }
    if (const int rc = rte_eth_dev_configure(ethdev_, rx_queues_, tx_queues_, &conf); rc != 0) {
        return tl::unexpected(named("the device refuses " + count_of(rx_queues_, "receive queue") +
                                    " and " + count_of(tx_queues_, "transmit queue") + ": " +
                                    why(rc)));
    }
    return set_mtu();
}

tl::expected<void, std::string> Port::set_mtu() {
    if (traits_of(device_.name()).understates_mtu) {
        // ethdev would refuse what the driver can do.
        auto done = set_interface_mtu(device_, options_.mtu);
        return done ? done : tl::unexpected(named(done.error()));
    }
    // Software devices without the operation carry whatever fits the mbuf.
    if (const int rc = rte_eth_dev_set_mtu(ethdev_, options_.mtu); rc != 0 && rc != -ENOTSUP) {
        return tl::unexpected(named("mtu = " + std::to_string(options_.mtu) +
                                    " is refused by the device: " + why(rc)));
    }
    return {};
}

// How many queues the device string asks for, if it says so itself.
std::optional<unsigned> Port::queues_made() const {
    for (const char* key : {"qpairs", "queues", "queue_count"}) {
        if (const auto text = device_.value(key)) {
            unsigned count = 0;
            std::from_chars(text->data(), text->data() + text->size(), count);
            return count;
        }
    }
    return std::nullopt;
}

tl::expected<void, std::string> Port::set_up_queues() {
    // Drivers differ in what they allow; the nearest allowed number is as good as the one asked
    // for.
    rx_descriptors_ = options_.rx_descriptors;
    tx_descriptors_ = options_.tx_descriptors;
    if (const int rc =
            rte_eth_dev_adjust_nb_rx_tx_desc(ethdev_, &rx_descriptors_, &tx_descriptors_);
        rc != 0) {
        return tl::unexpected(named("the device's descriptor limits cannot be met: " + why(rc)));
    }
    const int socket = rte_eth_dev_socket_id(ethdev_);
    const auto numa = static_cast<unsigned>(socket);  // SOCKET_ID_ANY is -1 there as well
    for (std::uint16_t queue = 0; queue < rx_queues_; ++queue) {
        if (const int rc = rte_eth_rx_queue_setup(
                ethdev_, queue, rx_descriptors_, numa, nullptr, options_.pool);
            rc != 0) {
            return tl::unexpected(named("receive queue " + std::to_string(queue) + " with " +
                                        count_of(rx_descriptors_, "descriptor") +
                                        " is refused: " + why(rc)));
        }
    }
    for (std::uint16_t queue = 0; queue < tx_queues_; ++queue) {
        if (const int rc = rte_eth_tx_queue_setup(ethdev_, queue, tx_descriptors_, numa, nullptr);
            rc != 0) {
            return tl::unexpected(named("transmit queue " + std::to_string(queue) + " with " +
                                        count_of(tx_descriptors_, "descriptor") +
                                        " is refused: " + why(rc)));
        }
    }
    return {};
}

// The same in each run, so that neighbours who remember it reach a box that was restarted; and
// another on each host, box and port. Of the locally administered range.
routing::Mac Port::made_up_address() const {
    std::array<char, 256> host{};
    (void)gethostname(host.data(), host.size() - 1);
    constexpr std::uint64_t kFnvOffset = 0xcbf29ce484222325;
    constexpr std::uint64_t kFnvPrime = 0x100000001b3;
    std::uint64_t hash = kFnvOffset;
    for (const std::string_view part : {std::string_view{host.data()},
                                        std::string_view{options_.box},
                                        std::string_view{options_.name},
                                        std::string_view{options_.device}}) {
        for (const char c : part) {
            hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
        }
        hash = (hash ^ 0xff) * kFnvPrime;  // no part of UTF-8 text
    }
    routing::Mac made;
    for (std::uint8_t& byte : made.bytes) {
        byte = static_cast<std::uint8_t>(hash);
        hash >>= 8;
    }
    constexpr std::uint8_t kLocal = 2;
    constexpr std::uint8_t kGroup = 1;
    made.bytes[0] = static_cast<std::uint8_t>((made.bytes[0] | kLocal) & ~kGroup);
    return made;
}

tl::expected<void, std::string> Port::set_addresses() {
    const DriverTraits& traits = traits_of(device_.name());
    rte_ether_addr address{};
    routing::Mac own;
    if (!traits.needs_address && rte_eth_macaddr_get(ethdev_, &address) == 0) {
        std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), own.bytes.begin());
    }
    mac_ = options_.mac.value_or(own.is_zero() ? made_up_address() : own);
    if (mac_ != own && !traits.needs_address) {
        std::copy(mac_.bytes.begin(), mac_.bytes.end(), std::begin(address.addr_bytes));
        const int rc = rte_eth_dev_default_mac_addr_set(ethdev_, &address);
        if (rc != 0 && !traits.takes_all) {
            return tl::unexpected(
                named("mac = " + mac_.to_text() + " is refused by the device: " + why(rc)));
        }
    }
    if (options_.promiscuous) {
        const int rc = rte_eth_promiscuous_enable(ethdev_);
        if (rc != 0 && !(rc == -ENOTSUP && traits_of(device_.name()).takes_all)) {
            return tl::unexpected(named("promiscuous = yes is refused by the device: " + why(rc)));
        }
    }
    // Neighbour solicitations come to multicast addresses. Devices without a filter lack the
    // operation, and one with a filter that refuses still serves IPv4.
    (void)rte_eth_allmulticast_enable(ethdev_);
    return {};
}

tl::expected<void, std::string> Port::create_handoff() {
    handoff_.assign(tx_queues_, nullptr);
    for (std::uint16_t queue = 0; queue < tx_queues_; ++queue) {
        if (queue + tx_queues_ >= workers_) {
            continue;  // one worker only
        }
        static unsigned serial = 0;
        const std::string ring_name = "ph_handoff_" + std::to_string(serial++);
        handoff_[queue] =
            rte_ring_create(ring_name.c_str(), kHandoffFrames, SOCKET_ID_ANY, RING_F_SC_DEQ);
        if (handoff_[queue] == nullptr) {
            return tl::unexpected(named("no memory for a hand-over ring of " +
                                        count_of(kHandoffFrames, "frame") + ": " + why(rte_errno)));
        }
    }
    return {};
}

TxAssignment Port::tx_assignment(unsigned worker) const noexcept {
    const auto queue = static_cast<std::uint16_t>(worker % tx_queues_);
    return {.queue = queue, .handoff = handoff_[queue], .owner = worker == queue};
}

bool Port::link_up() const noexcept {
    if (!started_) {
        return false;
    }
    rte_eth_link link{};
    return rte_eth_link_get_nowait(ethdev_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP &&
           interface_has_link(device_);
}

tl::expected<void, std::string> Port::wait_for_link() const {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::milliseconds(options_.link_wait_ms);
    constexpr int kPauseMs = 5;  // drivers give no file descriptor to wait on
    while (!link_up()) {
        if (Clock::now() >= deadline) {
            return tl::unexpected(named("no link after " + std::to_string(options_.link_wait_ms) +
                                        " ms (link_wait_ms); is the other end up?"));
        }
        wait_ms(kPauseMs);
    }
    return {};
}

tl::expected<void, std::string> Port::start() {
    if (started_) {
        return {};
    }
    if (peer_loss_ == PeerLoss::reopen && options_.reconnect) {
        if (!backend_present()) {
            return tl::unexpected(named("nobody listens on '" + *backend_socket(device_) + "'"));
        }
        if (stopped_once_) {
            close();
        }
        if (ethdev_ == kNoEthdev) {
            const std::uint16_t promised = tx_queues_;
            const bool fixed = !handoff_.empty();
            if (auto made = make(); !made) {
                close();
                return made;
            }
            if (fixed && promised != tx_queues_) {
                close();
                return tl::unexpected(named("the backend now offers " +
                                            count_of(tx_queues_, "transmit queue") + ", not " +
                                            std::to_string(promised)));
            }
        }
    }
    if (const int rc = call_device(rte_eth_dev_start); rc != 0) {
        return tl::unexpected(named("the device does not start: " + why(rc)));
    }
    started_ = true;
    return {};
}

void Port::stop() {
    if (!started_) {
        return;
    }
    if (device_.name().starts_with("net_ring")) {
        drain();  // its rings are freed without looking inside
    }
    (void)call_device(rte_eth_dev_stop);
    started_ = false;
    stopped_once_ = true;
}

void Port::drain() {
    std::array<rte_mbuf*, 64> frames;
    for (std::uint16_t queue = 0; queue < rx_queues_; ++queue) {
        std::uint16_t count = 0;
        do {
            count = rte_eth_rx_burst(ethdev_, queue, frames.data(), frames.size());
            rte_pktmbuf_free_bulk(frames.data(), count);
        } while (count > 0);
    }
}

int Port::call_device(int (*call)(std::uint16_t)) {
    return traits_of(device_.name()).needs_interrupt_thread
               ? call_on_interrupt_thread(call, ethdev_)
               : call(ethdev_);
}

void Port::close() {
    if (ethdev_ == kNoEthdev) {
        return;
    }
    (void)call_device(rte_eth_dev_close);
    if (!device_.pci()) {
        (void)rte_eal_hotplug_remove("vdev", device_.name().c_str());
    }
    ethdev_ = kNoEthdev;
    stopped_once_ = false;
}

PortStats Port::stats() const noexcept {
    rte_eth_stats raw{};
    if (ethdev_ == kNoEthdev || rte_eth_stats_get(ethdev_, &raw) != 0) {
        return {};
    }
    return {.rx_frames = raw.ipackets,
            .rx_bytes = raw.ibytes,
            .rx_missed = raw.imissed,
            .rx_errors = raw.ierrors,
            .rx_no_mbuf = raw.rx_nombuf,
            .tx_frames = raw.opackets,
            .tx_bytes = raw.obytes,
            .tx_errors = raw.oerrors};
}

}  // namespace posthaste::dataplane
