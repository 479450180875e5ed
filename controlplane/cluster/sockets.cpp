// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/sockets.h"

#include <netinet/tcp.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "controlplane/cluster/kernel_address.h"
#include "controlplane/endpoint_text.h"

namespace posthaste::controlplane {

namespace {

using routing::Family;
using routing::IpAddress;

constexpr int kBacklog = 64;
constexpr unsigned kUnsentMax = 256 * 1'024;  // more is not asked for by EPOLLOUT
constexpr int kDatagramBuffer = 4 << 20;

bool set(int fd, int level, int option, int value) {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// What only makes a stream better is not checked.
void tune_stream(int fd) {
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kDeadPeerMs);
    set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentMax);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 5);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 3);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

Descriptor new_socket(int family, int type) {
    return Descriptor(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

tl::unexpected<std::string> failure(const SocketAddress& address, const char* what) {
    const int error = errno;
    return tl::unexpected("cluster address " + text_of(address) + ": " + what + ": " +
                          std::strerror(error));
}

}  // namespace

void Descriptor::reset() noexcept {
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
}

tl::expected<SocketAddress, std::string> seed_address(std::string_view text,
                                                      std::uint16_t port_default) {
    const auto endpoint = endpoint_from_text(text);
    if (!endpoint) {
        return tl::unexpected("'" + std::string(text) +
                              "' is not ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT.");
    }
    return socket_address(endpoint->address, endpoint->port.value_or(port_default));
}

KernelAddress kernel_address(const SocketAddress& address) {
    KernelAddress out;
    if (const IpAddress ip = ip_of(address); ip.family == Family::ipv4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(address.port);
        std::memcpy(&in.sin_addr, ip.bytes.data(), 4);
        std::memcpy(&out.storage, &in, sizeof in);
        out.length = sizeof in;
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(address.port);
        std::memcpy(&in.sin6_addr, ip.bytes.data(), 16);
        std::memcpy(&out.storage, &in, sizeof in);
        out.length = sizeof in;
    }
    return out;
}

SocketAddress socket_address(const sockaddr_storage& storage) {
    IpAddress ip;
    std::uint16_t port = 0;
    if (storage.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &storage, sizeof in);
        ip.family = Family::ipv4;
        std::memcpy(ip.bytes.data(), &in.sin_addr, 4);
        port = ntohs(in.sin_port);
    } else if (storage.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &storage, sizeof in);
        ip.family = Family::ipv6;
        std::memcpy(ip.bytes.data(), &in.sin6_addr, 16);
        port = ntohs(in.sin6_port);
    }
    return socket_address(ip, port);
}

tl::expected<Descriptor, std::string> open_datagrams(const SocketAddress& local) {
    const KernelAddress address = kernel_address(local);
    Descriptor socket = new_socket(address.storage.ss_family, SOCK_DGRAM);
    if (!socket.is_open()) {
        return failure(local, "no UDP socket");
    }
    if (address.storage.ss_family == AF_INET6) {
        set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    set(socket.get(), SOL_SOCKET, SO_RCVBUF, kDatagramBuffer);
    if (::bind(socket.get(), address.get(), address.length) != 0) {
        return failure(local, "UDP cannot be bound");
    }
    return socket;
}

tl::expected<Descriptor, std::string> open_listener(const SocketAddress& local) {
    const KernelAddress address = kernel_address(local);
    Descriptor socket = new_socket(address.storage.ss_family, SOCK_STREAM);
    if (!socket.is_open()) {
        return failure(local, "no TCP socket");
    }
    if (address.storage.ss_family == AF_INET6) {
        set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (::bind(socket.get(), address.get(), address.length) != 0 ||
        ::listen(socket.get(), kBacklog) != 0) {
        return failure(local, "TCP cannot be bound");
    }
    return socket;
}

std::uint16_t bound_port(const Descriptor& socket) {
    KernelAddress address;
    address.length = sizeof address.storage;
    if (::getsockname(socket.get(), address.get(), &address.length) != 0) {
        return 0;
    }
    return socket_address(address.storage).port;
}

std::optional<Descriptor> begin_connect(const IpAddress& local, const SocketAddress& to) {
    const KernelAddress from = kernel_address(socket_address(local, 0));
    const KernelAddress address = kernel_address(to);
    if (from.storage.ss_family != address.storage.ss_family) {
        return std::nullopt;
    }
    Descriptor socket = new_socket(from.storage.ss_family, SOCK_STREAM);
    if (!socket.is_open()) {
        return std::nullopt;
    }
    tune_stream(socket.get());
    // The port is chosen when it is known who is called: more of them than of local ports.
    set(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (::bind(socket.get(), from.get(), from.length) != 0) {
        return std::nullopt;
    }
    if (::connect(socket.get(), address.get(), address.length) != 0 && errno != EINPROGRESS) {
        return std::nullopt;
    }
    return socket;
}

bool broken(const Descriptor& socket) {
    int error = 0;
    socklen_t length = sizeof error;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0;
}

std::optional<std::pair<Descriptor, SocketAddress>> accept_one(const Descriptor& listener) {
    KernelAddress from;
    from.length = sizeof from.storage;
    Descriptor socket(
        ::accept4(listener.get(), from.get(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) {
        return std::nullopt;
    }
    tune_stream(socket.get());
    return std::pair(std::move(socket), socket_address(from.storage));
}

void fill_random(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
        if (got > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(got));
        } else if (errno != EINTR) {
            std::abort();  // nonces that are not random give the key away
        }
    }
}

}  // namespace posthaste::controlplane
