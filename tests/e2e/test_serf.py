# SPDX-License-Identifier: BSD-3-Clause
"""Routers among Debian's own serf agents: what these see of us, and never complain about."""
import base64
import os
import re
import signal

import pytest

from lab.cluster import Cluster
from lab.namespaces import wait_until
from serf_agent import SerfAgent

# Of what we did to the network, not of what a router said.
UNREACHABLE = (r"Failed fallback (ping|TCP ping)",
               r"failed to send.*(i/o timeout|invalid argument)",
               r"Suspect .* has failed, no acks received",
               r"Failed to send (ping|indirect ping|gossip|UDP ping|UDP compound ping)",
               r"Refuting a (suspect|dead) message", r"attempting to reconnect",
               r"[Pp]ush/[Pp]ull with .* failed: (dial|write|read) tcp",
               r"was able to connect to .* over TCP but UDP probes failed",
               r"Was able to connect to .* (but other|over TCP)")


@pytest.fixture(name="two")
def two_routers(lab):
    """Two routers with memberlist's timing for local networks, not started yet."""
    return Cluster(lab, 2, {"profile": "lan"})


def launch(cluster):
    for router in cluster.routers.values():
        router.launch()
    for router in cluster.routers.values():
        router.await_ready()
    cluster.await_peers()


def new_key():
    return base64.b64encode(os.urandom(32)).decode()


def test_serf_joins_routers_and_routers_join_serf(lab, two):
    launch(two)
    joins = SerfAgent(two, 11).start(f"-join={two.management(1)}")
    for name in ("r1", "r2"):
        joins.await_status(name, "alive")
    joined = SerfAgent(two, 12).start()
    two.routers[2].command("cluster", "join", joined.address)
    for name in ("r1", "r2", "serf11"):
        joined.await_status(name, "alive")
    tags = joined.members()["r1"]["tags"]
    assert tags["role"] == "posthaste" and re.fullmatch(r"[0-9a-f]{16}", tags["rid"])
    assert tags["rp"] == "7947" and tags["dp"] == "10.0.0.1:4747"
    assert joined.members()["r1"]["protocol"]["version"] == 5
    for number in two.routers:
        wait_until(lambda n=number: two.peers(n).get("serf12") == "alive", 10, "seen by routers")
    # Serf begins an exchange of its own within its period of 30 s; joins are exchanges as well.
    assert joins.complaints() == [] and joined.complaints() == []


def test_operators_of_serf_get_answers_from_routers(two):
    launch(two)
    serf = SerfAgent(two, 11).start(f"-join={two.management(1)}")
    for name in ("r1", "r2"):
        serf.await_status(name, "alive")
    reach = serf.ask("reachability").stdout
    assert "Successfully contacted all live nodes" in reach, reach
    acks = serf.ask("query", "-timeout=2s", "anything").stdout
    assert {"r1", "r2"} <= set(re.findall(r"Ack from '([^']+)'", acks)), acks
    serf.ask("event", "deploy", "now")
    # A round trip needs a probe of each side: it comes with the first that was answered.
    wait_until(lambda: serf.ask("rtt", "serf11", "r1", check=False).returncode == 0, 20, "rtt")
    serf.ask("tags", "-set", "colour=blue")
    wait_until(lambda: any(row["name"] == "serf11" and row["tags"].get("colour") == "blue"
                           for row in two.routers[1].command("show", "peers")["peers"]),
               10, "the new tag is seen")
    assert serf.complaints() == []


def test_a_mute_serf_is_suspected_and_refutes_and_a_mute_router_too(two):
    launch(two)
    serf = SerfAgent(two, 11).start(f"-join={two.management(1)}")
    serf.await_status("r2", "alive")
    router = two.routers[2]
    router.signal(signal.SIGSTOP)
    try:
        wait_until(lambda: suspect(two.routers[1], "r2"), 15, "r2 is suspected")
    finally:
        router.signal(signal.SIGCONT)
    wait_until(lambda: two.peers(1)["r2"] == "linked", 15, "r2 has refuted")
    assert serf.status("r2") == "alive"
    assert two.peers(1)["r2"] == "linked"


def suspect(router, name):
    return any(row["name"] == name and row["status"] == "suspect"
               for row in router.command("show", "peers")["peers"])


