# SPDX-License-Identifier: BSD-3-Clause
"""Start, reload and end of the process, good and bad."""
import re
import signal
import time

import pytest

from lab.laboratory import TwoRouters, client, port
from lab.namespaces import link, run, wait_until
from lab.router import AdminError

EDGE = ["10.1.1.1/24", "fd00:1:1::1/64"]


@pytest.fixture(name="space")
def one_link(lab):
    """A namespace 'west' with an interface edge1 whose peer eth0 is in namespace 'a1'."""
    west, host = lab.namespace("west"), lab.namespace("a1")
    link(host, "eth0", west, "edge1")
    host.address("eth0", "10.1.1.2/24")
    return west


# Offline runs.

def test_check_accepts_a_good_file_and_starts_nothing(lab, space):
    router = lab.router("west", [port("edge1", "edge", EDGE)], space)
    done = router.run("--check")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert not router.socket.exists()


@pytest.mark.parametrize("text, status, words", [
    ("[system\nname = x\n", 1, [":1:"]),
    ("[port edge1]\ndevice = net_null0\naddresses = 10.0.0.300/24\n", 2,
     [":3:", "[port edge1]", "addresses", "10.0.0.300/24"]),
    ("[dataplane]\nworker = 2\n", 2, [":2:", "worker"]),
])
def test_check_names_the_place_of_an_error(lab, text, status, words):
    router = lab.router("west", [])
    router.ini.write_text(text, encoding="utf-8")
    done = router.run("--check")
    assert done.returncode == status, done
    for word in [router.ini.name, *words]:
        assert word in done.stderr, done.stderr


def test_the_printed_defaults_are_a_good_file_with_a_port(lab):
    router = lab.router("west", [])
    defaults = run(router.binary, "--print-defaults")
    assert "[dataplane]" in defaults.stdout and "[port edge0]" in defaults.stdout
    router.ini.write_text(defaults.stdout, encoding="utf-8")
    assert router.run("--elsewhere", "--check").returncode == 0


# Start errors.

def test_a_missing_interface_is_a_start_error_that_names_the_port(lab, space):
    router = lab.router("west", [port("edge1", "edge", EDGE),
                                 port("edge9", "edge", ["10.9.9.1/24"])], space)
    done = router.run(timeout=30)
    assert done.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT), done
    assert "edge9" in done.stderr, done.stderr
    assert not router.socket.exists()


def test_a_port_without_link_is_a_start_error_that_names_it(lab, space):
    space.ip("link", "set", "edge1", "down")
    name, keys = port("edge1", "edge", EDGE, link_wait_ms=100)
    router = lab.router("west", [(name, keys)], space)
    done = router.run(timeout=30)
    assert done.returncode > 0 and "edge1" in done.stderr, done
    assert re.search(r"link", done.stderr), done.stderr


def test_an_unknown_driver_is_a_start_error_that_names_the_port(lab):
    router = lab.router("west", [("port odd", {"device": "net_no_such0", "addresses": EDGE})])
    done = router.run(timeout=30)
    assert done.returncode > 0 and "odd" in done.stderr, done


def test_more_queues_than_a_device_has_is_a_start_error_that_says_how_many(lab, space):
    router = lab.router("west", [("port many", {"device": "net_tap0,iface=many", "queues": 64,
                                                "addresses": EDGE})], space)
    done = router.run(timeout=30)
    assert done.returncode > 0, done
    assert "many" in done.stderr and re.search(r"queues.*allowed.*16", done.stderr), done


# One instance, and what a killed one leaves.

def test_a_second_instance_is_refused_with_the_pid_of_the_first(lab, space):
    router = lab.router("west", [port("edge1", "edge", EDGE)], space).start()
    done = router.run(timeout=30)
    assert done.returncode > 0 and str(router.process.pid) in done.stderr, done
    assert router.command("show", "version")["pid"] == router.process.pid


