# SPDX-License-Identifier: BSD-3-Clause
"""Tagged links, jumbo frames, gateways, and next hops that are not known yet."""
import os
import uuid

import pytest

from access_port import AccessPort
from lab.laboratory import TwoRouters, client, port
from lab.namespaces import link, wait_until

STATIC = uuid.uuid5(client.NAMESPACE, "laboratory/static")


def ping(space, address, *options):
    done = space.run("ping", "-n", "-c", "1", "-W", "2", *options, address, check=False)
    return done.returncode == 0


def static_agent(address, udp_port, interface="edge1", **keys):
    return (f"agent {STATIC}",
            {"port": interface, "address": address, "udp_port": udp_port, **keys})


# Jumbo frames.

def test_jumbo_frames_pass_end_to_end(lab, v6):
    network = TwoRouters(lab, mtu=9000).start()
    sender, receiver = network.registered("a1", v6), network.registered("b1", v6)
    largest = os.urandom(9000 - (40 if v6 else 20) - 8 - client.HEADER_BYTES)
    sender.send(receiver.id, largest)
    assert receiver.receive(2.0).payload == largest
    assert ping(network.spaces["a1"], network.gateway("a1", v6), "-s", "8900")


def test_a_frame_too_large_for_the_next_link_is_an_error(lab):
    network = TwoRouters(lab, mtu=9000, fabric_mtu=1500).start()
    sender, receiver = network.registered("a1"), network.registered("b1")
    room = 1500 - 20 - 8 - client.HEADER_BYTES
    sender.send(receiver.id, bytes(room))
    assert len(receiver.receive(2.0).payload) == room
    sender.send(receiver.id, bytes(room + 1), want_error=True)
    assert client.error_name(sender.receive(1.0).error[0]) == "too-large"
    assert network.west.drops("too_large") == 1
    near = network.registered("a2")
    sender.send(near.id, bytes(8000))
    assert len(near.receive(1.0).payload) == 8000


# Tags.

@pytest.fixture(name="tagged")
def tagged_network(lab):
    """West with edge1 in VLAN 100 behind a switch, and edge2 untagged."""
    names = ("west", "switch", "a1", "a2")
    spaces = {name: lab.namespace(name) for name in names}
    spaces["west"].sysctl(net__ipv6__conf__all__disable_ipv6=1,
                          net__ipv6__conf__default__disable_ipv6=1)
    spaces["switch"].sysctl(net__ipv6__conf__all__disable_ipv6=1,
                            net__ipv6__conf__default__disable_ipv6=1)
    link(spaces["a1"], "eth0", spaces["switch"], "access")
    link(spaces["switch"], "trunk", spaces["west"], "edge1", mtu=1504)
    link(spaces["a2"], "eth0", spaces["west"], "edge2")
    for net in (1, 2):
        spaces[f"a{net}"].address("eth0", f"10.1.{net}.2/24", f"fd00:1:{net}::2/64")
    west = lab.router("west", [
        port("edge1", "edge", ["10.1.1.1/24", "fd00:1:1::1/64"], vlan=100),
        port("edge2", "edge", ["10.1.2.1/24", "fd00:1:2::1/64"]),
    ], spaces["west"]).start()
    switch = AccessPort(spaces["switch"], "trunk", "access", 100)
    lab.closing.append(switch)
    return lab, spaces, west, switch


def test_a_tagged_port_sends_and_takes_tagged_frames_only(tagged, v6):
    lab, spaces, west, switch = tagged
    ends = {net: lab.agent(spaces[f"a{net}"], f"fd00:1:{net}::2" if v6 else f"10.1.{net}.2",
                           f"fd00:1:{net}::1" if v6 else f"10.1.{net}.1", uuid.uuid4())
            for net in (1, 2)}
    for agent in ends.values():
        agent.register()
    ends[1].send(ends[2].id, b"tag off")
    assert ends[2].receive(1.0).payload == b"tag off"
    ends[2].send(ends[1].id, b"tag on")
    assert ends[1].receive(1.0).payload == b"tag on"
    assert ping(spaces["a1"], "fd00:1:1::1" if v6 else "10.1.1.1")
    assert switch.tagged > 0 and switch.refused == 0
    before = west.drops("wrong_vlan")
    switch.vlan = 200
    ends[1].send(ends[2].id, b"of another VLAN")
    wait_until(lambda: west.drops("wrong_vlan") > before, 2, "a drop wrong_vlan")
    assert ends[2].receive(0.1) is None


def test_an_untagged_port_refuses_tagged_frames(lab):
    network = TwoRouters(lab).start()
    network.registered("a1")
    space = network.spaces["a1"]
    raw = space.socket(17, 3, 0)  # AF_PACKET, SOCK_RAW
    lab.closing.append(raw)
    raw.bind(("eth0", 0))
    router_mac = network.west.ports()["edge1"]["mac"]
    frame = bytes.fromhex((router_mac + space.mac("eth0")).replace(":", "")) + \
        b"\x81\x00\x00\x07\x08\x00" + bytes(60)
    raw.send(frame)
    wait_until(lambda: network.west.drops("wrong_vlan") == 1, 2, "a drop wrong_vlan")


