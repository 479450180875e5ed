// SPDX-License-Identifier: BSD-3-Clause
// Kernel sockets of the cluster: descriptors, addresses and how sockets are opened. All of them are
// non-blocking and closed on exec; streams have TCP_NODELAY, and end when the other side has not
// answered for kDeadPeerMs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "controlplane/cluster/cluster_text.h"
#include "gossip/membership/options.h"
#include "routing/address.h"

namespace posthaste::controlplane {

using gossip::membership::SocketAddress;

inline constexpr unsigned kDeadPeerMs = 15'000;

class Descriptor {
  public:
    Descriptor() = default;

    explicit Descriptor(int fd) noexcept : fd_(fd) {}

    ~Descriptor() { reset(); }

    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }

    [[nodiscard]] int get() const noexcept { return fd_; }

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

  private:
    void reset() noexcept;

    int fd_ = -1;
};

// ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT; the error is one sentence.
[[nodiscard]] tl::expected<SocketAddress, std::string> seed_address(std::string_view text,
                                                                    std::uint16_t port_default);

// Port 0: any that is free. The errors name the address and what failed.
[[nodiscard]] tl::expected<Descriptor, std::string> open_datagrams(const SocketAddress& local);
[[nodiscard]] tl::expected<Descriptor, std::string> open_listener(const SocketAddress& local);
[[nodiscard]] std::uint16_t bound_port(const Descriptor& socket);

// From the address `local`, and any port. The connection is under way: it is there when the socket
// is writable and broken() says no.
[[nodiscard]] std::optional<Descriptor> begin_connect(const routing::IpAddress& local,
                                                      const SocketAddress& to);
[[nodiscard]] bool broken(const Descriptor& socket);
// Nothing: nobody waits, or there are no descriptors left.
[[nodiscard]] std::optional<std::pair<Descriptor, SocketAddress>> accept_one(
    const Descriptor& listener);

// From the kernel's random device; ends the process without one.
void fill_random(std::span<std::uint8_t> bytes);

}  // namespace posthaste::controlplane
