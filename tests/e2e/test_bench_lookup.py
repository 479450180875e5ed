# SPDX-License-Identifier: BSD-3-Clause
"""posthaste-bench lookup as its user sees it: tiny runs, sound figures, refusals, the picture."""
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK = ("--seconds", "0.001", "--repeat", "1", "--writer-core", "0")


def bench(build, *words):
    return subprocess.run([build / "tools/benchmark/posthaste-bench", "lookup", *words],
                          capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(name="tiny", scope="module")
def tiny_run(build, tmp_path_factory):
    """Every contender and stream with 1000 agents: the object printed, and the file saved."""
    saved = tmp_path_factory.mktemp("bench") / "lookup.json"
    done = bench(build, "--agents", "1000", *QUICK, "--json", "--save", saved)
    assert done.returncode == 0, done.stderr
    assert "round 1 of 1" in done.stderr
    return json.loads(done.stdout), saved


def test_every_table_answers_every_stream_right(tiny):
    figures, saved = tiny
    assert figures == json.loads(saved.read_text())
    assert figures["answers"] == "right"
    names = list(figures["contenders"])
    assert names[0] == figures["subject"]
    assert {"resolver", "resolver-single", "fib-rte-hash", "rte-hash-bulk", "rte-hash-single",
            "sharded-lock", "unordered-map", "tbb", "absl-flat", "reading"} <= set(names)
    seen = [(row["stream"], row["contender"]) for row in figures["lookups"]]
    assert seen == [(stream, name) for stream in ("hits", "zipf", "misses") for name in names]
    for row in figures["lookups"]:
        assert (row["agents"], row["batch"]) == (1000, 64)
        assert 0 < row["ns"]["min"] <= row["ns"]["median"] <= row["ns"]["max"]
        if row["contender"] == figures["subject"]:
            assert row["ratio"]["median"] == 1


def test_tables_read_while_they_change_say_what_it_costs(tiny):
    figures, _ = tiny
    changing = {row["contender"]: row for row in figures["churn"]}
    assert {"resolver", "rte-hash-bulk", "sharded-lock", "tbb"} <= set(changing)
    assert not {"unordered-map", "absl-flat", "reading"} & set(changing)
    for row in changing.values():
        assert row["changes_per_second"] > 0
        assert row["slowdown"]["median"] > 0
        visible = row["visible_us"]
        assert 0 <= visible["p50"] <= visible["p99"] <= visible["max"]


def test_the_machine_is_named(tiny):
    machine = tiny[0]["machine"]
    assert machine["cpu"] and machine["pages"] and machine["core"] == 0


def test_the_table_names_what_was_asked_for(build):
    done = bench(build, "--agents", "100,200", "--stream", "hits", "--batch", "7", "--rivals",
                 "tbb", *QUICK)
    assert done.returncode == 0, done.stderr
    for words in ("hits, 100 agents, batches of 7", "hits, 200 agents, batches of 7", "ratio"):
        assert words in done.stdout
    assert "absl-flat" not in done.stdout


@pytest.mark.parametrize("words", [("--stream", "hit"), ("--agents", "0"), ("--rivals", "dashmap"),
                                   ("--seconds", "-1"), ("--batch", "none"), ("--nosuch",)])
def test_what_it_does_not_know_is_usage(build, words):
    done = bench(build, *words)
    assert done.returncode == 2
    assert words[0] in done.stderr
    assert done.stdout == ""


def test_help_explains_the_contenders(build):
    done = bench(build, "--help")
    assert done.returncode == 0
    for words in ("--changes-per-second", "sharded-lock", "SipHash", "Exit status"):
        assert words in done.stdout


def test_a_file_that_cannot_be_written_fails(build, tmp_path):
    done = bench(build, "--agents", "10", "--stream", "hits", "--rivals", "reading", *QUICK,
                 "--save", tmp_path / "none" / "lookup.json")
    assert done.returncode == 1
    assert "cannot write" in done.stderr


def test_the_figures_make_a_picture(tiny, tmp_path):
    picture = tmp_path / "lookup.png"
    subprocess.run([ROOT / "tools/bench_plot.py", tiny[1], picture], check=True, timeout=60)
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_no_two_contenders_look_alike(tiny, tmp_path):
    """By a gnuplot that keeps what it is told."""
    told = tmp_path / "gnuplot"
    told.write_text("#!/bin/sh\nexec cat > told.txt\n")
    told.chmod(0o755)
    subprocess.run([ROOT / "tools/bench_plot.py", tiny[1], "lookup.png"], check=True, timeout=60,
                   cwd=tmp_path, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    lines = re.findall(r"lc rgb '(\S+)' .* title \"(\S+)\"", (tmp_path / "told.txt").read_text())
    colours = dict((name, colour) for colour, name in lines)
    assert set(colours) == set(tiny[0]["contenders"])
    assert len(set(colours.values())) == len(colours)


def test_a_file_without_figures_makes_none(tmp_path):
    broken = tmp_path / "lookup.json"
    broken.write_text("{}")
    done = subprocess.run([ROOT / "tools/bench_plot.py", broken, tmp_path / "lookup.png"],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "lookup.json" in done.stderr
