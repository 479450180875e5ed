# SPDX-License-Identifier: BSD-3-Clause
"""What content policies do to messages between kernel agents, and how they are changed."""
import json
import socket
import threading
import uuid

import pytest

from lab.laboratory import client, program
from lab.namespaces import run, wait_until
from lab.router import AdminError

QUIET_SECONDS = 0.2  # a message that is not to come has had its time
ETH_P_ALL = 0x0003
SCANNER = uuid.uuid5(client.NAMESPACE, "laboratory/scanner")


@pytest.fixture(name="policies")
def policies_of_west(network):
    """A function that gives west other policies, [(name, {key: value})], and waits until they are
    in place. When the test ends there are none."""
    before = network.west.sections

    def use(*policies, limits=None):
        network.west.configure([*before, *([("policies", limits)] if limits else []),
                                *((f"policy {name}", keys) for name, keys in policies)])
        network.west.command("reload")
        return settled(network.west)
    yield use
    network.west.configure(before)
    network.west.command("reload")
    assert settled(network.west)["state"] == "none"


def settled(router, timeout=60.0):
    """`show policies` once nothing is being compiled."""
    def shown():
        answer = router.command("show", "policies")
        return answer if answer["state"] != "compiling" else None
    return wait_until(shown, timeout, "policies compiled")


def row(router, name):
    rows = router.command("show", "policies")["policies"]
    return next(each for each in rows if each["policy"] == name)


def sniffer(space):
    """A socket that sees every frame that comes to the host of a namespace."""
    raw = space.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    raw.bind(("eth0", 0))
    raw.settimeout(2.0)
    return raw


def test_what_matches_is_dropped_and_the_sender_told(network, policies):
    policies(("virus", {"expression": "EICAR.*TEST", "flags": "caseless", "action": "drop"}))
    sender, receiver = network.registered("a1"), network.registered("a2")
    before = network.west.drops("policy")
    sender.send(receiver.id, b"this is an eicar standard test file", want_error=True)
    assert client.error_name(sender.receive(1.0).error[0]) == "unauthorised"
    sender.send(receiver.id, b"this is none")
    assert receiver.receive(1.0).payload == b"this is none"
    assert network.west.drops("policy") == before + 1
    assert (row(network.west, "virus")["matched"], row(network.west, "virus")["acted"]) == (1, 1)


def test_a_policy_holds_for_its_ports_and_direction(network, policies):
    policies(("in", {"expression": "inwards", "ports": "edge2", "action": "drop"}),
             ("out", {"expression": "outwards", "ports": "fabric", "direction": "out",
                      "action": "drop"}))
    near, other, far = (network.registered(host) for host in ("a1", "a2", "b1"))
    near.send(other.id, b"inwards")
    assert other.receive(1.0).payload == b"inwards"
    other.send(near.id, b"inwards")
    near.send(far.id, b"outwards")
    near.send(other.id, b"outwards")
    assert other.receive(1.0).payload == b"outwards"
    assert near.receive(QUIET_SECONDS) is None and far.receive(QUIET_SECONDS) is None
    assert [row(network.west, name)["acted"] for name in ("in", "out")] == [1, 1]


def test_counting_changes_nothing_but_counters(network, policies, tmp_path):
    rules = tmp_path / "words.rules"
    rules.write_text("# words\nfirst\nsec[o0]nd\n")
    policies(("words", {"rules": rules}))
    sender, receiver = network.registered("a1"), network.registered("b1")
    for text in (b"first", b"first and second", b"neither"):
        sender.send(receiver.id, text)
        assert receiver.receive(2.0).payload == text
    shown = network.west.command("show", "policy", "words")
    assert [(each["rule"], each["where"], each["hits"]) for each in shown["rules"]] == [
        ("first", f"{rules}:2", 2), ("sec[o0]nd", f"{rules}:3", 1)]
    first = network.west.command("show", "policy", "words", limit="1")
    assert len(first["rules"]) == 1
    last = network.west.command("show", "policy", "words", after=first["next"])
    assert (last["rules"], last["next"]) == (shown["rules"][1:], None)
    with pytest.raises(AdminError):
        network.west.command("show", "policy", "worlds")


