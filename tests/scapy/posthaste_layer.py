# SPDX-License-Identifier: BSD-3-Clause
"""Posthaste's message header, wire format version 1, as a scapy layer.

Written from the specification (routing/wire-format.md) and sharing nothing with the program, so
that each checks the other. Lengths left at None are computed; TLVs are padded to the header's 16
bytes.
"""
import uuid

from scapy.fields import (BitEnumField, BitField, ByteEnumField, ByteField, FieldLenField,
                          FlagsField, IntField, PacketListField, ShortField, StrField,
                          StrLenField, UUIDField, XLongField, XShortField)
from scapy.layers.inet import UDP
from scapy.packet import Packet, bind_layers

PORT = 4747
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:posthaste")
ROUTER = uuid.uuid5(NAMESPACE, "router")
FIXED_BYTES = 64

TYPES = {1: "message", 16: "register", 17: "heartbeat", 18: "deregister", 19: "query",
         20: "query-reply", 21: "ack", 22: "error", 23: "hello", 24: "cookie"}
ADDRESSING = {0: "agent", 1: "capability-any", 2: "capability-all"}
STRATEGIES = {0: "sticky", 1: "priority", 2: "weighted", 3: "least-loaded"}
TLV_TYPES = {1: "capability-name", 2: "fragment", 3: "trace-context", 4: "auth-tag", 5: "error",
             6: "redirect-endpoint", 32: "agent-name", 33: "lease-ms", 34: "agent-state",
             41: "session"}
FLAGS = ["want-error", "trace", "relayed", "redirected", "fragment",
         *(f"bit{bit}" for bit in range(5, 16))]


def capability_id(name):
    return uuid.uuid5(NAMESPACE, name)


class PosthasteTlv(Packet):
    name = "Posthaste TLV"
    fields_desc = [
        ByteEnumField("type", 1, TLV_TYPES),
        FieldLenField("length", None, length_of="value", fmt="B"),
        StrLenField("value", b"", length_from=lambda tlv: tlv.length),
    ]

    def extract_padding(self, rest):
        return b"", rest


class PosthastePad(Packet):
    """Type 0 ends the list; what follows is ignored."""
    name = "Posthaste padding"
    fields_desc = [StrField("bytes", b"")]


def next_tlv(_packet, _before, _current, remaining):
    if not remaining:
        return None
    return PosthastePad if remaining[0] == 0 else PosthasteTlv


class Posthaste(Packet):
    name = "Posthaste"
    fields_desc = [
        XShortField("magic", 0x5048),
        BitField("version", 1, 4),
        BitField("header_units", None, 4),
        ByteEnumField("type", 1, TYPES),
        ByteField("performative", 0),
        BitEnumField("strategy", 0, 4, STRATEGIES),
        BitEnumField("addressing", 0, 4, ADDRESSING),
        BitField("priority", 5, 4),
        BitField("reserved", 0, 4),
        ByteField("hop_limit", 8),
        FlagsField("flags", 0, 16, FLAGS),
        ShortField("payload_length", None),
        IntField("lifetime", 0),
        UUIDField("destination", uuid.UUID(int=0), uuid_fmt=UUIDField.FORMAT_BE),
        UUIDField("source", uuid.UUID(int=0), uuid_fmt=UUIDField.FORMAT_BE),
        XLongField("conversation", 0),
        XLongField("message", 0),
        PacketListField("tlvs", [], next_cls_cb=next_tlv,
                        length_from=lambda header: header.header_units * 16 - FIXED_BYTES),
    ]

    def post_build(self, header, payload):
        header += bytes(-len(header) % 16)
        if self.header_units is None:
            first = header[2] & 0xf0 | len(header) // 16
            header = header[:2] + bytes([first]) + header[3:]
        if self.payload_length is None:
            header = header[:10] + len(payload).to_bytes(2, "big") + header[12:]
        return header + payload


bind_layers(UDP, Posthaste, dport=PORT)
bind_layers(UDP, Posthaste, sport=PORT)
