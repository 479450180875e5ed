# SPDX-License-Identifier: BSD-3-Clause
"""Messages to what an agent can do: who gets them, and who is told what of whom."""
import collections
import statistics
import time
import uuid

import pytest

from lab.laboratory import client
from lab.namespaces import wait_until
from lab.router import AdminError

OCR = "vision/ocr"


def agents(network, host, count, **options):
    """More agents on one host, each with a UUID of its own."""
    made = [network.agent(host, agent=uuid.uuid4()) for _ in range(count)]
    for number, agent in enumerate(made):
        agent.register(name=f"{host}-{number}", **options)
    published(network)
    return made


def published(network):
    """Waits until lcores see what agents offer: changes that come close together wait for each
    other."""
    for router in (network.west, network.east):
        wait_until(lambda: router.command("show", "capabilities")["waiting"] == 0, 2.0,
                   "what agents offer is published")


def receiver_of(providers, timeout=2.0):
    """Who of them gets the next message."""
    found = []

    def came():
        found.extend(agent for agent in providers if agent.receive(0) is not None)
        return found

    wait_until(came, timeout, "somebody gets it")
    return found[0]


def nothing_else(sender, receivers):
    """What the sender says last is the next that each of them gets: all before is accounted for."""
    for agent in receivers:
        sender.send(agent.id, b"the end")
        assert agent.receive(2.0).payload == b"the end"


def test_any_goes_to_one_and_a_conversation_stays(network):
    sender = network.registered("a1")
    providers = agents(network, "a2", 4, capabilities=[OCR])
    hits = collections.Counter()
    for conversation in range(40):
        first = None
        for _ in range(3):
            sender.call(OCR, b"page", conversation=conversation)
            got = receiver_of(providers)
            first = first or got
            assert got is first
        hits[first.id] += 1
    assert len(hits) == 4, "every provider has conversations"
    nothing_else(sender, providers)


def test_a_provider_that_goes_loses_only_its_own_conversations(network):
    sender = network.registered("a1")
    providers = agents(network, "a2", 4, capabilities=[OCR])

    def where(conversation, among):
        sender.call(OCR, b"page", conversation=conversation)
        return receiver_of(among).id

    before = {conversation: where(conversation, providers) for conversation in range(32)}
    gone, rest = providers[0], providers[1:]
    gone.deregister()
    published(network)
    after = {conversation: where(conversation, rest) for conversation in range(32)}
    for conversation, agent in before.items():
        assert agent == after[conversation] or agent == gone.id


def test_draining_providers_keep_what_they_have_and_get_nothing_new(network):
    sender = network.registered("a1")
    providers = agents(network, "a2", 2, capabilities=[OCR])
    mine = {}
    for conversation in range(16):
        sender.call(OCR, b"page", conversation=conversation)
        mine[conversation] = receiver_of(providers)
    old = mine[0]
    old.register(state="draining", capabilities=[OCR])
    published(network)
    for conversation, owner in mine.items():
        sender.call(OCR, b"page", conversation=conversation)
        assert receiver_of(providers) is owner
    for conversation in range(100, 116):
        sender.call(OCR, b"page", conversation=conversation)
        assert receiver_of(providers) is not old


def test_priority_fails_over_and_least_loaded_looks_at_loads(network):
    sender = network.registered("a1")
    best, = agents(network, "a2", 1, capabilities=[f"{OCR}@900", "math"])
    other, = agents(network, "a2", 1, capabilities=[f"{OCR}@10*7", "math"])
    sender.call(OCR, b"page", strategy="priority", conversation=1)
    assert receiver_of([best, other]) is best
    best.register(state="stopped", capabilities=[f"{OCR}@900", "math"])
    published(network)
    sender.call(OCR, b"page", strategy="priority", conversation=1)
    assert receiver_of([best, other]) is other
    best.register(capabilities=[f"{OCR}@900", "math"])
    published(network)
    best.heartbeat(load=900)
    other.heartbeat(load=100, queue_depth=3)
    assert {row["agent"]: row["load_per_mille"] for row in network.west.command(
        "show", "capability", "math")["providers"]} == {str(best.id): 900, str(other.id): 100}
    hits = collections.Counter()
    for conversation in range(200, 240):
        sender.call("math", b"1+1", strategy="least-loaded", conversation=conversation)
        hits[receiver_of([best, other]).id] += 1
    assert hits[other.id] > hits[best.id]


def test_weighted_shares_go_by_weight(network):
    sender = network.registered("a1")
    heavy, = agents(network, "a2", 1, capabilities=["math*300"])
    light, = agents(network, "a2", 1, capabilities=["math*100"])
    hits = collections.Counter()
    for conversation in range(200):
        sender.call("math", b"1+1", strategy="weighted", conversation=conversation)
        hits[receiver_of([heavy, light]).id] += 1
    assert 120 <= hits[heavy.id] <= 180, "three quarters, but for chance"


