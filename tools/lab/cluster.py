# SPDX-License-Identifier: BSD-3-Clause
"""Routers that form a cluster by gossip, each with one host of agents, and what can cut them off.

    host1 -- edge1 [r1] fabric --+-- fabric [rN] edge1 -- hostN
                   [r1] mgmt ----+---- mgmt [rN]            (two bridges of a namespace between)
"""
import uuid

from lab.laboratory import client, port
from lab.namespaces import link, wait_until

SIDES = 2  # bridges of each kind: routers on different ones cannot talk


class Cluster:
    """`count` routers in namespaces of their own. Nobody has a static route."""

    def __init__(self, lab, count, cluster=None, extra=()):
        self.lab = lab
        self.count = count
        self.between = lab.namespace("between")
        self.between.sysctl(net__ipv6__conf__all__disable_ipv6=1,
                            net__ipv6__conf__default__disable_ipv6=1)
        for side in range(SIDES):
            for kind in ("mgmt", "fabric"):
                self.between.ip("link", "add", f"{kind}{side}", "type", "bridge")
                self.between.ip("link", "set", f"{kind}{side}", "up")
        self.spaces, self.hosts, self.routers = {}, {}, {}
        for number in range(1, count + 1):
            self._make(number, dict(cluster or {}), extra)

    def _make(self, number, cluster, extra):
        space = self.spaces[number] = self.lab.namespace(f"r{number}")
        host = self.hosts[number] = self.lab.namespace(f"host{number}")
        space.sysctl(net__ipv6__conf__all__disable_ipv6=1,
                     net__ipv6__conf__default__disable_ipv6=1)
        for kind in ("mgmt", "fabric"):
            link(space, kind, self.between, f"{kind[0]}{number}")
            self.between.ip("link", "set", f"{kind[0]}{number}", "master", f"{kind}0")
        space.address("mgmt", f"{self.management(number)}/24")
        link(host, "eth0", space, "edge1")
        host.address("eth0", f"10.{number}.1.2/24")
        self.routers[number] = self.lab.router(f"r{number}", [
            port("edge1", "edge", [f"10.{number}.1.1/24"]),
            port("fabric", "fabric", [f"10.0.0.{number}/24"]),
            ("cluster", {"address": self.management(number), "profile": "fast",
                         "seeds": [self.management(other) for other in (1, 2) if other != number],
                         **cluster}),
            *extra,
        ], space)

    @staticmethod
    def management(number):
        return f"10.9.0.{number}"

    def start(self):
        for router in self.routers.values():
            router.launch()
        for router in self.routers.values():
            router.await_ready()
        self.await_peers()
        return self

    # Who sees whom.

    def peers(self, number):
        """Of a router's view: status by name, "linked" where a session of the route plane is up."""
        rows = self.routers[number].command("show", "peers")["peers"]
        return {row["name"]: "linked" if row["status"] == "alive" and row["session"]
                else row["status"] for row in rows if not row["self"]}

    def await_peers(self, among=None, timeout=20.0):
        """Each of `among` is linked to all others of them."""
        among = set(among or self.routers)

        def linked(number):
            seen = self.peers(number)
            return all(seen.get(f"r{other}") == "linked" for other in among - {number})
        wait_until(lambda: all(linked(number) for number in among), timeout,
                   f"{sorted(among)} are linked: {[self.peers(number) for number in among]}")

    def await_status(self, number, status, by, timeout=20.0):
        """All of `by` say that the router's status is `status`."""
        wait_until(lambda: all(self.peers(other).get(f"r{number}") == status for other in by),
                   timeout, f"r{number} is {status}")

    def await_equal(self, among=None, timeout=10.0):
        """All of `among` know the same of each other's claims."""
        among = sorted(among or self.routers)
        wait_until(lambda: len({str(self.versions(number, among)) for number in among}) == 1,
                   timeout, "equal versions")

    def versions(self, number, among):
        rows = self.routers[number].command("show", "versions")["origins"]
        wanted = {f"r{other}" for other in among}
        return sorted((row["name"], row["generation"], row["version"], row["fingerprint"])
                      for row in rows if row["name"] in wanted)

    # What cuts them off.

    def partition(self, away):
        """The routers of `away` can talk to each other, and to nobody else."""
        for number in self.routers:
            side = 1 if number in away else 0
            for kind in ("mgmt", "fabric"):
                self.between.ip("link", "set", f"{kind[0]}{number}", "master", f"{kind}{side}")

    def separate(self, one, other):
        """The two cannot talk to each other but over the fabric; to all others they can."""
        for number in (one, other):
            self.between.ip("link", "set", f"m{number}", "type", "bridge_slave", "isolated", "on")

    def heal(self):
        self.partition(())

    # Agents.

    def agent(self, number, agent=None, **options):
        """A registered agent on the host of a router."""
        made = self.lab.agent(self.hosts[number], f"10.{number}.1.2", f"10.{number}.1.1",
                              agent or uuid.uuid4())
        made.register(**options)
        return made

    def route_of(self, number, agent):
        """The router to which a router sends what is for the agent; None where it does not."""
        answer = self.routers[number].command("lookup", str(agent))
        steps = {step["step"]: step for step in answer["steps"]}
        usable = answer["answer"] == "remote" and "router" in steps
        return steps["router"]["result"] if usable else None

    def await_route(self, agent, at, by=None, timeout=10.0):
        """Routers `by` (default: all others) route to the agent at router `at`; None: nobody."""
        others = [number for number in by or self.routers if number != at]

        def routed(number):
            return self.route_of(number, agent) == (f"r{at}" if at is not None else None)
        wait_until(lambda: all(routed(number) for number in others), timeout,
                   f"{agent} is routed to {at}")


def exchange(sender, receiver, count=1, timeout=2.0):
    """Messages one after the other; all arrive, in order."""
    for number in range(count):
        sent = sender.send(receiver.id, number.to_bytes(4, "big"))
        message = receiver.receive(timeout)
        assert message is not None, f"message {number} of {count} was lost"
        assert (message.message, message.payload) == (sent.message, number.to_bytes(4, "big"))


class Outcome:
    """Messages of one sender and what became of each: delivered, answered by an error, or lost."""

    def __init__(self, sender):
        self.sender = sender
        self.sent, self.delivered, self.errors = set(), {}, {}

    def send(self, destination):
        self.sent.add(self.sender.send(destination, b"account", want_error=True).message)

    def collect(self, receivers, timeout=0.0):
        """Takes what has come to the sender (errors) and the receivers (messages)."""
        while (message := self.sender.receive(timeout)) is not None:
            if message.type == client.ERROR:
                self.errors[message.message] = message.error[0]
        for receiver in receivers:
            while (message := receiver.receive(0.0)) is not None:
                if message.source == self.sender.id:
                    self.delivered[message.message] = self.delivered.get(message.message, 0) + 1

    @property
    def lost(self):
        return self.sent - set(self.delivered) - set(self.errors)
