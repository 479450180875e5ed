# SPDX-License-Identifier: BSD-3-Clause
"""The golden captures are what make_golden.py makes, and other tools read them as we do."""
import json
import pathlib
import subprocess
import sys

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden" / "frames"
SEEDS = HERE.parent / "fuzz" / "corpus" / "frame"
TSHARK_CHECKS = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]

sys.path.insert(0, str(HERE))
import make_golden  # noqa: E402
import posthaste_layer as layer  # noqa: E402


def tshark(capture, *fields, arguments=()):
    """One tuple of field values per frame; several values of a field are joined by commas."""
    wanted = [part for field in fields for part in ("-e", field)]
    out = subprocess.run(
        ["tshark", "-n", "-r", GOLDEN / f"{capture}.pcap", *TSHARK_CHECKS, *arguments,
         "-T", "fields", *wanted],
        check=True, capture_output=True, text=True).stdout
    return [tuple(line.split("\t")) for line in out.splitlines()]


def expectations(capture):
    return json.loads((GOLDEN / f"{capture}.json").read_text())


def test_making_the_captures_again_gives_the_same_bytes(tmp_path):
    for capture in make_golden.captures():
        capture.write(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in GOLDEN.iterdir()}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


def test_every_seed_is_still_in_the_fuzz_corpus(tmp_path):
    make_golden.write_seeds(tmp_path)
    stale = [path.name for path in tmp_path.iterdir()
             if not (SEEDS / path.name).is_file()
             or (SEEDS / path.name).read_bytes() != path.read_bytes()]
    assert stale == []


def test_the_router_id_is_the_one_the_specification_names():
    assert str(layer.NAMESPACE) == "971377db-e540-595a-9565-2be427ee1e9c"
    assert str(layer.ROUTER) == "0defc982-00ec-5fb1-a4de-2d3136f46670"


def test_tshark_finds_good_checksums_in_all_valid_frames():
    entries = expectations("valid")
    rows = tshark("valid", "ip.checksum.status", "udp.checksum.status", "udp.dstport",
                  "_ws.malformed")
    assert len(rows) == len(entries)
    for entry, (ip, udp, port, malformed) in zip(entries, rows):
        good, absent = "1", "3"
        wanted = {"v4-no-checksum": absent, "v4-unverified": "0"}.get(entry["name"], good)
        assert (ip, udp, port, malformed) == (
            good if entry["family"] == 4 else "", wanted, "4747", ""), entry["name"]


def test_tshark_finds_the_tags_and_addresses_of_valid_frames():
    rows = tshark("valid", "vlan.id", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst")
    for entry, row in zip(expectations("valid"), rows, strict=True):
        tag = "100" if entry["name"].endswith("-tagged") else (
            "0" if entry["name"].endswith("priority-tag") else "")
        v4 = entry["family"] == 4
        assert row == (tag, "10.0.0.9" if v4 else "", "" if v4 else "fd00::9",
                       "10.0.0.1" if v4 else "", "" if v4 else "fd00::1"), entry["name"]


def test_malformed_messages_have_sound_outer_headers():
    """Their verdicts are about the message, so nothing before it may be at fault."""
    rows = tshark("malformed-message", "ip.checksum.status", "udp.checksum.status")
    for entry, (ip, udp) in zip(expectations("malformed-message"), rows, strict=True):
        assert udp == "1" and ip in ("", "1"), entry["name"]


@pytest.mark.parametrize("bad", ["bad_ip_header", "bad_checksum"])
def test_tshark_calls_the_wrong_checksums_wrong(bad):
    rows = tshark("malformed-outer", "ip.checksum.status", "udp.checksum.status")
    named = {"ip-checksum": 0, "checksum": 1, "checksum6": 1}
    checked = 0
    for entry, row in zip(expectations("malformed-outer"), rows, strict=True):
        if entry["drop"] == bad and entry["name"] in named:
            assert row[named[entry["name"]]] == "0", entry["name"]
            checked += 1
    assert checked == (1 if bad == "bad_ip_header" else 2)


def test_the_layer_reads_what_it_wrote():
    for frame, entry in zip(make_golden.valid().frames, expectations("valid"), strict=True):
        packet = Ether(frame)
        header = packet[layer.Posthaste]
        assert header.payload_length == entry["payload_bytes"]
        assert header.header_units * 16 == entry["header_bytes"]
        assert packet[IP if entry["family"] == 4 else IPv6].version == entry["family"]
        if entry["name"] not in ("v4-no-checksum", "v4-unverified"):
            del packet[UDP].chksum
        packet.clear_cache()
        assert bytes(packet) == frame, entry["name"]


DISSECTOR = ["-X", f"lua_script:{HERE.parent.parent / 'tools' / 'posthaste.lua'}"]


def test_the_dissector_reads_every_valid_frame():
    rows = tshark("valid", "posthaste.type", "posthaste.header_bytes", "posthaste.payload_bytes",
                  "posthaste.source", "_ws.expert.message", arguments=DISSECTOR)
    frames = make_golden.valid().frames
    for entry, frame, row in zip(expectations("valid"), frames, rows, strict=True):
        header = Ether(frame)[layer.Posthaste]
        assert row == (str(header.type), str(entry["header_bytes"]), str(entry["payload_bytes"]),
                       str(header.source), row[4]), entry["name"]
        assert (row[4] == "") == (entry["name"] != "v4-unverified")


def test_the_dissector_names_tlvs_and_registrations():
    rows = tshark("valid", "posthaste.tlv.type", "posthaste.tlv.text", "posthaste.tlv.lease_ms",
                  "posthaste.tlv.state", "posthaste.tlv.epoch", "posthaste.tlv.multi_homed",
                  arguments=DISSECTOR)
    found = {entry["name"]: row for entry, row in zip(expectations("valid"), rows, strict=True)}
    assert found["v6-register"] == ("32,1,33,34,41", "Überholer,vision/ocr", "30000", "1", "7", "1")
    assert found["v4-tlvs"] == ("1,3,200", "vision/ocr", "", "", "", "")


def test_the_dissector_marks_unsound_lengths_and_tlvs():
    rows = tshark("malformed-message", "_ws.expert.message", arguments=DISSECTOR)
    found = {entry["name"]: row[0] for entry, row in
             zip(expectations("malformed-message"), rows, strict=True)}
    assert found["v4-payload-longer"] == "Lengths disagree with UDP"
    assert found["v6-tlv-past-end"] == "A TLV runs past the end"
    assert found["v4-hop-limit"] == ""
