#!/usr/bin/env python3
"""Run every suite of the reliability table at full length and write docs/reliability.md from what they print.

The rows are in tests/reliability.toml: what goes wrong, what is promised, and which tests show it. A suite prints
its figures as lines `[figure] <row> <name>=<value> ...`. With names of rooms, such as `unit`, only these are run anew,
what the others did last is kept, and the page stays as it is. With --report, only write the page from what is kept.
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as xml
from collections import defaultdict
from dataclasses import dataclass

from gate import ROOT

RESULTS = ROOT / "build/reliability"
PAGE = ROOT / "docs/reliability.md"
# Rooms that say nothing about faults, or that another preset runs.
LEFT_OUT = "^(consumer|example|sanitized)$"
PRESETS = ["release", "dev", "tsan"]
# Of a test program that has no limit of its own.
LONGEST_SECONDS = 7200
# Where the machine does not permit what a test needs, it prints why as a figure.
FINE = {"passed", "skipped"}
FIGURE = re.compile(r"^\[figure\] (\S+) (.*)$", re.MULTILINE)
# How GoogleTest and pytest say how many cases they ran.
CASES = re.compile(r"^\[==========\] (\d+) tests? from .* ran\.|^(\d+) passed", re.MULTILINE)


@dataclass(frozen=True)
class Test:
    """What one test program did in the last run."""

    preset: str
    name: str
    outcome: str
    seconds: float
    cases: int


def rooms_of(preset):
    """The labels of a preset's tests, each of which has one."""
    listed = subprocess.run(["ctest", "--preset", preset, "-N", "--print-labels"], cwd=ROOT, capture_output=True, text=True)
    labels = listed.stdout.partition("All Labels:")[2].split()
    return [label for label in labels if not re.search(LEFT_OUT, label)]


def run(only):
    """Run the tests of the rooms, preset by preset; what each did is kept until it runs again."""
    keep_output = [word for outcome in ("passed", "failed") for word in (f"--test-output-size-{outcome}", "10000000")]
    for preset in PRESETS:
        rooms = [room for room in rooms_of(preset) if not only or room in only]
        if not rooms:
            continue
        if not only:
            shutil.rmtree(RESULTS / preset, ignore_errors=True)
        (RESULTS / preset).mkdir(parents=True, exist_ok=True)
        log = RESULTS / f"{preset}.xml"
        log.unlink(missing_ok=True)
        labels = f"^({'|'.join(rooms)})$"
        subprocess.run(
            ["ctest", "--preset", preset, "--label-regex", labels, "--output-junit", log, *keep_output]
            + ["--timeout", str(LONGEST_SECONDS)],
            cwd=ROOT,
            env={**os.environ, "LANCE_TEST_SCALE": "long"},
        )
        for case in xml.parse(log).getroot().iter("testcase"):
            xml.ElementTree(case).write(RESULTS / preset / f"{case.get('name')}.xml", encoding="utf-8")


def results():
    """Every test that ran, and the figures by row."""
    tests, figures = [], defaultdict(list)
    logs = [(preset, log) for preset in PRESETS for log in sorted((RESULTS / preset).glob("*.xml"))]
    for preset, log in logs:
        case = xml.parse(log).getroot()
        outcome = {"run": "passed", "fail": "FAILED"}.get(case.get("status"), "not run")
        if case.find("skipped") is not None:
            outcome = "skipped"
        output = case.findtext("system-out") or ""
        # A program that does not count its cases is one.
        cases = sum(int(of_gtest or of_pytest) for of_gtest, of_pytest in CASES.findall(output)) or 1
        tests.append(Test(preset, case.get("name"), outcome, float(case.get("time")), cases))
        for row, values in FIGURE.findall(output):
            figures[row].append(values.strip())
    return tests, figures


def figure_cell(lines):
    """Figures for people: `a=1 b=2` becomes "a 1, b 2"."""
    readable = [
        ", ".join(" ".join(pair.split("=", 1)).replace("_", " ") for pair in line.split()) for line in lines
    ]
    return "<br>".join(dict.fromkeys(readable))


def row_lines(rows, tests, figures):
    for row in rows:
        shown_by = [test for test in tests if re.search(row["tests"], test.name)]
        outcomes = {test.outcome for test in shown_by} or {"no test"}
        verdict = "**" + ", ".join(sorted(outcomes)) + "**"
        if outcomes == {"passed"}:
            verdict = f"{sum(test.cases for test in shown_by)} cases in {len(shown_by)} programs passed"
        cells = [row["id"], row["fault"], row["promise"], figure_cell(figures[row["id"]]), verdict]
        yield "| " + " | ".join(cells) + " |"


def page(rows, tests, figures):
    seconds = sum(test.seconds for test in tests)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield "<!-- Written by `make reliability`; do not edit. -->"
    yield "# Reliability: what is promised, and the last full run\n"
    yield "Each row is a fault, what the library promises when it happens, and what the tests counted. The suites run on"
    yield "every push with smaller numbers (`make test`); this page is from the long run, `make reliability`."
    yield "[memory-proof.md](memory-proof.md) explains how the proof of ownership works.\n"
    yield f"Last run: {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores of {platform.machine()}, {memory:.0f} GiB of memory,"
    yield f"{len(tests)} test programs, {seconds / 60:.0f} minutes of test time.\n"
    yield "| row | what happens | what is promised | counted | tests |"
    yield "| --- | --- | --- | --- | --- |"
    yield from row_lines(rows["row"], tests, figures)
    yield "\n## What is not promised\n"
    yield from (f"- {line}" for line in rows["not_promised"])
    yield "\n## The test programs\n"
    yield "| preset | test | outcome | cases | seconds |"
    yield "| --- | --- | --- | ---: | ---: |"
    yield from (f"| {t.preset} | `{t.name}` | {t.outcome} | {t.cases} | {t.seconds:.1f} |" for t in tests)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM")
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    if not arguments.report:
        run(arguments.rooms)
    rows = tomllib.loads((ROOT / "tests/reliability.toml").read_text())
    tests, figures = results()
    # A run of some rooms is not the last full run.
    if arguments.report or not arguments.rooms:
        PAGE.write_text("\n".join(page(rows, tests, figures)) + "\n")
    known = {row["id"] for row in rows["row"]}
    problems = [f"{test.name} ({test.preset}): {test.outcome}" for test in tests if test.outcome not in FINE]
    problems += [f"figures for a row that is not in the table: {row}" for row in figures if row not in known]
    for row, lines in sorted(figures.items()):
        print(f"{row:4}", *lines, sep="  ")
    if problems:
        sys.exit("\n".join(problems))
    skipped = sum(test.outcome == "skipped" for test in tests)
    print(f"{len(tests) - skipped} test programs passed, {skipped} skipped")


if __name__ == "__main__":
    main()