def test_who_joins_is_found_within_ten_milliseconds(network):
    """From the acknowledgement on, messages are sent until one finds the newcomer: the changes come
    closer together than they are published. The median, as the machine may be busy."""
    sender = network.registered("a1")
    agents(network, "a2", 1, capabilities=["math@1"])
    waited = []
    for number in range(2, 40):
        newcomer = network.agent("a2", agent=uuid.uuid4())
        newcomer.register(capabilities=[f"math@{number}"])
        began = time.monotonic()
        conversation = 1000 * number
        while newcomer.receive(0) is None:
            sent = time.monotonic()
            sender.call("math", b"1+1", strategy="priority", conversation=conversation)
            conversation += 1
            assert sent - began < 2.0, "it is never found"
        waited.append(sent - began)
    assert statistics.median(waited) < 0.010, sorted(waited)


def test_nobody_there_is_told(network):
    sender = network.registered("a1")
    sender.call("nobody/has", want_error=True)
    assert client.error_name(sender.receive(2.0).error[0]) == "unknown-capability"
    provider, = agents(network, "a2", 1, capabilities=[OCR])
    provider.register(state="stopped", capabilities=[OCR])
    published(network)
    sender.call(OCR, want_error=True)
    assert client.error_name(sender.receive(2.0).error[0]) == "no-available-provider"
    sender.send(client.capability_id("not/this"), b"", want_error=True,
                addressing=client.CAPABILITY_ANY, tlvs=[(client.TLV_CAPABILITY, b"vision/ocr")])
    assert client.error_name(sender.receive(2.0).error[0]) == "malformed"


def test_all_gets_everybody_once_and_never_the_sender(network):
    sender, = agents(network, "a1", 1, capabilities=["news"])
    providers = agents(network, "a2", 5, capabilities=["news"]) + \
        agents(network, "a1", 2, capabilities=["news"])
    for size in (1, 600, 1300):
        sender.call("news", b"n" * size, to_all=True)
        for agent in providers:
            message = agent.receive(2.0)
            assert message is not None and message.payload == b"n" * size
    nothing_else(sender, providers)
    nothing_else(providers[0], [sender])


def test_a_query_lists_who_is_available_and_where(network):
    asker = network.registered("a1")
    providers = agents(network, "a2", 30, capabilities=[f"{OCR}@7*8"])
    providers[0].register(state="draining", capabilities=[OCR])
    published(network)
    found = asker.query(OCR, room=300)
    assert {row.agent for row in found} == {agent.id for agent in providers[1:]}
    assert {(row.priority, row.weight, row.state, row.router) for row in found} == {
        (7, 8, "running", "")}
    assert len(asker.query(OCR, flags=1)) == 30
    with pytest.raises(client.Refused, match="unknown-capability"):
        asker.query("nobody/has")
    stranger = network.agent("a1", agent=uuid.uuid4())
    with pytest.raises(client.Refused, match="unauthorised"):
        stranger.query(OCR)


def test_the_operator_sees_capabilities(network):
    agents(network, "a2", 3, capabilities=[OCR, "math@900"])
    shown = network.west.command("show", "capabilities", "--limit", "1")
    assert shown["names"] == 2 and shown["providers"] == 6 and shown["next"] is not None
    rest = network.west.command("show", "capabilities", "--after", shown["next"])
    rows = {row["capability"]: row for row in shown["capabilities"] + rest["capabilities"]}
    assert {name: row["available"] for name, row in rows.items()} == {OCR: 3, "math": 3}
    one = network.west.command("show", "capability", "math", "--limit", "2")
    assert [row["priority"] for row in one["providers"]] == [900, 900] and one["next"] == "2"
    assert one["id"] == str(client.capability_id("math"))


def test_bad_registrations_leave_nothing(network):
    agent = network.agent("a1", agent=uuid.uuid4())
    for offers, why in ((["Vision"], "a-z"), (["a//b"], "a-z"), (["a", "a"], "twice"),
                        ([f"c{number}" for number in range(65)], "64"), (["a@1001"], "1000"),
                        (["a*0"], "weight")):
        with pytest.raises(client.Refused, match=why):
            agent.register(capabilities=offers)
    assert network.west.command("show", "capabilities")["names"] == 0
    assert str(agent.id) not in network.west.agents()