def test_a_mirrored_message_arrives_and_its_copy_too(network, policies):
    policies(("watch", {"expression": "secret", "action": "mirror", "mirror_port": "edge2",
                        "ports": "edge1"}))
    sender, receiver = network.registered("a1"), network.registered("b1")
    with sniffer(network.spaces["a2"]) as raw:
        sent = sender.send(receiver.id, b"a secret")
        assert receiver.receive(2.0).payload == b"a secret"
        frame = raw.recv(2048)
        while b"a secret" not in frame:
            frame = raw.recv(2048)
    # As it came: from a1 to the router, with the hops it had.
    assert frame[:6].hex(":") == network.west.ports()["edge1"]["mac"]
    assert frame[6:12].hex(":") == network.spaces["a1"].mac("eth0")
    copy = client.Message.decode(frame[42:42 + len(sent.encode())])
    assert (copy.destination, copy.source, copy.hop_limit, copy.message) == (
        receiver.id, sender.id, sent.hop_limit, sent.message)
    assert network.west.command("show", "policies")["mirrored"] >= 1


def test_a_redirected_message_goes_to_an_agent_with_the_capability(network, policies, v6):
    policies(("scan", {"expression": "attachment", "action": "redirect",
                       "redirect": "scanner/virus"}))
    sender, receiver = network.registered("a1", v6), network.registered("b1", v6)
    scanner = network.lab.agent(network.spaces["a2"], network.address("a2", v6),
                                network.gateway("a2", v6), SCANNER)
    scanner.register(name="scanner", capabilities=["scanner/virus"])
    sent = sender.send(receiver.id, b"an attachment")
    got = scanner.receive(2.0)
    assert got.payload == b"an attachment" and got.message == sent.message
    assert got.destination == client.capability_id("scanner/virus")
    assert receiver.receive(QUIET_SECONDS) is None
    sender.send(receiver.id, b"plain text")
    assert receiver.receive(2.0).payload == b"plain text"
    scanner.deregister()
    sender.send(receiver.id, b"an attachment", want_error=True)
    assert client.error_name(sender.receive(2.0).error[0]) in (
        "unknown-capability", "no-available-provider")


def test_a_redirected_message_finds_who_has_the_capability_by_pattern_alone(network, policies):
    """It says no name; the router knows that of its policy."""
    policies(("scan", {"expression": "attachment", "action": "redirect",
                       "redirect": "scanner/virus"}))
    sender, receiver = network.registered("a1"), network.registered("b1")
    scanner = network.agent("a2", agent=SCANNER)
    scanner.register(name="scanner", patterns=[("glob", "scanner/*")])

    def matched():
        sender.send(receiver.id, b"an attachment")
        got = scanner.receive(0.1)
        return got is not None and got.destination == client.capability_id("scanner/virus")
    # Nobody asks for the name otherwise: the pattern is there when the message is.
    wait_until(matched, 5.0, "a redirected message comes to the pattern's agent")


def test_a_policy_may_be_about_one_capability(network, policies):
    policies(("ocr", {"expression": "draft", "capability": "vision/ocr", "action": "drop"}))
    sender = network.registered("a1")
    reader = network.registered("a2", capabilities=["vision/ocr", "vision/faces"])
    for name in ("vision/faces", "vision/ocr"):
        sender.send(client.capability_id(name), b"a draft", addressing=client.CAPABILITY_ANY)
    assert reader.receive(1.0).destination == client.capability_id("vision/faces")
    assert reader.receive(QUIET_SECONDS) is None
    sender.send(reader.id, b"a draft")
    assert reader.receive(1.0).payload == b"a draft"


