# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of messages between agents on two routers."""
import os
import uuid

import pytest

from lab.laboratory import client
from lab.namespaces import wait_until

QUIET_SECONDS = 0.2  # a message that is not to come has had its time


def test_a_message_reaches_an_agent_on_another_port(network, v6):
    sender, receiver = network.registered("a1", v6), network.registered("a2", v6)
    sent = sender.send(receiver.id, b"to a neighbour", performative=7, lifetime_ms=5000)
    message = receiver.receive(1.0)
    assert message.payload == b"to a neighbour"
    assert (message.source, message.destination) == (sender.id, receiver.id)
    assert (message.conversation, message.message) == (sent.conversation, sent.message)
    assert (message.performative, message.lifetime_ms, message.type) == (7, 5000, client.MESSAGE)
    assert message.hop_limit == sent.hop_limit - 1
    assert message.flags & client.RELAYED == 0


def test_a_message_reaches_an_agent_on_another_router(network, v6):
    sender, receiver = network.registered("a1", v6), network.registered("b1", v6)
    sent = sender.send(receiver.id, b"far away")
    message = receiver.receive(2.0)
    assert message.payload == b"far away"
    assert message.hop_limit == sent.hop_limit - 2
    assert message.flags & client.RELAYED


def test_agents_of_both_address_families_reach_each_other(network):
    four, six = network.registered("a1", v6=False), network.registered("b2", v6=True)
    four.send(six.id, b"from 4 to 6")
    assert six.receive(2.0).payload == b"from 4 to 6"
    six.send(four.id, b"from 6 to 4")
    assert four.receive(2.0).payload == b"from 6 to 4"


def test_a_message_keeps_its_udp_source_port(network, v6):
    sender, receiver = network.registered("a1", v6), network.registered("a2", v6)
    sender.send(receiver.id)
    message = receiver.receive(1.0)
    assert message.origin[:2] == (network.gateway("a2", v6), sender.socket.getsockname()[1])


def test_header_tlvs_travel_unchanged(network):
    sender, receiver = network.registered("a1"), network.registered("b1")
    tlvs = [(client.TLV_CAPABILITY, b"vision/ocr"), (99, bytes(range(40)))]
    sender.send(receiver.id, b"payload", tlvs=tlvs)
    message = receiver.receive(2.0)
    assert message.tlvs == tlvs and message.payload == b"payload"


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000, 1380])
def test_payloads_of_every_size_arrive_unchanged(network, v6, size):
    sender, receiver = network.registered("b1", v6), network.registered("a2", v6)
    payload = os.urandom(size)
    sender.send(receiver.id, payload)
    assert receiver.receive(2.0).payload == payload


def test_a_conversation_stays_in_order(network):
    sender, receiver = network.registered("a2"), network.registered("b2")
    sender.send(receiver.id)
    assert receiver.receive(2.0) is not None  # neighbours are known from here on
    for batch in range(20):
        sent = [sender.send(receiver.id, b"x" * 100).message for _ in range(25)]
        got = [receiver.receive(2.0).message for _ in sent]
        assert got == sent, f"batch {batch}"


def test_a_message_to_oneself_is_refused(network):
    agent = network.registered("a1")
    before = network.west.drops("bad_agent_id")
    agent.send(agent.id, want_error=True)
    assert agent.receive(1.0).error == (client.ERROR_NAMES.index("malformed"), "")
    assert network.west.drops("bad_agent_id") == before + 1


def test_an_unknown_agent_is_an_error_for_who_asks_for_errors(network, v6):
    sender = network.registered("a1", v6)
    before = network.west.drops("unknown_agent")
    asked = sender.send(uuid.uuid4(), b"is anybody there?", want_error=True)
    answer = sender.receive(1.0)
    assert client.error_name(answer.error[0]) == "unknown-agent"
    assert answer.source == client.ROUTER_ID and answer.destination == sender.id
    assert (answer.conversation, answer.message) == (asked.conversation, asked.message)
    sender.send(uuid.uuid4(), b"never mind", want_error=False)
    assert sender.receive(QUIET_SECONDS) is None
    wait_until(lambda: network.west.drops("unknown_agent") == before + 2, 2, "two drops")


def test_an_error_of_the_other_router_comes_back(network, v6):
    sender = network.registered("a1", v6)  # west has a route for b1, which is not registered
    before = network.east.drops("unknown_agent")
    asked = sender.send(network.agent_ids["b1"], want_error=True)
    answer = sender.receive(2.0)
    assert client.error_name(answer.error[0]) == "unknown-agent"
    assert (answer.source, answer.message) == (client.ROUTER_ID, asked.message)
    assert network.east.drops("unknown_agent") == before + 1


def test_a_spoofed_source_is_refused(network, v6):
    honest, target = network.registered("a1", v6), network.registered("a2", v6)
    liar = network.agent("b1", v6, agent=honest.id)
    neighbour = network.agent("a2", v6, agent=honest.id)
    before = network.west.drops("source_spoofed")
    neighbour.send(network.agent_ids["b1"], b"I am a1", want_error=True)
    assert client.error_name(neighbour.receive(1.0).error[0]) == "unauthorised"
    liar.send(target.id, b"I am a1, elsewhere", want_error=True)
    assert client.error_name(liar.receive(1.0).error[0]) == "unauthorised"
    assert network.west.drops("source_spoofed") == before + 1
    assert target.receive(QUIET_SECONDS) is None


