// SPDX-License-Identifier: BSD-3-Clause
// Device strings, completion of arguments and the state of Unix sockets.
#include "dataplane/vdev.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <fstream>

#include "dataplane/pool.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/unix_listener.h"

namespace posthaste::dataplane {
namespace {

using support::ScratchDirectory;
using support::UnixListener;

std::string completed(const std::string& text, unsigned queues, unsigned mtu) {
    DeviceString device(text);
    complete_arguments(device, queues, mtu, 512);
    return device.arguments();
}

unsigned number(const DeviceString& device, std::string_view key) {
    unsigned result = 0;
    const std::string text = device.value(key).value_or("");
    std::from_chars(text.data(), text.data() + text.size(), result);
    return result;
}

TEST(device_string, name_and_arguments_part_at_the_first_comma) {
    const DeviceString device("net_memif0,role=server,socket=/run/x.sock,zero-copy=yes");
    EXPECT_EQ(device.name(), "net_memif0");
    EXPECT_EQ(device.arguments(), "role=server,socket=/run/x.sock,zero-copy=yes");
    EXPECT_EQ(device.value("socket"), "/run/x.sock");
    EXPECT_TRUE(device.flag("zero-copy"));
    EXPECT_EQ(device.value("sock"), std::nullopt);
    EXPECT_FALSE(device.pci());
}

TEST(device_string, a_name_alone_has_no_arguments) {
    const DeviceString device("net_null0");
    EXPECT_EQ(device.arguments(), "");
    EXPECT_EQ(device.value("size"), std::nullopt);
}

TEST(device_string, pci_addresses_are_known_with_and_without_domain) {
    EXPECT_TRUE(DeviceString("0000:03:00.0").pci());
    EXPECT_EQ(DeviceString("03:00.1").name(), "0000:03:00.1");
    EXPECT_TRUE(DeviceString("0000:af:00.0,representor=[0]").pci());
    EXPECT_FALSE(DeviceString("0000:03:00").pci());
    EXPECT_FALSE(DeviceString("net_ring0").pci());
}

TEST(device_string, completion_never_overrides_what_is_there) {
    EXPECT_EQ(completed("net_af_packet0,iface=v0,qpairs=2", 4, 1500), "iface=v0,qpairs=2");
    EXPECT_EQ(completed("net_vhost0,iface=/x,queues=1", 2, 1500), "iface=/x,queues=1");
    EXPECT_EQ(completed("net_memif0,bsize=4096", 1, 9000), "bsize=4096");
}

TEST(device_string, queues_are_told_to_the_drivers_that_fix_them_at_probing) {
    EXPECT_EQ(completed("net_af_packet0,iface=v0", 2, 1500), "iface=v0,qpairs=2");
    EXPECT_EQ(completed("net_af_packet0,iface=v0", 1, 1500), "iface=v0");
    EXPECT_EQ(completed("net_virtio_user0,path=/x", 2, 1500), "path=/x,queues=2,queue_size=512");
    EXPECT_EQ(completed("net_tap0,iface=t0", 4, 1500), "iface=t0");
}

// net_af_packet refuses a slot that is larger than an mbuf, and the kernel cuts a frame that does
// not fit the slot: both must hold for every MTU.
TEST(device_string, a_slot_of_af_packet_holds_the_frame_and_fits_the_mbuf_for_every_mtu) {
    constexpr unsigned kKernelHeader = 66;
    constexpr unsigned kSlotDefault = 2048;
    constexpr unsigned kHeaderInSlot = 32;
    constexpr unsigned kHeadroom = 128;
    for (unsigned mtu = kMtuMin; mtu <= kMtuMax; ++mtu) {
        DeviceString device("net_af_packet0,iface=v0");
        complete_arguments(device, 1, mtu, 512);
        const unsigned slot = device.value("framesz") ? number(device, "framesz") : kSlotDefault;
        ASSERT_GE(slot, kKernelHeader + 14 + 4 + mtu) << "mtu " << mtu;
        ASSERT_LE(slot - kHeaderInSlot,
                  unsigned{data_room_bytes(static_cast<std::uint16_t>(mtu))} - kHeadroom)
            << "mtu " << mtu;
        ASSERT_EQ(slot % 16, 0U) << "mtu " << mtu;
        if (device.value("blocksz")) {
            ASSERT_GE(number(device, "blocksz"), slot);
            ASSERT_EQ(number(device, "blocksz") % 4096, 0U);
            // The driver's arithmetic knows no gap at the end of a block.
            ASSERT_EQ(number(device, "blocksz") % slot, 0U) << "mtu " << mtu;
        }
    }
}

TEST(device_string, a_buffer_of_memif_holds_a_whole_frame) {
    DeviceString device("net_memif0,role=client");
    complete_arguments(device, 1, 9000, 512);
    EXPECT_GE(number(device, "bsize"), 9000U + 14 + 8);
    EXPECT_EQ(completed("net_memif0,role=client", 1, 1500), "role=client");
}

TEST(driver_traits, every_driver_that_loses_its_peer_is_known) {
    EXPECT_EQ(traits_of("net_memif3").peer_loss, PeerLoss::restart);
    EXPECT_EQ(traits_of("net_vhost0").peer_loss, PeerLoss::by_itself);
    EXPECT_EQ(traits_of("net_virtio_user1").peer_loss, PeerLoss::reopen);
    EXPECT_EQ(traits_of("virtio_user0").peer_loss, PeerLoss::reopen);
    EXPECT_EQ(traits_of("net_af_packet0").peer_loss, PeerLoss::no_peer);
    EXPECT_EQ(traits_of("0000:03:00.0").peer_loss, PeerLoss::no_peer);
    EXPECT_FALSE(traits_of("0000:03:00.0").takes_all);
}

TEST(sockets, only_the_listening_side_owns_a_file) {
    using Path = std::optional<std::string>;
    const auto listening = [](const char* text) { return listening_socket(DeviceString(text)); };
    EXPECT_EQ(listening("net_memif0,role=server,socket-abstract=no,socket=/a"), Path{"/a"});
    EXPECT_EQ(listening("net_memif0,role=server,socket=/a"), std::nullopt);  // abstract
    EXPECT_EQ(listening("net_memif0,role=client,socket-abstract=no,socket=/a"), std::nullopt);
    EXPECT_EQ(listening("net_vhost0,iface=/a"), Path{"/a"});
    EXPECT_EQ(listening("net_vhost0,iface=/a,client=1"), std::nullopt);
    EXPECT_EQ(listening("net_virtio_user0,path=/a"), std::nullopt);
    EXPECT_EQ(listening("net_af_packet0,iface=v0"), std::nullopt);
    EXPECT_EQ(backend_socket(DeviceString("net_virtio_user0,path=/a")), Path{"/a"});
    EXPECT_EQ(backend_socket(DeviceString("net_virtio_user0,path=/dev/vhost-net")), std::nullopt);
    EXPECT_EQ(backend_socket(DeviceString("net_vhost0,iface=/a")), std::nullopt);
}

TEST(sockets, a_listener_is_seen_without_being_called) {
    for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {  // vhost-user; memif
        const ScratchDirectory directory;
        const UnixListener listener(directory / "s", type);
        ASSERT_EQ(fcntl(listener.fd(), F_SETFL, O_NONBLOCK), 0);
        EXPECT_EQ(probe_socket(directory / "s"), SocketState::live);
        EXPECT_FALSE(listener.has_caller());
    }
}

TEST(sockets, what_a_dead_process_left_is_removed) {
    const ScratchDirectory directory;
    UnixListener listener(directory / "s");
    listener.die();
    EXPECT_EQ(probe_socket(directory / "s"), SocketState::stale);
    EXPECT_TRUE(remove_stale_socket(directory / "s"));
    EXPECT_EQ(probe_socket(directory / "s"), SocketState::absent);
}

TEST(sockets, a_live_socket_and_a_file_are_left_alone) {
    const ScratchDirectory directory;
    const UnixListener listener(directory / "live");
    std::ofstream(directory / "file") << "precious";
    EXPECT_FALSE(remove_stale_socket(directory / "live"));
    EXPECT_FALSE(remove_stale_socket(directory / "file"));
    EXPECT_EQ(probe_socket(directory / "file"), SocketState::other_file);
    EXPECT_TRUE(std::filesystem::exists(directory / "live"));
    EXPECT_TRUE(std::filesystem::exists(directory / "file"));
}

TEST(sockets, a_link_to_a_socket_is_no_socket_of_ours) {
    const ScratchDirectory directory;
    UnixListener listener(directory / "s");
    listener.die();
    std::filesystem::create_symlink(directory / "s", directory / "link");
    EXPECT_FALSE(remove_stale_socket(directory / "link"));
    EXPECT_TRUE(std::filesystem::exists(directory / "s"));
}

TEST(prerequisites, what_is_missing_is_named) {
    const auto error = [](const std::string& text) {
        const auto checked = check_prerequisites(DeviceString(text));
        return checked ? std::string{} : checked.error();
    };
    EXPECT_EQ(error("net_af_packet0"), "the device needs iface=INTERFACE");
    EXPECT_EQ(error("net_af_packet0,iface=no-such-if"),
              "there is no network interface 'no-such-if'");
    EXPECT_EQ(error("net_af_packet0,iface=lo"), "");
    EXPECT_EQ(error("net_pcap0,rx_pcap=/no/in.pcap"),
              "cannot read '/no/in.pcap': No such file or directory");
    EXPECT_EQ(error("net_pcap0,tx_pcap=/no/out.pcap"),
              "cannot create '/no/out.pcap': No such file or directory");
    EXPECT_EQ(error("net_vhost0,iface=/no/v.sock"),
              "cannot create '/no/v.sock': No such file or directory");
    EXPECT_EQ(error("net_virtio_user0,path=/tmp/v,server=1"),
              "server=1 would hold up the start until a peer connects; let the other side listen, "
              "or use net_vhost");
}

TEST(prerequisites, a_socket_somebody_listens_on_is_not_taken) {
    const ScratchDirectory directory;
    const UnixListener listener(directory / "v");
    const auto checked = check_prerequisites(DeviceString("net_vhost0,iface=" + directory / "v"));
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error(), "another process listens on '" + directory / "v" + "'");
}

}  // namespace
}  // namespace posthaste::dataplane
