"""Runs every variant of the old ownership fault and checks what the tools say of it.

A good variant must run clean, and a bad one must fail with the report named here. This proves that the same
tools, run over the real library, would see the fault.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass


@dataclass
class Expectation:
    """The reports that must appear; None means a clean run."""

    variant: str
    asan: str | None
    asan_ignoring_mismatch: str | None
    valgrind: tuple[str, ...] | None


EXPECTATIONS = [
    Expectation("stack-move", None, None, None),
    Expectation("stack-move-to-thread", None, None, None),
    Expectation("heap-checked-release-and-delete", None, None, None),
    Expectation(
        "heap-never-deleted",
        "SUMMARY: AddressSanitizer: 456 byte(s) leaked in 6 allocation(s)",
        "SUMMARY: AddressSanitizer: 456 byte(s) leaked in 6 allocation(s)",
        ("definitely lost: 456 bytes in 6 blocks",),
    ),
    Expectation(
        "heap-unchecked-release",
        "AddressSanitizer: SEGV on unknown address 0x000000000000",
        "AddressSanitizer: SEGV on unknown address 0x000000000000",
        ("Jump to the invalid address",),
    ),
    Expectation(
        "box-and-delete",
        "AddressSanitizer: alloc-dealloc-mismatch (operator new vs free)",
        "AddressSanitizer: attempting double-free",
        ("Mismatched free()", "Invalid free()"),
    ),
    Expectation(
        "box-release-and-delete",
        "AddressSanitizer: alloc-dealloc-mismatch (operator new vs free)",
        "AddressSanitizer: heap-use-after-free",
        ("Mismatched free()", "Invalid read", "Invalid free()"),
    ),
    Expectation(
        "box-never-deleted",
        "AddressSanitizer: alloc-dealloc-mismatch (operator new vs free)",
        None,
        ("Mismatched free()",),
    ),
    Expectation(
        "ptr-read-and-release",
        "AddressSanitizer: heap-use-after-free",
        "AddressSanitizer: heap-use-after-free",
        ("Invalid read", "Invalid free()"),
    ),
    Expectation(
        "never-handed-over",
        "LeakSanitizer: detected memory leaks",
        "LeakSanitizer: detected memory leaks",
        ("definitely lost",),
    ),
]

VALGRIND_OPTIONS = ["--leak-check=full", "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=9"]


def run(command, asan_options=""):
    """Returns the exit code and everything that was printed."""
    env = {**os.environ, "ASAN_OPTIONS": asan_options, "LSAN_OPTIONS": ""}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return done.returncode, done.stdout


def problem_with(exit_code, output, reports):
    """Says how a run differs from what is expected, or returns None."""
    if reports is None:
        clean = exit_code == 0 and "done" in output and "Sanitizer" not in output
        return None if clean else f"should be clean, but exited with {exit_code}"
    if exit_code == 0:
        return "should fail, but exited with 0"
    missing = [report for report in reports if report not in output]
    return f"did not report {missing}" if missing else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asan", required=True)
    parser.add_argument("--plain", required=True)
    parser.add_argument("--valgrind", required=True)
    args = parser.parse_args()

    failures = 0
    for expected in EXPECTATIONS:
        asan = None if expected.asan is None else (expected.asan,)
        relaxed = None if expected.asan_ignoring_mismatch is None else (expected.asan_ignoring_mismatch,)
        checks = {
            "AddressSanitizer": (run([args.asan, expected.variant]), asan),
            "AddressSanitizer, mismatch allowed": (
                run([args.asan, expected.variant], "alloc_dealloc_mismatch=0"),
                relaxed,
            ),
            "valgrind": (run([args.valgrind, *VALGRIND_OPTIONS, args.plain, expected.variant]), expected.valgrind),
        }
        for tool, ((exit_code, output), reports) in checks.items():
            problem = problem_with(exit_code, output, reports)
            print(f"{'FAIL' if problem else 'ok  '} {expected.variant}: {tool}" + (f": {problem}" if problem else ""))
            if problem:
                failures += 1
                print(output)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
