# SPDX-License-Identifier: BSD-3-Clause
"""Captures in, exact captures out. Expected frames are built by tests/scapy, byte for byte.

Two ports: 'in' replays a capture and takes the answers, 'out' takes what is forwarded. Agents are
static, so that no frame depends on an earlier one.
"""
import uuid

import pytest
from posthaste_layer import Posthaste, PosthasteTlv, ROUTER
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.utils import rdpcap, wrpcap

BOX, SENDER, OUT, RECEIVER, RECEIVER6 = (f"02:00:00:00:00:0{n}" for n in range(1, 6))
ALICE, BOB, BOB6 = (uuid.UUID(int=0x4000_8000_0000_0000_0001 + n) for n in range(3))
WANT_ERROR, RELAYED = 1, 4
ERRORS = {"unknown-agent": 1, "hop-limit": 4, "bad-version": 12}


def to_box(source=SENDER):
    return Ether(src=source, dst=BOX) / IP(src="10.1.0.2", dst="10.1.0.1", ttl=64)


def to_box6():
    return Ether(src=SENDER, dst=BOX) / IPv6(src="fd00:1::2", dst="fd00:1::1")


def message(destination=BOB, **fields):
    return Posthaste(destination=destination, source=ALICE, conversation=7, message=9, **fields)


def to_bob(message_out, sport=50000, payload=b"hello"):
    return (Ether(src=OUT, dst=RECEIVER) /
            IP(src="10.2.0.1", dst="10.2.0.2", ttl=64, id=0, flags="DF") /
            UDP(sport=sport, dport=6001) / message_out / payload)


def to_bob6(message_out, sport=50000, payload=b"hello"):
    return (Ether(src=OUT, dst=RECEIVER6) / IPv6(src="fd00:2::1", dst="fd00:2::3", hlim=64) /
            UDP(sport=sport, dport=6002) / message_out / payload)


def error(code, request_sport=50000):
    return (Ether(src=BOX, dst=SENDER) /
            IP(src="10.1.0.1", dst="10.1.0.2", ttl=64, id=0, flags="DF") /
            UDP(sport=4747, dport=request_sport) /
            Posthaste(type=22, performative=ERRORS[code], destination=ALICE, source=ROUTER,
                      conversation=7, message=9))


UDP_IN = UDP(sport=50000, dport=4747)
TLVS = [PosthasteTlv(type=1, value=b"vision/ocr"), PosthasteTlv(type=99, value=bytes(30))]

# name: (frames in, frames forwarded, frames answered)
CASES = {
    "IPv4 to IPv4": (
        [to_box() / UDP_IN / message() / b"hello"], [to_bob(message(hop_limit=7))], []),
    "IPv4 to IPv6": (
        [to_box() / UDP_IN / message(BOB6) / b"hello"], [to_bob6(message(BOB6, hop_limit=7))], []),
    "IPv6 to IPv4": (
        [to_box6() / UDP_IN / message() / b"hello"], [to_bob(message(hop_limit=7))], []),
    "IPv6 to IPv6": (
        [to_box6() / UDP_IN / message(BOB6) / b"hello"], [to_bob6(message(BOB6, hop_limit=7))], []),
    "odd lengths, every one from 0 to 9": (
        [to_box() / UDP_IN / message() / bytes(range(n)) for n in range(10)],
        [to_bob(message(hop_limit=7), payload=bytes(range(n))) for n in range(10)], []),
    "no UDP checksum over IPv4 stays none": (
        [to_box() / UDP(sport=50000, dport=4747, chksum=0) / message() / b"hello"],
        [Ether(src=OUT, dst=RECEIVER) /
         IP(src="10.2.0.1", dst="10.2.0.2", ttl=64, id=0, flags="DF") /
         UDP(sport=50000, dport=6001, chksum=0) / message(hop_limit=7) / b"hello"], []),
    "no UDP checksum becomes one over IPv6": (
        [to_box() / UDP(sport=50000, dport=4747, chksum=0) / message(BOB6) / b"hello"],
        [to_bob6(message(BOB6, hop_limit=7))], []),
    "IPv4 options are left behind": (
        [Ether(src=SENDER, dst=BOX) /
         IP(src="10.1.0.2", dst="10.1.0.1", options=[b"\x01\x01\x01\x00"]) / UDP_IN / message() /
         b"hello"], [to_bob(message(hop_limit=7))], []),
    "every field of the header travels": (
        [to_box() / UDP_IN / message(performative=11, strategy=2, priority=8, hop_limit=3,
                                     flags=WANT_ERROR | 2, lifetime=1234) / b"hello"],
        [to_bob(message(performative=11, strategy=2, priority=8, hop_limit=2,
                        flags=WANT_ERROR | 2, lifetime=1234))], []),
    "TLVs travel": (
        [to_box() / UDP_IN / message(tlvs=TLVS) / b"hello"],
        [to_bob(message(tlvs=TLVS, hop_limit=7))], []),
    "the order of frames is kept": (
        [to_box() / UDP(sport=50000 + n, dport=4747) / message() / b"hello" for n in range(300)],
        [to_bob(message(hop_limit=7), sport=50000 + n) for n in range(300)], []),
    "an unknown agent": (
        [to_box() / UDP_IN / message(uuid.UUID(int=99), flags=WANT_ERROR) / b"hello",
         to_box() / UDP_IN / message(uuid.UUID(int=99)) / b"hello"], [],
        [error("unknown-agent")]),
    "a used up hop limit": (
        [to_box() / UDP_IN / message(hop_limit=0, flags=WANT_ERROR) / b"hello"], [],
        [error("hop-limit")]),
    "frames nobody answers": (
        [to_box() / UDP_IN / message(magic=0x1234, flags=WANT_ERROR) / b"hello",
         to_box() / UDP(sport=1, dport=4748) / message(flags=WANT_ERROR) / b"hello",
         to_box() / UDP(sport=1, dport=4747, chksum=0x1234) / message(flags=WANT_ERROR) / b"hello",
         to_box() / UDP_IN / message(flags=WANT_ERROR | RELAYED, type=22) / b"hello",
         Ether(src=SENDER, dst="02:00:00:00:00:99") / IP(src="10.1.0.2", dst="10.1.0.1") / UDP_IN /
         message(flags=WANT_ERROR) / b"hello",
         Ether(src=SENDER, dst=BOX) / Dot1Q(vlan=5) / IP(src="10.1.0.2", dst="10.1.0.1") / UDP_IN /
         message(flags=WANT_ERROR) / b"hello"], [], []),
    "ARP": (
        [Ether(src=SENDER, dst="ff:ff:ff:ff:ff:ff") /
         ARP(op=1, hwsrc=SENDER, psrc="10.1.0.2", pdst="10.1.0.1"),
         Ether(src=SENDER, dst="ff:ff:ff:ff:ff:ff") /
         ARP(op=1, hwsrc=SENDER, psrc="10.1.0.2", pdst="10.1.0.77")], [],
        [Ether(src=BOX, dst=SENDER) /
         ARP(op=2, hwsrc=BOX, psrc="10.1.0.1", hwdst=SENDER, pdst="10.1.0.2")]),
    "ping": (
        [to_box() / ICMP(type=8, id=5, seq=6) / b"abcdefgh",
         to_box6() / ICMPv6EchoRequest(id=5, seq=6, data=b"abcdefgh")], [],
        [Ether(src=BOX, dst=SENDER) / IP(src="10.1.0.1", dst="10.1.0.2") /
         ICMP(type=0, id=5, seq=6) / b"abcdefgh",
         Ether(src=BOX, dst=SENDER) / IPv6(src="fd00:1::1", dst="fd00:1::2") /
         ICMPv6EchoReply(id=5, seq=6, data=b"abcdefgh")]),
}


