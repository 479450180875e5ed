#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The quickstart's laboratory: two routers, four agents on kernel sockets, a table of flows."""
import argparse
import collections
import json
import os
import pathlib
import shutil
import signal
import struct
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab.laboratory import ROOT, Laboratory, TwoRouters, client, program  # noqa: E402
from lab.namespaces import run, wait_until  # noqa: E402

KEPT = "posthaste"  # names of what --keep leaves begin so
STATE = pathlib.Path("/run/posthaste-quickstart.json")
ANSWER_SECONDS = 1.0
ERRORS_MAX = 200  # a port sends no more than 1000 errors a second
STAMP = struct.Struct("!IQ")  # sequence number, time of sending in ns
PAYLOAD_BYTES = 256

Flow = collections.namedtuple("Flow", "title sender receiver window want_error")


def say(text):
    print(f"quickstart: {text}", flush=True)


class Measured:
    """What became of the messages of one flow."""

    def __init__(self, title):
        self.title = title
        self.sent = self.delivered = self.errors = 0
        self.latencies_us = []
        self.seconds = 0.0
        self.error_names = set()

    def row(self):
        cells = [self.title, self.sent, self.delivered, self.errors]
        if self.latencies_us:
            ordered = sorted(self.latencies_us)
            cells += [f"{ordered[min(len(ordered) - 1, int(len(ordered) * share))]:.0f}"
                      for share in (0.5, 0.9, 0.99)] + [f"{ordered[-1]:.0f}"]
        else:
            cells += ["-"] * 4
        cells.append(f"{(self.delivered + self.errors) / self.seconds:.0f}")
        return [str(cell) for cell in cells]


def measure(flow, count):
    """Sends `count` messages with at most `window` unanswered; a lost one costs its timeout."""
    result = Measured(flow.title)
    listener = flow.sender if flow.want_error else flow.receiver
    target = uuid.uuid4() if flow.want_error else flow.receiver.id
    filler = bytes(PAYLOAD_BYTES - STAMP.size)
    sent_ns = {}
    began = time.perf_counter()
    while True:
        while result.sent < count and len(sent_ns) < flow.window:
            now = time.perf_counter_ns()
            message = flow.sender.send(target, STAMP.pack(result.sent, now) + filler,
                                       want_error=flow.want_error)
            sent_ns[message.message] = now
            result.sent += 1
        if not sent_ns:
            break
        message = listener.receive(timeout=ANSWER_SECONDS)
        if message is None:
            if result.sent == count:
                break
            sent_ns.clear()
            continue
        stamp = sent_ns.pop(message.message, None)
        if stamp is None:
            continue
        result.latencies_us.append((time.perf_counter_ns() - stamp) / 1000)
        if message.error:
            result.errors += 1
            result.error_names.add(client.error_name(message.error[0]))
        elif message.payload[STAMP.size:] == filler:
            result.delivered += 1
    result.seconds = max(time.perf_counter() - began, 1e-9)
    return result


