# SPDX-License-Identifier: BSD-3-Clause
"""Agents of a cluster are reached wherever they register, without a route in any ini."""
from lab.cluster import Cluster, exchange
from lab.laboratory import client
from lab.namespaces import wait_until
from lab.router import AdminError


def feed(cluster, number):
    return cluster.routers[number].command("show", "gossip")["feed"]


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
    one, three = cluster.agent(1), cluster.agent(3, capabilities=["only/three"])
    cluster.await_route(three.id, 3)

    def providers(*more):
        shown = cluster.routers[1].command("show", "capability", "only/three", *more)
        rows = {row["capability"]: row for row in
                cluster.routers[1].command("show", "capabilities")["capabilities"]}
        assert shown["available"] == rows["only/three"]["available"]
        assert len(one.query("only/three", flags=1 if more else 0)) == len(shown["providers"])
        return shown["available"], [row["router"] for row in shown["providers"]]

    assert providers() == (1, ["r3"])
    cluster.routers[3].kill()
    cluster.await_status(3, "failed", [1, 2])
    wait_until(lambda: cluster.route_of(1, three.id) is None, 2.0, "its routes count for nothing")
    one.call("only/three", want_error=True)
    assert client.error_name(one.receive(2.0).error[0]) == "no-available-provider"
    assert providers() == (0, []), "nobody is told of whom no frame reaches"
    assert providers("--all") == (0, ["r3"])

    # Its agent comes to another one, and the router comes back without it.
    again = cluster.agent(2, agent=three.id, capabilities=["only/three"])
    cluster.await_route(three.id, 2, by=[1])
    exchange(one, again, 5)
    wait_until(lambda: providers() == (1, ["r2"]), 2.0, "it is available again")
    cluster.routers[3].start()
    cluster.await_peers()
    cluster.await_route(three.id, 2)
    new = cluster.agent(3)
    cluster.await_route(new.id, 3)
    exchange(one, new, 5)


def test_a_router_with_an_old_view_is_told_by_the_one_it_sends_to(lab):
    # Digests would tell r1 in the end, too.
    cluster = Cluster(lab, 3, {"digest_ms": 60_000}).start()
    sender, agent = cluster.agent(1), cluster.agent(2)
    cluster.await_route(agent.id, 2)
    cluster.separate(1, 3)
    moved = cluster.agent(3, agent=agent.id)
    cluster.await_route(agent.id, 3, by=[2])
    assert cluster.route_of(1, agent.id) == "r2", "nobody has told it"

    exchange(sender, moved)  # redirected by r2
    cluster.await_route(agent.id, 3, by=[1], timeout=2.0)
    assert feed(cluster, 2)["hints_told"] == 1
    told = [row["received"] for row in cluster.routers[1].command("show", "gossip")["messages"]
            if row["message"] == "not-here"]
    assert told == [1]

    def misrouted():
        return cluster.routers[2].command("show", "lookup")["all"]["misrouted"]
    assert misrouted() == 1
    exchange(sender, moved, 5)
    assert misrouted() == 1, "they go straight"


def test_a_capability_is_found_where_it_is_before_anybody_was_told_of_it(lab):
    cluster = Cluster(lab, 3, {"digest_ms": 60_000, "push_ms": 1_000}).start()
    sender = cluster.agent(1)
    for attempt in range(10):  # now and then a push comes first
        before = feed(cluster, 1)["discoveries_found"]
        name = f"demo/echo{attempt}"
        provider = cluster.agent(2, capabilities=[name])
        sender.call(name, b"who is there?", want_error=True)
        answer = sender.receive(0.2)
        if answer is None:
            continue
        assert client.error_name(answer.error[0]) == "unknown-capability"
        wait_until(lambda: feed(cluster, 1)["discoveries_found"] > before, 2.0, "r2 says so")
        assert feed(cluster, 2)["questions_answered"] > 0
        wait_until(lambda: cluster.route_of(1, provider.id) == "r2", 2.0, "it is a route")

        def arrives():
            sender.call(name, b"it is you")
            return provider.receive(0.1)
        assert wait_until(arrives, 2.0, "it gets messages").payload == b"it is you"
        return
    raise AssertionError("pushes always came first")


def test_a_router_that_has_not_heard_a_name_asks_for_it(lab):
    cluster = Cluster(lab, 2).start()
    sender = cluster.agent(1)
    provider = cluster.agent(2, patterns=[("glob", "vision/*")])
    cluster.await_route(provider.id, 2)

    def hears(number, name):
        try:
            return cluster.routers[number].command("show", "capability", name)["by"] == "pattern"
        except AdminError:
            return False

    # r2 is not asked about the name itself: it would know it from then on.
    wait_until(lambda: hears(2, "vision/other"), 5.0, "the pattern is compiled at r2")
    wait_until(lambda: hears(1, "vision/faces"), 5.0, "r1 knows the name")

    def nameless():
        matching = cluster.routers[2].command("show", "capabilities")["matching"]
        return matching["nameless"]

    assert nameless() == 0
    sender.call("vision/faces", b"who?", want_error=True)
    assert client.error_name(sender.receive(2.0).error[0]) == "unknown-capability"
    assert nameless() == 1
    sender.call("vision/faces", b"by its name", named=True)
    assert provider.receive(2.0).payload == b"by its name"
    sender.call("vision/faces", b"by its id")
    assert provider.receive(2.0).payload == b"by its id"
    assert nameless() == 1


def test_who_asks_for_a_capability_nobody_has_here_has_it_looked_for(lab):
    cluster = Cluster(lab, 3, {"digest_ms": 60_000, "push_ms": 1_000}).start()
    asker = cluster.agent(1)

    def asked_in_band(name):
        try:
            return bool(asker.query(name))
        except client.Refused as refused:
            assert refused.name == "unknown-capability"
            return False

    def asked_by_hand(name):
        try:
            return bool(cluster.routers[1].command("show", "capability", name)["providers"])
        except AdminError:
            return False

    for number, found in enumerate((asked_in_band, asked_by_hand)):
        for attempt in range(10):  # now and then a push comes first
            before = feed(cluster, 1)["discoveries_found"]
            name = f"demo/echo{number}-{attempt}"
            cluster.agent(2, capabilities=[name])
            if found(name):
                continue
            wait_until(lambda: feed(cluster, 1)["discoveries_found"] > before, 2.0, "r2 says so")
            wait_until(lambda: found(name), 2.0, "and so does r1")
            break
        else:
            raise AssertionError("pushes always came first")


def test_a_query_names_the_router_of_who_offers_a_pattern_elsewhere(lab):
    cluster = Cluster(lab, 2).start()
    sender = cluster.agent(1)
    provider = cluster.agent(2, patterns=[("glob", "vision/*")], capabilities=["exact"])

    def told(name):
        try:
            return [(each.agent, each.router) for each in sender.query(name)]
        except client.Refused:
            return None
    for name in ("exact", "vision/ocr"):
        wait_until(lambda: told(name) == [(provider.id, "r2")], 5.0, f"r1 tells who has {name}")
    sender.call("vision/ocr", b"page", named=True)
    assert provider.receive(2.0).payload == b"page"
