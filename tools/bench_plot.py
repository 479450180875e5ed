#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws what posthaste-bench lookup measured: nanoseconds per lookup against the number of agents,
a panel for each stream of ids, and against the length of a batch. By gnuplot."""
import argparse
import json
import pathlib
import subprocess
import sys

PANELS = (  # stream, title, what varies, its title
    ("hits", "hits, each agent alike", "agents", "agents in the table"),
    ("zipf", "hits by Zipf's law, exponent 0.99", "agents", "agents in the table"),
    ("misses", "misses", "agents", "agents in the table"),
    ("hits", "hits, one table", "batch", "ids in a batch"),
)
USUAL_BATCH = 64
COLOURS = ("#d62728", "#1f77b4", "#17becf", "#7f7f7f", "#2ca02c", "#9467bd", "#e377c2", "#8c564b",
           "#bcbd22", "#ff7f0e", "#000000", "#98df8a", "#aec7e8")


def series(figures, stream, vary):
    """{contender: [(x, median, min, max)]} of one panel, in the order of the report."""
    rows = [row for row in figures["lookups"] if row["stream"] == stream]
    if vary == "agents":
        rows = [row for row in rows if row["batch"] == USUAL_BATCH]
    else:  # the agents whose batches were varied, if any were
        counts = {row["agents"] for row in rows if row["batch"] != USUAL_BATCH}
        rows = [row for row in rows if row["agents"] == min(counts, default=None)]
    lines = {}
    for row in rows:
        point = (row[vary], row["ns"]["median"], row["ns"]["min"], row["ns"]["max"])
        lines.setdefault(row["contender"], []).append(point)
    return {contender: sorted(points) for contender, points in lines.items()}


def quoted(text):
    return '"' + text.replace("\\", "").replace('"', "") + '"'


def panel(number, title, axis, lines, colours):
    script = [f"set title {quoted(title)}", f"set xlabel {quoted(axis)}"]
    plots = []
    for contender, points in lines.items():
        block = f"$p{number}_{len(plots)}"
        script += [f"{block} << END", *(" ".join(map(str, point)) for point in points), "END"]
        style = f"lc rgb '{colours[contender]}' pt 7 ps 0.8 lw {3 if not plots else 1.5}"
        plots.append(f"{block} using 1:2:3:4 with yerrorlines {style} title {quoted(contender)}")
    return script + ["plot " + ", \\\n  ".join(plots)]


def script_of(figures, png):
    machine = figures["machine"]
    head = (f"processor time per lookup, medians of {figures['repeat']} with least and most; "
            f"{machine['cpu']}, {machine['pages']}")
    if len(figures["contenders"]) > len(COLOURS):
        raise ValueError(f"more than {len(COLOURS)} contenders: two would look alike")
    colours = dict(zip(figures["contenders"], COLOURS))
    panels = [(title, axis, series(figures, stream, vary)) for stream, title, vary, axis in PANELS]
    panels = [each for each in panels if each[2]]
    if not panels:
        raise ValueError("no lookups in it")
    rows = (len(panels) + 1) // 2
    script = [
        f"set terminal pngcairo size 1700,{80 + 560 * rows} font 'sans,11' noenhanced",
        f"set output {json.dumps(str(png))}",
        f"set multiplot layout {rows},{min(len(panels), 2)} title {quoted(head)}",
        "set logscale xy", "set format x '%.0s%c'", "set grid", "set key outside right top",
        "set ylabel 'ns per lookup'",
    ]
    for number, (title, axis, lines) in enumerate(panels):
        script += panel(number, title, axis, lines, colours)
    return "\n".join([*script, "unset multiplot", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.replace("\n", " "))
    parser.add_argument("json", type=pathlib.Path, help="from posthaste-bench lookup --save")
    parser.add_argument("png", type=pathlib.Path, help="the picture to write")
    options = parser.parse_args()
    try:
        script = script_of(json.loads(options.json.read_text()), options.png)
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
    except (OSError, KeyError, ValueError, subprocess.CalledProcessError) as error:
        print(f"bench_plot: {options.json}: {error}", file=sys.stderr)
        return 1
    print(f"plot: {options.png}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
