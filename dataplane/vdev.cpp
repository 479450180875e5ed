// SPDX-License-Identifier: BSD-3-Clause
// Device strings, driver facts and Unix sockets; see the header.
#include "dataplane/vdev.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cerrno>
#include <cstring>

namespace posthaste::dataplane {
namespace {

constexpr std::array<DriverTraits, 10> kDrivers = {{
    // One packet socket per queue pair, all in one fanout group from the moment of probing: a
    // socket nobody polls swallows its share. The socket sees every frame of the interface.
    {.prefix = "net_af_packet",
     .paired_queues = true,
     .polls_all = true,
     .spreads = true,
     .understates_mtu = true,
     .takes_all = true},
    {.prefix = "net_af_xdp", .paired_queues = true, .polls_all = true, .spreads = true},
    {.prefix = "net_pcap", .takes_all = true},
    // Transmit ring n is receive ring n of whoever attached to it, or of the device itself.
    {.prefix = "net_ring",
     .paired_queues = true,
     .spreads = true,
     .needs_address = true,
     .takes_all = true},
    {.prefix = "net_null", .spreads = true, .needs_address = true, .takes_all = true},
    // The transmit rings of one side are the receive rings of the other. A client connects in
    // start and never again; a server takes the next client by itself (Port makes the difference).
    // When the peer goes, EAL's interrupt thread takes the link down and unmaps the rings some
    // microseconds later, and nothing tells us in between: a worker that is preempted in the
    // middle of a burst then reads unmapped memory. So memif wants workers with cores of their
    // own (share_cores = no), where a burst is over by then.
    {.prefix = "net_memif",
     .peer_loss = PeerLoss::restart,
     .paired_queues = true,
     .spreads = true,
     .understates_mtu = true,
     .needs_address = true,
     .needs_interrupt_thread = true,
     .takes_all = true},
    // The listener stays and takes the next connection without being asked.
    {.prefix = "net_vhost",
     .peer_loss = PeerLoss::by_itself,
     .paired_queues = true,
     .polls_all = true,
     .spreads = true,
     .needs_address = true,
     .takes_all = true},
    // A client never connects a second time: the device must be made anew. The device tells the
    // backend how many pairs there are, and the backend fills all of them.
    {.prefix = "net_virtio_user",
     .peer_loss = PeerLoss::reopen,
     .paired_queues = true,
     .polls_all = true,
     .spreads = true,
     .needs_address = true,
     .takes_all = true},
    {.prefix = "virtio_user",
     .peer_loss = PeerLoss::reopen,
     .paired_queues = true,
     .polls_all = true,
     .spreads = true,
     .needs_address = true,
     .takes_all = true},
    // The kernel's flow table spreads.
    {.prefix = "net_tap",
     .paired_queues = true,
     .spreads = true,
     .understates_mtu = true,
     .needs_address = true,
     .takes_all = true},
}};

constexpr DriverTraits kUnknownDriver = {};

constexpr unsigned kPage = 4096;

bool is_pci_address(std::string_view text) noexcept {
    const auto hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
    const auto matches = [&](std::string_view pattern) {
        return text.size() == pattern.size() &&
               std::equal(text.begin(), text.end(), pattern.begin(), [&](char c, char p) {
                   return p == 'h' ? hex(c) : c == p;
               });
    };
    return matches("hhhh:hh:hh.h") || matches("hh:hh.h");
}

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

bool starts_with_driver(const DeviceString& device, std::string_view driver) noexcept {
    return std::string_view{device.name()}.starts_with(driver);
}

// Frames are those of a network interface of the kernel, which was there before.
bool reads_interface(const DeviceString& device) {
    return starts_with_driver(device, "net_af_packet") ||
           starts_with_driver(device, "net_af_xdp") ||
           (starts_with_driver(device, "net_pcap") && device.value("iface").has_value());
}

bool is_virtio_user(const DeviceString& device) noexcept {
    return starts_with_driver(device, "net_virtio_user") ||
           starts_with_driver(device, "virtio_user");
}

}  // namespace

const DriverTraits& traits_of(std::string_view device_name) noexcept {
    const auto* const found =
        std::find_if(kDrivers.begin(), kDrivers.end(), [&](const DriverTraits& driver) {
            return device_name.starts_with(driver.prefix);
        });
    return found == kDrivers.end() ? kUnknownDriver : *found;
}

DeviceString::DeviceString(std::string_view text) {
    const auto comma = text.find(',');
    name_ = text.substr(0, comma);
    if (comma != std::string_view::npos) {
        arguments_ = text.substr(comma + 1);
    }
    pci_ = is_pci_address(name_);
    if (pci_ && name_.size() == std::strlen("hh:hh.h")) {
        name_ = "0000:" + name_;
    }
}

std::optional<std::string> DeviceString::value(std::string_view key) const {
    std::string_view rest = arguments_;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        const auto item = rest.substr(0, comma);
        const auto equals = item.find('=');
        if (item.substr(0, equals) == key) {
            return equals == std::string_view::npos ? std::string{}
                                                    : std::string{item.substr(equals + 1)};
        }
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
    return std::nullopt;
}

bool DeviceString::flag(std::string_view key) const {
    const auto text = value(key);
    return text == "1" || text == "yes";
}

void DeviceString::complete(std::string_view key, const std::string& value_text) {
    if (value(key)) {
        return;
    }
    if (!arguments_.empty()) {
        arguments_ += ',';
    }
    arguments_.append(key).append("=").append(value_text);
}

void complete_arguments(DeviceString& device, unsigned queues, unsigned mtu, unsigned descriptors) {
    const unsigned frame = mtu + 14 + 8;  // with two VLAN tags
    if (starts_with_driver(device, "net_af_packet")) {
        if (queues > 1) {
            device.complete("qpairs", std::to_string(queues));
        }
        // A slot of the kernel's ring begins with 66 bytes of its own. It must not be larger than
        // the mbuf (data_room_bytes() leaves room for that), so it is no power of two. The driver
        // takes slot i to be at i times the size of a slot: they must fill their blocks, which
        // are whole pages.
        constexpr unsigned kSlotHeader = 66;
        constexpr unsigned kSlotUnit = 1024;
        constexpr unsigned kSlotDefault = 2048;
        const unsigned slot = (frame + kSlotHeader + kSlotUnit - 1) / kSlotUnit * kSlotUnit;
        if (slot > kSlotDefault) {
            device.complete("framesz", std::to_string(slot));
            device.complete("blocksz", std::to_string(slot * (kPage / kSlotUnit)));
        }
    } else if (starts_with_driver(device, "net_memif")) {
        // A frame that takes two buffers of the peer comes out as two segments.
        constexpr unsigned kBufferDefault = 2048;
        if (frame > kBufferDefault) {
            device.complete("bsize", std::to_string(std::bit_ceil(frame)));
        }
    } else if (starts_with_driver(device, "net_vhost")) {
        device.complete("queues", std::to_string(queues));
    } else if (is_virtio_user(device)) {
        device.complete("queues", std::to_string(queues));
        constexpr unsigned kRingMax = 1024;
        device.complete("queue_size",
                        std::to_string(std::min(std::bit_ceil(descriptors), kRingMax)));
    }
}

bool listens(const DeviceString& device) {
    if (starts_with_driver(device, "net_memif")) {
        const auto role = device.value("role");
        return role == "server" || role == "master";
    }
    return starts_with_driver(device, "net_vhost") && !device.flag("client");
}

std::optional<std::string> listening_socket(const DeviceString& device) {
    if (!listens(device)) {
        return std::nullopt;
    }
    if (starts_with_driver(device, "net_vhost")) {
        return device.value("iface");
    }
    // Sockets of memif are abstract (no file) unless asked otherwise.
    return device.value("socket-abstract") == "no" ? device.value("socket") : std::nullopt;
}

std::optional<std::string> backend_socket(const DeviceString& device) {
    if (!is_virtio_user(device)) {
        return std::nullopt;
    }
    const auto path = device.value("path");
    // vhost-net and vhost-vdpa are character devices: always there or never.
    return path && !path->starts_with("/dev/") ? path : std::nullopt;
}

SocketState probe_socket(const std::string& path) noexcept {
    struct stat status {};

    if (lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? SocketState::absent : SocketState::unreachable;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return SocketState::other_file;
    }
    sockaddr_un address{};
    if (path.size() >= sizeof(address.sun_path)) {
        return SocketState::unreachable;
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    // A datagram socket cannot connect to a stream listener, so a live one is told from a dead one
    // (EPROTOTYPE, ECONNREFUSED) without its owner seeing a connection.
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return SocketState::unreachable;
    }
    const int rc = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    const int why = errno;
    ::close(fd);
    if (rc == 0 || why == EPROTOTYPE) {
        return SocketState::live;
    }
    return why == ECONNREFUSED ? SocketState::stale : SocketState::unreachable;
}

bool remove_stale_socket(const std::string& path) noexcept {
    switch (probe_socket(path)) {
        case SocketState::absent:
            return true;
        case SocketState::stale:
            return unlink(path.c_str()) == 0 || errno == ENOENT;
        case SocketState::live:
        case SocketState::other_file:
        case SocketState::unreachable:
            return false;
    }
    return false;
}

tl::expected<void, std::string> set_interface_mtu(const DeviceString& device, unsigned mtu) {
    const auto interface = device.value("iface");
    if (!interface || !traits_of(device.name()).understates_mtu) {
        return {};
    }
    ifreq request{};
    interface->copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    request.ifr_mtu = static_cast<int>(mtu);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool done = fd >= 0 && ioctl(fd, SIOCSIFMTU, &request) == 0;
    const int reason = errno;
    ::close(fd);
    if (!done) {
        return tl::unexpected("mtu = " + std::to_string(mtu) + " is refused by the interface '" +
                              *interface + "': " + std::strerror(reason));
    }
    return {};
}

bool interface_has_link(const DeviceString& device) noexcept {
    if (!reads_interface(device)) {
        return true;
    }
    // For the life of the process; every asker may use it at once.
    static const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    device.value("iface").value_or("").copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    return ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

tl::expected<void, std::string> check_prerequisites(const DeviceString& device) {
    if (reads_interface(device)) {
        const auto interface = device.value("iface");
        if (!interface) {
            return tl::unexpected(std::string{"the device needs iface=INTERFACE"});
        }
        if (if_nametoindex(interface->c_str()) == 0) {
            return tl::unexpected("there is no network interface '" + *interface + "'");
        }
    }
    if (const auto file = device.value("rx_pcap"); file && access(file->c_str(), R_OK) != 0) {
        return tl::unexpected("cannot read '" + *file + "': " + std::strerror(errno));
    }
    for (const auto& path : {listening_socket(device), device.value("tx_pcap")}) {
        if (path && access(directory_of(*path).c_str(), W_OK | X_OK) != 0) {
            return tl::unexpected("cannot create '" + *path + "': " + std::strerror(errno));
        }
    }
    if (is_virtio_user(device) && device.flag("server")) {
        return tl::unexpected(
            std::string{"server=1 would hold up the start until a peer connects; let the other "
                        "side listen, or use net_vhost"});
    }
    const auto socket = listening_socket(device);
    if (!socket) {
        return {};
    }
    switch (probe_socket(*socket)) {
        case SocketState::other_file:
            return tl::unexpected("'" + *socket + "' exists and is no socket; it is left alone");
        case SocketState::live:
            // Several memif ports may share one listener of this very process.
            if (!starts_with_driver(device, "net_memif")) {
                return tl::unexpected("another process listens on '" + *socket + "'");
            }
            return {};
        case SocketState::absent:
        case SocketState::stale:
        case SocketState::unreachable:
            return {};
    }
    return {};
}

}  // namespace posthaste::dataplane
