#!/usr/bin/env python3
"""How cost grows with rows, columns and fragments, and how memory does not: tables and plots for docs/performance.md.

Run by `make bench`. Each point is the median of three runs.
"""

import argparse

import memory
import tables
from bench import BEST, OUTPUT, ours, pylance
from contest import Contest, hold

PAGE = tables.ROOT / "docs/growth.md"
ROUNDS = 3


def contest_of(title, *words, output=None):
    return hold(Contest(title, (ours(*words), pylance(*words, environment=BEST)), output=output), ROUNDS)


def line(points, figure):
    """The medians of contests by contender, as (x, y)."""
    lines = {}
    for x, result in points:
        for name in result.rounds:
            lines.setdefault(name, []).append((x, result.median(name, figure)))
    return lines


def table(head, lines):
    names = list(lines)
    yield f"| {head} | " + " | ".join(names) + " |"
    yield "| ---: |" + " ---: |" * len(names)
    for points in zip(*lines.values(), strict=True):
        cells = [f"{value:,.0f} MB" if head.startswith("scale") else f"{value * 1000:,.2f} ms" for _, value in points]
        yield f"| {points[0][0]:,} | " + " | ".join(cells) + " |"
    yield ""


def section(name, title, head, lines):
    import plots

    yield f"### {title[0].upper()}{title[1:]}\n"
    yield from table(head, lines)
    yield f"![{title}]({plots.growth(name, title, head, lines)})\n"


def rows():
    points = []
    for millions in (0.1, 0.5, 2, 6):
        table_path = tables.lineitem_head(int(millions * 1e6))
        contest = contest_of(f"write {millions} million rows", "write", table_path, OUTPUT, output=OUTPUT)
        points.append((int(millions * 1e6), contest))
    yield from section("rows", "write the first rows of lineitem through one lane", "rows", line(points, "seconds"))


def columns():
    points = []
    for count in (10, 100, 1000, 4000):
        table_path = tables.integers_arrow(count, 40_000_000 // count)
        contest = contest_of(f"write {count} columns", "write", table_path, OUTPUT, output=OUTPUT)
        points.append((count, contest))
    yield from section("columns", "write 40 million integers in so many columns", "columns", line(points, "seconds"))


def fragments():
    scans, opens = [], []
    for count in (1, 10, 100, 1000):
        dataset = tables.many_versions(count)
        scans.append((count, contest_of(f"scan {count} fragments", "scan", dataset)))
        opens.append((count, contest_of(f"open {count} fragments", "open", dataset, "--repeat", "50")))
    yield from section("fragments", "scan as many fragments of one row", "fragments", line(scans, "seconds"))
    yield from section("versions", "open a dataset of as many versions", "versions", line(opens, "p50"))


def memory_of_writes(scales):
    peaks = {scale: memory.measure_in_scratch(scale) for scale in scales}
    names = ("generate alone", "generate and write", "import from Parquet")
    lines = {name: [(scale, peaks[scale][i]) for scale in scales] for i, name in enumerate(names)}
    yield from section("memory", "peak memory of lineitem", "scale factor", lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", type=int, nargs="+", default=[1, 5, 30])
    arguments = parser.parse_args()
    parts = (rows(), columns(), fragments(), memory_of_writes(arguments.scales))
    text = "<!-- Written by `make bench`; do not edit. -->\n# How costs grow\n\n"
    text += "pylance at its best setting. Both axes are logarithmic.\n\n"
    PAGE.write_text(text + "\n".join(line for part in parts for line in part))


if __name__ == "__main__":
    main()
