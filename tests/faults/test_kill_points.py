"""kill -9 at each system call of a write: it is whole or absent, and cleanup removes the rest (row W1)."""

import collections
import itertools
import signal

import pytest

from faults import CHANGING, run, run_with_io_fault
from operations import OPERATIONS, WRITES, clean_up
from oracle import State, count_unreferenced_files, outcome, scan_versions
from support.figures import figure
from support.scale import is_long, some

# Of an operation that is no write, on a push.
POINTS = 8


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_write_killed_at_any_call_is_whole_or_absent(bench, operation):
    before, after = bench.undisturbed(operation)
    results, leftover_files, wrong = collections.Counter(), 0, []
    path = bench.dataset(operation)
    calls = run_with_io_fault(operation.words(bench, path), path, CHANGING).seen
    whole = operation in WRITES or is_long()
    for nth in itertools.count(1) if whole else some(range(1, calls + 1), POINTS):
        path = bench.dataset(operation)
        done = run_with_io_fault(operation.words(bench, path), path, CHANGING, nth, mode="kill")
        if done.fired == 0:
            break
        what = f"killed at call {nth}, on {done.where}"
        assert done.code == -signal.SIGKILL, what
        result = outcome(path, operation, before, after)
        results[result] += 1
        if result not in ("old", "new"):
            wrong.append(f"{what}: {result}")
            continue
        if result == "old" and not operation.on_existing:
            assert run(operation.words(bench, path)).code == 0, f"{what}: another try fails"
            result = "new"
        clean_up(path)
        state = State.of(path)
        expected = after if result == "new" else before.or_reserved(operation, state)
        leftovers = state.leftovers(expected)
        leftover_files += leftovers
        if not state.reads_like(expected):
            wrong.append(f"{what}: cleanup changed what is read")
        if leftovers:
            wrong.append(f"{what}: left {sorted(state.files)}")
    figure(
        "W1",
        operation=operation.name,
        points=results.total(),
        landed=results["new"],
        unreadable=results["unreadable"],
        partial=results["partial"],
        leftover_files=leftover_files,
    )
    assert not wrong, wrong[:20]
    assert results["old"] > 0
    assert results["new"] > 0 or not whole


@pytest.mark.parametrize("mode", ["kill", "once"])
def test_an_interrupted_cleanup_leaves_readable_versions(bench, mode):
    """It is killed, or one file cannot be removed."""
    append = next(operation for operation in OPERATIONS if operation.name == "append")
    points, unreadable, leftover_files, wrong = 0, 0, 0, []
    for nth in itertools.count(1):
        path = bench.dataset(append)
        # Something for it to remove beside the old versions.
        run_with_io_fault(append.words(bench, path), path, "link", 1, mode="kill")
        before = scan_versions(path)
        words = ["cleanup", path, "--keep", "1", "--no-writers-active"]
        done = run_with_io_fault(words, path, "unlink", nth, mode)
        found = scan_versions(path)
        changed = [version for version, rows in found.items() if before[version] != rows]
        if max(before) not in found or changed:
            unreadable += 1
            wrong.append(f"call {nth}, {done.where}: of {list(before)} there are {list(found)}, {changed} changed")
        if done.fired == 0:
            break
        points += 1
        assert run(words).code == 0
        assert scan_versions(path).keys() == {max(before)}
        leftovers = count_unreferenced_files(path)
        leftover_files += leftovers
        if leftovers:
            wrong.append(f"call {nth}, {done.where}: {leftovers} files are left")
    figure(
        "W1",
        operation="cleanup",
        interrupted_by=mode,
        points=points,
        unreadable=unreadable,
        leftover_files=leftover_files,
    )
    assert not wrong, wrong[:20]
    assert points > 0
