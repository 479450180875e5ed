// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/ring_port.h"

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

namespace posthaste::tools {

namespace {

constexpr std::uint16_t kDescriptors = 64;  // net_ring does not look

void free_frames(rte_ring* ring) {
    void* frame = nullptr;
    while (rte_ring_dequeue(ring, &frame) == 0) {
        rte_pktmbuf_free(static_cast<rte_mbuf*>(frame));
    }
    rte_ring_free(ring);
}

}  // namespace

tl::expected<std::unique_ptr<RingPort>, std::string> RingPort::open(const std::string& name,
                                                                    rte_mempool* pool) {
    std::unique_ptr<RingPort> port(new RingPort(name));
    constexpr unsigned kOneEach = RING_F_SP_ENQ | RING_F_SC_DEQ;
    port->rx_ = rte_ring_create((name + "_rx").c_str(), kSlots, SOCKET_ID_ANY, kOneEach);
    port->tx_ = rte_ring_create((name + "_tx").c_str(), kSlots, SOCKET_ID_ANY, kOneEach);
    if (port->rx_ == nullptr || port->tx_ == nullptr || !port->start(pool)) {
        return tl::unexpected("cannot make the ring port " + name);
    }
    return port;
}

bool RingPort::start(rte_mempool* pool) {
    const int ethdev = rte_eth_from_rings(name_.c_str(), &rx_, 1, &tx_, 1, 0);
    if (ethdev < 0) {
        return false;
    }
    made_ = true;
    ethdev_ = static_cast<std::uint16_t>(ethdev);
    const rte_eth_conf none{};
    return rte_eth_dev_configure(ethdev_, 1, 1, &none) == 0 &&
           rte_eth_rx_queue_setup(ethdev_, 0, kDescriptors, 0, nullptr, pool) == 0 &&
           rte_eth_tx_queue_setup(ethdev_, 0, kDescriptors, 0, nullptr) == 0 &&
           rte_eth_dev_start(ethdev_) == 0;
}

RingPort::~RingPort() {
    if (made_) {
        rte_eth_dev_stop(ethdev_);
        rte_vdev_uninit(("net_ring_" + name_).c_str());
    }
    for (rte_ring* const ring : {rx_, tx_}) {
        if (ring != nullptr) {
            free_frames(ring);
        }
    }
}

}  // namespace posthaste::tools