def test_failure_and_recovery_are_seen_by_serf_and_by_routers(two):
    launch(two)
    agents = [SerfAgent(two, number).start(f"-join={two.management(1)}") for number in (11, 12)]
    for agent in agents:
        agent.await_status("r2", "alive")
    two.routers[2].kill()
    agents[1].stop_answering()
    agents[0].await_status("r2", "failed", 30)
    wait_until(lambda: two.peers(1).get("r2") == "failed", 30, "r1 sees it")
    wait_until(lambda: two.peers(1).get("serf12") == "failed", 30, "r1 sees that serf12 is mute")
    agents[1].go_on()
    two.routers[2].start()
    agents[0].await_status("r2", "alive", 60)
    wait_until(lambda: two.peers(1).get("serf12") == "alive", 60, "serf12 is back")
    assert agents[0].complaints(UNREACHABLE) == []


def test_who_leaves_has_left_on_both_sides(two):
    launch(two)
    serf = SerfAgent(two, 11).start(f"-join={two.management(1)}")
    serf.await_status("r2", "alive")
    assert two.routers[2].stop() == 0
    serf.await_status("r2", "left", 10)
    wait_until(lambda: two.peers(1).get("r2") == "left", 10, "r1 knows")
    two.routers[2].start()
    serf.await_status("r2", "alive", 30)
    serf.ask("leave")
    wait_until(lambda: two.peers(1).get("serf11") == "left", 15, "serf11 left")
    assert serf.complaints() == []


def test_a_serf_without_udp_stays_alive(two):
    launch(two)
    serf = SerfAgent(two, 11).start(f"-join={two.management(1)}")
    serf.await_status("r1", "alive")
    serf.block_udp()
    def probes():
        return two.routers[1].command("show", "gossip")["transport"]["probes"]
    before = probes()
    wait_until(lambda: probes() >= before + 8, 30, "probed by r1 several times")
    assert two.peers(1)["serf11"] == "alive" and two.peers(2)["serf11"] == "alive"


def test_a_name_that_serf_has_is_a_conflict_and_harms_nobody(two):
    serf = SerfAgent(two, 11, name="r2").start()
    two.routers[1].start()
    two.routers[1].command("cluster", "join", serf.address)
    serf.await_status("r1", "alive")
    wait_until(lambda: two.peers(1).get("r2") == "alive", 10, "r1 knows the first r2")
    two.routers[2].start()
    wait_until(lambda: any("r2" in str(row) for row in
                           two.routers[1].command("show", "conflicts")["names"]), 20, "a conflict")
    assert two.peers(1)["r2"] == "alive"
    assert serf.process.poll() is None


def answered_by_all(agent, *words):
    """A key command's output, once every member has answered: each is told of a query a few times
    only, so that on a busy machine one may miss it, and operators ask again."""
    said = []
    def all_answered():
        said[:] = [agent.ask("keys", *words, check=False)]
        return said[0].returncode == 0
    wait_until(all_answered, 30, f"{agent.name}: keys {words}")
    return said[0].stdout


def test_keys_are_rotated_among_three_serfs_and_two_routers(lab, two):
    old, new = new_key(), new_key()
    for number, router in two.routers.items():
        ring = lab.folder / f"keys{number}"
        ring.write_text(old + "\n", encoding="ascii")
        ring.chmod(0o600)
        router.configure([*[(head, keys) for head, keys in router.sections if head != "cluster"],
                          ("cluster", {**dict(router.sections)["cluster"], "keyring": ring})])
    launch(two)
    agents = []
    for number in (11, 12, 13):
        ring = lab.folder / f"serf{number}.keys"
        ring.write_text(f'["{old}"]', encoding="ascii")
        agents.append(SerfAgent(two, number, f"-keyring-file={ring}")
                      .start(f"-join={two.management(1)}"))
    for agent in agents:
        for name in ("r1", "r2", "serf11", "serf12", "serf13"):
            agent.await_status(name, "alive")
    assert "[5/5]" in answered_by_all(agents[0], "-list")
    answered_by_all(agents[0], f"-install={new}")
    answered_by_all(agents[1], f"-use={new}")
    def removed():
        answer = two.routers[2].command("cluster", "keys", "remove", old)
        assert answer["errors"] == 0
        return answer["answers"] == 5
    wait_until(removed, 30, "all have removed the old key")
    listed = answered_by_all(agents[2], "-list")
    assert new in listed and old not in listed and "[5/5]" in listed
    kept = lab.folder / "keys1"
    wait_until(lambda: new in kept.read_text(encoding="ascii"), 10, "the key is on r1's disk")
    for agent in agents:
        assert all(agent.status(name) == "alive" for name in ("r1", "r2", "serf12")), agent.name
        assert agent.complaints() == []
    # A router that comes back knows the key that was agreed upon meanwhile.
    assert two.routers[1].stop() == 0
    two.routers[1].start()
    agents[2].await_status("r1", "alive", 30)
