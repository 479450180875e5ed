// SPDX-License-Identifier: BSD-3-Clause
// A socket's address as the kernel wants it. For the files with system calls alone.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "controlplane/cluster/sockets.h"

namespace posthaste::controlplane {

struct KernelAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);
    }

    [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

[[nodiscard]] KernelAddress kernel_address(const SocketAddress& address);
[[nodiscard]] SocketAddress socket_address(const sockaddr_storage& storage);

}  // namespace posthaste::controlplane
