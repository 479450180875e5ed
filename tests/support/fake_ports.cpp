// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/fake_ports.h"

namespace posthaste::test {

using controlplane::Json;

namespace {

Json edge_port() {
    return {{"name", "edge0"},
            {"index", 0},
            {"device", "net_af_packet0,iface=e0"},
            {"driver", "net_af_packet"},
            {"role", "edge"},
            {"addresses", {"10.0.0.1/24", "2001:db8::1/64"}},
            {"gateways", {"10.0.0.254"}},
            {"mac", "02:00:00:00:00:01"},
            {"vlan", nullptr},
            {"mtu", 1'500},
            {"up", true},
            {"link", true},
            {"link_mbps", nullptr},
            {"rx_queues", 1},
            {"tx_queues", 1},
            {"received", 1'234'567},
            {"received_bytes", 197'530'720},
            {"resubmitted", 2},
            {"copied", 0},
            {"sent", 1'230'000},
            {"punted", 240},
            {"dropped", 4'329},
            {"answered", 4'000},
            {"answers_suppressed", 321},
            {"transmitted", 1'200'100},
            {"transmitted_bytes", 192'016'000},
            {"tx_discarded", 0},
            {"tx_backlog", 0},
            {"control_consumed", 238},
            {"control_resubmitted", 2},
            {"control_dropped", 0},
            {"control_originated", 240},
            {"missed", 0},
            {"rx_errors", 0},
            {"no_mbuf", 0},
            {"tx_errors", 0},
            {"reconnects", 0}};
}

Json other_edge_port() {
    Json port = edge_port();
    port.update({{"name", "edge1"},
                 {"index", 1},
                 {"device", "0000:03:00.0"},
                 {"driver", "net_ixgbe"},
                 {"addresses", {"10.1.0.1/24"}},
                 {"gateways", Json::array()},
                 {"mac", "02:00:00:00:00:02"},
                 {"vlan", 12},
                 {"mtu", 9'000},
                 {"link", false},
                 {"up", false},
                 {"link_mbps", 10'000}});
    for (const char* counter : {"received",
                                "received_bytes",
                                "resubmitted",
                                "sent",
                                "punted",
                                "dropped",
                                "answered",
                                "answers_suppressed",
                                "transmitted",
                                "transmitted_bytes"}) {
        port[counter] = 0;
    }
    return port;
}

Json fabric_port() {
    Json port = edge_port();
    port.update({{"name", "fabric0"},
                 {"index", 2},
                 {"device", "net_memif0,role=client"},
                 {"driver", "net_memif"},
                 {"role", "fabric"},
                 {"addresses", {"192.168.7.1/30"}},
                 {"gateways", Json::array()},
                 {"mac", "02:00:00:00:00:03"},
                 {"received", 4'097},
                 {"received_bytes", 655'520},
                 {"resubmitted", 0},
                 {"sent", 4'096},
                 {"punted", 0},
                 {"dropped", 1},
                 {"reconnects", 3}});
    return port;
}

}  // namespace

Json fake_ports() {
    return {edge_port(), other_edge_port(), fabric_port()};
}

}  // namespace posthaste::test
