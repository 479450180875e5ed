// SPDX-License-Identifier: BSD-3-Clause
// port-peer DEVICE [QUEUES]: the other end of a memif or vhost port, as a process that can be
// killed. Sends every frame back where it came from. Ends when its standard input does.
#include <poll.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "dataplane/pool.h"
#include "dataplane/port.h"

namespace {

using posthaste::dataplane::Port;

bool start_eal() {
    static std::vector<std::string> words = {"port-peer",
                                             "--no-huge",
                                             "--no-shconf",
                                             "--no-telemetry",
                                             "--no-pci",
                                             "--log-level=critical",
                                             "-m64",
                                             "--lcores=0@0",
                                             "--file-prefix=peer" + std::to_string(getpid())};
    static std::vector<char*> pointers;
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    return rte_eal_init(static_cast<int>(words.size()), pointers.data()) >= 0;
}

unsigned echo(const Port& port) {
    unsigned moved = 0;
    for (std::uint16_t queue = 0; queue < port.rx_queues(); ++queue) {
        std::array<rte_mbuf*, 32> frames;
        const auto count = rte_eth_rx_burst(port.ethdev(), queue, frames.data(), frames.size());
        const auto sent = rte_eth_tx_burst(port.ethdev(), queue, frames.data(), count);
        for (unsigned i = sent; i < count; ++i) {
            rte_pktmbuf_free(frames[i]);
        }
        moved += count;
    }
    return moved;
}

// Restarts the port while it has no link, as the router's control thread does.
void serve(Port& port) {
    pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    unsigned idle = 0;
    while (::poll(&input, 1, idle > 0 ? 1 : 0) == 0) {
        idle = port.started() && echo(port) > 0 ? 0 : idle + 1;
        if (idle % 256 == 255 && !port.link_up()) {
            port.stop();
            (void)port.start();
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || !start_eal()) {
        return EXIT_FAILURE;
    }
    auto pool = posthaste::dataplane::create_pool({.name = "peer", .mbufs = 4096, .mtu = 9000});
    if (!pool) {
        std::fprintf(stderr, "%s\n", pool.error().c_str());
        return EXIT_FAILURE;
    }
    posthaste::dataplane::PortOptions options;
    options.name = "peer";
    options.device = argv[1];
    options.pool = pool->get();
    options.rx_queues = options.tx_queues =
        argc > 2 ? static_cast<std::uint16_t>(std::atoi(argv[2])) : std::uint16_t{1};
    auto port = Port::open(options);
    if (!port) {
        std::fprintf(stderr, "%s\n", port.error().c_str());
        return EXIT_FAILURE;
    }
    serve(**port);
    port->reset();
    pool->reset();
    rte_eal_cleanup();
    return EXIT_SUCCESS;
}
