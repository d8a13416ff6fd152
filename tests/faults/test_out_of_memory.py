"""An allocation fails somewhere in a write: the process may abort, the dataset is as before or complete (row R3)."""

import collections
import signal

import pytest

from faults import run_with_malloc_fault
from operations import OPERATIONS, WRITES
from oracle import outcome
from support.figures import figure
from support.scale import pick


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_dataset_survives_a_failed_allocation(bench, operation):
    before, after = bench.undisturbed(operation)
    path = bench.dataset(operation)
    points = pick(10 if operation in WRITES else 3, 200)
    allocations = run_with_malloc_fault(operation.words(bench, path), path).seen
    endings, outcomes, problems = collections.Counter(), collections.Counter(), []
    for point in range(points):
        nth = 1 + point * allocations // points
        path = bench.dataset(operation)
        done = run_with_malloc_fault(operation.words(bench, path), path, nth)
        result = outcome(path, operation, before, after)
        endings[done.code] += 1
        outcomes[result] += 1
        if result not in ("old", "new") or (done.code == 0 and result == "old"):
            problems.append(f"allocation {nth}: {result}, exit code {done.code}, {done.stderr!r}")
    aborts = endings.pop(-signal.SIGABRT, 0)
    other_signals = sum(count for code, count in endings.items() if code < 0)
    figure(
        "R3",
        operation=operation.name,
        points=points,
        aborts=aborts,
        errors=endings[1],
        succeeded=endings[0],
        other_signals=other_signals,
        damaged=outcomes["partial"] + outcomes["unreadable"],
    )
    assert problems == []
    assert endings.keys() <= {0, 1}, endings
