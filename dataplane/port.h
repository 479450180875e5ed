// SPDX-License-Identifier: BSD-3-Clause
// Port: one DPDK device, from its device string to a started ethdev, and back.
//
// Control thread only; lcores see no Port but the ethdev and queue numbers of the World and of
// their RxQueue and TxQueue. Opened one after the other after EAL init, so that an error names the
// port. Stop, start and destruction are only allowed while no lcore polls or sends on the port.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/vdev.h"
#include "routing/address.h"

struct rte_mempool;
struct rte_ring;

namespace posthaste::dataplane {

inline constexpr std::uint16_t kNoEthdev = 0xffff;
inline constexpr unsigned kHandoffFrames = 1024;  // one hand-over ring

struct PortOptions {
    std::string name;    // of the [port] section
    std::string box;     // the system name: with port and device the seed of a made-up address
    std::string device;  // PCI address, or "driver0,arguments"
    std::uint16_t rx_queues = 1;
    std::uint16_t tx_queues = 1;  // one per worker; capped to what the device has
    std::uint16_t mtu = 1500;
    std::uint16_t rx_descriptors = 512;  // both clamped to what the device allows
    std::uint16_t tx_descriptors = 512;
    rte_mempool* pool = nullptr;  // outlives the port
    std::optional<routing::Mac> mac;
    bool promiscuous = false;
    bool rx_checksum = true;  // let the device check, where it can
    std::uint32_t link_wait_ms = 2'000;
    bool reconnect = true;  // an absent peer of memif, vhost or virtio_user is no error
};

struct PortStats {
    std::uint64_t rx_frames = 0;
    std::uint64_t rx_bytes = 0;
    std::uint64_t rx_missed = 0;  // the device had no descriptor
    std::uint64_t rx_errors = 0;
    std::uint64_t rx_no_mbuf = 0;
    std::uint64_t tx_frames = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_errors = 0;
};

// How worker `w` sends on a port: directly (handoff null), or over a ring that the queue's owner
// empties into the queue.
struct TxAssignment {
    std::uint16_t queue = 0;
    rte_ring* handoff = nullptr;  // multi-producer, single-consumer; elements are rte_mbuf*
    bool owner = false;           // this worker calls tx_burst on `queue`
};

class Port {
  public:
    [[nodiscard]] static tl::expected<std::unique_ptr<Port>, std::string> open(
        const PortOptions& options);
    // Stops and closes the device and frees what waits in the handoff rings.
    ~Port();
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    // DPDK's port id; kNoEthdev while a virtio_user port waits for its backend. May change in
    // start() of a `reopen` port, never otherwise: publish it in the World after each start.
    [[nodiscard]] std::uint16_t ethdev() const noexcept { return ethdev_; }

    [[nodiscard]] routing::Mac mac() const noexcept { return mac_; }

    [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

    [[nodiscard]] const std::string& driver() const noexcept { return driver_; }

    [[nodiscard]] PeerLoss peer_loss() const noexcept { return peer_loss_; }

    [[nodiscard]] bool offers_rss() const noexcept { return rss_; }

    [[nodiscard]] bool offers_rx_checksum() const noexcept { return rx_checksum_; }

    [[nodiscard]] std::uint16_t rx_queues() const noexcept { return rx_queues_; }

    [[nodiscard]] std::uint16_t tx_queues() const noexcept { return tx_queues_; }

    [[nodiscard]] std::uint16_t rx_descriptors() const noexcept { return rx_descriptors_; }

    [[nodiscard]] std::uint16_t tx_descriptors() const noexcept { return tx_descriptors_; }

    [[nodiscard]] std::uint16_t mtu() const noexcept { return options_.mtu; }

    [[nodiscard]] bool started() const noexcept { return started_; }

    // Started and has link. Never blocks.
    [[nodiscard]] bool link_up() const noexcept;
    // Idempotent. start() fails without harm while a peer is absent; call it again later.
    [[nodiscard]] tl::expected<void, std::string> start();
    void stop();

    [[nodiscard]] PortStats stats() const noexcept;
    // Worker number 0.., below the tx_queues asked for at open().
    [[nodiscard]] TxAssignment tx_assignment(unsigned worker) const noexcept;

  private:
    explicit Port(const PortOptions& options);
    [[nodiscard]] bool backend_present() const;
    [[nodiscard]] bool meets_peer_in_start() const;
    [[nodiscard]] std::optional<unsigned> queues_made() const;
    [[nodiscard]] tl::expected<void, std::string> prepare_absent();
    [[nodiscard]] tl::expected<void, std::string> make();
    [[nodiscard]] tl::expected<void, std::string> probe();
    [[nodiscard]] tl::expected<void, std::string> configure();
    [[nodiscard]] tl::expected<void, std::string> set_mtu();
    [[nodiscard]] tl::expected<void, std::string> set_up_queues();
    [[nodiscard]] tl::expected<void, std::string> set_addresses();
    [[nodiscard]] tl::expected<void, std::string> create_handoff();
    [[nodiscard]] tl::expected<void, std::string> wait_for_link() const;
    [[nodiscard]] std::string named(const std::string& text) const;
    [[nodiscard]] routing::Mac made_up_address() const;
    void drain();
    void close();
    // rte_eth_dev_start, _stop or _close, on the thread the driver needs.
    int call_device(int (*call)(std::uint16_t));

    PortOptions options_;
    DeviceString device_;
    std::string driver_;
    std::uint16_t ethdev_ = kNoEthdev;
    routing::Mac mac_;
    PeerLoss peer_loss_ = PeerLoss::no_peer;
    std::uint16_t workers_ = 1;
    std::uint16_t rx_queues_ = 1;
    std::uint16_t tx_queues_ = 1;
    std::uint16_t rx_descriptors_ = 0;
    std::uint16_t tx_descriptors_ = 0;
    bool rss_ = false;
    bool rx_checksum_ = false;
    bool started_ = false;
    bool stopped_once_ = false;
    std::vector<rte_ring*> handoff_;  // per tx queue; null: one worker uses it
};

}  // namespace posthaste::dataplane
