# SPDX-License-Identifier: BSD-3-Clause
"""Every example in configs/ is started as it stands; only its run_dir is the test's own."""
import pathlib
import uuid

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap

from lab.laboratory import client, program
from lab.namespaces import link, wait_until
from lab.router import Router

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"
EXAMPLES = sorted(path.stem for path in CONFIGS.glob("*.ini"))
RUN_DIR = "/run/posthaste"


class Example(Router):
    """A router that runs an example."""

    def __init__(self, lab, name, namespace=None):
        super().__init__(program(lab.build, "posthaste"), name, lab.folder, [], namespace,
                         lends=name in ("tap", "virtio_user"))
        text = (CONFIGS / f"{name}.ini").read_text(encoding="utf-8")
        assert f"run_dir = {RUN_DIR}\n" in text
        self.ini.write_text(text.replace(RUN_DIR, str(lab.folder)), encoding="utf-8")
        lab.routers.append(self)


def quiet(space):
    """A namespace whose kernel says nothing by itself."""
    space.sysctl(net__ipv6__conf__all__disable_ipv6=1, net__ipv6__conf__default__disable_ipv6=1)
    return space


def edge(lab, space, interface, name, address):
    """A host behind `interface` of `space`."""
    host = lab.namespace(name)
    link(host, "eth0", space, interface)
    host.address("eth0", address)
    return host


def exchange(lab, ends):
    """Registers an agent for each (host, address, gateway, id); a message each way arrives."""
    agents = []
    for host, address, gateway, agent in ends:
        agents.append(lab.agent(host, address, gateway, agent))
        agents[-1].register()
    for sender, receiver in (agents, agents[::-1]):
        sender.send(receiver.id, b"as it stands")
        message = receiver.receive(2.0)
        assert message and message.payload == b"as it stands"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid(lab, name):
    checked = Example(lab, name).run("--elsewhere", "--check")
    lab.routers.clear()
    assert checked.returncode == 0, checked.stderr


def test_every_driver_has_its_example():
    text = "".join(path.read_text(encoding="utf-8") for path in CONFIGS.glob("*.ini"))
    for device in ("net_af_packet0", "net_pcap0", "net_ring0", "net_memif0", "net_vhost0",
                   "net_virtio_user0", "net_tap0", "net_null0", "0000:03:00.0"):
        assert f"device = {device}" in text


def test_af_packet(lab):
    space = quiet(lab.namespace("box"))
    host = edge(lab, space, "edge0", "host", "10.1.0.2/24")
    router = Example(lab, "af_packet", space).start()
    assert router.ports()["edge"]["link"]
    exchange(lab, [(host, "10.1.0.2", "10.1.0.1", uuid.uuid4()) for _ in range(2)])


def test_tap(lab):
    space = quiet(lab.namespace("box"))
    router = Example(lab, "tap", space).start()
    assert router.ports()["edge"]["link"]
    space.address("edge0", "10.1.0.2/24")
    exchange(lab, [(space, "10.1.0.2", "10.1.0.1", uuid.uuid4()) for _ in range(2)])


def test_pcap(lab):
    receiver = uuid.UUID("11111111-1111-4111-8111-111111111111")
    frame = client.Message(receiver, uuid.uuid4(), b"from a file").encode()
    wrpcap(str(lab.folder / "in.pcap"),
           [Ether(src="02:00:00:00:00:03", dst="02:00:00:00:00:01") /
            IP(src="10.1.0.3", dst="10.1.0.1") / UDP(sport=50000, dport=4747) / frame] * 3)
    ended = Example(lab, "pcap").run("--exit-when-idle", "200")
    lab.routers.clear()
    assert ended.returncode == 0, ended.stderr
    sent = [packet for packet in rdpcap(str(lab.folder / "out.pcap"))
            if UDP in packet and packet[IP].dst == "10.1.0.2"]
    assert len(sent) == 3
    assert all(packet.dst == "02:00:00:00:00:02" for packet in sent)
    assert all(bytes(packet[UDP].payload).endswith(b"from a file") for packet in sent)


def test_ring(lab):
    router = Example(lab, "ring").start()
    assert router.ports()["loop"]["up"]


def test_null(lab):
    router = Example(lab, "null").start()
    wait_until(lambda: router.ports()["flood"]["dropped"] > 10_000, 10, "frames are dropped")
    assert router.stop() == 0


@pytest.mark.parametrize("name, port", [("memif", "fabric"), ("vhost", "guest"),
                                        ("virtio_user", "host")])
def test_a_port_with_a_peer_starts_without_it(lab, name, port):
    router = Example(lab, name).start()
    assert not router.ports()[port]["link"]
    assert not router.ports()[port]["up"]


@pytest.mark.parametrize("first, second", [("vhost", "virtio_user"), ("virtio_user", "vhost")])
def test_vhost_and_virtio_user_find_each_other_in_either_order(lab, first, second):
    routers = [Example(lab, name).start() for name in (first, second)]
    for router in routers:
        wait_until(lambda ports=router.ports: all(port["up"] for port in ports().values()), 10,
                   f"{router.name} has its peer")
    for router in routers:
        assert router.stop() == 0
    lab.routers.clear()


def test_two_routers(lab):
    spaces = {name: quiet(lab.namespace(name)) for name in ("a", "b")}
    link(spaces["a"], "fabric", spaces["b"], "fabric")
    ids = {"a": uuid.UUID("11111111-1111-4111-8111-111111111111"),
           "b": uuid.UUID("22222222-2222-4222-8222-222222222222")}
    ends = []
    for site, (name, space) in enumerate(spaces.items(), 1):
        host = edge(lab, space, "edge", f"host-{name}", f"10.{site}.0.2/24")
        ends.append((host, f"10.{site}.0.2", f"10.{site}.0.1", ids[name]))
        Example(lab, f"router-{name}", space).start()
    exchange(lab, ends)


def test_two_routers_of_a_cluster(lab):
    spaces = {name: quiet(lab.namespace(name)) for name in ("a", "b")}
    link(spaces["a"], "fabric", spaces["b"], "fabric")
    link(spaces["a"], "management", spaces["b"], "management")
    routers = []
    for site, (name, space) in enumerate(spaces.items(), 1):
        space.address("management", f"192.168.10.{site}/24")
        edge(lab, space, "edge", f"host-{name}", f"10.{site}.0.2/24")
        routers.append(Example(lab, f"cluster-{name}", space).start())
    for router in routers:
        wait_until(lambda command=router.command: any(
            peer["session"] for peer in command("show", "peers")["peers"]), 20,
            f"{router.name} has its peer")
    checked = routers[0].command("cluster", "check")
    assert checked["result"] == "equal"
    assert [peer["router"] for peer in checked["peers"]] == ["cluster-b"]
    assert "up    cluster-b" in routers[0].command("show", "topology")["text"]
