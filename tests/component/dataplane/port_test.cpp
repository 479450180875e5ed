// SPDX-License-Identifier: BSD-3-Clause
// Ports on devices that need neither root nor hugepages: null, ring, pcap file, and pairs of
// memif and vhost with virtio_user inside one process.
#include "dataplane/port.h"

#include <rte_ring.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/component/dataplane/port_bench.h"
#include "tests/support/eal_fixture.h"
#include "tests/support/unix_listener.h"

namespace posthaste::dataplane {
namespace {

const bool kMemory = support::eal_argument("-m128");
const bool kStays = support::eal_without_cleanup();

constexpr std::uint16_t kJumboFrame = kMtuMax + 14 + 4;

using support::eventually;

class PortOpen : public PortTest {};

class PortPair : public PortTest {};

class PortErrors : public PortTest {};

TEST_F(PortOpen, net_null_receives_and_swallows) {
    const auto port = Port::open(options("net_null0,size=128"));
    ASSERT_TRUE(port) << port.error();
    EXPECT_TRUE((*port)->link_up());
    EXPECT_EQ((*port)->driver(), "net_null");
    const auto received = receive(**port);
    ASSERT_EQ(received.size(), 32U);
    EXPECT_EQ(received[0].bytes, 128U);
    EXPECT_TRUE(send(**port, 64, 1));
}

TEST_F(PortOpen, a_device_without_an_address_gets_a_local_one) {
    const auto port = Port::open(options("net_null0"));
    ASSERT_TRUE(port) << port.error();
    EXPECT_FALSE((*port)->mac().is_zero());
    EXPECT_FALSE((*port)->mac().is_group());
    EXPECT_EQ((*port)->mac().bytes[0] & 2, 2);
}

TEST_F(PortOpen, that_address_is_the_same_in_each_run_and_another_on_each_box) {
    const auto address_in = [&](const std::string& box) {
        auto wanted = options("net_null0");
        wanted.box = box;
        const auto port = Port::open(wanted);
        return port ? (*port)->mac() : routing::Mac{};
    };
    EXPECT_EQ(address_in("west"), address_in("west"));
    EXPECT_NE(address_in("west"), address_in("east"));
}

TEST_F(PortOpen, a_configured_address_is_the_ports) {
    auto wanted = options("net_ring0");
    wanted.mac = routing::Mac{{0x02, 0, 0, 0, 0, 0x42}};
    const auto port = Port::open(wanted);
    ASSERT_TRUE(port) << port.error();
    EXPECT_EQ((*port)->mac(), *wanted.mac);
}

TEST_F(PortOpen, net_ring_gives_back_what_is_sent) {
    const auto port = Port::open(options("net_ring0"));
    ASSERT_TRUE(port) << port.error();
    ASSERT_TRUE(send(**port, 100, 9));
    EXPECT_EQ(receive(**port), (std::vector<Received>{{.bytes = 100, .segments = 1, .number = 9}}));
    EXPECT_EQ((*port)->stats().tx_frames, 1U);
    EXPECT_EQ((*port)->stats().rx_frames, 1U);
}

TEST_F(PortOpen, frames_left_in_a_ring_are_freed_with_the_port) {
    const auto port = Port::open(options("net_ring0"));
    ASSERT_TRUE(port) << port.error();
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(send(**port, 100, 9));
    }
}

TEST_F(PortOpen, a_device_name_can_be_opened_again_after_its_end) {
    for (int i = 0; i < 3; ++i) {
        const auto port = Port::open(options("net_ring0"));
        ASSERT_TRUE(port) << port.error();
        EXPECT_EQ((*port)->ethdev(), 0);
    }
}

TEST_F(PortOpen, stop_and_start_may_be_repeated) {
    const auto port = Port::open(options("net_null0"));
    ASSERT_TRUE(port) << port.error();
    for (int i = 0; i < 3; ++i) {
        (*port)->stop();
        (*port)->stop();
        EXPECT_FALSE((*port)->link_up());
        ASSERT_TRUE((*port)->start());
        ASSERT_TRUE((*port)->start());
        EXPECT_TRUE((*port)->link_up());
    }
}

TEST_F(PortOpen, descriptors_outside_the_devices_range_are_moved_into_it) {
    auto wanted = options("net_null0");
    wanted.rx_descriptors = 1;
    wanted.tx_descriptors = 60'000;
    const auto port = Port::open(wanted);
    ASSERT_TRUE(port) << port.error();
    EXPECT_GE((*port)->rx_descriptors(), 1);
    EXPECT_LE((*port)->tx_descriptors(), 60'000);
}

TEST_F(PortOpen, every_worker_has_a_way_to_a_queue_and_every_queue_one_owner) {
    auto wanted = options("net_ring0");
    wanted.rx_queues = 2;
    wanted.tx_queues = 3;  // three workers
    const auto port = Port::open(wanted);
    ASSERT_TRUE(port) << port.error();
    ASSERT_EQ((*port)->tx_queues(), 2);
    const auto first = (*port)->tx_assignment(0);
    const auto second = (*port)->tx_assignment(1);
    const auto third = (*port)->tx_assignment(2);
    EXPECT_TRUE(first.owner && second.owner);
    EXPECT_FALSE(third.owner);
    EXPECT_EQ(third.queue, first.queue);
    EXPECT_EQ(third.handoff, first.handoff);
    ASSERT_NE(first.handoff, nullptr);
    EXPECT_EQ(second.handoff, nullptr);  // alone on its queue
    EXPECT_TRUE(rte_ring_is_cons_single(first.handoff) != 0);
    EXPECT_TRUE(rte_ring_is_prod_single(first.handoff) == 0);
    // What a worker handed over and nobody sent is freed with the port.
    rte_mbuf* frame = rte_pktmbuf_alloc(pool_.get());
    EXPECT_EQ(rte_ring_enqueue(third.handoff, frame), 0);
}

TEST_F(PortOpen, as_many_queues_as_workers_need_no_handing_over) {
    auto wanted = options("net_null0");
    wanted.tx_queues = 4;
    const auto port = Port::open(wanted);
    ASSERT_TRUE(port) << port.error();
    std::set<std::uint16_t> queues;
    for (unsigned worker = 0; worker < 4; ++worker) {
        const auto way = (*port)->tx_assignment(worker);
        EXPECT_TRUE(way.owner);
        EXPECT_EQ(way.handoff, nullptr);
        queues.insert(way.queue);
    }
    EXPECT_EQ(queues.size(), 4U);
}

// Classic pcap, microseconds, one record.
void write_pcap(const std::string& path, const std::string& frame) {
    std::ofstream file(path, std::ios::binary);
    const std::uint32_t header[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    const auto size = static_cast<std::uint32_t>(frame.size());
    const std::uint32_t record[] = {0, 0, size, size};
    file.write(reinterpret_cast<const char*>(header), sizeof(header));
    file.write(reinterpret_cast<const char*>(record), sizeof(record));
    file << frame;
}

TEST_F(PortOpen, pcap_files_come_in_and_go_out_byte_for_byte) {
    const std::string frame(kJumboFrame, 'x');
    write_pcap(directory_ / "in.pcap", frame);
    {
        auto wanted = options("net_pcap0,rx_pcap=" + directory_ / "in.pcap" +
                              ",tx_pcap=" + directory_ / "out.pcap");
        wanted.mtu = kMtuMax;
        const auto port = Port::open(wanted);
        ASSERT_TRUE(port) << port.error();
        rte_mbuf* in = nullptr;
        ASSERT_EQ(rte_eth_rx_burst((*port)->ethdev(), 0, &in, 1), 1);
        EXPECT_EQ(in->nb_segs, 1);
        ASSERT_EQ(rte_eth_tx_burst((*port)->ethdev(), 0, &in, 1), 1);
    }
    std::ifstream file(directory_ / "out.pcap", std::ios::binary);
    const std::string out{std::istreambuf_iterator<char>(file), {}};
    ASSERT_GE(out.size(), frame.size());
    EXPECT_EQ(out.substr(out.size() - frame.size()), frame);
}

TEST_F(PortPair, memif_in_one_process_carries_jumbo_frames_in_one_segment) {
    const std::string socket = ",id=0,socket-abstract=no,socket=" + directory_ / "m";
    auto wanted = options("net_memif0,role=server" + socket);
    wanted.mtu = kMtuMax;
    wanted.tx_queues = 2;  // two workers and one queue: the peer takes no more rings than it has
    const auto server = Port::open(wanted);
    ASSERT_TRUE(server) << server.error();
    EXPECT_TRUE((*server)->started());
    EXPECT_FALSE((*server)->link_up());
    wanted.device = "net_memif1,role=client" + socket;
    const auto client = Port::open(wanted);
    ASSERT_TRUE(client) << client.error();
    ASSERT_TRUE(eventually([&] { return (*server)->link_up() && (*client)->link_up(); }));
    EXPECT_TRUE(crosses(**client, **server, kJumboFrame));
    EXPECT_TRUE(crosses(**server, **client, kJumboFrame));
    EXPECT_TRUE(crosses(**server, **client, 60));
}

TEST_F(PortPair, vhost_and_virtio_user_in_one_process_carry_frames_both_ways) {
    const auto backend = Port::open(options("net_vhost0,iface=" + directory_ / "v"));
    ASSERT_TRUE(backend) << backend.error();
    EXPECT_FALSE((*backend)->link_up());
    const auto driver = Port::open(options("net_virtio_user0,path=" + directory_ / "v"));
    ASSERT_TRUE(driver) << driver.error();
    ASSERT_TRUE(eventually([&] { return (*backend)->link_up() && (*driver)->link_up(); }));
    EXPECT_TRUE(crosses(**driver, **backend, 1514));
    EXPECT_TRUE(crosses(**backend, **driver, 1514));
}

TEST_F(PortPair, a_memif_client_without_a_server_waits_unstarted) {
    const std::string socket = ",id=0,socket-abstract=no,socket=" + directory_ / "m";
    const auto client = Port::open(options("net_memif1,role=client" + socket));
    ASSERT_TRUE(client) << client.error();
    EXPECT_FALSE((*client)->started());
    EXPECT_FALSE((*client)->link_up());
    EXPECT_FALSE((*client)->start());
    EXPECT_EQ((*client)->peer_loss(), PeerLoss::restart);
}

TEST_F(PortPair, a_virtio_user_port_without_a_backend_waits_without_a_device) {
    const std::string path = directory_ / "v";
    const auto driver = Port::open(options("net_virtio_user0,path=" + path));
    ASSERT_TRUE(driver) << driver.error();
    EXPECT_EQ((*driver)->ethdev(), kNoEthdev);
    EXPECT_FALSE((*driver)->link_up());
    EXPECT_TRUE((*driver)->tx_assignment(0).owner);
    EXPECT_EQ((*driver)->stats().rx_frames, 0U);
    const auto address = (*driver)->mac();
    EXPECT_FALSE(address.is_zero());
    const auto refused = (*driver)->start();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(),
              "port p0 (net_virtio_user0,path=" + path + "): nobody listens on '" + path + "'");
    const auto backend = Port::open(options("net_vhost0,iface=" + path));
    ASSERT_TRUE(backend) << backend.error();
    const auto started = (*driver)->start();
    ASSERT_TRUE(started) << started.error();
    EXPECT_EQ((*driver)->mac(), address);
    ASSERT_TRUE(eventually([&] { return (*backend)->link_up() && (*driver)->link_up(); }));
    EXPECT_TRUE(crosses(**driver, **backend, 60));
}

TEST_F(PortPair, sockets_of_dead_processes_are_no_obstacle) {
    for (const char* file : {"m", "v"}) {
        support::UnixListener(directory_ / file).die();
    }
    EXPECT_EQ(open_error(options("net_vhost0,iface=" + directory_ / "v")), "");
    EXPECT_EQ(open_error(options("net_memif0,role=server,id=0,socket-abstract=no,socket=" +
                                 directory_ / "m")),
              "");
}

TEST_F(PortErrors, an_unknown_driver_is_named) {
    EXPECT_EQ(open_error(options("net_nonsense0")),
              "port p0 (net_nonsense0): no driver could open the device: Bad address");
}

TEST_F(PortErrors, a_pci_device_that_is_not_there_is_named) {
    EXPECT_NE(open_error(options("0000:99:00.0")).find("port p0 (0000:99:00.0): no driver"),
              std::string::npos);
}

TEST_F(PortErrors, too_many_queues_name_the_number_allowed) {
    auto wanted = options("net_ring0");
    wanted.rx_queues = 40;
    EXPECT_EQ(open_error(wanted),
              "port p0 (net_ring0): queues = 40 is more than the device has; allowed: 1 to 16");
    wanted = options("net_vhost0,queues=1,iface=" + directory_ / "v");
    wanted.rx_queues = 2;
    EXPECT_NE(open_error(wanted).find("allowed: 1 to 1"), std::string::npos);
}

TEST_F(PortErrors, queues_nobody_would_poll_are_refused) {
    auto wanted = options("net_vhost0,queues=4,iface=" + directory_ / "v");
    wanted.rx_queues = 2;
    EXPECT_NE(open_error(wanted).find("the device spreads over 4 queues, and those nobody polls "
                                      "would lose frames; set queues = 4"),
              std::string::npos);
}

TEST_F(PortErrors, an_mtu_out_of_range_names_the_range) {
    auto wanted = options("net_null0");
    wanted.mtu = 9'001;
    EXPECT_EQ(open_error(wanted),
              "port p0 (net_null0): an MTU of 9001 is not possible; allowed: 68 to 9000");
    wanted.mtu = 67;
    EXPECT_NE(open_error(wanted).find("allowed: 68 to 9000"), std::string::npos);
}

TEST_F(PortErrors, a_device_can_belong_to_one_port_only) {
    const auto first = Port::open(options("net_ring0"));
    ASSERT_TRUE(first) << first.error();
    auto second = options("net_ring0");
    second.name = "other";
    EXPECT_EQ(open_error(second),
              "port other (net_ring0): the device name is already in use by another port");
    EXPECT_TRUE((*first)->link_up());
}

TEST_F(PortErrors, no_link_is_an_error_where_a_peer_is_not_waited_for) {
    const std::string device =
        "net_memif0,role=server,id=0,socket-abstract=no,socket=" + directory_ / "m";
    auto wanted = options(device);
    wanted.reconnect = false;
    wanted.link_wait_ms = 20;
    EXPECT_EQ(open_error(wanted),
              "port p0 (" + device + "): no link after 20 ms (link_wait_ms); is the other end up?");
    EXPECT_FALSE(std::filesystem::exists(directory_ / "m"));  // nothing is left behind
}

TEST_F(PortErrors, an_absent_peer_is_an_error_where_it_is_not_waited_for) {
    auto wanted = options("net_virtio_user0,path=" + directory_ / "v");
    wanted.reconnect = false;
    EXPECT_NE(open_error(wanted).find("no driver could open the device"), std::string::npos);
}

}  // namespace
}  // namespace posthaste::dataplane
