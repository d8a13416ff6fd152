"""Runs the program with one system call or allocation that fails, by the two preloaded libraries."""

import errno
import os
import pathlib
import struct
import subprocess
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("LANCE_BIN", str(ROOT / "build/release/bin/lance"))
IO_FAULT = os.environ.get("IO_FAULT_LIBRARY", str(ROOT / "build/release/tests/faults/libio_fault.so"))
MALLOC_FAULT = os.environ.get(
    "MALLOC_FAULT_LIBRARY", str(ROOT / "build/release/tests/faults/libmalloc_fault.so")
)

# Kinds of calls that io_fault.c tells apart.
CHANGING = ("write", "create", "link", "rename", "mkdir", "unlink", "sync")
READING = ("read", "nowait", "open", "list", "stat")

_REPORT_BYTES = 16 + 4096
_SECONDS_UNTIL_HANG = 120


@dataclass(frozen=True)
class Run:
    """What a process did, and how many calls or allocations a fault was waiting for."""

    code: int
    stdout: str
    stderr: str
    seen: int = 0
    fired: int = 0
    where: str = ""


def run(words, program=(PROGRAM,), **environment):
    """Run the program, or another one, to its end. One that hangs raises TimeoutExpired."""
    result = subprocess.run(
        [*program, *map(str, words)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_SECONDS_UNTIL_HANG,
    )
    return Run(result.returncode, result.stdout, result.stderr)


def timed(words):
    """Run the program undisturbed; how long it took."""
    start = time.monotonic()
    done = run(words)
    assert done.code == 0, done.stderr
    return time.monotonic() - start


def _run_preloaded(words, library, report, **environment):
    report.write_bytes(bytes(_REPORT_BYTES))
    done = run(words, LD_PRELOAD=library, **environment)
    content = report.read_bytes()
    seen, fired = struct.unpack_from("=QQ", content)
    return Run(done.code, done.stdout, done.stderr, seen, fired, content[16:].rstrip(b"\0").decode())


def run_with_io_fault(words, dataset, calls, nth=0, mode="once", error="EIO"):
    """Run the program; the nth of these calls on `dataset` or below it fails. With nth=0 they are counted."""
    report = dataset.with_name("report")
    return _run_preloaded(
        words,
        IO_FAULT,
        report,
        IO_FAULT_CALLS=",".join([calls] if isinstance(calls, str) else calls),
        IO_FAULT_PATH=str(dataset),
        IO_FAULT_NTH=str(nth),
        IO_FAULT_MODE=mode,
        IO_FAULT_ERRNO=str(getattr(errno, error)),
        IO_FAULT_REPORT=str(report),
    )


def run_with_malloc_fault(words, dataset, nth=0):
    """Run the program; its nth allocation fails. With nth=0 they are counted."""
    report = dataset.with_name("report")
    return _run_preloaded(
        words, MALLOC_FAULT, report, MALLOC_FAULT_NTH=str(nth), MALLOC_FAULT_REPORT=str(report)
    )
