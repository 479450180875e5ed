#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the golden captures: valid frames, and malformed ones for every verdict of the parser.

make_golden.py FOLDER writes FOLDER/NAME.pcap and, for each, FOLDER/NAME.json with one entry per
frame: the port it arrives at and what has to be found. `first` is how many bytes are contiguous
(all, if absent). make_golden.py --seeds FOLDER writes small frames as inputs for frame_fuzz.

The port has MAC 02:00:00:00:00:01, addresses 10.0.0.1 and fd00::1, and UDP port 4747.
"""
import argparse
import json
import pathlib
import struct
import sys
import uuid

from scapy.compat import raw
from scapy.layers.inet import ICMP, IP, UDP, IPOption
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,
                                ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrDestOpt,
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import posthaste_layer as layer  # noqa: E402
from posthaste_layer import Posthaste, PosthasteTlv  # noqa: E402

BOX_MAC, AGENT_MAC = "02:00:00:00:00:01", "02:00:00:00:00:09"
BOX4, BOX6, AGENT4, AGENT6 = "10.0.0.1", "fd00::1", "10.0.0.9", "fd00::9"
WANT_ERROR, TRACE, RELAYED, REDIRECTED, FRAGMENT = 1, 2, 4, 8, 16
NIL = uuid.UUID(int=0)


def agent(number):
    return uuid.uuid5(layer.NAMESPACE, f"agent-{number}")


def ether(tag=None, **changes):
    frame = Ether(**{"dst": BOX_MAC, "src": AGENT_MAC, **changes})
    return frame if tag is None else frame / Dot1Q(vlan=tag & 0xfff, prio=tag >> 13)


def ip4(**changes):
    return IP(**{"src": AGENT4, "dst": BOX4, "id": 7, **changes})


def ip6(**changes):
    return IPv6(**{"src": AGENT6, "dst": BOX6, **changes})


def udp(**changes):
    return UDP(**{"sport": 40000, "dport": layer.PORT, **changes})


def message(payload=b"hello", **changes):
    fields = {"destination": agent(2), "source": agent(1), "conversation": 0x1111,
              "message": 0x2222, **changes}
    return Posthaste(**fields) / Raw(payload) if payload else Posthaste(**fields)


def control(kind, payload=b"", **changes):
    return message(payload, type=kind, destination=layer.ROUTER, **changes)


def tlv(kind, value):
    return PosthasteTlv(type=kind, value=value)


def bare(frame):
    """The frame without the checks of lengths scapy does by itself, as bytes to patch."""
    return bytearray(raw(frame))


def patched(frame, at, value):
    """Bytes changed after all checksums were made; negative offsets count from the end."""
    data = bare(frame)
    data[at:at + len(value) or None] = value
    return bytes(data)


class Capture:
    def __init__(self, name):
        self.name = name
        self.frames = []
        self.entries = []

    def add(self, name, frame, drop="none", role="edge", **expected):
        port = {"role": role, "vlan": expected.pop("vlan", 0),
                "verify": expected.pop("verify", True)}
        self.frames.append(raw(frame))
        self.entries.append({"name": name, "port": port, "drop": drop, **expected})

    def taken(self, name, frame, kind="message", **expected):
        """A frame that is taken, with the view computed from scapy's own dissection."""
        frame = Ether(raw(frame))
        below = frame[IP] if IP in frame else frame[IPv6]
        header = frame[Posthaste]
        l3 = len(raw(frame)) - len(raw(below))
        padding = len(frame[UDP].payload) + 8 - frame[UDP].len
        if padding > 0:
            raise ValueError(f"{name}: longer than its UDP length")
        l4 = l3 + (below.ihl * 4 if IP in frame else 40)
        self.add(name, frame, kind=kind, family=4 if IP in frame else 6, l3=l3, l4=l4,
                 message=l4 + 8, header_bytes=header.header_units * 16,
                 payload_bytes=header.payload_length, **expected)

    def write(self, folder):
        pcap = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
        for second, frame in enumerate(self.frames):
            pcap += struct.pack("<IIII", second, 0, len(frame), len(frame)) + frame
        (folder / f"{self.name}.pcap").write_bytes(pcap)
        text = ",\n".join(json.dumps(entry, sort_keys=True) for entry in self.entries)
        (folder / f"{self.name}.json").write_text(f"[\n{text}\n]\n")