# Next hops.

@pytest.mark.parametrize("fabric_v6", [False, True], ids=["fabric ipv4", "fabric ipv6"])
def test_the_first_frame_to_a_router_waits_until_it_is_found(lab, fabric_v6):
    network = TwoRouters(lab, fabric_v6=fabric_v6).start()
    sender, receiver = network.registered("a1"), network.registered("b1")
    sender.send(receiver.id, b"the very first")
    assert receiver.receive(2.0).payload == b"the very first"


def test_frames_wait_until_an_agent_is_found(lab, v6):
    """Goal: a static agent without MAC gets the frames that came before ARP or ND was answered.
    Its host has no address at first, so that nobody answers."""
    network = TwoRouters(lab)
    host, address = network.spaces["a1"], network.address("a1", v6)
    prefix = f"{address}/{64 if v6 else 24}"
    host.ip("addr", "del", prefix, "dev", "eth0")
    udp = host.udp("::" if v6 else "0.0.0.0")
    target = client.Agent(network.gateway("a1", v6), STATIC, sock=udp)
    lab.closing.append(target)
    west = network.west
    west.configure(network.sections("west", extra=[
        static_agent(address, udp.getsockname()[1]),
        ("neighbours", {"hold_ms": 10_000, "retries": 20, "retry_ms": 100})]))
    network.start()
    sender = network.registered("a2", v6)
    for number in range(5):
        sender.send(STATIC, bytes([number]))
    wait_until(lambda: sum(row["held"] for row in west.command("show", "neighbours")["neighbours"])
               == 5, 3, "five frames held")
    assert target.receive(0.1) is None
    host.address("eth0", prefix)
    assert [target.receive(5.0).payload for _ in range(5)] == [bytes([n]) for n in range(5)]
    assert west.ports()["edge2"]["resubmitted"] == 5


def test_frames_for_a_host_that_never_answers_are_dropped_by_reason(lab):
    network = TwoRouters(lab)
    network.west.configure(network.sections("west", extra=[
        static_agent("10.1.1.77", 4747),
        ("neighbours", {"retries": 2, "retry_ms": 500, "held_per_neighbour": 4})]))
    network.start()
    sender = network.registered("a2")
    for _ in range(6):
        sender.send(STATIC, want_error=True)
    errors = [client.error_name(sender.receive(3.0).error[0]) for _ in range(6)]
    assert sorted(errors) == ["overloaded"] * 2 + ["unknown-agent"] * 4
    assert network.west.drops("hold_full") == 2
    assert network.west.drops("neighbour_unresolved") == 4


def test_routers_reach_each_other_through_gateways(lab, v6):
    """Goal: the fabric is two networks with an ordinary IP router between them."""
    spaces = {name: lab.namespace(name) for name in ("west", "east", "between", "a1", "b1")}
    for name in ("west", "east"):
        spaces[name].sysctl(net__ipv6__conf__all__disable_ipv6=1,
                            net__ipv6__conf__default__disable_ipv6=1)
    spaces["between"].sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)
    agents, routers = {}, {}
    for site, (name, host) in enumerate((("west", "a1"), ("east", "b1")), 1):
        link(spaces["between"], f"to-{name}", spaces[name], "fabric")
        link(spaces[host], "eth0", spaces[name], "edge1")
        spaces["between"].address(f"to-{name}", f"10.0.{site}.254/24", f"fd00:0:{site}::fe/64")
        spaces[host].address("eth0", f"10.{site}.1.2/24")
        agents[name] = uuid.uuid4()
    for site, other, name, peer in ((1, 2, "west", "east"), (2, 1, "east", "west")):
        routers[name] = lab.router(name, [
            port("edge1", "edge", [f"10.{site}.1.1/24"]),
            port("fabric", "fabric", [f"10.0.{site}.1/24", f"fd00:0:{site}::1/64"],
                 gateway=f"10.0.{site}.254", gateway6=f"fd00:0:{site}::fe"),
            (f"router {peer}", {"address": f"fd00:0:{other}::1" if v6 else f"10.0.{other}.1"}),
            (f"route {agents[peer]}", {"router": peer}),
        ], spaces[name]).start()
    ends = [lab.agent(spaces[host], f"10.{site}.1.2", f"10.{site}.1.1", agents[name])
            for site, host, name in ((1, "a1", "west"), (2, "b1", "east"))]
    for agent in ends:
        agent.register()
    ends[0].send(ends[1].id, b"through the gateway")
    assert ends[1].receive(3.0).payload == b"through the gateway"
    ends[1].send(ends[0].id, b"and back")
    assert ends[0].receive(3.0).payload == b"and back"
    rows = routers["west"].command("show", "routers")
    assert rows[0]["next_hop"] in ("10.0.1.254", "fd00:0:1::fe") and rows[0]["resolved"]
