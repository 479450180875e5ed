# SPDX-License-Identifier: BSD-3-Clause
"""A `serf agent` in a namespace of its own, on the management network of a cluster."""
import json
import re
import signal

from lab.namespaces import link, wait_until


# Of serf's own: its command line that hung up, and its end after a leave, when two of its threads
# race to shut it down and a probe that was about to go finds the socket closed.
OWN = (r"agent\.ipc: ", r"Serf shutdown detected, quitting", r"use of closed network connection")


class SerfAgent:
    """Debian's serf at 10.9.0.NUMBER. Its log is read when it is asked for."""

    def __init__(self, cluster, number, *arguments, name=None):
        self.cluster = cluster
        self.number = number
        self.name = name or f"serf{number}"
        self.address = cluster.management(number)
        self.space = cluster.lab.namespace(f"s{number}")
        link(self.space, "mgmt", cluster.between, f"s{number}")
        cluster.between.ip("link", "set", f"s{number}", "master", "mgmt0")
        self.space.address("mgmt", f"{self.address}/24")
        self.log = cluster.lab.folder / f"{self.name}-{number}.log"
        self.arguments = arguments
        self.process = None

    def launch(self, *arguments):
        with open(self.log, "ab") as log:
            self.process = self.cluster.lab.spawn(
                self.space.command("serf", "agent", f"-node={self.name}",
                                   f"-bind={self.address}:7946", "-log-level=debug",
                                   *self.arguments, *arguments), log)
        return self

    def start(self, *arguments):
        self.launch(*arguments)
        wait_until(lambda: self.ask("info", check=False).returncode == 0, 10,
                   f"{self.name} answers")
        return self

    def ask(self, *words, check=True):
        """A command of its operator; the ended process."""
        return self.space.run("serf", *words, check=check)

    def members(self):
        """Status and tags by name, as this agent sees them."""
        told = json.loads(self.ask("members", "-format=json").stdout)
        return {member["name"]: member for member in told["members"] or ()}

    def status(self, name):
        return self.members().get(name, {}).get("status")

    def await_status(self, name, status, timeout=20.0):
        wait_until(lambda: self.status(name) == status, timeout,
                   f"{self.name} says that {name} is {status}: {self.members()}")

    def stop_answering(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def block_udp(self):
        """No datagram in or out; streams go on."""
        self.space.ip("rule", "add", "pref", "10", "lookup", "local")
        self.space.ip("rule", "add", "pref", "5", "ipproto", "udp", "blackhole")
        self.space.ip("rule", "del", "pref", "0")

    def complaints(self, allowed=()):
        """Lines of its log that are warnings or errors, but for its own affairs and those that
        match `allowed`."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if re.search(r"\[(WARN|ERR)\]", line)
                and not any(re.search(pattern, line) for pattern in (*OWN, *allowed))]
