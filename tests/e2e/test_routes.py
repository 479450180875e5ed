# SPDX-License-Identifier: BSD-3-Clause
"""Routers taken out and put back, routes that end, a new key, and what lookups leave behind."""
import uuid

import pytest

from lab.laboratory import client, port
from lab.namespaces import link, wait_until
from lab.router import AdminError

EDGE = ["10.1.1.1/24"]


def test_a_withdrawn_router_is_as_good_as_unknown_until_restored(network):
    sender, receiver = network.registered("a1", False), network.registered("b1", False)
    sender.send(receiver.id, b"before")
    assert receiver.receive(2.0).payload == b"before"
    assert network.west.command("router", "withdraw", "east")["outcome"] == "withdrawn"
    assert network.west.command("router", "withdraw", "east")["outcome"] == "unchanged"
    assert network.west.command("show", "routers")[0]["withdrawn"]
    looked_up = network.west.command("lookup", str(receiver.id))
    assert (looked_up["answer"], looked_up["drop"]) == ("unknown", "unknown_agent")
    assert not any(row["in_use"] for row in network.west.command("show", "routes")["routes"])
    asked = network.west.command("show", "discovery")["wanted"]
    sender.send(receiver.id, want_error=True)
    assert client.error_name(sender.receive(2.0).error[0]) == "unknown-agent"
    wait_until(lambda: network.west.command("show", "discovery")["wanted"] == asked + 1, 5.0,
               "it is asked for elsewhere")
    network.west.command("reload")
    assert network.west.command("show", "routers")[0]["withdrawn"], "a reload does not restore it"
    assert network.west.command("router", "restore", "east")["outcome"] == "restored"
    sender.send(receiver.id, b"after")
    assert receiver.receive(2.0).payload == b"after"
    with pytest.raises(AdminError):
        network.west.command("router", "withdraw", "nowhere")


def test_a_route_ends_when_it_is_told_to(network):
    agent = uuid.uuid4()
    added = network.west.command("route", "add", str(agent), "east", "--seconds", "1")
    assert (added["outcome"], added["seconds"]) == ("added", 1)
    assert network.west.command("lookup", str(agent))["answer"] == "remote"
    ends = {row["agent"]: row["expires_in_ms"]
            for row in network.west.command("show", "routes")["routes"]}
    assert 0 <= ends.pop(str(agent)) <= 1000
    assert set(ends.values()) == {None}, "routes of the ini never end"
    wait_until(lambda: network.west.command("lookup", str(agent))["answer"] == "unknown", 5.0,
               "the route is gone")


def test_the_key_changes_while_messages_go_on(network):
    sender, receiver = network.registered("a1", False), network.registered("a2", False)
    before = network.west.command("show", "rekey")["rekeyed"]
    assert network.west.command("rekey")["outcome"] == "started"
    for number in range(20):
        sender.send(receiver.id, b"%d" % number)
        assert receiver.receive(2.0).payload == b"%d" % number
    wait_until(lambda: network.west.command("show", "rekey")["state"] == "done", 5.0,
               "the new key is in use")
    assert network.west.command("show", "rekey")["rekeyed"] == before + 1
    sender.send(receiver.id, b"under the new key")
    assert receiver.receive(2.0).payload == b"under the new key"


def test_each_unknown_agent_is_wanted_once(network):
    sender = network.registered("a1", False)
    nobody = uuid.uuid4()
    before = network.west.command("show", "discovery")
    for _ in range(3):
        sender.send(nobody, want_error=True)
        assert client.error_name(sender.receive(2.0).error[0]) == "unknown-agent"

    def wanted():
        now = network.west.command("show", "discovery")
        return {key: now[key] - before[key] for key in ("wanted", "requested", "unanswered")}

    wait_until(lambda: wanted()["requested"] >= 1 and wanted()["unanswered"] >= 1, 5.0,
               "the request was given up: there is nobody to ask")
    assert wanted()["requested"] <= wanted()["wanted"] <= 3


def test_who_is_used_most_is_kept_for_the_next_run(lab):
    west, host = lab.namespace("west"), lab.namespace("a1")
    link(host, "eth0", west, "edge1")
    host.address("eth0", "10.1.1.2/24")
    router = lab.router("west", [port("edge1", "edge", EDGE)], west).start()
    sender, receiver = (lab.agent(host, "10.1.1.2", "10.1.1.1", uuid.uuid4()) for _ in range(2))
    sender.register()
    receiver.register()

    def used():
        for _ in range(256):
            sender.send(receiver.id, b"again")
            assert receiver.receive(2.0) is not None
        return router.command("show", "top")["agents"]

    wait_until(used, 20.0, "one destination in about a thousand is noted")
    top = router.command("show", "top", "--limit", "1")
    assert top["agents"][0]["agent"] == str(receiver.id) and top["samples"] >= 1
    shown = router.command("show", "agent", str(receiver.id))
    assert shown["frames_estimated"] >= 1024 and shown["used_ms"] is not None
    assert shown["stability"] in ("normal", "stable")
    kept = router.socket.with_suffix(".warm")
    router.stop()
    lines = kept.read_text(encoding="ascii").splitlines()
    assert lines == ["posthaste warm 1", str(receiver.id), "end 1"]
    kept.write_text("posthaste warm 1\nnobody\n", encoding="ascii")
    router.start()
    assert "is ignored: a line is no agent's UUID" in router.log_text()


def test_a_start_warms_caches_with_those_the_last_run_used_most(lab):
    west, host = lab.namespace("west"), lab.namespace("a1")
    link(host, "eth0", west, "edge1")
    host.address("eth0", "10.1.1.2/24")
    sections = [port("edge1", "edge", EDGE), ("lookup", {"cache_kb": 64})]
    router = lab.router("west", sections, west).start()
    sender, receiver = (lab.agent(host, "10.1.1.2", "10.1.1.1", uuid.uuid4()) for _ in range(2))
    router.stop()
    never = uuid.uuid4()
    router.socket.with_suffix(".warm").write_text(
        f"posthaste warm 1\n{receiver.id}\n{never}\nend 2\n", encoding="ascii")
    router.start()
    assert router.command("show", "top")["warmed"] == 0, "nobody is there yet"
    receiver.register()
    wait_until(lambda: router.command("show", "lookup")["all"]["cache_warmed"] == 1, 5.0,
               "the worker took whom it was told to expect")
    assert router.command("show", "top")["still_to_warm"] == 0
    before = router.command("show", "lookup")["all"]["hit_positive"]
    sender.register()
    sender.send(receiver.id, b"the first one")
    assert receiver.receive(2.0).payload == b"the first one"
    assert router.command("show", "lookup")["all"]["hit_positive"] > before
