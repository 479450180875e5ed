// SPDX-License-Identifier: BSD-3-Clause
// Vdev: what a device string says, and what the driver behind it needs that others do not.
//
// Text and table only: probing is dataplane/port.h. Control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace posthaste::dataplane {

// What a driver needs when its peer goes away.
enum class PeerLoss : std::uint8_t {
    no_peer,    // the device has none: losing link is a matter of cables
    by_itself,  // link goes down and up again without us (vhost)
    restart,    // stop and start until link is back (memif)
    reopen,     // remove and probe again (virtio_user)
};

struct DriverTraits {
    std::string_view prefix;  // of the device name
    PeerLoss peer_loss = PeerLoss::no_peer;
    // As many transmit queues as receive queues, however many workers there are: the driver
    // refuses anything else (tap), the peer does (memif: a client may not bring more rings than
    // the server has), or the queues are made in pairs.
    bool paired_queues = false;
    // The driver spreads frames over all queues it was made with, so all must be polled.
    bool polls_all = false;
    // Frames of one flow stay on one queue without RSS being asked for: the kernel's fanout or
    // flow table, or the peer, which chooses the ring.
    bool spreads = false;
    // Reports 1518 bytes as its longest frame although it carries what its buffers hold; the MTU
    // that counts is that of the kernel interface, or nobody's.
    bool understates_mtu = false;
    // What the device gives as its address is none to use: a new one in each process (memif,
    // virtio_user), the same in each (vhost), zero (ring, null), or that of the kernel's end of the
    // link (tap).
    bool needs_address = false;
    // Talks to its peer on EAL's interrupt thread, without a lock against start, stop and close.
    bool needs_interrupt_thread = false;
    // Takes every frame whatever its destination, so a MAC of our choice needs no filter.
    bool takes_all = false;
};

// PCI devices and drivers the table does not know get the defaults.
[[nodiscard]] const DriverTraits& traits_of(std::string_view device_name) noexcept;

class DeviceString {
  public:
    // "net_af_packet0,iface=veth0" or "0000:03:00.0".
    explicit DeviceString(std::string_view text);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] const std::string& arguments() const noexcept { return arguments_; }

    [[nodiscard]] bool pci() const noexcept { return pci_; }

    // PCI addresses with their domain: "03:00.0" is "0000:03:00.0".
    [[nodiscard]] std::optional<std::string> value(std::string_view key) const;
    [[nodiscard]] bool flag(std::string_view key) const;  // "1" or "yes"
    // Adds key=value unless the key is there.
    void complete(std::string_view key, const std::string& value);

  private:
    std::string name_;
    std::string arguments_;
    bool pci_ = false;
};

// Adds what the driver would otherwise get wrong: queue pairs, and buffers for a large MTU.
void complete_arguments(DeviceString& device, unsigned queues, unsigned mtu, unsigned descriptors);

// Waits for peers to connect, on a file or (memif) on an abstract socket.
[[nodiscard]] bool listens(const DeviceString& device);
// The file of the Unix socket this device listens on, if it does.
[[nodiscard]] std::optional<std::string> listening_socket(const DeviceString& device);
// The file of the Unix socket this device connects to as soon as it is probed.
[[nodiscard]] std::optional<std::string> backend_socket(const DeviceString& device);

enum class SocketState : std::uint8_t { absent, stale, live, other_file, unreachable };

// Finds out without disturbing whoever listens.
[[nodiscard]] SocketState probe_socket(const std::string& path) noexcept;
// Removes `path` if it is a socket nobody listens on. True: gone or never there.
[[nodiscard]] bool remove_stale_socket(const std::string& path) noexcept;

// Sets the MTU of the kernel interface behind the device, if there is one.
[[nodiscard]] tl::expected<void, std::string> set_interface_mtu(const DeviceString& device,
                                                                unsigned mtu);

// False if the device stands for a kernel interface that is down, gone, or without carrier: those
// drivers always call their own link up.
[[nodiscard]] bool interface_has_link(const DeviceString& device) noexcept;

// What can be told to be missing before the driver is asked: interface, file, directory.
[[nodiscard]] tl::expected<void, std::string> check_prerequisites(const DeviceString& device);

}  // namespace posthaste::dataplane
