// SPDX-License-Identifier: BSD-3-Clause
// A peer process is killed while frames are under way and started again, several times: link comes
// back through the reconnect machine, frames flow, and no mbuf is lost. The peer is port-peer,
// which echoes; this process plays lcore and control thread in turns.
#include "dataplane/reconnect.h"
#include "tests/component/dataplane/port_bench.h"
#include "tests/support/child_process.h"

namespace posthaste::dataplane {
namespace {

using support::ChildProcess;
using support::eventually;

struct Side {
    const char* name;
    std::string ours;  // device strings; "@" stands for the socket's path
    std::string theirs;
};

std::ostream& operator<<(std::ostream& out, const Side& side) {
    return out << side.name;
}

class PeerLossTest : public PortTest, public testing::WithParamInterface<Side> {
  protected:
    static std::string with_path(std::string text, const std::string& path) {
        return text.replace(text.find('@'), 1, path);
    }

    // The program's path comes from the build.
    std::unique_ptr<ChildProcess> start_peer() {
        return std::make_unique<ChildProcess>(std::vector<std::string>{
            POSTHASTE_PORT_PEER, with_path(GetParam().theirs, directory_ / "s")});
    }

    // One turn of the control thread. No lcore runs meanwhile, so a pause is over at once.
    void turn(Port& port, Reconnect& machine) {
        const auto now =
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                           std::chrono::steady_clock::now().time_since_epoch())
                                           .count());
        if (!machine.due(now)) {
            return;
        }
        switch (machine.poll(now, port.link_up())) {
            case ReconnectStep::pause:
                machine.paused(now);
                break;
            case ReconnectStep::restart:
                port.stop();
                machine.restarted(now, port.start().has_value());
                break;
            case ReconnectStep::resume:
            case ReconnectStep::nothing:
                break;
        }
    }

    // Sends while the port is up; true once a frame came back.
    bool echoes(Port& port, Reconnect& machine) {
        return eventually([&] {
            turn(port, machine);
            if (!machine.up()) {
                return false;
            }
            for (int i = 0; i < 16; ++i) {
                (void)send(port, 1514, 3);
            }
            return !receive(port).empty();
        });
    }
};

TEST_P(PeerLossTest, a_killed_peer_that_returns_is_reconnected_and_no_mbuf_is_lost) {
    auto opened = Port::open(options(with_path(GetParam().ours, directory_ / "s")));
    ASSERT_TRUE(opened) << opened.error();
    Port& port = **opened;
    Reconnect machine(port.peer_loss() != PeerLoss::by_itself, port.link_up(), port.started());
    constexpr int kDeaths = 4;
    for (int death = 0; death <= kDeaths; ++death) {
        const auto peer = start_peer();
        ASSERT_TRUE(echoes(port, machine)) << "after " << death << " deaths";
        ASSERT_TRUE(peer->running());
        // Frames are in the rings when it dies, and the port is used until that is noticed.
        for (int i = 0; i < 64; ++i) {
            (void)send(port, 1514, 3);
        }
        peer->kill_hard();
        if (port.driver() == "net_memif") {
            // net_memif unmaps its rings on EAL's interrupt thread, whoever is reading them; see
            // the driver table. On a loaded machine that would end this test now and then.
            ASSERT_TRUE(eventually([&] { return !port.link_up(); }));
        }
        ASSERT_TRUE(eventually([&] {
            (void)send(port, 1514, 3);
            (void)receive(port);
            turn(port, machine);
            return !machine.up();
        })) << "death "
            << death << " went unnoticed";
    }
    EXPECT_EQ(machine.losses(), static_cast<std::uint32_t>(kDeaths + 1));
    opened->reset();
}

INSTANTIATE_TEST_SUITE_P(
    drivers,
    PeerLossTest,
    testing::Values(
        Side{.name = "memif_server",
             .ours = "net_memif0,role=server,id=0,socket-abstract=no,socket=@",
             .theirs = "net_memif0,role=client,id=0,socket-abstract=no,socket=@"},
        Side{.name = "memif_client",
             .ours = "net_memif0,role=client,id=0,socket-abstract=no,socket=@",
             .theirs = "net_memif0,role=server,id=0,socket-abstract=no,socket=@"},
        Side{.name = "vhost", .ours = "net_vhost0,iface=@", .theirs = "net_virtio_user0,path=@"},
        Side{.name = "virtio_user",
             .ours = "net_virtio_user0,path=@",
             .theirs = "net_vhost0,iface=@"}),
    [](const auto& instance) { return std::string{instance.param.name}; });

}  // namespace
}  // namespace posthaste::dataplane
