#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A router with many agents starts from its store, and a router that forwards gets its claims.

    r1 (store of a million agents) --- membership and claims over loopback --- r2 (forwards)

r2 replays frames without end from memory to one of its own agents, on a core that no other thread
of the two has; what it forwards and drops while the claims arrive is compared with what it did
before. Both control threads and r1's worker share the first core. Needs root for a namespace.
"""
import argparse
import json
import pathlib
import sqlite3
import statistics
import struct
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab.laboratory import Laboratory, client, port  # noqa: E402  (its folder is no package)
from lab.namespaces import wait_until  # noqa: E402

NEAR, FAR = "10.9.0.1", "10.9.0.2"
BOX_MAC, AGENT_MAC, SENDER_MAC = (f"02:00:00:00:00:0{number}" for number in (1, 2, 3))
REPLAYED = 512  # frames in the capture; all of them lie in buffers of their own
SAMPLE_SECONDS = 0.1
LONGEST_SECONDS = 60.0


def ones_complement(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def frame(message):
    """A message from 10.2.0.9 to the box at 10.2.0.1, in Ethernet, IPv4 and UDP."""
    def ip(checksum):
        return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(message), 0, 0, 64, 17, checksum,
                           bytes((10, 2, 0, 9)), bytes((10, 2, 0, 1)))
    udp = struct.pack(">HHHH", client.PORT, client.PORT, 8 + len(message), 0)
    macs = bytes.fromhex((BOX_MAC + SENDER_MAC).replace(":", ""))
    return macs + b"\x08\x00" + ip(ones_complement(ip(0))) + udp + message


def write_capture(path, agent):
    """In the classic format of libpcap."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for number in range(REPLAYED):
            data = frame(client.Message(type=client.MESSAGE, source=uuid.UUID(int=number + 1),
                                        destination=agent, payload=bytes(8)).encode())
            out.write(struct.pack("<IIII", 0, 0, len(data), len(data)) + data)


def fill_store(path, count):
    """Agents as a router would have written them; the file and its life are the router's own."""
    with sqlite3.connect(path) as database:
        database.executemany(
            "INSERT INTO agent(id, port, ip, mac, udp_port, state, lease_ms, name, offers)"
            " VALUES(?, 'edge', ?, ?, 4747, 1, 3600000, '', ?)",
            ((uuid.uuid4().bytes, bytes((10, 1, 0, 2)), bytes((2, 0, 0, 0, 0, 9)), b"")
             for _ in range(count)))
    database.close()


def sections(options, address, cores, *more):
    tables = 2 * options.agents + 1_000
    return [
        ("eal", {"cores": cores, "hugepages": options.hugepages}),
        ("dataplane", {"shed": False}),
        ("agents", {"agents_max": tables}),
        ("cluster", {"address": address, "profile": "lan", "claims_max": tables}),
        *more,
    ]


