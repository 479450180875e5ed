# SPDX-License-Identifier: BSD-3-Clause
"""Agents of a cluster are reached wherever they register, without a route in any ini."""
from lab.cluster import Cluster, exchange
from lab.namespaces import wait_until


def test_agents_are_followed_to_where_they_are(lab):
    cluster = Cluster(lab, 3).start()
    one, two = cluster.agent(1), cluster.agent(2)
    cluster.await_route(one.id, 1)
    cluster.await_route(two.id, 2)
    exchange(one, two, 5)
    exchange(two, one, 5)

    # It moves: at once there for all, and soon no longer registered where it was.
    moved = cluster.agent(3, agent=two.id)
    cluster.await_route(two.id, 3, by=[1, 2])
    exchange(one, moved, 5)
    wait_until(lambda: str(two.id) not in cluster.routers[2].agents(), 5.0,
               "its old session is closed")
    exchange(one, moved, 5)


def test_a_multi_homed_agent_is_served_on_each_side_and_by_the_other_when_one_dies(lab):
    cluster = Cluster(lab, 3).start()
    home = {"epoch": 7, "multi": True, "capabilities": ["demo/echo"]}
    sessions = {1: cluster.agent(1, **home)}
    agent = sessions[1].id
    sessions[2] = cluster.agent(2, agent=agent, **home)
    for _ in range(10):  # more often than an agent may move
        for session in sessions.values():
            session.register(**home)
    near = {number: cluster.agent(number) for number in cluster.routers}
    wait_until(lambda: cluster.route_of(3, agent), 5.0, "r3 routes to it")

    def claims(number):
        return cluster.routers[number].command("show", "claims", agent)["claims"]

    # Longer than a session that another one outranks.
    wait_until(lambda: all(claim["attached_ms"] > 3000 for claim in claims(3)), 10.0, "the grace")
    for number, session in sessions.items():
        exchange(near[number], session, 5)
        shown = cluster.routers[number].command("show", "agent", agent)
        assert (shown["epoch"], shown["multi"]) == (7, True)
        assert [(claim["holds"], claim["mobility"]) for claim in claims(number)] == [(True, 1)] * 2
    first = int(cluster.route_of(3, agent).removeprefix("r"))
    other = 3 - first
    exchange(near[3], sessions[first], 5)
    found = cluster.routers[3].command("show", "capability", "demo/echo")["providers"]
    assert [(row["agent"], row["router"]) for row in found] == [(str(agent), f"r{first}")]

    cluster.routers[first].kill()
    cluster.await_route(agent, other, by=[3])
    exchange(near[3], sessions[other], 5)
    exchange(near[other], sessions[other], 5)
    assert cluster.route_of(other, agent) is None, "it is there itself"


def test_nobody_is_sent_to_a_router_that_is_dead(lab):
    cluster = Cluster(lab, 3).start()
    one, three = cluster.agent(1), cluster.agent(3)
    cluster.await_route(three.id, 3)
    cluster.routers[3].kill()
    cluster.await_status(3, "failed", [1, 2])
    wait_until(lambda: cluster.route_of(1, three.id) is None, 2.0, "its routes count for nothing")

    # Its agent comes to another one, and the router comes back without it.
    again = cluster.agent(2, agent=three.id)
    cluster.await_route(three.id, 2, by=[1])
    exchange(one, again, 5)
    cluster.routers[3].start()
    cluster.await_peers()
    cluster.await_route(three.id, 2)
    new = cluster.agent(3)
    cluster.await_route(new.id, 3)
    exchange(one, new, 5)
