#!/usr/bin/env python3
"""Runs a libFuzzer program from its seeds for a while, without a network, and reports the figures.

LANCE_FUZZ_SECONDS says for how long, instead of the 15 of a push or the 300 of a long run. What the fuzzer
finds on the way is forgotten; an input that fails is kept, and the message says where.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOM = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOM.parent))

from support.scale import pick  # noqa: E402

# Seconds and MiB that one input may take.
TIMEOUT = 25
MEMORY = 4096
# Malloc would spend more time on walking stacks than on its work; a failed input is run again with them.
ASAN_OPTIONS = "malloc_context_size=0:quarantine_size_mb=64"


def without_network():
    """The prefix of a command that cannot reach anybody; none where the machine does not permit that."""
    prefix = ["unshare", "--map-root-user", "--net"]
    try:
        permitted = subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        permitted = False
    return prefix if permitted else []


def fresh(directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--row", required=True, help="the row of the reliability table")
    parser.add_argument("--max-len", type=int, required=True, help="the longest input")
    parser.add_argument("--min-counters", type=int, default=0,
                        help="how many coverage counters show that the Rust code has them")  # fmt: skip
    parser.add_argument("--dictionary", type=pathlib.Path, help="words of the inputs")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    name = arguments.program.name.removesuffix("_fuzzer")
    seconds = int(os.environ.get("LANCE_FUZZ_SECONDS") or pick(15, 300))
    work = fresh(arguments.program.parent / f"{name}.run")
    failures = fresh(work / "failures")
    options = {
        "max_total_time": seconds,
        "max_len": arguments.max_len,
        "timeout": TIMEOUT,
        "rss_limit_mb": MEMORY,
        "artifact_prefix": f"{failures}/",
        "print_final_stats": 1,
        # Choosing seeds by entropy costs more time here than the inputs themselves.
        "entropic": 0,
    }
    if arguments.dictionary:
        options["dict"] = ROOM / arguments.dictionary
    isolation = without_network()
    log = work / "log"
    with log.open("wb") as stderr:
        status = subprocess.run(
            [*isolation, arguments.program, *(f"-{key}={value}" for key, value in options.items()),
             fresh(work / "corpus"), ROOM / "corpus" / name],
            cwd=fresh(work / "cwd"), stderr=stderr, stdout=stderr,
            env=os.environ | {"ASAN_OPTIONS": ASAN_OPTIONS},
        ).returncode  # fmt: skip

    text = log.read_text(errors="replace")
    counters = re.search(r"\((\d+) inline 8-bit counters\)", text)
    runs = re.search(r"stat::number_of_executed_units: (\d+)", text)
    panics = re.findall(r"^contained panic: .*\n  input: .*", text, re.MULTILINE)
    prefix = f"{name}_" if arguments.row == "F2" else ""
    figures = {
        "runs": runs[1] if runs else 0,
        "crashes": len(list(failures.iterdir())),
        "contained_panics": len(panics),
        "seconds": seconds,
        "network": "none" if isolation else "host",
    }
    print("\n".join(panics))
    print(f"[figure] {arguments.row}", *(f"{prefix}{key}={value}" for key, value in figures.items()))
    if status:
        print("".join(text.splitlines(keepends=True)[-60:]))
        for failure in failures.iterdir():
            print(f"to reproduce: {arguments.program} {failure}")
        sys.exit(f"fuzz.{name} failed (status {status}); the whole log is {log}")
    if not runs or int(counters[1]) < arguments.min_counters:
        sys.exit(f"fuzz.{name} did not run, or without its coverage counters; the log is {log}")


if __name__ == "__main__":
    main()
