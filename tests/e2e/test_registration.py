# SPDX-License-Identifier: BSD-3-Clause
"""Registration in band: leases, moves, refusals, and the client's own command."""
import json
import signal
import subprocess
import uuid

import pytest

from lab.laboratory import ROOT, TwoRouters, client
from lab.namespaces import wait_until

CLIENT = ROOT / "tools/client/posthaste_client.py"


def test_what_an_agent_says_of_itself_is_shown(network, v6):
    agent = network.registered("a1", v6, capabilities=["mail/sort", "mail/send"], lease_ms=5000)
    assert agent.lease_ms == 5000
    shown = network.west.command("show", "agent", agent.id)
    assert shown["name"] == "a1" and shown["state"] == "running"
    assert shown["capabilities"] == ["mail/send", "mail/sort"]
    assert (shown["port"], shown["origin"]) == ("edge1", "registered")
    assert shown["address"] == network.address("a1", v6)
    assert shown["udp_port"] == agent.socket.getsockname()[1]
    assert shown["mac"] == network.spaces["a1"].mac("eth0")
    assert 0 < shown["expires_in_ms"] <= 5000


def test_a_lease_is_kept_within_the_configured_range(network):
    agent = network.registered("a1", lease_ms=1)
    assert agent.lease_ms == 1000
    assert agent.register(lease_ms=2**32 - 1) == 3_600_000
    assert agent.register() == 30_000


def test_an_agent_without_heartbeats_is_forgotten(network):
    agent, other = network.registered("a1", lease_ms=1000), network.registered("a2")
    assert str(agent.id) in network.west.agents()
    wait_until(lambda: str(agent.id) not in network.west.agents(), 5, "end of the lease")
    other.send(agent.id, want_error=True)
    assert client.error_name(other.receive(1.0).error[0]) == "unknown-agent"
    with pytest.raises(client.Refused, match="unauthorised"):
        agent.heartbeat()


def test_heartbeats_keep_an_agent(network):
    beating = network.registered("a1", lease_ms=1000)
    silent = network.registered("a2", lease_ms=1000)

    def silent_is_gone():
        beating.heartbeat()
        return str(silent.id) not in network.west.agents()
    wait_until(silent_is_gone, 5, "end of the silent agent's lease")
    assert str(beating.id) in network.west.agents()


def test_an_agent_moves_by_registering_elsewhere(network, v6):
    sender, here = network.registered("b1", v6), network.registered("a1", v6)
    sender.send(here.id, b"first")
    assert here.receive(2.0).payload == b"first"
    there = network.agent("a2", v6, agent=here.id)
    there.register(name="a1, moved")
    sender.send(here.id, b"second")
    assert there.receive(2.0).payload == b"second"
    assert here.receive(0) is None
    shown = network.west.command("show", "agent", here.id)
    assert (shown["port"], shown["name"], shown["moves"]) == ("edge2", "a1, moved", 1)
    with pytest.raises(client.Refused, match="unauthorised"):
        here.heartbeat()


def test_an_agent_that_left_its_router_is_followed_by_a_route(network):
    """a1 registers at east; west is told by the operator and no longer has it."""
    sender, moved = network.registered("a2"), network.agent("b1", agent=uuid.uuid4())
    moved.register(name="guest")
    network.west.command("route", "add", moved.id, "east")
    sender.send(moved.id, b"found you")
    assert moved.receive(2.0).payload == b"found you"
    network.west.command("route", "remove", moved.id)
    sender.send(moved.id, want_error=True)
    assert client.error_name(sender.receive(1.0).error[0]) == "unknown-agent"


@pytest.mark.parametrize("payload", [
    b"\x20\xff" + b"short", b"\x01\x00", b"\x21\x02\x00\x01" + bytes(8), b"\x22\x01\x09" + bytes(8),
], ids=["runs past the end", "empty capability", "lease of 2 bytes", "unknown state"])
def test_a_register_that_makes_no_sense_is_refused_and_leaves_nothing(network, payload):
    agent = network.agent("a1", agent=uuid.uuid4())
    with pytest.raises(client.Refused, match="malformed"):
        agent.request(client.REGISTER, payload)
    assert str(agent.id) not in network.west.agents()


def test_a_register_beyond_the_capacity_is_refused_and_leaves_nothing(lab):
    network = TwoRouters(lab)
    network.west.configure(network.sections("west", extra=[("agents", {"agents_per_port_max": 2})]))
    network.start()
    first = [network.agent("a1", agent=uuid.uuid4()) for _ in range(3)]
    first[0].register()
    first[1].register()
    with pytest.raises(client.Refused, match="overloaded|rate-limited"):
        first[2].register(name="one too many")
    assert set(network.west.agents()) == {str(agent.id) for agent in first[:2]}
    other = network.registered("a2")
    other.send(first[2].id, want_error=True)
    assert client.error_name(other.receive(1.0).error[0]) == "unknown-agent"
    first[0].deregister()
    first[2].register(name="now there is room")
    assert str(first[2].id) in network.west.agents()


def test_many_agents_register_from_one_host(network):
    agents = [network.agent("a1", agent=uuid.uuid4()) for _ in range(200)]
    for number, agent in enumerate(agents):
        agent.register(name=f"agent {number}")
    shown = network.west.command("show", "agents", limit=1000)
    assert shown["total"] == 200
    assert {agent["agent"] for agent in shown["agents"]} == {str(agent.id) for agent in agents}
    sender = network.registered("a2")
    for agent in agents:
        sender.send(agent.id, agent.id.bytes)
    assert all(agent.receive(1.0).payload == agent.id.bytes for agent in agents)


def test_the_clients_own_command_listens_and_answers(network):
    """Goal: the command line of the client works as an operator would use it."""
    space, listener_id = network.spaces["b1"], network.agent_ids["b1"]
    listener = subprocess.Popen(
        space.command(CLIENT, "--router", network.gateway("b1"), "--agent", listener_id,
                      "listen", "--name", "echo", "--echo"),
        stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(listener.stdout.readline())["registered"] == str(listener_id)
        sender = network.spaces["a1"].run(
            CLIENT, "--router", network.gateway("a1"), "--agent", network.agent_ids["a1"],
            "send", listener_id, "hello there")
        echoed = [json.loads(line) for line in sender.stdout.splitlines()][1:]
        assert [line["payload"] for line in echoed] == ["hello there"]
        assert json.loads(listener.stdout.readline())["payload"] == "hello there"
    finally:
        listener.send_signal(signal.SIGTERM)
        assert listener.wait(10) == 0
    assert str(listener_id) not in network.east.agents()


def test_the_clients_own_command_reports_an_error(network):
    sender = network.spaces["a1"].run(CLIENT, "--router", network.gateway("a1"), "send",
                                      uuid.uuid4(), "hello", check=False)
    assert sender.returncode == 1
    assert json.loads(sender.stdout.splitlines()[-1])["error"] == "unknown-agent"
