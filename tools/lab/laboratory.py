# SPDX-License-Identifier: BSD-3-Clause
"""Everything one experiment makes, and the two-router network most of them use."""
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import uuid

from lab.namespaces import Namespace, link
from lab.router import Router, af_packet

NUMBERS = itertools.count()  # of the laboratories of this process
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools" / "client"))
import posthaste_client as client  # noqa: E402  (its folder is no package)


def program(build, name):
    """A program of a build folder; the folder of its sources is the folder it is built in."""
    folder = {"posthaste": "controlplane"}.get(name, "tools")
    path = pathlib.Path(build) / folder / name
    if not path.exists():
        raise FileNotFoundError(f"{path}: build it first (ninja -C {build})")
    return path


class Laboratory:
    """Namespaces, routers and agents of one experiment; close() takes them all away."""

    def __init__(self, build, prefix=None, folder=None):
        self.build = pathlib.Path(build).resolve()
        self.prefix = prefix or f"ph{os.getpid():x}-{next(NUMBERS)}"
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="posthaste-lab-"))
        self.namespaces = {}
        self.routers = []
        self.processes = []
        self.closing = []  # things with close(), closed before the routers stop

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def namespace(self, name):
        made = self.namespaces[name] = Namespace(f"{self.prefix}-{name}")
        return made

    def router(self, name, sections, namespace=None, **options):
        made = Router(program(self.build, "posthaste"), name, self.folder / name, sections,
                      namespace, **options)
        self.routers.append(made)
        return made

    def agent(self, namespace, address, router, agent=None, **options):
        """An agent on a kernel socket of the namespace."""
        made = client.Agent(router, agent, sock=namespace.udp(address), **options)
        self.closing.append(made)
        return made

    def spawn(self, command, output):
        """A process of the laboratory with its output in a file; killed by close()."""
        made = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                stdout=output, stderr=output, start_new_session=True)
        self.processes.append(made)
        return made

    def settle(self):
        """What does not add up in the routers that run; none where all frames are accounted for."""
        return [wrong for router in self.routers if router.running for wrong in router.settle()]

    def close(self):
        """Stops what was started and deletes what was made."""
        while self.closing:
            self.closing.pop().close()
        for router in self.routers:
            if router.process is not None:
                router.kill()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for namespace in self.namespaces.values():
            namespace.delete()
        self.namespaces.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


def port(interface, role, addresses, **keys):
    """The section of an af_packet port named after its interface."""
    return (f"port {interface}",
            {"device": af_packet(interface), "role": role, "addresses": addresses, **keys})


class TwoRouters:
    """Two routers and four hosts:

        a1 -- edge1 [west] fabric ----- fabric [east] edge1 -- b1
        a2 -- edge2 [west]                     [east] edge2 -- b2

    Every edge link is a network of its own, IPv4 and IPv6. The agents a1..b2 have fixed UUIDs;
    each router has static routes for those behind the other.
    """

    HOSTS = {"a1": ("west", 1, 1), "a2": ("west", 1, 2), "b1": ("east", 2, 1), "b2": ("east", 2, 2)}

    def __init__(self, lab, mtu=1500, fabric_mtu=None, fabric_v6=False):
        self.lab = lab
        self.mtu = mtu
        self.fabric_mtu = fabric_mtu or mtu
        self.fabric_v6 = fabric_v6
        self.agent_ids = {host: uuid.uuid5(client.NAMESPACE, f"laboratory/{host}")
                          for host in self.HOSTS}
        self.spaces = {name: lab.namespace(name) for name in ("west", "east", *self.HOSTS)}
        for name in ("west", "east"):
            # The kernel of a router's namespace has no addresses and must say nothing itself.
            self.spaces[name].sysctl(net__ipv6__conf__all__disable_ipv6=1,
                                     net__ipv6__conf__default__disable_ipv6=1)
        link(self.spaces["west"], "fabric", self.spaces["east"], "fabric", self.fabric_mtu)
        for host, (router, site, net) in self.HOSTS.items():
            link(self.spaces[host], "eth0", self.spaces[router], f"edge{net}", mtu)
            self.spaces[host].address("eth0", f"10.{site}.{net}.2/24", f"fd00:{site}:{net}::2/64")
        self.west = lab.router("west", self.sections("west"), self.spaces["west"])
        self.east = lab.router("east", self.sections("east"), self.spaces["east"])

    def sections(self, name, edge=None, fabric=None, extra=()):
        """The ini of a router; `edge` and `fabric` are further keys of those ports."""
        site, other = (1, 2) if name == "west" else (2, 1)
        peer = "east" if name == "west" else "west"
        sections = [
            port(f"edge{net}", "edge", [f"10.{site}.{net}.1/24", f"fd00:{site}:{net}::1/64"],
                 mtu=self.mtu, **(edge or {}))
            for net in (1, 2)]
        sections.append(port("fabric", "fabric", [f"10.0.0.{site}/24", f"fd00::{site}/64"],
                             mtu=self.fabric_mtu, **(fabric or {})))
        address = f"fd00::{other}" if self.fabric_v6 else f"10.0.0.{other}"
        sections.append((f"router {peer}", {"address": address}))
        sections += [(f"route {self.agent_ids[host]}", {"router": peer})
                     for host, (router, _, _) in self.HOSTS.items() if router == peer]
        return [*sections, *extra]

    def start(self):
        self.west.launch()
        self.east.start()
        self.west.await_ready()
        return self

    def router_of(self, host):
        return self.west if self.HOSTS[host][0] == "west" else self.east

    def gateway(self, host, v6=False):
        """The router's address on a host's link."""
        _, site, net = self.HOSTS[host]
        return f"fd00:{site}:{net}::1" if v6 else f"10.{site}.{net}.1"

    def address(self, host, v6=False):
        _, site, net = self.HOSTS[host]
        return f"fd00:{site}:{net}::2" if v6 else f"10.{site}.{net}.2"

    def agent(self, host, v6=False, agent=None):
        """An agent on a host; without `agent` the one the other router has a route for."""
        return self.lab.agent(self.spaces[host], self.address(host, v6), self.gateway(host, v6),
                              agent or self.agent_ids[host])

    def registered(self, host, v6=False, **options):
        agent = self.agent(host, v6)
        agent.register(name=host, **options)
        return agent
