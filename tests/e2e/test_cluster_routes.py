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