def test_the_strongest_policy_decides(network, policies):
    policies(("weak", {"expression": "both", "action": "drop", "priority": 10}),
             ("strong", {"expression": "both", "action": "redirect", "redirect": "scanner/virus",
                         "priority": 20}),
             ("count", {"expression": "both|one", "priority": 900}))
    sender, receiver = network.registered("a1"), network.registered("a2")
    scanner = network.lab.agent(network.spaces["a2"], network.address("a2"),
                                network.gateway("a2"), SCANNER)
    scanner.register(capabilities=["scanner/virus"])
    sender.send(receiver.id, b"both")
    assert scanner.receive(1.0).payload == b"both"
    sender.send(receiver.id, b"one")
    assert receiver.receive(1.0).payload == b"one"
    acted = {name: row(network.west, name)["acted"] for name in ("weak", "strong", "count")}
    assert acted == {"weak": 0, "strong": 1, "count": 0}
    matched = {name: row(network.west, name)["matched"] for name in ("weak", "strong", "count")}
    assert matched == {"weak": 1, "strong": 1, "count": 2}


def test_reloads_under_load_lose_nothing(network, policies, tmp_path):
    """Messages go on while policies come, change, and are compiled beside them."""
    sender, receiver = network.registered("a1"), network.registered("a2")
    rules = tmp_path / "many.rules"
    count, received = 4000, []

    def listen():
        while len(received) < count:
            message = receiver.receive(5.0)
            if message is None:
                return
            received.append(message.payload)
    listener = threading.Thread(target=listen)
    listener.start()
    changes = 0
    for number in range(count):
        sender.send(receiver.id, b"number %d" % number)
        if number % 400 == 0:
            rules.write_text("".join(f"word{changes}x{rule}[0-9]{{2,9}}\n" for rule in range(100)))
            network.west.configure([*network.west.sections[:-1 if changes else None],
                                    ("policy load", {"rules": rules, "expression": "number",
                                                     "depth": 100 + changes})])
            network.west.command("reload")
            changes += 1
        if number % 40 == 39:  # at most so many are under way
            wait_until(lambda number=number: len(received) > number - 40, 5.0, "messages")
    listener.join()
    assert received == [b"number %d" % number for number in range(count)]
    shown = settled(network.west)
    assert shown["state"] == "ready" and shown["rules"] == 101
    # All may have come before the last policies were in place.
    sender.send(receiver.id, b"number last")
    assert receiver.receive(5.0).payload == b"number last"
    hits = network.west.command("show", "policy", "load")["rules"][0]["hits"]
    assert 0 < hits <= count + 1
    policies()


def test_control_traffic_goes_on_while_rules_are_compiled(network, policies, tmp_path):
    rules = tmp_path / "many.rules"
    rules.write_text("".join(f"(ab|c{rule}d).{{1,40}}[e-g]{{3,30}}h{rule}\n"
                             for rule in range(1500)))
    agent = network.registered("a1")
    network.west.configure([*network.west.sections, ("policy many", {"rules": rules})])
    network.west.command("reload")
    answered = 0
    while network.west.command("show", "policies")["state"] == "compiling":
        agent.register(name="a1", timeout=1.0, tries=1)
        agent.heartbeat(timeout=1.0, tries=1)
        answered += 1
    assert answered > 0
    assert network.west.command("show", "policies")["rules"] == 1500


BOMB_RULES = ("(a+)+!", "(.*a){12}!", "(ab|cd).{1,40}[e-g]{3,30}#", "([a-z]+[0-9]*)+%", "a{1,200}b")
BOMBS = (b"a" * 1300, b"abefgcd" * 180, b"a1" * 640 + b"%", b"ab" * 640)  # the last two match


