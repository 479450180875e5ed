# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces and the veth pairs between them."""
import contextlib
import ctypes
import os
import select
import socket
import subprocess
import time

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class CommandFailed(RuntimeError):
    """A command of the laboratory failed; the text has the command and what it said."""


def run(*command, check=True, text=True, **options):
    """Runs a command and returns it, ended; CommandFailed where its status is not 0."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=text, check=False, **options)
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(words)}: status {done.returncode}\n"
                            f"{done.stdout}{done.stderr}")
    return done


def wait_until(condition, timeout=5.0, what="the condition"):
    """Polls where nothing can be awaited; returns the first true value of condition()."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what}: not within {timeout} s")
        _pause(0.01)


def _pause(seconds):
    select.select([], [], [], seconds)


class Namespace:
    """A network namespace of ours, by name. Deleting it takes its interfaces away."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def delete(self):
        run("ip", "netns", "del", self.name, check=False)

    def ip(self, *arguments):
        return run("ip", "-n", self.name, *arguments)

    def command(self, *command):
        """The command line that runs a command in here."""
        return ["ip", "netns", "exec", self.name, *(str(word) for word in command)]

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    @contextlib.contextmanager
    def entered(self):
        """Within it, this thread's new sockets belong to the namespace, and stay there."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            there = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                _enter(there)
            finally:
                os.close(there)
            try:
                yield self
            finally:
                _enter(home)
        finally:
            os.close(home)

    def socket(self, *arguments):
        with self.entered():
            return socket.socket(*arguments)

    def udp(self, address, port=0):
        """A UDP socket bound to an address of this namespace."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        bound = self.socket(family, socket.SOCK_DGRAM)
        bound.bind((address, port))
        return bound

    def sysctl(self, **settings):
        """Sets kernel variables of the namespace: net__ipv6__conf__all__disable_ipv6=1."""
        assignments = [f"{key.replace('__', '.')}={value}" for key, value in settings.items()]
        with self.entered():
            for assignment in assignments:
                key, value = assignment.split("=")
                path = "/proc/sys/" + key.replace(".", "/")
                if os.path.exists(path):  # a kernel without IPv6 has none of it to switch off
                    with open(path, "w", encoding="ascii") as stream:
                        stream.write(value)

    def address(self, interface, *prefixes):
        for prefix in prefixes:
            self.ip("addr", "add", prefix, "dev", interface, *(["nodad"] if ":" in prefix else []))

    def mac(self, interface):
        with self.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((interface, 0))
            return raw.getsockname()[4].hex(":")


def _enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def link(here, interface, there, other, mtu=1500, up=True):
    """A veth pair, `interface` in `here` and `other` in `there`.

    Checksums are computed when a frame is sent: the kernel would leave that to the receiving
    end of the pair, and who reads raw frames there would see a wrong one.
    """
    here.ip("link", "add", interface, "mtu", mtu, "type", "veth",
            "peer", "name", other, "mtu", mtu, "netns", there.name)
    for namespace, name in ((here, interface), (there, other)):
        namespace.run("ethtool", "-K", name, "tx", "off")
        if up:
            namespace.ip("link", "set", name, "up")
