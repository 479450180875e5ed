// SPDX-License-Identifier: BSD-3-Clause
// RingPort: a net_ring device between two rings of this process, so that a frame put into one
// is received by whoever polls the device, and what is sent on it lies in the other.
//
// Opened and closed by one thread, while nobody polls. Each ring has one producer and one consumer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

struct rte_mempool;
struct rte_ring;

namespace posthaste::tools {

class RingPort {
  public:
    static constexpr unsigned kSlots = 1'024;  // a power of two; one stays empty

    [[nodiscard]] static tl::expected<std::unique_ptr<RingPort>, std::string> open(
        const std::string& name, rte_mempool* pool);
    ~RingPort();  // frees what is left in the rings
    RingPort(const RingPort&) = delete;
    RingPort& operator=(const RingPort&) = delete;

    [[nodiscard]] std::uint16_t ethdev() const noexcept { return ethdev_; }

    [[nodiscard]] rte_ring* towards() const noexcept { return rx_; }  // what the port receives

    [[nodiscard]] rte_ring* away() const noexcept { return tx_; }  // what it sent

  private:
    explicit RingPort(const std::string& name) : name_(name) {}

    [[nodiscard]] bool start(rte_mempool* pool);

    std::string name_;
    rte_ring* rx_ = nullptr;
    rte_ring* tx_ = nullptr;
    std::uint16_t ethdev_ = 0xffff;
    bool made_ = false;
};

}  // namespace posthaste::tools
