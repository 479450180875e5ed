# SPDX-License-Identifier: BSD-3-Clause
"""One posthaste process: its ini, its start and end, its admin socket, its accounts."""
import json
import os
import pathlib
import signal
import socket
import subprocess

from lab.namespaces import run, wait_until

START_SECONDS = 20.0
STOP_SECONDS = 15.0

# Small tables and few buffers: a router without hugepages that starts at once.
SMALL = {
    "eal": {"hugepages": "no", "share_cores": "yes"},
    "dataplane": {"idle_sleep_us": 50, "rx_descriptors": 256,
                  "tx_descriptors": 256},
    "agents": {"agents_max": 1000},
}


class AdminError(Exception):
    """The admin socket refused a command."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]
        self.details = error.get("details", [])


def ini_text(sections):
    """[(header, {key: value})] as ini; values with a comment character are quoted."""
    lines = []
    for header, keys in sections:
        lines.append(f"[{header}]")
        for key, value in keys.items():
            if isinstance(value, bool):
                value = "yes" if value else "no"
            elif isinstance(value, (list, tuple)):
                value = ", ".join(str(item) for item in value)
            value = str(value)
            lines.append(f'{key} = "{value}"' if set(value) & set(";#") else f"{key} = {value}")
        lines.append("")
    return "\n".join(lines)


def af_packet(interface):
    """The device string of a port on a kernel interface."""
    return f"net_af_packet_{interface},iface={interface}"


class Router:
    """A posthaste with a folder of its own for ini, log, lock and sockets.

    `sections` are [(header, {key: value})] behind the small defaults; a section of the same
    name replaces single keys. `lends`: a driver keeps buffers in its rings while it runs, so that
    the pools are full only at the end; then the router counts itself, and its status says it.
    """

    def __init__(self, binary, name, folder, sections, namespace=None, lends=False):
        self.binary = pathlib.Path(binary)
        self.name = name
        self.namespace = namespace
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ini = self.folder / f"{name}.ini"
        self.log = self.folder / f"{name}.log"
        self.socket = self.folder / f"{name}.sock"
        self.process = None
        self.lends = lends
        self.configure(sections)

    def configure(self, sections):
        """Writes the ini anew; a running router reads it at reload()."""
        merged = [("system", {"name": self.name, "run_dir": self.folder})]
        merged += [(header, dict(keys)) for header, keys in SMALL.items()]
        for header, keys in sections:
            known = next((old for name, old in merged if name == header), None)
            if known is None:
                merged.append((header, dict(keys)))
            else:
                known.update(keys)
        self.sections = merged
        self.ini.write_text(ini_text(merged), encoding="utf-8")

    # The process.

    def launch(self, *arguments):
        """Starts the process and returns at once."""
        command = [str(self.binary), *(str(word) for word in arguments), str(self.ini)]
        if self.namespace is not None:
            command = self.namespace.command(*command)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=self.folder, start_new_session=True)
        return self

    def start(self, *arguments):
        """Starts the process and waits until it answers on its admin socket."""
        self.launch(*arguments)
        return self.await_ready()

    def await_ready(self):
        try:
            wait_until(self._answers, START_SECONDS, f"{self.name} ready")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log_text()}") from error
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode} at its start\n"
                                 f"{self.log_text()}")
        try:
            return self.command("show", "version")["pid"] == self.process.pid
        except (OSError, EOFError):
            return False

    def run(self, *arguments, timeout=60):
        """Runs the process to its end; returns it with what it printed."""
        command = [str(self.binary), *(str(word) for word in arguments), str(self.ini)]
        if self.namespace is not None:
            command = self.namespace.command(*command)
        return run(*command, check=False, timeout=timeout)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait(self, timeout=STOP_SECONDS):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {timeout} s\n"
                                 f"{self.log_text()}") from None

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self):
        """SIGTERM, and its exit status."""
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        if self.running:
            self.process.kill()
        return self.process.wait()

    # The admin socket.

    def command(self, *words, **arguments):
        """One command; its data, or AdminError."""
        request = {"command": [str(word) for word in words]}
        if arguments:
            request["arguments"] = arguments
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as admin:
            admin.settimeout(5.0)
            admin.connect(str(self.socket))
            admin.sendall(json.dumps(request).encode() + b"\n")
            with admin.makefile("rb") as lines:
                line = lines.readline()
        if not line:
            raise EOFError("the admin socket closed")
        answer = json.loads(line)
        if not answer["ok"]:
            raise AdminError(answer["error"])
        return answer["data"]

    def agents(self):
        """The agents attached here, by UUID."""
        return {agent["agent"]: agent for agent in self.command("show", "agents")["agents"]}

    def ports(self):
        return {port["name"]: port for port in self.command("show", "ports")}

    def drops(self, reason=None):
        """Frames dropped by reason, over all ports and lcores; or of one reason."""
        sums = {}
        for row in self.command("show", "drops")["drops"]:
            sums[row["reason"]] = sums.get(row["reason"], 0) + row["frames"]
        return sums if reason is None else sums.get(reason, 0)

    # Its accounts.

    def unbalanced(self):
        """What does not add up right now, as sentences; none where every frame is accounted for."""
        wrong = []
        for port in self.command("show", "ports"):
            came = port["received"] + port["resubmitted"] + port["copied"]
            went = port["sent"] + port["punted"] + port["dropped"]
            if came != went:
                wrong.append(f"{self.name} {port['name']}: received + resubmitted + copied {came} "
                             f"!= sent + punted + dropped {went}: {port}")
            if port["tx_backlog"]:
                wrong.append(f"{self.name} {port['name']}: {port['tx_backlog']} frames in backlog")
        for pool in [] if self.lends else self.command("show", "memory")["pools"]:
            if pool["available"] != pool["size"]:
                wrong.append(f"{self.name} pool {pool['pool']}: {pool['available']} of "
                             f"{pool['size']} buffers available")
        return wrong

    def settle(self, timeout=3.0):
        """Waits until every frame is accounted for; what is then still wrong, as sentences."""
        wrong = []

        def balanced():
            wrong[:] = self.unbalanced()
            return not wrong
        try:
            wait_until(balanced, timeout)
        except TimeoutError:
            pass
        return wrong