def test_an_unregistered_source_is_refused(network):
    stranger, target = network.agent("a1", agent=uuid.uuid4()), network.registered("a2")
    before = network.west.drops("source_unknown")
    stranger.send(target.id, want_error=True)
    assert client.error_name(stranger.receive(1.0).error[0]) == "unauthorised"
    assert network.west.drops("source_unknown") == before + 1
    assert target.receive(QUIET_SECONDS) is None


def test_a_second_socket_of_a_host_may_send_for_its_agent(network):
    registered, target = network.registered("a1"), network.registered("a2")
    second = network.agent("a1", agent=registered.id)
    assert second.socket.getsockname() != registered.socket.getsockname()
    second.send(target.id, b"another conversation")
    assert target.receive(1.0).payload == b"another conversation"


def test_a_draining_agent_still_gets_what_is_addressed_to_it(network):
    sender, receiver = network.registered("a1"), network.registered("a2")
    receiver.register(state="draining")
    sender.send(receiver.id, b"last words")
    assert receiver.receive(1.0).payload == b"last words"
    assert network.west.agents()[str(receiver.id)]["state"] == "draining"


def test_a_stopped_agent_gets_nothing(network):
    sender, receiver = network.registered("a1"), network.registered("a2")
    receiver.register(state="stopped")
    before = network.west.drops("agent_stopped")
    sender.send(receiver.id, want_error=True)
    assert client.error_name(sender.receive(1.0).error[0]) == "no-available-provider"
    assert network.west.drops("agent_stopped") == before + 1
    assert receiver.receive(QUIET_SECONDS) is None
    receiver.register(state="running")
    sender.send(receiver.id, b"again")
    assert receiver.receive(1.0).payload == b"again"


def test_a_deregistered_agent_is_unknown(network):
    sender, receiver = network.registered("a1"), network.registered("a2")
    receiver.deregister()
    sender.send(receiver.id, want_error=True)
    assert client.error_name(sender.receive(1.0).error[0]) == "unknown-agent"
    assert str(receiver.id) not in network.west.agents()


def test_the_hop_limit_ends_a_message(network):
    sender, receiver = network.registered("a1"), network.registered("b1")
    west, east = network.west.drops("hop_limit"), network.east.drops("hop_limit")
    sender.send(receiver.id, hop_limit=0, want_error=True)
    assert client.error_name(sender.receive(1.0).error[0]) == "hop-limit"
    assert network.west.drops("hop_limit") == west + 1
    sender.send(receiver.id, b"one router is enough", hop_limit=1)
    wait_until(lambda: network.east.drops("hop_limit") == east + 1, 2, "the drop at east")
    assert receiver.receive(QUIET_SECONDS) is None
    sender.send(receiver.id, hop_limit=2)
    assert receiver.receive(1.0).hop_limit == 0


def test_a_capability_nobody_has_is_unknown(network):
    sender = network.registered("a1", capabilities=["mail/sort"])
    sender.send(client.capability_id("mail/read"), addressing=client.CAPABILITY_ANY,
                want_error=True)
    assert client.error_name(sender.receive(1.0).error[0]) == "unknown-capability"


BAD = [
    ("bad_length", lambda good: good[:40]),
    ("bad_length", lambda good: good + b"trailing"),
    ("bad_magic", lambda good: b"XX" + good[2:]),
    ("bad_version", lambda good: good[:2] + b"\x24" + good[3:]),
    ("bad_type", lambda good: good[:3] + b"\x09" + good[4:]),
    ("bad_addressing", lambda good: good[:5] + b"\x0f" + good[6:]),
    ("bad_flags", lambda good: good[:8] + b"\x00\x04" + good[10:]),
    ("bad_agent_id", lambda good: good[:16] + bytes(16) + good[32:]),
]


@pytest.mark.parametrize("reason, spoil", BAD)
def test_a_malformed_message_is_dropped_and_counted(network, reason, spoil):
    sender, receiver = network.registered("a1"), network.registered("a2")
    good = client.Message(receiver.id, sender.id, b"payload").encode()
    before = network.west.drops(reason)
    sender.send_datagram(spoil(good))
    wait_until(lambda: network.west.drops(reason) == before + 1, 2, f"a drop {reason}")
    assert sender.receive(0) is None and receiver.receive(0) is None
    sender.send_datagram(good)
    assert receiver.receive(1.0).payload == b"payload"


def test_ping_is_answered_on_every_port(network, v6):
    for host in network.HOSTS:
        ping = network.spaces[host].run("ping", "-6" if v6 else "-4", "-n", "-c", "3", "-i", "0.01",
                                        "-W", "2", "-s", "1000", network.gateway(host, v6),
                                        check=False)
        assert " 0% packet loss" in ping.stdout, ping.stdout


def test_the_box_answers_only_for_its_own_addresses(network):
    space = network.spaces["a1"]
    ping = space.run("ping", "-n", "-c", "1", "-W", "1", "10.1.1.99", check=False)
    assert "100% packet loss" in ping.stdout, ping.stdout
