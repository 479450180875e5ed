// SPDX-License-Identifier: BSD-3-Clause
// What the port tests share: a frame pool, options, sending and receiving numbered frames.
#pragma once

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/pool.h"
#include "dataplane/port.h"
#include "tests/support/eventually.h"
#include "tests/support/scratch_directory.h"

namespace posthaste::dataplane {

class PortTest : public testing::Test {
  protected:
    static constexpr std::uint32_t kMbufs = 4095;

    void SetUp() override {
        // As controlplane/eal.cpp does: virtio_user writes to a backend that may be gone.
        std::signal(SIGPIPE, SIG_IGN);
        auto made = create_pool({.name = "frames", .mbufs = kMbufs, .mtu = kMtuMax});
        ASSERT_TRUE(made) << made.error();
        pool_ = std::move(*made);
    }

    // Every test ends with the pool full: whatever was closed, killed or restarted.
    void TearDown() override {
        EXPECT_TRUE(pool_full(pool_.get())) << pool_in_use(pool_.get()) << " mbufs are missing";
    }

    [[nodiscard]] PortOptions options(const std::string& device) const {
        PortOptions made;
        made.name = "p0";
        made.device = device;
        made.pool = pool_.get();
        return made;
    }

    [[nodiscard]] std::string open_error(const PortOptions& what) const {
        const auto port = Port::open(what);
        return port ? std::string{} : port.error();
    }

    // Puts a frame of `bytes` whose content depends on `number` on queue 0. False: not accepted.
    bool send(const Port& port, std::uint16_t bytes, std::uint8_t number) {
        rte_mbuf* frame = rte_pktmbuf_alloc(pool_.get());
        if (frame == nullptr) {
            return false;
        }
        char* data = rte_pktmbuf_append(frame, bytes);
        std::memset(data, number, bytes);
        if (rte_eth_tx_burst(port.ethdev(), 0, &frame, 1) == 1) {
            return true;
        }
        rte_pktmbuf_free(frame);
        return false;
    }

    struct Received {
        std::uint32_t bytes = 0;
        unsigned segments = 0;
        std::uint8_t number = 0;
        friend bool operator==(const Received&, const Received&) = default;
    };

    // What is there now, on all queues.
    [[nodiscard]] static std::vector<Received> receive(const Port& port) {
        std::vector<Received> received;
        for (std::uint16_t queue = 0; queue < port.rx_queues(); ++queue) {
            std::array<rte_mbuf*, 32> frames;
            const auto count = rte_eth_rx_burst(port.ethdev(), queue, frames.data(), frames.size());
            for (unsigned i = 0; i < count; ++i) {
                received.push_back({.bytes = rte_pktmbuf_pkt_len(frames[i]),
                                    .segments = frames[i]->nb_segs,
                                    .number = *rte_pktmbuf_mtod(frames[i], std::uint8_t*)});
                rte_pktmbuf_free(frames[i]);
            }
        }
        return received;
    }

    // Sends from one port and waits for the frame at the other. The receiver is polled all the
    // while: memif and virtio hand out room for frames in receive.
    [[nodiscard]] bool crosses(const Port& from, const Port& to, std::uint16_t bytes) {
        const Received expected{.bytes = bytes, .segments = 1, .number = 7};
        bool sent = false;
        bool arrived = false;
        return support::eventually([&] {
            sent = sent || send(from, bytes, expected.number);
            for (const Received& frame : receive(to)) {
                arrived = arrived || frame == expected;
            }
            return arrived;
        });
    }

    Mempool pool_;
    support::ScratchDirectory directory_;
};

}  // namespace posthaste::dataplane