def valid():
    capture = Capture("valid")
    take = capture.taken
    for family, ip in (("v4", ip4), ("v6", ip6)):
        take(f"{family}-message", ether() / ip() / udp() / message())
        take(f"{family}-empty", ether() / ip() / udp() / message(b""))
        take(f"{family}-tagged", ether(100) / ip() / udp() / message(), vlan=100)
        take(f"{family}-priority-tag", ether(0xa000) / ip() / udp() / message())
        take(f"{family}-tlvs", ether() / ip() / udp() / message(tlvs=[
            tlv(1, b"vision/ocr"), tlv(3, bytes(29)), tlv(200, b"unknown, skipped")]))
        take(f"{family}-longest-header", ether() / ip() / udp() / message(
            tlvs=[tlv(4, bytes(174))]))
        take(f"{family}-odd-payload", ether() / ip() / udp() / message(b"odd"))
        room = 9000 - (20 if family == "v4" else 40) - 8 - 64
        take(f"{family}-jumbo", ether() / ip() / udp() / message(bytes(range(250)) * (room // 250)
                                                                 + b"x" * (room % 250)))
        take(f"{family}-capability-any", ether() / ip() / udp() / message(
            addressing=1, strategy=3, destination=layer.capability_id("vision/ocr")))
        take(f"{family}-capability-all", ether() / ip() / udp() / message(
            addressing=2, destination=layer.capability_id("vision/ocr"), priority=10))
        take(f"{family}-flags", ether() / ip() / udp() / message(
            flags=WANT_ERROR | TRACE | FRAGMENT, tlvs=[tlv(2, b"\0\1\0\2")], lifetime=1500))
        take(f"{family}-last-hop", ether() / ip() / udp() / message(hop_limit=1))
        take(f"{family}-register", ether() / ip() / udp() / control(16, raw(
            tlv(32, "Überholer".encode())) + raw(tlv(1, b"vision/ocr"))
            + raw(tlv(33, (30000).to_bytes(4, "big"))) + raw(tlv(34, b"\1"))
            + raw(tlv(41, b"\0\0\0\7\1")) + bytes(6)), kind="control")
        take(f"{family}-heartbeat", ether() / ip() / udp() / control(17), kind="heartbeat")
        take(f"{family}-deregister", ether() / ip() / udp() / control(18), kind="control")
        take(f"{family}-relayed", ether() / ip() / udp() / message(flags=RELAYED, hop_limit=7),
             role="fabric")
        take(f"{family}-redirected", ether() / ip() / udp() / message(
            flags=RELAYED | REDIRECTED, hop_limit=6), role="fabric")
        take(f"{family}-relayed-error", ether() / ip() / udp() / message(
            b"", type=22, performative=1, source=layer.ROUTER, destination=agent(1),
            flags=RELAYED), role="fabric")
    take("v4-options", ether() / ip4(options=[IPOption(b"\x94\x04\0\0"), IPOption(b"\1")])
         / udp() / message())
    take("v4-no-checksum", ether() / ip4() / udp(chksum=0) / message())
    take("v4-unverified", ether() / ip4() / udp(chksum=0xbeef) / message(), verify=False)
    return capture


def segments():
    """Frames whose first segment ends early: headers must be in it, the payload need not."""
    capture = Capture("segments")
    for family, ip, l4 in (("v4", ip4, 34), ("v6", ip6, 54)):
        frame = ether() / ip() / udp() / message(tlvs=[tlv(1, b"vision")])
        capture.taken(f"{family}-payload-behind", frame, first=l4 + 8 + 80, pending=True)
        for first in (0, 13, 14 + 19, l4, l4 + 7, l4 + 8 + 63, l4 + 8 + 79):
            capture.add(f"{family}-first-{first}", frame, "segmented", first=first)
    return capture


def neighbours():
    capture = Capture("neighbours")

    def take(name, frame):
        capture.add(name, frame, kind="neighbour")

    everyone = "ff:ff:ff:ff:ff:ff"
    asks = ARP(op=1, hwsrc=AGENT_MAC, psrc=AGENT4, pdst=BOX4)
    solicited = ether(dst="33:33:ff:00:00:01")
    take("arp-request", ether(dst=everyone) / asks)
    take("arp-reply", ether() / ARP(op=2, hwsrc=AGENT_MAC, psrc=AGENT4, hwdst=BOX_MAC, pdst=BOX4))
    take("arp-announcement", ether(dst=everyone) / ARP(op=1, hwsrc=AGENT_MAC, psrc=AGENT4,
                                                       pdst=AGENT4))
    take("arp-padded", raw(ether(dst=everyone) / asks) + bytes(18))
    take("nd-solicitation", solicited / ip6(dst="ff02::1:ff00:1", hlim=255)
         / ICMPv6ND_NS(tgt=BOX6) / ICMPv6NDOptSrcLLAddr(lladdr=AGENT_MAC))
    take("nd-duplicate-check", solicited / ip6(src="::", dst="ff02::1:ff00:1", hlim=255)
         / ICMPv6ND_NS(tgt=BOX6))
    take("nd-advertisement", ether() / ip6(hlim=255) / ICMPv6ND_NA(tgt=AGENT6))
    take("nd-router", ether(dst="33:33:00:00:00:01") / ip6(src="fe80::9", dst="ff02::1", hlim=255)
         / ICMPv6ND_RA())
    take("ping-v4", ether() / ip4() / ICMP(id=1, seq=1) / Raw(b"x" * 48))
    take("ping-v6", ether() / ip6() / ICMPv6EchoRequest(id=1, seq=1, data=b"x" * 48))
    capture.add("arp-for-another", ether(dst=everyone) / ARP(
        op=1, hwsrc=AGENT_MAC, psrc=AGENT4, pdst="10.0.0.2"), "wrong_address")
    capture.add("arp-other-hardware", ether(dst=everyone) / ARP(
        hwtype=6, op=1, hwsrc=AGENT_MAC, psrc=AGENT4, pdst=BOX4), "wrong_protocol")
    capture.add("arp-cut", raw(ether(dst=everyone) / asks)[:-1], "too_short")
    capture.add("nd-for-another", ether(dst="33:33:ff:00:00:02") / ip6(
        dst="ff02::1:ff00:2", hlim=255) / ICMPv6ND_NS(tgt="fd00::2"), "wrong_address")
    capture.add("pong-v4", ether() / ip4() / ICMP(type=0), "wrong_protocol")
    return capture


def malformed_outer():
    capture = Capture("malformed-outer")
    add = capture.add
    good4 = ether() / ip4() / udp() / message()
    good6 = ether() / ip6() / udp() / message()
    for size in (0, 13, 14, 33, 41, 105, len(raw(good4)) - 1):
        add(f"cut-to-{size}", raw(good4)[:size], "too_short")
    add("v6-cut", raw(good6)[:-1], "too_short")
    add("other-mac", ether(dst="02:00:00:00:00:02") / ip4() / udp() / message(), "wrong_mac")
    add("broadcast", ether(dst="ff:ff:ff:ff:ff:ff") / ip4() / udp() / message(), "wrong_mac")
    add("group-sender", ether(src="03:00:00:00:00:09") / ip4() / udp() / message(), "wrong_mac")
    add("tag-missing", good4, "wrong_vlan", vlan=100)
    add("tag-unwanted", ether(100) / ip4() / udp() / message(), "wrong_vlan")
    add("tag-of-another", ether(101) / ip4() / udp() / message(), "wrong_vlan", vlan=100)
    add("two-tags", ether(0) / Dot1Q(vlan=5) / ip4() / udp() / message(), "bad_ethertype")
    add("lldp", ether(type=0x88cc) / Raw(bytes(50)), "bad_ethertype")
    add("llc", ether(type=0x0026) / Raw(bytes(50)), "bad_ethertype")
    add("ip-version", ether() / ip4(version=5) / udp() / message(), "bad_ip_header")
    add("ip-header-short", ether() / ip4(ihl=4) / udp() / message(), "bad_ip_header")
    add("ip-total-short", ether() / ip4(len=19) / udp() / message(), "bad_ip_header")
    add("ip-checksum", ether() / ip4(chksum=1) / udp() / message(), "bad_ip_header")
    add("ip-sender-loopback", ether() / ip4(src="127.0.0.1") / udp() / message(), "bad_ip_header")
    add("ip-sender-group", ether() / ip4(src="224.0.0.9") / udp() / message(), "bad_ip_header")
    add("ip6-version", patched(good6, 14, b"\x40"), "bad_ip_header")
    add("ip6-sender-loopback", ether() / ip6(src="::1") / udp() / message(), "bad_ip_header")
    add("fragment-first", ether() / ip4(flags="MF") / udp() / message(), "ip_fragment")
    add("fragment-later", ether() / ip4(frag=10) / udp() / message(), "ip_fragment")
    for name, extension in (("hop-by-hop", IPv6ExtHdrHopByHop()),
                            ("options", IPv6ExtHdrDestOpt()), ("fragment", IPv6ExtHdrFragment())):
        add(f"ip6-{name}", ether() / ip6() / extension / udp() / message(), "ip_extension")
    add("other-address", ether() / ip4(dst="10.0.0.2") / udp() / message(), "wrong_address")
    add("other-address6", ether() / ip6(dst="fd00::2") / udp() / message(), "wrong_address")
    add("tcp", ether() / ip4(proto=6) / Raw(bytes(80)), "wrong_protocol")
    add("tcp6", ether() / ip6(nh=6) / Raw(bytes(80)), "wrong_protocol")
    add("other-port", ether() / ip4() / udp(dport=53) / message(), "wrong_udp_port")
    add("udp-longer", ether() / ip4() / udp(len=78) / message(), "bad_udp_length")
    add("udp-shorter", ether() / ip6() / udp(len=76) / message(), "bad_udp_length")
    add("udp-missing", ether() / ip4() / Raw(b"\0\1\2"), "wrong_protocol")
    add("udp-cut", ether() / ip4(proto=17) / Raw(b"\0\1\2"), "bad_udp_length")
    add("checksum", ether() / ip4() / udp(chksum=0xbeef) / message(), "bad_checksum")
    add("checksum6", ether() / ip6() / udp(chksum=0xbeef) / message(), "bad_checksum")
    add("checksum6-absent", ether() / ip6() / udp(chksum=0) / message(), "bad_checksum")
    return capture


def malformed_message():
    """Outer headers and checksums are right; `answerable`: whether an error may be sent."""
    capture = Capture("malformed-message")

    def add(name, payload, drop, answerable=False, role="edge"):
        for family, ip in (("v4", ip4), ("v6", ip6)):
            capture.add(f"{family}-{name}", ether() / ip() / udp() / payload, drop, role,
                        answerable=answerable)

    add("empty", Raw(b""), "bad_length")
    add("runt", Raw(raw(message(b""))[:63]), "bad_length")
    add("header-of-48", message(header_units=3), "bad_length")
    add("header-too-long", message(header_units=15), "bad_length")
    add("payload-longer", message(payload_length=6), "bad_length")
    add("payload-shorter", message(payload_length=4), "bad_length")
    add("magic", message(magic=0x4850), "bad_magic")
    add("version-0", message(version=0), "bad_version", True)
    add("version-2", message(version=2), "bad_version", True)
    for kind in (0, 2, 15, 23, 24, 255):
        add(f"type-{kind}", message(type=kind, flags=WANT_ERROR), "bad_type", True)
    for kind in (20, 21, 22):
        add(f"type-{kind}", message(type=kind, flags=WANT_ERROR), "bad_type")
    for kind in (16, 17, 18):
        add(f"type-{kind}-on-fabric", control(kind, flags=RELAYED), "bad_type", True, "fabric")
    add("nil-destination", message(destination=NIL), "bad_agent_id", True)
    add("nil-source", message(source=NIL), "bad_agent_id")
    add("to-itself", message(source=agent(2)), "bad_agent_id", True)
    add("speaks-as-router", message(source=layer.ROUTER), "bad_agent_id")
    add("addressing-3", message(addressing=3), "bad_addressing", True)
    add("strategy-4", message(addressing=1, strategy=4), "bad_addressing", True)
    add("register-elsewhere", message(type=16), "bad_addressing", True)
    add("tlv-past-end", message(tlvs=[PosthasteTlv(type=9, length=15, value=bytes(14))]),
        "bad_tlv", True)
    add("tlv-without-length", message(tlvs=[tlv(9, bytes(13)), Raw(b"\7")]), "bad_tlv", True)
    add("relayed-on-edge", message(flags=RELAYED), "bad_flags", True)
    add("redirected-on-edge", message(flags=REDIRECTED), "bad_flags", True)
    add("not-relayed-on-fabric", message(), "bad_flags", True, "fabric")
    add("hop-limit", message(hop_limit=0, flags=WANT_ERROR), "hop_limit", True)
    return capture


def captures():
    return [valid(), segments(), neighbours(), malformed_outer(), malformed_message()]


SEED_BYTES_MAX = 400


def write_seeds(folder):
    """Two bytes choose the port and the first segment; see tests/fuzz/frame_fuzz.cpp."""
    for capture in captures():
        for frame, entry in zip(capture.frames, capture.entries):
            if len(frame) > SEED_BYTES_MAX or entry["name"].startswith("cut-to"):
                continue
            choice = ((entry["port"]["role"] == "fabric") | (entry["port"]["vlan"] != 0) << 1
                      | 4)
            first = min(entry.get("first", 255), 255)
            path = folder / f"{capture.name}-{entry['name']}"
            path.write_bytes(bytes([choice, first]) + frame)
    (folder / "empty").write_bytes(b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", action="store_true", help="write fuzz inputs, not captures")
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.seeds:
        write_seeds(arguments.folder)
        return
    for capture in captures():
        capture.write(arguments.folder)


if __name__ == "__main__":
    main()
