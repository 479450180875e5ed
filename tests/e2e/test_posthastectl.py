# SPDX-License-Identifier: BSD-3-Clause
"""The operator's client against a running router: one-shot, JSON, errors, interactive."""
import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import time
import uuid

import pytest

from lab.laboratory import program
from lab.namespaces import run, wait_until

SHOWS = ["ports", "lcores", "stages", "drops", "agents", "routers", "routes", "neighbours",
         "lookup", "memory", "config", "policies", "version"]
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
PORT_KEYS = {"name", "device", "role", "addresses", "mac", "mtu", "up", "link", "received", "sent",
             "punted", "dropped", "transmitted"}


@pytest.fixture(name="ctl")
def control(network, build):
    """Runs posthastectl against west; returns the ended process."""
    path = program(build, "posthastectl")

    def call(*words, socket=network.west.socket, **options):
        return run(path, "--socket", socket, *words, check=False, **options)
    return call


def as_json(done, status=0):
    assert done.returncode == status, done
    return json.loads(done.stdout if done.stdout.strip() else done.stderr)


@pytest.mark.parametrize("what", SHOWS)
def test_everything_can_be_shown_as_text_and_as_json(ctl, what):
    text = ctl("show", what)
    assert text.returncode == 0 and text.stderr == "", text
    as_json(ctl("--json", "show", what))


def differences(value, shape, where):
    """How an answer departs from its golden file: keys and types."""
    if isinstance(shape, dict) and isinstance(value, dict):
        if set(value) != set(shape):
            return [f"{where}: keys {sorted(set(value) ^ set(shape))}"]
        return [line for key in shape
                for line in differences(value[key], shape[key], f"{where}.{key}")]
    if isinstance(shape, list) and isinstance(value, list):
        return [line for item in value for line in differences(item, shape[0], f"{where}[]")]
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    kind = kinds.get(type(value), type(value).__name__)
    allowed = shape.split("|") if isinstance(shape, str) else [type(shape).__name__]
    return [] if kind in allowed else [f"{where}: {kind}, not {shape}"]


def test_answers_have_the_keys_and_types_that_are_promised(network, ctl):
    agent = network.registered("a1", capabilities=["mail/sort"])
    commands = [("show", what) for what in SHOWS]
    commands += [("show", "agent", agent.id), ("lookup", agent.id), ("lookup", uuid.uuid4()),
                 ("lookup", network.agent_ids["b1"]), ("agent", "drain", agent.id),
                 ("agent", "remove", agent.id), ("reload",), ("help",), ("tree",)]
    found = []
    for words in commands:
        name = "_".join(word for word in words if isinstance(word, str) and "-" not in word)
        shape = json.loads((GOLDEN / f"admin_{name}.json").read_text(encoding="utf-8"))
        found += differences(as_json(ctl("--json", *words)), shape, name)
    assert not found, "\n".join(found)


def test_counters_of_ports_follow_the_traffic(network, ctl):
    sender, receiver = network.registered("a1"), network.registered("a2")

    def ports():
        return {row["name"]: row for row in as_json(ctl("--json", "show", "ports"))}
    before = ports()
    assert PORT_KEYS <= set(before["edge1"])
    for _ in range(10):
        sender.send(receiver.id, b"counted")
        assert receiver.receive(1.0) is not None
    wait_until(lambda: ports()["edge1"]["sent"] == before["edge1"]["sent"] + 10, 2, "ten sent")
    assert ports()["edge2"]["transmitted"] >= before["edge2"]["transmitted"] + 10
    assert "edge1" in ctl("show", "ports").stdout


def test_an_agent_is_shown_and_looked_up(network, ctl):
    agent = network.registered("a1", capabilities=["mail/sort"])
    assert str(agent.id) in ctl("show", "agents").stdout
    shown = ctl("show", "agent", agent.id).stdout
    assert "mail/sort" in shown and "edge1" in shown
    local = ctl("lookup", agent.id)
    assert local.returncode == 0 and "local" in local.stdout and "edge1" in local.stdout
    remote = ctl("lookup", network.agent_ids["b1"])
    assert "remote" in remote.stdout and "east" in remote.stdout
    nobody = ctl("lookup", uuid.uuid4())
    assert "unknown" in nobody.stdout


@pytest.mark.parametrize("address, words", [
    ("10.9.0.9", "not on the link of port edge2"),
    ("10.1.2.1", "not the address of another host")])