def agent(name, identity, mac, address, udp_port):
    return (f"agent {identity}",
            {"port": name, "address": address, "udp_port": udp_port, "mac": mac})


@pytest.fixture(name="replay")
def replaying_router(lab):
    """Sends frames through a router; gives what left by port 'out' and by port 'in'."""
    def replay(frames):
        files = {name: lab.folder / f"{name}.pcap" for name in ("in", "answers", "out", "nothing")}
        wrpcap(str(files["in"]), frames)
        wrpcap(str(files["nothing"]), to_box(RECEIVER) / UDP(sport=9, dport=9))  # may not be empty
        router = lab.router("box", [
            ("port in", {"device": f"net_pcap0,rx_pcap={files['in']},tx_pcap={files['answers']}",
                         "addresses": ["10.1.0.1/24", "fd00:1::1/64"], "mac": BOX,
                         "source_check": "port"}),  # Alice sends over both address families
            ("port out", {"device": f"net_pcap1,rx_pcap={files['nothing']},tx_pcap={files['out']}",
                          "addresses": ["10.2.0.1/24", "fd00:2::1/64"], "mac": OUT}),
            agent("in", ALICE, SENDER, "10.1.0.2", 4747),
            agent("out", BOB, RECEIVER, "10.2.0.2", 6001),
            agent("out", BOB6, RECEIVER6, "fd00:2::3", 6002),
        ])
        done = router.run("--exit-when-idle", 200)
        assert done.returncode == 0, done.stderr
        return said(files["out"]), said(files["answers"])
    return replay


def said(path):
    """The frames of a capture, without what a router says by itself when it starts."""
    frames = []
    for frame in rdpcap(str(path)):
        by_itself = ICMPv6ND_NA in frame or ICMPv6ND_NS in frame or \
            (ARP in frame and (frame[ARP].op == 1 or frame.dst == "ff:ff:ff:ff:ff:ff"))
        if not by_itself:
            frames.append(bytes(frame))
    return frames


@pytest.mark.parametrize("case", CASES)
def test_a_capture_in_gives_exactly_this_capture_out(replay, case):
    frames, forwarded, answered = CASES[case]
    out, answers = replay(frames)
    assert [frame.hex() for frame in out] == [bytes(frame).hex() for frame in forwarded]
    if case in ("ARP", "ping"):
        assert [shown(frame) for frame in answers] == [shown(bytes(frame)) for frame in answered]
    else:
        assert [frame.hex() for frame in answers] == [bytes(frame).hex() for frame in answered]


def shown(frame):
    """A frame without what the box may choose freely: padding, time to live, identification."""
    packet = Ether(frame)
    if IP in packet:
        packet[IP].ttl, packet[IP].id, packet[IP].flags, packet[IP].chksum = 0, 0, 0, 0
    if IPv6 in packet:
        packet[IPv6].hlim = 0
    return packet.show(dump=True).split("###[ Padding ]###")[0].strip()