def test_bombs_leave_leases_and_operators_alone(network, policies, build, tmp_path):
    """Payloads that nearly match all the time, as fast as a host can send them, and patterns that
    are dear to try: whoever says that it lives goes on living, and everybody is answered."""
    rules = tmp_path / "bombs.rules"
    rules.write_text("".join(f"{rule}\n" for rule in BOMB_RULES))
    network.west.configure([
        *((name, {**keys, "regex_patterns": "yes"} if name.startswith("port edge") else keys)
          for name, keys in network.west.sections),
        ("policy bombs", {"rules": rules, "action": "drop", "depth": 1300})])
    network.west.command("reload")
    assert settled(network.west)["state"] == "ready"
    thrower, receiver = network.registered("a2"), network.registered("b1")
    steady = [network.agent("a1", agent=uuid.uuid4()) for _ in range(4)]
    feeder, mortal = (network.agent("a1", agent=uuid.uuid4()) for _ in range(2))
    for agent in (*steady, mortal):
        agent.register(lease_ms=1000)
    over = threading.Event()

    def throw():
        while not over.is_set():
            for bomb in BOMBS:
                thrower.send(receiver.id, bomb)
    throwing = threading.Thread(target=throw)
    throwing.start()
    tries = 0

    def enough():
        nonlocal tries
        tries += 1
        bomb = (f"bomb/((a+)+b?c{{0,9}})+x{tries}", "(a{1,1000}){1,1000}b",
                f"bomb/(a|b|[a-z]{{0,9}}c?){{30}}.{{0,40}}x{tries}")[tries % 3]
        waiting = feeder.send(client.ROUTER_ID,
                              client.encode_tlvs([client.encode_pattern("regex", bomb)]),
                              type=client.REGISTER)
        for agent in steady:
            agent.heartbeat(timeout=1.0, tries=1)
        shown = json.loads(run(program(build, "posthastectl"), "--socket", network.west.socket,
                               "--json", "show", "policies").stdout)
        answer = feeder.receive(5.0)
        assert answer.message == waiting.message
        if tries % 3 == 1:
            assert client.error_name(answer.error[0]) == "malformed"
        bombs = shown["policies"][0]
        assert bombs["acted"] == bombs["matched"]
        return str(mortal.id) not in network.west.agents() and bombs["matched"] >= 2000
    try:
        wait_until(enough, 30.0, "bombs are thrown, and the lease of who says nothing ends")
    finally:
        over.set()
        throwing.join()
    assert {str(agent.id) for agent in steady} <= set(network.west.agents())


def test_what_cannot_be_compiled_leaves_what_runs(network, policies):
    policies(("good", {"expression": "stop this", "action": "drop"}))
    failed = policies(("good", {"expression": "stop this", "action": "drop"}),
                      ("bad", {"expression": "(a|b)\\1"}))
    assert failed["state"] == "failed"
    line = network.west.ini.read_text().splitlines().index("expression = (a|b)\\1") + 1
    assert failed["failure"] == [f"{network.west.ini}:{line}: [policy bad] expression = (a|b)\\1: "
                                 "Back-references are unsupported"]
    assert [policy["policy"] for policy in failed["policies"]] == ["good"]
    sender, receiver = network.registered("a1"), network.registered("a2")
    sender.send(receiver.id, b"stop this")
    assert receiver.receive(QUIET_SECONDS) is None
    assert "those that were running stay" in network.west.log_text()


def test_a_memory_limit_holds(network, policies, tmp_path):
    rules = tmp_path / "many.rules"
    rules.write_text("".join(f"word{rule}[a-z]{{3,50}}x\\d\n" for rule in range(1200)))
    assert policies(("one", {"expression": "one"}), limits={"database_mb": 1})["state"] == "ready"
    shown = policies(("many", {"rules": rules}), limits={"database_mb": 1})
    assert shown["state"] == "failed" and shown["policies"][0]["policy"] == "one"
    assert shown["failure"][0].startswith(f"{network.west.ini}: [policies] the databases take ")
    assert shown["database_bytes"] <= shown["database_max_bytes"] == 1 << 20
    assert policies(("many", {"rules": rules}))["rules"] == 1200


