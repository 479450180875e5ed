# SPDX-License-Identifier: BSD-3-Clause
"""What an operator sees of lookups and of the memory of the tables; a table that is full."""
import uuid

import pytest

from lab.laboratory import client, port
from lab.namespaces import link, wait_until
from lab.router import AdminError

EDGE = ["10.1.1.1/24"]


@pytest.fixture(name="space")
def one_link(lab):
    """A namespace 'west' with an interface edge1 whose peer eth0 is in namespace 'a1'."""
    west, host = lab.namespace("west"), lab.namespace("a1")
    link(host, "eth0", west, "edge1")
    host.address("eth0", "10.1.1.2/24")
    return west


def started(lab, space, *sections):
    """A router with the one port, and a function that makes agents behind it."""
    router = lab.router("west", [port("edge1", "edge", EDGE), *sections], space).start()
    host = lab.namespaces["a1"]
    return router, lambda: lab.agent(host, "10.1.1.2", "10.1.1.1", uuid.uuid4())


def test_a_full_table_says_so_and_loses_nothing(lab, space):
    router, new_agent = started(lab, space, ("agents", {"agents_max": 3}))
    inside = [new_agent() for _ in range(3)]
    for agent in inside:
        agent.register()
    with pytest.raises(client.Refused, match="overloaded"):
        new_agent().register()
    routes = router.command("show", "memory")["routes"]
    assert (routes["used"], routes["capacity"], routes["full"]) == (3, 3, True)
    assert router.log_text().count("the table of agents and routes is full: 3 of 3") == 1
    for sender, receiver in zip(inside, inside[1:] + inside[:1]):
        sender.send(receiver.id, b"still in")
        assert receiver.receive(2.0).payload == b"still in"
    inside[0].register(name="who is in may still change")

    inside.pop().deregister()
    assert not router.command("show", "memory")["routes"]["full"]
    assert router.log_text().count("has room again: 2 of 3") == 1
    new_agent().register()
    assert router.command("show", "memory")["routes"]["times_full"] == 2


@pytest.mark.parametrize("lookup", [{"cache_kb": 64}, {"cache_kb": 0}, {"table": "no"}],
                         ids=["cache", "no cache", "no table"])
def test_lookups_are_counted_by_what_came_of_them(lab, space, lookup):
    router, new_agent = started(lab, space, ("lookup", lookup))
    sender, receiver = new_agent(), new_agent()
    sender.register()
    receiver.register()
    before = router.command("show", "lookup")["all"]
    for _ in range(20):
        sender.send(receiver.id, b"known")
        assert receiver.receive(2.0) is not None
        sender.send(uuid.uuid4(), want_error=True)
        assert client.error_name(sender.receive(2.0).error[0]) == "unknown-agent"

    shown = router.command("show", "lookup")
    after = shown["all"]
    assert after["found"] + after["hit_positive"] - before["found"] - before["hit_positive"] >= 20
    assert after["unknown"] - before["unknown"] == 20
    assert sum(row["count"] for row in shown["outcomes"]) == after["lookups"]
    assert sum(row["calls"] for row in shown["batches"]) == after["batches"]
    assert after["local"] - before["local"] >= 20
    assert shown["table"] == (lookup.get("table") != "no")
    worker = shown["workers"][0]
    assert worker["cache_bytes"] == 1024 * lookup.get("cache_kb", 1024)
    assert (worker["cache"] == "none") == (lookup.get("cache_kb") == 0)
    assert 0 < after["p50_ns"] <= after["p90_ns"] <= after["p99_ns"] <= after["p999_ns"]


def test_how_long_caches_keep_answers_is_read_again_but_their_size_is_not(lab, space):
    router, new_agent = started(lab, space, ("lookup", {"cache_kb": 64}))
    sender, receiver = new_agent(), new_agent()
    sender.register()
    receiver.register()
    keys = {"cache_kb": 64, "local_ttl_ms": 0, "remote_ttl_ms": 0, "negative_ttl_ms": 0}
    router.configure([port("edge1", "edge", EDGE), ("lookup", keys)])
    changes = router.command("reload")["changes"]
    assert changes == ["[lookup] local_ttl_ms: 60000 -> 0", "[lookup] remote_ttl_ms: 30000 -> 0",
                       "[lookup] negative_ttl_ms: 2000 -> 0"]
    sender.send(receiver.id, b"looked up anew")
    assert receiver.receive(2.0) is not None
    keys["cache_kb"] = 128
    router.configure([port("edge1", "edge", EDGE), ("lookup", keys)])
    with pytest.raises(AdminError, match="need a restart"):
        router.command("reload")


def test_memory_is_planned_as_it_is_taken(lab, space):
    router, _ = started(lab, space, ("agents", {"agents_max": 20000}),
                        ("lookup", {"cache_kb": "auto"}), ("eal", {"memory_mb": 128}))
    shown = router.command("show", "memory")
    compared = [row for row in shown["tables"] + shown["pools"]
                if row["error_percent"] is not None]
    assert {row.get("table", row.get("pool")) for row in compared} >= {
        "fib", "route caches", "conversations", "frames", "control"}
    for row in compared:
        assert abs(row["error_percent"]) <= 5, row
    process = shown["process"]
    assert process["eal_bytes"] <= process["eal_planned_bytes"] <= 128 * 2**20
    caches = next(row for row in shown["tables"] if row["table"] == "route caches")
    assert 0 < process["capability_share_bytes"] < caches["bytes"] < 100 * 2**20


def test_records_of_many_agents_are_planned_as_they_are_taken(lab, space):
    keys = {"port": "edge1", "address": "10.1.1.2", "mac": "02:00:00:00:00:02", "name": "n" * 20,
            "capabilities": ", ".join(f"render/{number}" for number in range(4))}
    agents = [(f"agent {uuid.uuid4()}", keys) for _ in range(30000)]
    router, _ = started(lab, space, ("agents", {"agents_max": 30000}), *agents)

    def all_in():
        shown = router.command("show", "memory")["tables"]
        return [row for row in shown if row["table"] in ("records", "providers")
                and row["error_percent"] is not None and abs(row["error_percent"]) <= 5]

    wait_until(lambda: len(all_in()) == 2, 20.0, "records and providers that are as planned")


def test_what_does_not_fit_the_machine_is_refused_by_the_check_and_the_start(lab, space):
    sections = [port("edge1", "edge", EDGE), ("eal", {"memory_mb": 1048576})]
    router = lab.router("west", sections, space)
    for words in ((), ("--check",)):
        done = router.run(*words)
        assert done.returncode == (2 if words else 1), done
        assert "not enough memory: " in done.stderr and "MB available" in done.stderr
    elsewhere = router.run("--elsewhere", "--check")
    assert elsewhere.returncode == 0 and "not on this machine" in elsewhere.stderr
    assert not router.socket.exists()
