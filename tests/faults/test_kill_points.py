"""kill -9 at each system call of a write: it is whole or absent, and cleanup removes the rest (row W1)."""

import itertools
import signal

import pytest

from faults import CHANGING, run, run_with_io_fault
from operations import OPERATIONS, clean_up
from oracle import State, count_unreferenced_files, outcome, scan_versions
from support.figures import figure


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_write_killed_at_any_call_is_whole_or_absent(bench, operation):
    before, after = bench.undisturbed(operation)
    landed = 0
    for nth in itertools.count(1):
        path = bench.dataset(operation)
        done = run_with_io_fault(operation.words(bench, path), path, CHANGING, nth, mode="kill")
        if done.fired == 0:
            break
        what = f"killed at call {nth}, on {done.where}"
        assert done.code == -signal.SIGKILL, what
        result = outcome(path, before, after)
        assert result in ("old", "new"), f"{what}: {result}"
        landed += result == "new"
        if result == "old" and not operation.on_existing:
            assert run(operation.words(bench, path)).code == 0, f"{what}: another try fails"
            result = "new"
        clean_up(path)
        state, expected = State.of(path), after if result == "new" else before
        assert state.reads_like(expected), f"{what}: cleanup changed what is read"
        assert state.leftovers(expected) == 0, f"{what}: {sorted(state.files)}"
    figure("W1", operation=operation.name, points=nth - 1, landed=landed, unreadable=0, partial=0, leftover_files=0)
    assert 0 < landed < nth - 1


@pytest.mark.parametrize("mode", ["kill", "once"])
def test_an_interrupted_cleanup_leaves_readable_versions(bench, mode):
    """It is killed, or one file cannot be removed."""
    append = next(operation for operation in OPERATIONS if operation.name == "append")
    points = 0
    for nth in itertools.count(1):
        path = bench.dataset(append)
        # Something for it to remove beside the old versions.
        run_with_io_fault(append.words(bench, path), path, "link", 1, mode="kill")
        before = scan_versions(path)
        words = ["cleanup", path, "--keep", "1", "--no-writers-active"]
        done = run_with_io_fault(words, path, "unlink", nth, mode)
        found = scan_versions(path)
        assert max(before) in found
        assert all(before[version] == rows for version, rows in found.items()), f"call {nth}, {done.where}"
        if done.fired == 0:
            break
        points += 1
        assert run(words).code == 0
        assert scan_versions(path).keys() == {max(before)}
        assert count_unreferenced_files(path) == 0, f"call {nth}, {done.where}"
    figure("W1", operation="cleanup", interrupted_by=mode, points=points, unreadable=0, leftover_files=0)
    assert points > 0
