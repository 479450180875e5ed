# SPDX-License-Identifier: BSD-3-Clause
"""What outlives the process: agents that were told they are registered."""
import random
import threading
import uuid

import pytest

from lab.laboratory import TwoRouters, client
from lab.namespaces import run, wait_until
from lab.router import AdminError


@pytest.fixture(name="folder")
def store_folder(lab):
    """A small disk of its own."""
    folder = lab.folder / "disk"
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder)
    yield folder
    wrong = lab.settle()
    statuses = {router.name: router.stop() for router in lab.routers if router.running}
    run("umount", folder)
    assert not wrong, "\n".join(wrong)
    assert not any(statuses.values()), statuses


def stored(network, path, edge_order=(0, 1), **keys):
    """The sections of west with a store; the edge ports in that order."""
    sections = network.sections("west", extra=[("store", {"path": path, **keys})])
    edges = [sections[index] for index in edge_order]
    return [*edges, *sections[2:]]


@pytest.fixture(name="network")
def network_with_a_store(lab, folder):
    network = TwoRouters(lab)
    network.west.configure(stored(network, folder / "store.db"))
    return network.start()


def attached(router):
    """All agents by UUID, with all there is to know of each."""
    agents = router.command("show", "agents", limit=1000)
    assert agents["total"] == len(agents["agents"])
    return {agent["agent"]: agent for agent in agents["agents"]}


def test_agents_are_reached_after_kill_9_though_they_say_nothing(network, folder, v6):
    here = network.registered("a1", v6, capabilities=["mail/sort"], lease_ms=60_000)
    before = network.west.command("show", "agent", here.id)
    network.west.kill()
    # The ports stand in another order now.
    network.west.configure(stored(network, folder / "store.db", edge_order=(1, 0)))
    network.west.start()
    after = network.west.command("show", "agent", here.id)
    for key in ("port", "address", "udp_port", "mac", "state", "capabilities", "name", "origin"):
        assert after[key] == before[key], key
    assert 50_000 < after["expires_in_ms"] <= 60_000
    sender = network.registered("a2", v6)
    sender.send(here.id, b"still there?")
    assert here.receive(5.0).payload == b"still there?"
    sender.call("mail/sort", b"and found")
    assert here.receive(5.0).payload == b"and found"
    here.heartbeat()


def test_every_acknowledged_registration_survives_kill_9_at_any_moment(network):
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    acknowledged, gone = {}, set()
    socket = network.spaces["a1"].udp(network.address("a1"))
    for _ in range(5):
        ended = threading.Event()

        def register():
            while not ended.is_set():
                agent = client.Agent(network.gateway("a1"), uuid.uuid4(), sock=socket)
                name = f"agent {len(acknowledged)}"
                try:
                    agent.register(name=name, lease_ms=3_600_000, timeout=0.5, tries=1)
                    acknowledged[str(agent.id)] = name
                    if len(acknowledged) % 5 == 0:
                        known = str(agent.id)
                        agent.deregister(timeout=0.5, tries=1)
                        gone.add(known)
                except TimeoutError:
                    # Whether it was registered, or gone, nobody was told.
                    acknowledged.pop(str(agent.id), None)
        worker = threading.Thread(target=register)
        worker.start()
        wanted = len(acknowledged) + chance.randrange(1, 60)
        wait_until(lambda: len(acknowledged) >= wanted, 20, "registrations")
        network.west.kill()
        ended.set()
        worker.join()
        network.west.start()
        there = attached(network.west)
        for agent, name in acknowledged.items():
            if agent not in gone:
                assert there[agent]["name"] == name
        assert not gone & there.keys()
    assert len(acknowledged) >= 5 and gone


def test_what_operators_were_told_of_agents_survives_kill_9(network, folder):
    assert network.west.stop() == 0
    # So long after a change it is written.
    network.west.configure(stored(network, folder / "store.db", commit_ms=300))
    network.west.start()
    removed, drained = network.registered("a1"), network.registered("a2")
    network.west.command("agent", "drain", drained.id)
    network.west.command("agent", "remove", removed.id)
    network.west.kill()
    network.west.start()
    there = attached(network.west)
    assert set(there) == {str(drained.id)}
    assert there[str(drained.id)]["state"] == "draining"


def test_a_full_disk_refuses_registrations_and_nothing_else(network, folder):
    here, sender = network.registered("a1", lease_ms=60_000), network.registered("a2")
    filler = folder / "filler"

    def disk_is_full():
        with open(filler, "ab", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        stranger = network.agent("a1", agent=uuid.uuid4())
        try:
            stranger.register(name="one too many", timeout=1.0)
        except (client.Refused, TimeoutError) as error:
            return error if isinstance(error, client.Refused) else None
        return None
    refused = wait_until(disk_is_full, 20, "refusal of a registration")
    assert client.error_name(refused.code) == "overloaded" and "store" in refused.detail
    wait_until(lambda: "registrations are refused" in network.west.log_text(), 5, "a line of alarm")
    here.register(name="a1", lease_ms=60_000)  # as it is on the disk
    sender.send(here.id, b"goes on")
    assert here.receive(2.0).payload == b"goes on"
    with pytest.raises(client.Refused, match="overloaded"):
        here.register(name="another name", lease_ms=60_000)
    with pytest.raises(client.Refused, match="overloaded"):
        here.deregister()
    for word in ("drain", "remove"):
        with pytest.raises(AdminError, match="nothing was changed"):
            network.west.command("agent", word, here.id)
    assert attached(network.west)[str(here.id)]["state"] == "running"
    filler.unlink()

    def takes_it_again():
        try:
            return here.register(name="another name", lease_ms=60_000)
        except client.Refused:
            return None
    wait_until(takes_it_again, 20, "a registration that is taken")
    network.west.kill()
    network.west.start()
    assert attached(network.west)[str(here.id)]["name"] == "another name"


def test_agents_whose_port_is_gone_are_left_out(network, folder):
    here, there = network.registered("a1"), network.registered("a2")
    assert network.west.stop() == 0
    sections = stored(network, folder / "store.db")
    network.west.configure(sections[1:])
    network.west.start()
    assert set(attached(network.west)) == {str(there.id)}
    assert "1 agents left out" in network.west.log_text()
    assert str(here.id) not in attached(network.west)


def test_a_damaged_store_ends_the_start_with_its_name(network, folder):
    assert network.west.stop() == 0
    path = folder / "store.db"
    path.write_bytes(b"no database at all" * 100)
    done = network.west.run(timeout=30)
    assert done.returncode == 1, done
    assert str(path) in done.stderr and "move it away" in done.stderr, done.stderr
    assert path.read_bytes() == b"no database at all" * 100


def test_a_store_without_a_folder_ends_the_start_with_its_name(network, folder):
    assert network.west.stop() == 0
    network.west.configure(stored(network, folder / "none" / "store.db"))
    done = network.west.run(timeout=30)
    assert done.returncode == 1, done
    assert str(folder / "none" / "store.db") in done.stderr, done.stderr