def test_an_agent_nobody_could_reach_is_not_added(network, ctl, address, words):
    agent = uuid.uuid4()
    refused = ctl("agent", "add", agent, "--port", "edge2", "--address", address)
    assert refused.returncode == 1 and words in refused.stderr, refused
    assert str(agent) not in network.west.agents()


def test_agents_are_added_drained_and_removed(network, ctl):
    receiver, sender = network.agent("a2", agent=uuid.uuid4()), network.registered("a1")
    added = ctl("agent", "add", receiver.id, "--port", "edge2", "--address",
                f"{network.address('a2')}:{receiver.socket.getsockname()[1]}")
    assert added.returncode == 0, added
    sender.send(receiver.id, b"to an agent the operator added")
    assert receiver.receive(2.0).payload == b"to an agent the operator added"
    assert ctl("agent", "drain", receiver.id).returncode == 0
    assert network.west.agents()[str(receiver.id)]["state"] == "draining"
    assert ctl("agent", "remove", receiver.id).returncode == 0
    assert str(receiver.id) not in network.west.agents()


def test_routes_are_added_and_removed(network, ctl):
    guest = uuid.uuid4()
    assert ctl("route", "add", guest, "east").returncode == 0
    assert str(guest) in ctl("show", "routes").stdout
    assert ctl("route", "remove", guest).returncode == 0
    assert str(guest) not in ctl("show", "routes").stdout


@pytest.mark.parametrize("words", [
    ("show", "nothing"), ("no", "such", "command"), ("lookup", "not-a-uuid"),
    ("agent", "remove", "6f1d2c3b-0a4e-4d55-9e0f-111111111111"),
    ("route", "add", "6f1d2c3b-0a4e-4d55-9e0f-111111111111", "nowhere"),
], ids=" ".join)
def test_errors_are_errors_in_text_and_in_json(ctl, words):
    text = ctl(*words)
    assert text.returncode != 0 and text.stderr.strip() and not text.stdout.strip(), text
    answer = ctl("--json", *words)
    assert answer.returncode == text.returncode
    error = json.loads(answer.stdout)["error"]
    assert error["code"] and error["message"]


def test_a_router_that_does_not_run_is_an_error(ctl, tmp_path):
    done = ctl("show", "policies", "ports", socket=tmp_path / "nobody.sock")
    assert done.returncode != 0 and "nobody.sock" in done.stderr, done
    answer = ctl("--json", "show", "policies", "ports", socket=tmp_path / "nobody.sock")
    assert answer.returncode != 0 and json.loads(answer.stdout)["error"]["message"]


class Terminal:
    """A program on a pseudo terminal, to type at."""

    def __init__(self, *command):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(command[0], [str(word) for word in command])
        self.seen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, text, timeout=5.0):
        """Reads until `text` appears; what came before it is forgotten."""
        deadline = time.monotonic() + timeout
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.master], [], [], left)[0], \
                f"no {text!r} in {self.seen!r}"
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        before, self.seen = self.seen.split(text, 1)
        return before

    def end(self):
        """Types end-of-file until the program has ended; its status. The terminal may lose one
        that comes while it changes from lines to keys."""
        def ended():
            self.type("\x15\x04")  # an empty line first: the lost one may stand in it
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    os.read(self.master, 65536)
                except OSError:  # nobody has the other end any more
                    return True
            return False
        try:
            wait_until(ended, 10, "end of the conversation")
        except TimeoutError:
            os.kill(self.pid, signal.SIGKILL)
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)


def test_it_can_be_used_interactively_with_completion(network, build):
    terminal = Terminal(str(program(build, "posthastectl")), "--socket", network.west.socket)
    terminal.expect("> ")
    terminal.type("sh\tver\t\n")
    terminal.expect(str(network.west.process.pid))
    terminal.expect("> ")
    terminal.type("show nothing\n")
    terminal.expect("nothing")
    terminal.expect("> ")
    terminal.type("show ports\n")
    terminal.expect("edge1")
    terminal.expect("> ")
    assert terminal.end() == 0


def test_it_runs_commands_from_a_pipe(network, build):
    done = subprocess.run([program(build, "posthastectl"), "--socket", network.west.socket],
                          input="show version\nshow ports\n", capture_output=True, text=True,
                          check=False, timeout=10)
    assert done.returncode == 0, done
    assert str(network.west.process.pid) in done.stdout and "edge1" in done.stdout
