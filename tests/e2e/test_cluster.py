# SPDX-License-Identifier: BSD-3-Clause
"""Five routers that know each other by gossip alone, and what happens when some cannot be reached.

Each is a process in a namespace of its own; agents are kernel sockets on a host behind each.
"""
import itertools

import pytest

from lab.cluster import Cluster, Outcome, exchange
from lab.namespaces import wait_until
from lab.router import AdminError

ROUTERS = 5


@pytest.fixture(name="five")
def five_routers(lab):
    return Cluster(lab, ROUTERS).start()


def test_agents_of_all_routers_reach_each_other_without_static_routes(five):
    agents = {number: five.agent(number) for number in five.routers}
    for number, agent in agents.items():
        five.await_route(agent.id, number)
    for one, other in itertools.permutations(agents, 2):
        exchange(agents[one], agents[other])


def test_a_capability_is_found_wherever_it_is_offered(five):
    caller = five.agent(1)
    worker = five.agent(4, capabilities=["mail/sort"])

    def answered():
        caller.call("mail/sort", b"sort this")
        return worker.receive(0.05)
    assert wait_until(answered, 10, "r1 knows who sorts").payload == b"sort this"


def test_the_agents_of_a_killed_router_are_unknown_until_it_is_back(five):
    near, far, victim = five.agent(1), five.agent(2), five.agent(5)
    for agent, number in ((near, 1), (far, 2), (victim, 5)):
        five.await_route(agent.id, number)
    five.routers[5].kill()
    others = [number for number in five.routers if number != 5]
    five.await_status(5, "failed", others)
    exchange(near, far, 10)
    near.send(victim.id, b"anybody?", want_error=True)
    answer = near.receive(2.0)
    assert answer is not None and answer.error is not None
    five.routers[5].start()
    five.await_peers()
    victim.register()
    five.await_route(victim.id, 5)
    exchange(near, victim, 5)
    assert_in_order(five)


def test_both_sides_of_a_partition_go_on_and_agree_when_it_heals(five):
    here, there = [1, 2, 3], [4, 5]
    agents = {number: five.agent(number) for number in five.routers}
    for number, agent in agents.items():
        five.await_route(agent.id, number)
    five.partition(there)
    for number in there:
        five.await_status(number, "failed", here)
    for number in here:
        five.await_status(number, "failed", there)
    exchange(agents[1], agents[3], 5)
    exchange(agents[4], agents[5], 5)
    # While nobody can tell the others, an agent of the one side turns up on the other.
    moved = five.agent(4, agents[1].id)
    five.await_route(moved.id, 4, by=there)
    five.heal()
    five.await_peers(timeout=60)
    five.await_equal()
    five.await_route(moved.id, 4)
    exchange(agents[2], moved, 5)
    exchange(moved, agents[3], 5)
    assert_in_order(five)


def test_every_message_is_accounted_for_while_an_agent_moves(five):
    sender = five.agent(1)
    places = {number: five.agent(number) for number in (2,)}
    roamer = places[2]
    five.await_route(roamer.id, 2, by=[1])
    outcome = Outcome(sender)
    receivers = [roamer]
    for number in (3, 4, 5, 2):
        for _ in range(50):
            outcome.send(roamer.id)
        receivers.append(five.agent(number, roamer.id))
        for _ in range(50):
            outcome.send(roamer.id)
        five.await_route(roamer.id, number, by=[1])
        outcome.collect(receivers)
    settle(five, outcome, receivers)
    assert all(count == 1 for count in outcome.delivered.values())
    assert len(outcome.delivered) + len(outcome.errors) == len(outcome.sent)


def test_all_routers_are_restarted_one_by_one_while_messages_flow(five):
    agents = {number: five.agent(number, lease_ms=60_000) for number in five.routers}
    for number, agent in agents.items():
        five.await_route(agent.id, number)
    for number in five.routers:
        one, other = [agents[other] for other in five.routers if other != number][:2]
        outcome = Outcome(one)
        assert five.routers[number].stop() == 0
        for _ in range(100):
            outcome.send(other.id)
        five.await_status(number, "left", [other for other in five.routers if other != number])
        five.routers[number].start()
        for _ in range(100):
            outcome.send(other.id)
        five.await_peers()
        settle(five, outcome, [other])
        assert not outcome.errors and len(outcome.delivered) == len(outcome.sent)
        agents[number].register(lease_ms=60_000)
        five.await_route(agents[number].id, number)
    for one, other in itertools.permutations(agents, 2):
        exchange(agents[one], agents[other])
    assert_in_order(five)


def test_seeds_of_a_reload_are_joined_and_what_others_know_a_router_by_is_refused(lab):
    two = Cluster(lab, 2, {"seeds": ["10.9.0.99"]})
    for router in two.routers.values():
        router.start()

    def reload(number, **keys):
        router = two.routers[number]
        router.configure([(header, {**values, **keys} if header == "cluster" else values)
                          for header, values in router.sections])
        return router.command("reload")["changes"]
    assert two.peers(1) == two.peers(2) == {}
    assert reload(2, seeds=[two.management(1)], push_ms=20) == [
        "[cluster] seeds: 10.9.0.99 -> 10.9.0.1", "[cluster] push_ms: 10 -> 20"]
    two.await_peers()
    agent = two.agent(2)
    two.await_route(agent.id, 2)
    with pytest.raises(AdminError, match="need a restart"):
        reload(2, profile="lan", push_ms=10)


def settle(cluster, outcome, receivers):
    """Takes what is still on its way: until nothing is missing, or for a second."""
    def complete():
        outcome.collect(receivers)
        return not outcome.lost
    try:
        wait_until(complete, 1.0)
    except TimeoutError:
        drops = {name: router.drops() for name, router in cluster.routers.items()
                 if router.running}
        raise AssertionError(f"{len(outcome.lost)} messages vanished; drops: {drops}") from None


def assert_in_order(cluster):
    """The cluster's own check finds no difference, on any router."""
    def equal():
        return all(not router.command("cluster", "check")["differences"]
                   for router in cluster.routers.values())
    wait_until(equal, 10, "the routers agree")
