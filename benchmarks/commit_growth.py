#!/usr/bin/env python3
"""How a commit grows with what many workers have written, for docs/many-machines.md, beside pylance.

Run by `make bench-commits`. In each round both write and commit the same number of fragments of one row, in turn.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import plots
import tables

ROOT = Path(__file__).resolve().parents[1]
PLACE = tables.PLACE / "commits"
PAGE = ROOT / "docs/commit-growth.md"
PEERS = {
    "lance-cpp": [ROOT / "build/release/benchmarks/commit_peer"],
    "pylance": [sys.executable, ROOT / "benchmarks/peers/commit_peer.py"],
}
# Appends of one fragment that are timed one after the other.
APPENDS = 11


def run(peer, *words):
    command = [str(word) for word in (*PEERS[peer], *words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def seconds_of_open(dataset):
    import lance

    times = []
    for _ in range(5):
        begin = time.perf_counter()
        lance.dataset(str(dataset))
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure(peer, fragments):
    """The figures of one commit of so many parts, and of appends after it."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    dataset, parts = PLACE / "dataset.lance", PLACE / "parts"
    run(peer, "write", dataset, fragments, parts)
    commit = json.loads(run(peer, "commit", parts))["seconds"]
    (manifest,) = (dataset / "_versions").glob("*.manifest")
    figures = {"commit": commit, "manifest": manifest.stat().st_size, "texts": parts.stat().st_size}
    figures["append"] = statistics.median(json.loads(run(peer, "append", dataset, APPENDS))["each"])
    figures["open"] = seconds_of_open(dataset)
    shutil.rmtree(PLACE)
    return figures


def milliseconds(seconds):
    return f"{seconds * 1000:,.1f} ms"


def table(head, counts, columns):
    yield "| " + " | ".join([head, *columns]) + " |"
    yield "| ---: " * (len(columns) + 1) + "|"
    for count in counts:
        yield f"| {count:,} | " + " | ".join(cell(count) for cell in columns.values()) + " |"
    yield ""


def page(counts, medians):
    ours = "lance-cpp"
    seconds = {
        what: {peer: [(count, medians[peer, count][what]) for count in counts] for peer in PEERS}
        for what in ("commit", "append")
    }

    def times(what):
        return {peer: lambda count, peer=peer: milliseconds(medians[peer, count][what]) for peer in PEERS}

    yield "<!-- Written by `make bench-commits`; do not edit. -->"
    yield "# How commits grow\n"
    yield "Fragments of one row and 16 columns, on a local disk.\n"
    yield "## One commit of as many workers\n"
    others = {
        "manifest": lambda count: f"{medians[ours, count]['manifest'] / 1e3:,.1f} KB",
        "texts of the workers": lambda count: f"{medians[ours, count]['texts'] / 1e3:,.1f} KB",
    }
    yield from table("workers", counts, times("commit") | others)
    yield f"![one commit of as many workers]({plots.growth('commit_workers', 'one commit of as many workers', 'workers', seconds['commit'])})\n"
    yield "## An append of one fragment to as many\n"
    opens = {"open": lambda count: milliseconds(medians[ours, count]["open"])}
    yield from table("fragments", counts, times("append") | opens)
    yield f"![an append to as many fragments]({plots.growth('commit_append', 'an append to as many fragments', 'fragments', seconds['append'])})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 10, 100, 1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--print", action="store_true", help="print the page instead of writing it")
    arguments = parser.parse_args()
    medians = {}
    for count in arguments.workers:
        found = {peer: [] for peer in PEERS}
        for _ in range(arguments.rounds):
            for peer in PEERS:
                found[peer].append(measure(peer, count))
                print(count, peer, found[peer][-1], file=sys.stderr)
        for peer, rounds in found.items():
            medians[peer, count] = {what: statistics.median(one[what] for one in rounds) for what in rounds[0]}
    text = "\n".join(page(arguments.workers, medians)) + "\n"
    if arguments.print:
        print(text)
    else:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