def test_patterns_answer_for_names_nobody_has(network):
    sender = network.registered("a1")
    before = network.west.command("show", "capabilities")
    eyes, = agents(network, "a2", 1, patterns=[("glob", "vision/*")])
    reader, = agents(network, "a2", 1, patterns=[("glob", "*/ocr")])
    wait_for_patterns(network, ["vision/faces", "text/ocr"])
    for conversation in range(5):
        sender.call("vision/faces", b"?", named=True, conversation=conversation)
        assert receiver_of([eyes, reader]) is eyes
    sender.call("vision/ocr", b"both", named=True, to_all=True)
    assert [agent.receive(2.0).payload for agent in (eyes, reader)] == [b"both"] * 2
    sender.call("vision/faces", b"known by its id alone now")
    assert receiver_of([eyes, reader]) is eyes
    exact, = agents(network, "a2", 1, capabilities=["vision/faces"])
    sender.call("vision/faces", b"a name goes before a pattern", named=True)
    assert receiver_of([eyes, reader, exact]) is exact
    sender.call("sound/speech", want_error=True, named=True)
    assert client.error_name(sender.receive(2.0).error[0]) == "unknown-capability"
    after = network.west.command("show", "capabilities")
    assert after["matching"]["databases"] > 0
    for key in ("matched", "unmatched"):
        assert after["matching"][key] > before["matching"][key]
    for key, frames in (("to_all", 1), ("copies", 1)):
        assert after["frames"][key] == before["frames"][key] + frames
    assert after["frames"]["chosen"]["sticky"] == before["frames"]["chosen"]["sticky"] + 7
    assert after["frames"]["names"] > before["frames"]["names"]
    eyes.deregister()
    published(network)
    sender.call("vision/cats", want_error=True, named=True)
    assert client.error_name(sender.receive(2.0).error[0]) == "unknown-capability"


def test_a_name_is_found_though_frames_to_it_came_before_its_agent(network):
    """Such a frame is on its way to the patterns when the name is registered."""
    sender = network.registered("a1")
    agents(network, "a1", 1, patterns=[("glob", "vision/*")])
    provider = network.agent("a2", agent=uuid.uuid4())
    for number in range(40):
        name = f"{'sound' if number % 2 else 'vision'}/{number}"
        sender.call(name, b"early", named=True)
        provider.register(capabilities=[name])
        sender.call(name, b"late")
        wait_until(lambda: (got := provider.receive(0)) is not None and got.payload == b"late", 2.0,
                   f"{name} leads to its agent")


def wait_for_patterns(network, names):
    """Until the patterns that match these names are compiled."""
    for name in names:
        def found():
            try:
                return network.west.command("show", "capability", name)["by"] == "pattern"
            except AdminError:
                return False
        wait_until(found, 5.0, f"{name} is matched")


def test_regular_expressions_only_where_the_port_takes_them(network):
    agent = network.agent("a1", agent=uuid.uuid4())
    with pytest.raises(client.Refused, match="unauthorised"):
        agent.register(patterns=[("regex", "vision/(ocr|faces)")])
    for kind, text in (("glob", "a//[b"), ("glob", "")):
        with pytest.raises(client.Refused, match="malformed"):
            agent.register(patterns=[(kind, text)])
    assert network.west.command("show", "capabilities")["patterns"] == 0


@pytest.fixture(name="regexes")
def regexes_allowed(network):
    """The edge ports of west take regular expressions while the test runs."""
    before = network.west.sections
    network.west.configure([
        (name, {**keys, "regex_patterns": "yes"} if name.startswith("port edge") else keys)
        for name, keys in before])
    network.west.command("reload")
    yield
    network.west.configure(before)
    network.west.command("reload")


def test_a_regular_expression_answers_for_the_names_it_matches(network, regexes):
    sender = network.registered("a1")
    eyes, = agents(network, "a2", 1, patterns=[("regex", "^vision/(ocr|faces)$")])
    wait_for_patterns(network, ["vision/ocr"])
    sender.call("vision/faces", b"?", named=True)
    assert eyes.receive(2.0).payload == b"?"
    sender.call("vision/cats", b"?", named=True, want_error=True)
    assert client.error_name(sender.receive(2.0).error[0]) == "unknown-capability"
    with pytest.raises(client.Refused, match="malformed: pattern"):
        eyes.register(patterns=[("regex", "(a{1,1000}){1,1000}b")])
    assert network.west.command("show", "agent", str(eyes.id))["patterns"], "as it was"


