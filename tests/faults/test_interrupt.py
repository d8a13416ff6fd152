"""Ctrl-C at random moments: the program ends at once, with a whole write or with nothing left of it (row W4)."""

import random
import signal
import subprocess
import time

from faults import PROGRAM, timed
from operations import OPERATIONS
from oracle import State
from support.figures import figure
from support.scale import pick

INTERRUPTS = pick(30, 500)
SECONDS_UNTIL_HANG = 30
INTERRUPTED = 128 + signal.SIGINT


def interrupt_after(words, delay):
    """Start the program and interrupt it; its exit code, and how many seconds it went on."""
    process = subprocess.Popen([PROGRAM, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    try:
        return process.wait(SECONDS_UNTIL_HANG), time.monotonic() - begin
    finally:
        process.kill()


def test_an_interrupted_write_is_whole_or_leaves_nothing(bench):
    draw = random.Random(0)
    states = {operation.name: bench.undisturbed(operation) for operation in OPERATIONS}
    durations = {o.name: timed(o.words(bench, bench.dataset(o))) for o in OPERATIONS}
    latencies, whole, changed, leftover_files, problems = [], 0, 0, 0, []
    while len(latencies) < INTERRUPTS:
        operation = draw.choice(OPERATIONS)
        path = bench.dataset(operation)
        before, after = states[operation.name]
        delay = draw.uniform(0, durations[operation.name])
        code, seconds = interrupt_after(operation.words(bench, path), delay)
        # Before the program watches for it, the signal ends it as it ends any other.
        assert code in (0, INTERRUPTED, -signal.SIGINT)
        if code == 0:
            whole += 1
        else:
            latencies.append(seconds)
        found = State.of(path)
        expected = after if code == 0 else before.or_reserved(operation, found)
        left = found.leftovers(expected)
        changed += not found.reads_like(expected)
        leftover_files += left
        if left or not found.reads_like(expected):
            problems.append(f"{operation.name} after {delay:.3f} s, exit code {code}: {sorted(found.files)}")
    latencies.sort()
    figure(
        "W4",
        interrupts=len(latencies),
        finished_first=whole,
        changed=changed,
        leftover_files=leftover_files,
        p99_ms=round(1000 * latencies[len(latencies) * 99 // 100]),
    )
    assert problems == []