@pytest.mark.parametrize("expression, why", [
    ("(a", "Missing close parenthesis for group started at index 0"),
    ("x{9999}", "too expensive: 9999 positions with its repeats written out; allowed: 512"),
    ("a*", "it matches the empty text, and so everything"),
])
def test_check_and_start_refuse_a_bad_rule(network, build, tmp_path, expression, why):
    rules = tmp_path / "bad.rules"
    rules.write_text(f"# one is bad\nfine\n{expression}\n")
    router = network.lab.router("bad", [
        ("port null", {"device": "net_null0", "addresses": "10.9.9.1/24"}),
        ("policy p", {"rules": rules})])
    network.lab.routers.remove(router)
    expected = f"{rules}:3: [policy p] expression = {expression}: {why}\n"
    checked = router.run("--check")
    assert (checked.returncode, checked.stderr) == (2, expected)
    started = router.run()
    assert (started.returncode, started.stderr) == (2, expected)
    assert build.exists()


def test_policy_test_tells_what_a_file_would_match(network, policies, build, tmp_path):
    policies(("stop", {"expression": "secret [0-9]+", "action": "drop", "priority": 7}),
             ("watch", {"expression": "secret", "direction": "out"}))
    path = tmp_path / "message"
    path.write_bytes(b"a secret 42\x00\xff")
    ctl = [program(build, "posthastectl"), "--socket", network.west.socket]
    shown = json.loads(run(*ctl, "--json", "policy", "test", path).stdout)
    assert [(each["direction"], each["policy"], each["action"], each["rule"])
            for each in shown["matches"]] == [("in", "stop", "drop", "secret [0-9]+"),
                                              ("out", "watch", "count", "secret")]
    assert shown["bytes"] == 13 and shown["decides"] == [
        {"port": name, "in": "stop", "out": None} for name in ("edge1", "edge2", "fabric")]
    assert json.loads(run(*ctl, "--json", "policy", "test", b"none".hex()).stdout)["matches"] == []
    assert row(network.west, "stop")["matched"] == 0, "testing counts nothing"


def test_policy_test_knows_ports_and_capabilities(network, policies):
    """What it says is what happens to a message, port by port."""
    policies(("strong", {"expression": "both", "action": "drop", "priority": 900,
                         "ports": "edge2"}),
             ("weak", {"expression": "both", "action": "mirror", "mirror_port": "edge2",
                       "priority": 10, "ports": "edge1"}),
             ("ocr", {"expression": "both", "action": "drop", "capability": "vision/ocr"}))

    def decides(*options):
        answer = network.west.command("policy", "test", b"both".hex(), *options)
        assert len(answer["matches"]) == 3
        return {row["port"]: (row["in"], row["out"]) for row in answer["decides"]}
    assert decides() == {"edge1": ("weak", None), "edge2": ("strong", None), "fabric": (None, None)}
    assert decides("--capability", "vision/ocr") == {
        "edge1": ("ocr", None), "edge2": ("strong", None), "fabric": ("ocr", None)}
    assert decides("--port", "edge1", "--capability", "vision/faces") == {"edge1": ("weak", None)}
    for port, why in (("edge9", "edge9"), ("", "port")):
        with pytest.raises(AdminError, match=why):
            decides("--port", port)
    with pytest.raises(AdminError, match="vision"):
        decides("--capability", "Vision")
    sender, receiver = network.registered("a1"), network.registered("b1")
    reader = network.registered("a2", capabilities=["vision/ocr"])
    sender.send(receiver.id, b"both")
    assert receiver.receive(2.0).payload == b"both", "edge1: weak, which mirrors"
    reader.send(receiver.id, b"both", want_error=True)
    assert client.error_name(reader.receive(2.0).error[0]) == "unauthorised", "edge2: strong"