def print_table(rows):
    head = ["flow", "sent", "delivered", "errors", "p50 us", "p90 us", "p99 us", "max us",
            "answers/s"]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    print()
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [row[0].ljust(widths[0]),
                 *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        print("  " + "  ".join(cells))
    print(flush=True)


def flows_of(agents):
    a1, a2, b1, b2 = (agents[host] for host in ("a1", "a2", "b1", "b2"))
    return [
        Flow("a1 -> a2  one router, IPv4", a1, a2, 1, False),
        Flow("b1 -> b2  one router, IPv6", b1, b2, 1, False),
        Flow("a1 -> b1  two routers, IPv4 to IPv6", a1, b1, 1, False),
        Flow("b2 -> a2  two routers, IPv6 to IPv4", b2, a2, 1, False),
        Flow("a2 -> b2  two routers, 32 in flight", a2, b2, 32, False),
        Flow("a1 -> nobody  an error comes back", a1, None, 1, True),
    ]


def send_and_judge(network, count):
    """Runs the flows, prints the table; True where everything arrived and adds up."""
    agents = {}
    for host in network.HOSTS:
        agents[host] = network.registered(host, v6=host.startswith("b"), capabilities=["demo/echo"])
    say(f"registered {len(agents)} agents; sending {count} messages a flow ...")
    results = [measure(flow, min(count, ERRORS_MAX) if flow.want_error else count)
               for flow in flows_of(agents)]
    print_table([result.row() for result in results])
    complaints = [f"{result.title}: {result.sent} sent, {result.delivered} delivered"
                  for result in results[:-1] if result.delivered != result.sent]
    unknown = results[-1]
    if unknown.errors != unknown.sent or unknown.error_names != {"unknown-agent"}:
        complaints.append(f"{unknown.title}: {unknown.sent} sent, {unknown.errors} errors "
                          f"{sorted(unknown.error_names)}")
    complaints += network.lab.settle()
    for complaint in complaints:
        say(f"WRONG: {complaint}")
    if not complaints:
        say("every message arrived or was answered; received = sent + punted + dropped on every "
            "port, all buffers back in their pools")
    return not complaints


def leave_running(network, build):
    """Echo agents in place of ours, and how to look at what runs."""
    lab = network.lab
    while lab.closing:  # the same agents register again, from other sockets
        lab.closing.pop().close()
    listeners = []
    for host in network.HOSTS:
        log = lab.folder / f"{host}.log"
        command = network.spaces[host].command(
            ROOT / "tools/client/posthaste_client.py", "--router", network.gateway(host),
            "--agent", network.agent_ids[host], "listen", "--name", host, "--echo")
        with open(log, "wb") as stream:
            listeners.append(lab.spawn(command, stream))
    for router in lab.routers:
        wait_until(lambda router=router: sum(agent["state"] == "running" for agent in
                                             router.agents().values()) == 2, 10,
                   f"agents of {router.name}")
    state = {"pids": [[pid, start_of(pid)] for pid in
                      [router.process.pid for router in lab.routers] +
                      [listener.pid for listener in listeners]],
             "namespaces": [space.name for space in lab.namespaces.values()],
             "folder": str(lab.folder)}
    STATE.write_text(json.dumps(state), encoding="utf-8")
    control = os.path.relpath(program(build, "posthastectl"))
    west, east = (router.socket for router in lab.routers)
    b1 = network.agent_ids["b1"]
    agent = " ".join(network.spaces["a1"].command(
        "tools/client/posthaste_client.py", "--router", network.gateway("a1"),
        "send", network.agent_ids["a2"], "hello"))
    print(f"""
Running: two routers (west, east) and four agents that echo (a1, a2 at west; b1, b2 at east).

  Look:   {control} --socket {west} show agents
          {control} --socket {east} show ports
          {control} --socket {west} lookup {b1}
          {control} --socket {west}            (interactive; try: help, show drops)
  Send:   sudo {agent}
  Watch:  sudo {' '.join(network.spaces['b1'].command('tcpdump', '-ni', 'eth0', 'udp'))}
  Logs:   {lab.folder}/*/*.log, {lab.folder}/*.log
  Stop:   sudo tools/quickstart --stop
""", flush=True)


def start_of(pid):
    """When a process began, in clock ticks since boot; None where there is none."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return None
    return text.rsplit(")", 1)[1].split()[19]


def stop():
    """Ends what --keep left: those processes, if they still are the same ones, and namespaces."""
    if not STATE.exists():
        say("nothing was left running")
        return 0
    state = json.loads(STATE.read_text(encoding="utf-8"))
    for pid, began in state["pids"]:
        if start_of(pid) == began:
            os.kill(pid, signal.SIGTERM)
    for pid, began in state["pids"]:
        try:
            wait_until(lambda pid=pid, began=began: start_of(pid) != began, 10, f"end of {pid}")
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
    for name in state["namespaces"]:
        run("ip", "netns", "del", name, check=False)
    shutil.rmtree(state["folder"], ignore_errors=True)
    STATE.unlink()
    say("stopped, nothing left")
    return 0


def interrupted(number, _):
    raise SystemExit(128 + number)


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tools/quickstart",
        description="Builds Posthaste, joins two routers in network namespaces, sends messages "
        "between four agents on kernel sockets, prints a table, leaves nothing behind.",
        epilog="status: 0 all arrived, 1 something did not, 3 root is needed")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=1000, help="messages a flow (%(default)s)")
    parser.add_argument("--keep", action="store_true",
                        help="leave it running and print how to look at it")
    parser.add_argument("--stop", action="store_true", help="stop what --keep left running")
    return parser.parse_args()


def main():
    options = parse_arguments()
    if options.stop:
        return stop()
    if options.keep and STATE.exists():
        say("one is running already; stop it first: tools/quickstart --stop")
        return 1
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    began = time.monotonic()
    lab = Laboratory(options.build, prefix=KEPT if options.keep else None)
    kept = False
    try:
        network = TwoRouters(lab)
        say("six namespaces, five links; starting two routers ...")
        started = time.monotonic()
        network.start()
        say(f"both routers ready after {time.monotonic() - started:.2f} s")
        good = send_and_judge(network, options.count)
        if options.keep:
            leave_running(network, options.build)
            kept = True
        else:
            statuses = [router.stop() for router in lab.routers]
            if any(statuses):
                say(f"WRONG: routers ended with {statuses}")
                good = False
    except Exception:
        for router in lab.routers:
            say(f"log of {router.name}:\n{router.log_text()}")
        raise
    finally:
        if not kept:
            lab.close()
    say(f"{'done' if good else 'FAILED'} in {time.monotonic() - began:.1f} s" +
        ("" if kept else ", nothing left behind"))
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