class Pair:
    """Both routers, r1 with its store."""

    def __init__(self, lab, options):
        self.options = options
        self.space = lab.namespace("box")
        self.space.address("lo", f"{NEAR}/32", f"{FAR}/32")
        self.store = lab.folder / "r1.db"
        first, *rest = options.cores
        self.near = lab.router("r1", sections(
            options, NEAR, first,
            ("port edge", {"device": "net_null0,no-rx=1", "role": "edge",
                           "addresses": "10.1.0.1/24"}),
            port("fabric", "fabric", ["10.0.0.1/24"], device="net_null1,no-rx=1"),
            ("store", {"path": self.store})), self.space)
        agent = uuid.uuid4()
        capture = lab.folder / "in.pcap"
        write_capture(capture, agent)
        self.far = lab.router("r2", sections(
            options, FAR, f"{first},{rest[0]}",
            ("port edge", {"device": f"net_pcap0,rx_pcap={capture},infinite_rx=1", "role": "edge",
                           "addresses": "10.2.0.1/24", "mac": BOX_MAC, "source_check": "off"}),
            ("port out", {"device": "net_null2,no-rx=1", "role": "edge",
                          "addresses": "10.3.0.1/24"}),
            port("fabric", "fabric", ["10.0.0.2/24"], device="net_null3,no-rx=1"),
            (f"agent {agent}", {"port": "out", "address": "10.3.0.2", "mac": AGENT_MAC})),
            self.space)

    def start_near(self):
        """Seconds until r1 has all agents of its store and forwards."""
        started = time.monotonic()
        self.near.start()
        held = self.near.command("show", "agents", limit=1)["total"]
        if held != self.options.agents:
            raise RuntimeError(f"{held} agents came back, not {self.options.agents}\n"
                               f"{self.near.log_text()}")
        return time.monotonic() - started

    def forwarded(self):
        """What r2 has sent to its agent and dropped so far, and when that was."""
        ports = self.far.ports()
        lost = sum(row[reason] for row in ports.values()
                   for reason in ("dropped", "missed", "no_mbuf", "tx_discarded"))
        return time.monotonic(), ports["out"]["transmitted"], lost

    def sample(self, until):
        """Frames a second of each sample, and all that was dropped, until `until()` says so."""
        rates = []
        at, sent, dropped = self.forwarded()
        first_dropped = dropped
        deadline = at + LONGEST_SECONDS
        done = False
        while not done:
            if at > deadline:
                raise RuntimeError(f"not done within {LONGEST_SECONDS} s\n{self.far.log_text()}")
            wait_until(lambda due=at + SAMPLE_SECONDS: time.monotonic() >= due, LONGEST_SECONDS)
            done = until()
            now, now_sent, dropped = self.forwarded()
            rates.append((now_sent - sent) / (now - at))
            at, sent = now, now_sent
        return rates, dropped - first_dropped

    def routes_there(self):
        """Agents that r2 would send to r1."""
        return next((row["routes"] for row in self.far.command("show", "routers")
                     if row["router"] == "r1"), 0)


def measure(options):
    with Laboratory(options.build) as lab:
        pair = Pair(lab, options)
        pair.near.start()
        pair.near.stop()
        print(f"cluster: writing a store of {options.agents} agents", file=sys.stderr)
        fill_store(pair.store, options.agents)
        starts = []
        for number in range(options.repeat):
            print(f"cluster: start {number + 1} of {options.repeat}", file=sys.stderr)
            starts.append(pair.start_near())
            if number + 1 < options.repeat:
                pair.near.kill()
        pair.far.start()
        ends = time.monotonic() + options.seconds
        before, _ = pair.sample(lambda: time.monotonic() >= ends)
        print("cluster: r2 joins", file=sys.stderr)
        joined = time.monotonic()
        pair.far.command("cluster", "join", NEAR)
        during, lost = pair.sample(lambda: pair.routes_there() == options.agents)
        took = time.monotonic() - joined
        usual, then = statistics.median(before), statistics.fmean(during)
        return {"agents": options.agents, "start_s": statistics.median(starts),
                "starts_s": starts, "claims_s": took, "frames_per_s_before": usual,
                "frames_per_s_during": then, "ratio": then / usual, "dropped_during": lost}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-release", help="build folder (%(default)s)")
    parser.add_argument("--agents", type=int, default=1_000_000, help="of r1 (%(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="starts of r1 (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0,
                        help="of forwarding before r2 joins (%(default)s)")
    parser.add_argument("--cores", type=int, nargs=2, default=(0, 1),
                        help="of the control threads, and of r2's worker (0 1)")
    parser.add_argument("--hugepages", action="store_true", help="tables in hugepages")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    found = measure(options)
    if options.json:
        print(json.dumps(found))
    else:
        print(f"start from a store of {found['agents']} agents: {found['start_s']:.2f} s, median "
              f"of {options.repeat} ({min(found['starts_s']):.2f} to {max(found['starts_s']):.2f})")
        print(f"{found['agents']} claims at a new router: {found['claims_s']:.2f} s after it joins;"
              f" meanwhile it forwards {found['frames_per_s_during'] / 1e6:.2f} M/s, before "
              f"{found['frames_per_s_before'] / 1e6:.2f}: {found['ratio']:.2f}; "
              f"{found['dropped_during']} frames dropped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
