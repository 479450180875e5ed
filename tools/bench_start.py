#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""From the start of the program to the first frame it forwards, over a veth pair.

A kernel socket sends a message every half millisecond while the router starts; the clock stops
when the first one arrives at the agent it is addressed to. Needs root for the namespaces.
"""
import argparse
import json
import pathlib
import select
import statistics
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab.laboratory import Laboratory, client, port  # noqa: E402  (its folder is no package)
from lab.namespaces import link  # noqa: E402

BOX, SENDER, AGENT = "10.7.0.1", "10.7.0.2", "10.7.0.3"
SEND_EVERY_SECONDS = 0.0005
LONGEST_SECONDS = 20.0


def measure(lab, host, box, number):
    """One start of the router, in seconds; it is stopped again afterwards."""
    agent = uuid.uuid4()
    edge = port("edge", "edge", [f"{BOX}/24"], source_check="off")
    static = (f"agent {agent}", {"port": "edge", "address": AGENT, "mac": host.mac("eth0")})
    router = lab.router(f"start{number}", [edge, static], box)
    message = client.Message(type=client.MESSAGE, source=uuid.uuid4(), destination=agent,
                             payload=b"first").encode()
    with host.udp(SENDER) as sender, host.udp(AGENT, client.PORT) as receiver:
        started = time.monotonic()
        router.launch()
        while not select.select([receiver], [], [], SEND_EVERY_SECONDS)[0]:
            sender.sendto(message, (BOX, client.PORT))
            if time.monotonic() - started > LONGEST_SECONDS or not router.running:
                raise RuntimeError(f"nothing forwarded\n{router.log_text()}")
        took = time.monotonic() - started
    router.await_ready()
    status = router.stop()
    if status != 0:
        raise RuntimeError(f"the router ended with {status}\n{router.log_text()}")
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-release", help="build folder (%(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="starts (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    with Laboratory(options.build) as lab:
        box, host = lab.namespace("box"), lab.namespace("host")
        box.sysctl(net__ipv6__conf__all__disable_ipv6=1, net__ipv6__conf__default__disable_ipv6=1)
        link(box, "edge", host, "eth0")
        host.address("eth0", f"{SENDER}/24", f"{AGENT}/24")
        # The first frame must not wait for the host to ask who has the box's address.
        host.ip("neigh", "add", BOX, "lladdr", box.mac("edge"), "dev", "eth0")
        seconds = [measure(lab, host, box, number) for number in range(options.repeat)]
    median = statistics.median(seconds)
    if options.json:
        print(json.dumps({"start_to_first_frame_s": median, "all_s": seconds}))
    else:
        print(f"start: {median * 1e3:.0f} ms from the start to the first forwarded frame, "
              f"median of {len(seconds)} ({min(seconds) * 1e3:.0f} to {max(seconds) * 1e3:.0f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