def test_a_killed_router_starts_again_at_once(lab):
    network = TwoRouters(lab).start()
    sender, receiver = network.registered("a1"), network.registered("a2")
    sender.send(receiver.id)
    assert receiver.receive(1.0) is not None
    for _ in range(3):
        network.west.kill()
        assert network.west.socket.exists()  # stale: nobody could take it away
        network.west.start()
        for agent in (sender, receiver):
            agent.register()
        sender.send(receiver.id, b"back")
        assert receiver.receive(1.0).payload == b"back"


def test_nothing_is_left_behind_by_a_router_that_ends(lab, space):
    router = lab.router("west", [port("edge1", "edge", EDGE)], space).start()
    assert router.stop() == 0
    left = {path.name for path in router.folder.iterdir()} - {"west.ini", "west.log", "west.lock"}
    assert left == set()


# The end.

def test_sigterm_drains_and_ends_with_status_0(lab):
    network = TwoRouters(lab).start()
    sender, receiver = network.registered("a1"), network.registered("a2")
    for _ in range(200):
        sender.send(receiver.id, b"in flight", want_error=True)
    network.west.signal(signal.SIGTERM)
    assert network.west.wait() == 0
    delivered = answered = 0
    while receiver.receive(0) is not None:
        delivered += 1
    while (answer := sender.receive(0)) is not None:
        assert client.error_name(answer.error[0]) == "draining"
        answered += 1
    assert delivered + answered == 200
    assert "mbufs out 0" in network.west.log_text()


def test_sigint_ends_with_status_0(lab, space):
    router = lab.router("west", [port("edge1", "edge", EDGE)], space).start()
    router.signal(signal.SIGINT)
    assert router.wait() == 0


def test_a_router_without_traffic_does_not_use_up_its_drain_time(lab, space):
    router = lab.router("west", [port("edge1", "edge", EDGE), ("system", {"drain_ms": 10_000})],
                        space).start()
    began = time.monotonic()
    assert router.stop() == 0
    assert time.monotonic() - began < 5


def test_the_start_is_quick(lab, space):
    router = lab.router("west", [port("edge1", "edge", EDGE)], space)
    began = time.monotonic()
    router.start()
    assert time.monotonic() - began < 5


# Reload.

def test_a_reload_applies_what_can_change_while_running(lab):
    network = TwoRouters(lab).start()
    sender = network.registered("a1")
    target = network.agent("b1")
    guest = client.uuid.uuid4()
    target.id = guest
    target.register()
    sender.send(guest, want_error=True)
    assert client.error_name(sender.receive(1.0).error[0]) == "unknown-agent"
    network.west.configure(network.sections(
        "west", extra=[(f"route {guest}", {"router": "east"})]))
    network.west.signal(signal.SIGHUP)
    wait_until(lambda: str(guest) in {route["agent"] for route in
                                      network.west.command("show", "routes")["routes"]},
               3, "the route")
    sender.send(guest, b"by reload")
    assert target.receive(2.0).payload == b"by reload"
    assert str(sender.id) in network.west.agents()


@pytest.mark.parametrize("change", ["bad value", "bad syntax", "needs a restart"])
def test_a_bad_reload_changes_nothing(lab, change):
    network = TwoRouters(lab).start()
    sender, receiver = network.registered("a1"), network.registered("b1")
    before = network.west.command("show", "config")["text"]
    good = network.west.ini.read_text()
    extra = f"[route {client.uuid.uuid4()}]\nrouter = east\n"
    worse = {"bad value": good + extra + "[neighbours]\nretry_ms = soon\n",
             "bad syntax": good + extra + "[neighbours\n",
             "needs a restart": good.replace("idle_sleep_us = 50",
                                               "idle_sleep_us = 60") + extra}[change]
    network.west.ini.write_text(worse, encoding="utf-8")
    network.west.signal(signal.SIGHUP)
    wait_until(lambda: "error reload: " in network.west.log_text(), 3, "the refusal in the log")
    with pytest.raises(AdminError) as refusal:
        network.west.command("reload")
    assert refusal.value.code in ("bad_config", "refused")
    assert network.west.command("show", "config")["text"] == before
    assert network.west.command("show", "routes")["total"] == 2
    sender.send(receiver.id, b"as before")
    assert receiver.receive(2.0).payload == b"as before"
