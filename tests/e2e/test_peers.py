# SPDX-License-Identifier: BSD-3-Clause
"""Ports whose other end is another process: memif, vhost and virtio-user. The peer may die."""
import uuid

import pytest

from lab.laboratory import client, port
from lab.namespaces import link, wait_until

KINDS = ["memif, west listens", "memif, east listens", "vhost and virtio-user"]


def devices(kind, folder):
    """The device strings of west and east, and whether west must start first."""
    sock = folder / "peer.sock"
    memif = "net_memif0,id=0,socket-abstract=no,role={},socket=" + str(sock)
    return {
        "memif, west listens": (memif.format("server"), memif.format("client")),
        "memif, east listens": (memif.format("client"), memif.format("server")),
        "vhost and virtio-user": (f"net_vhost0,iface={sock},queues=1",
                                  f"net_virtio_user0,path={sock},queues=1,queue_size=256"),
    }[kind]


class Pair:
    """Two routers whose fabric is shared memory; one host behind each, on a veth pair."""

    def __init__(self, lab, kind):
        self.lab = lab
        self.ids = {"west": uuid.uuid4(), "east": uuid.uuid4()}
        self.routers, self.hosts = {}, {}
        for site, (name, device) in enumerate(zip(("west", "east"), devices(kind, lab.folder)), 1):
            space, host = lab.namespace(name), lab.namespace(f"host-{name}")
            space.sysctl(net__ipv6__conf__all__disable_ipv6=1,
                         net__ipv6__conf__default__disable_ipv6=1)
            link(host, "eth0", space, "edge1")
            host.address("eth0", f"10.{site}.1.2/24")
            self.hosts[name] = (host, f"10.{site}.1.2", f"10.{site}.1.1")
            peer = "east" if name == "west" else "west"
            self.routers[name] = lab.router(name, [
                port("edge1", "edge", [f"10.{site}.1.1/24"]),
                ("port fabric", {"device": device, "role": "fabric", "link_wait_ms": 10_000,
                                 "addresses": f"10.0.0.{site}/24"}),
                (f"router {peer}", {"address": f"10.0.0.{3 - site}"}),
                (f"route {self.ids[peer]}", {"router": peer}),
            ], space, lends="virtio_user" in device)
        self.west, self.east = self.routers["west"], self.routers["east"]

    def start(self):
        listener = self.west
        if "role=server" in self.east.ini.read_text(encoding="utf-8"):
            listener = self.east
        self.launch_listener(listener)
        other = self.east if listener is self.west else self.west
        other.start()
        listener.await_ready()
        self.await_link()
        return self

    def await_link(self):
        wait_until(lambda: all(router.ports()["fabric"]["up"] for router in self.routers.values()),
                   10, "both ends are up")

    def launch_listener(self, listener):
        listener.launch()
        sock = self.lab.folder / "peer.sock"
        wait_until(sock.exists, 10, f"{listener.name} listens")

    def agent(self, name):
        host, address, gateway = self.hosts[name]
        made = self.lab.agent(host, address, gateway, self.ids[name])
        made.register(name=name)
        return made

    def exchange(self, count):
        """Messages both ways, one at a time; all arrive."""
        west, east = self.agent("west"), self.agent("east")
        for number in range(count):
            for sender, receiver in ((west, east), (east, west)):
                sender.send(receiver.id, number.to_bytes(4, "big"))
                message = receiver.receive(2.0)
                assert message and message.payload == number.to_bytes(4, "big"), number


@pytest.mark.parametrize("kind", KINDS)
def test_messages_pass_between_two_processes(lab, kind):
    pair = Pair(lab, kind).start()
    pair.exchange(50)


@pytest.mark.parametrize("victim", ["west", "east"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_peer_that_dies_and_returns_is_joined_again_without_a_leak(lab, kind, victim):
    pair = Pair(lab, kind).start()
    pair.exchange(5)
    survivor = pair.west if victim == "east" else pair.east
    killed = pair.routers[victim]
    in_use = pools(survivor)
    for _ in range(3):
        killed.kill()
        wait_until(lambda: not survivor.ports()["fabric"]["link"], 10, "the lost link is seen")
        killed.launch()
        killed.await_ready()
        pair.await_link()
        pair.exchange(5)
    wait_until(lambda: pools(survivor) <= in_use, 3, f"no more buffers in use than {in_use}")


def pools(router):
    return sum(pool["in_use"] for pool in router.command("show", "memory")["pools"])


def test_frames_for_a_dead_peer_cost_the_other_ports_nothing(lab):
    pair = Pair(lab, "memif, west listens").start()
    pair.exchange(1)
    pair.east.kill()
    wait_until(lambda: not pair.west.ports()["fabric"]["link"], 10, "the lost link is seen")
    host, address, gateway = pair.hosts["west"]
    sender, near = pair.agent("west"), lab.agent(host, address, gateway, uuid.uuid4())
    near.register()
    for number in range(500):
        sender.send(pair.ids["east"], bytes(500))
        sender.send(near.id, number.to_bytes(4, "big"))
        assert near.receive(1.0).payload == number.to_bytes(4, "big")
    sender.send(pair.ids["east"], want_error=True)
    answer = sender.receive(3.0)
    assert client.error_name(answer.error[0]) in ("overloaded", "unknown-agent")