@pytest.mark.parametrize("later", ["register", "deregister"])
def test_what_an_agent_says_last_holds_though_a_regex_was_tried_meanwhile(network, regexes, later):
    """A register with a regular expression nobody knows waits; what is acknowledged meanwhile is
    not undone by it."""
    agent = network.agent("a2", agent=uuid.uuid4())
    agent.register(capabilities=["old"])
    slow = client.encode_pattern("regex", f"vision/(a|b|[a-z]{{0,9}}c?){{20}}{later}")
    waiting = agent.send(client.ROUTER_ID, client.encode_tlvs([slow]) + bytes(160),
                         type=client.REGISTER)
    if later == "register":
        agent.register(state="draining", capabilities=["new"])
    else:
        agent.deregister()
    answer = agent.receive(5.0)
    assert answer.message == waiting.message
    # Where it was tried before the other came it was served before it, too.
    if answer.type == client.ERROR:
        assert client.error_name(answer.error[0]) == "superseded"
    if later == "register":
        shown = network.west.command("show", "agent", str(agent.id))
        assert shown["state"] == "draining" and shown["patterns"] == []
        assert [text.partition("@")[0] for text in shown["capabilities"]] == ["new"]
    else:
        assert str(agent.id) not in network.west.agents()


def test_control_traffic_and_leases_go_on_while_regexes_are_tried(network, regexes):
    """Builder and control thread are two: what is asked meanwhile is answered first."""
    steady = network.registered("a1", lease_ms=1000)
    mortal, = agents(network, "a1", 1, lease_ms=1000)
    feeder = network.agent("a2", agent=uuid.uuid4())
    first, number = 0, 0

    def is_gone():
        nonlocal first, number
        number += 1
        slow = f"vision/(a|b|[a-z]{{0,9}}c?){{30}}.{{0,40}}x{number}"
        waiting = feeder.send(client.ROUTER_ID,
                              client.encode_tlvs([client.encode_pattern("regex", slow)]),
                              type=client.REGISTER)
        steady.register(name="a1", lease_ms=1000, timeout=1.0, tries=1)
        answer = feeder.receive(0)
        first += answer is None
        steady.heartbeat(timeout=1.0, tries=1)
        answer = answer or feeder.receive(5.0)
        assert answer.message == waiting.message
        return str(mortal.id) not in network.west.agents()
    wait_until(is_gone, 10.0, "the lease of who says nothing ends")
    assert str(steady.id) in network.west.agents()
    assert first > number / 2, (first, number)


def test_a_name_that_too_many_patterns_match_is_cut_and_counted(network):
    globs = []
    for number in range(1, 301):
        globs.append("".join("?" if number >> bit & 1 else letter
                             for bit, letter in enumerate("abcdefghi")) + "z")
    providers = [network.agent("a2", agent=uuid.uuid4()) for _ in range(6)]
    for number, agent in enumerate(providers):
        agent.register(patterns=[("glob", text) for text in globs[50 * number:50 * number + 50]])

    def all_ready():
        rows = network.west.command("show", "capabilities", "--limit", "400")["capabilities"]
        return len(rows) == 300 and all(row["matching"] == "ready" for row in rows)
    wait_until(all_ready, 10.0, "all patterns are compiled")
    before = network.west.command("show", "capabilities")["matching"]
    network.west.command("show", "capability", "abcdefghiz")
    after = network.west.command("show", "capabilities")["matching"]
    assert after["names_cut"] == before["names_cut"] + 1 and after["per_name_max"] == 256


def test_remote_providers_get_one_copy_for_all_and_choose_there(network):
    """The other router's agents, made known here by static routes with capabilities."""
    sender = network.registered("a1")
    here, = agents(network, "a2", 1, capabilities=["mixed"])
    there = [network.registered(host, capabilities=["mixed"]) for host in ("b1", "b2")]
    router = network.west
    text = router.ini.read_text()
    added = text
    for agent in there:
        header = f"[route {agent.id}]\n"
        added = added.replace(header, header + "capabilities = mixed\n")
    try:
        router.ini.write_text(added)
        router.command("reload")
        published(network)
        assert {row["router"] for row in router.command("show", "capability", "mixed")["providers"]
                } == {None, "east"}
        sender.call("mixed", b"to all", to_all=True)
        for agent in (here, *there):
            assert agent.receive(2.0).payload == b"to all"
        nothing_else(sender, (here, *there))
        for number, strategy in enumerate(("sticky", "priority", "weighted", "least-loaded")):
            hits = collections.Counter()
            for conversation in range(90):  # none that another strategy had: it would stay
                sender.call("mixed", b"any", strategy=strategy,
                            conversation=1000 * number + conversation)
                hits[receiver_of([here, *there]).id] += 1
            assert len(hits) == 3
            # A third each but for chance, in which sticky's shares have a part of their own.
            assert strategy == "sticky" or all(18 < count < 42 for count in hits.values()), hits
    finally:
        router.ini.write_text(text)
        router.command("reload")
