"""`lance delete` and `lance update`: rows at a terminal and on a pipe, with what is asked before."""

import json
import os
import pty
import signal
import subprocess
import time

import lance as pylance
import pyarrow as pa
import pytest

from conftest import PROGRAM, make_table, snapshot


def at_a_terminal(*args, answer):
    """Run the program at a terminal of its own, and answer its question: its exit code, and what was shown."""
    leader, follower = pty.openpty()
    command = [str(PROGRAM), *map(str, args)]
    process = subprocess.Popen(command, stdin=follower, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(leader, 1024)
    os.write(leader, answer.encode())
    out, _ = process.communicate(timeout=60)
    os.close(leader)
    return process.returncode, shown.decode() + out.decode()


def ids(path):
    return sorted(pylance.dataset(path).to_table(columns=["id"])["id"].to_pylist())


def test_rows_are_deleted(lance, people):
    assert lance("delete", people, "--where", "id < 10", "--yes") == "deleted 10 rows: version 2\n"
    assert ids(people) == list(range(10, 1000))
    assert lance("delete", people, "--where", "id < 10", "--yes") == "deleted 0 rows: version 2\n"
    report = json.loads(lance("delete", people, "--where", "id = 10", "-y", "--format", "json"))
    assert report == {"dry_run": False, "deleted_rows": 1, "version": 3}
    assert lance("delete", people, "--all", "--yes", "--message", "all") == "deleted 989 rows: version 4\n"
    assert ids(people) == []


def test_rows_are_deleted_by_ids_and_addresses(lance, people):
    rows = pylance.dataset(people).to_table(columns=["id"], filter="id in (3, 500)", with_row_id=True)
    row_ids = ",".join(map(str, rows["_rowid"].to_pylist()))
    assert lance("delete", people, "--row-id", row_ids, "--dry-run") == "would delete 2 rows\n"
    assert lance("delete", people, "--row-ids", f"{row_ids},123456789012", "--yes") == "deleted 2 rows: version 2\n"
    assert ids(people) == [i for i in range(1000) if i not in (3, 500)]
    assert lance("delete", people, "--address", "7", "--yes") == "deleted 1 rows: version 3\n"
    assert 7 not in ids(people)
    assert "out of range" in lance.fails("delete", people, "--address", "99999999999", "--yes")


def test_rows_are_updated(lance, people):
    assert lance("update", people, "--set", "id = id + 1000", "--where", "id >= 990", "--yes") == "updated 10 rows: version 2\n"
    assert ids(people) == [*range(990), *range(1990, 2000)]
    report = json.loads(lance("update", people, "--set", "id=id", "--yes", "--format", "json"))
    assert report == {"dry_run": False, "updated_rows": 1000, "version": 3}


def test_a_dry_run_changes_nothing(lance, people, unchanged):
    unchanged.watch()
    assert lance("delete", people, "--where", "id < 10", "--dry-run") == "would delete 10 rows\n"
    assert lance("delete", people, "--all", "--dry-run") == "would delete 1,000 rows\n"
    assert lance("update", people, "--set", "id=1", "--where", "id = 3", "--dry-run") == "would update 1 rows\n"
    report = json.loads(lance("delete", people, "--where", "id = 10", "--dry-run", "--format", "json"))
    assert report == {"dry_run": True, "deleted_rows": 1, "version": 1}
    assert "nope" in lance.fails("update", people, "--set", "nope=1", "--dry-run")
    assert "nope" in lance.fails("update", people, "--set", "id=nope", "--dry-run")


def test_on_a_pipe_it_needs_yes(lance, people, unchanged):
    unchanged.watch()
    for command in (["delete", people, "--where", "id < 10"], ["update", people, "--set", "id=1"]):
        message = lance.fails(*command, code=2)
        assert "--yes: is needed where there is no terminal to ask on" in message


@pytest.mark.parametrize("answer", ["y\n", "Yes\n", " YES \n"])
def test_at_a_terminal_it_asks(people, answer):
    code, shown = at_a_terminal("delete", people, "--where", "id < 10", answer=answer)
    assert code == 0 and f"Delete 10 of 1,000 rows of {people}? [y/N]" in shown
    assert ids(people) == list(range(10, 1000))


@pytest.mark.parametrize("answer", ["n\n", "\n", "yess\n", "\x04"])
def test_without_a_yes_nothing_is_changed(people, answer, unchanged):
    unchanged.watch()
    code, shown = at_a_terminal("update", people, "--set", "id=1", "--where", "id < 10", answer=answer)
    assert code == 1 and "Update 10 of 1,000 rows" in shown


def test_what_is_wrong_changes_nothing(lance, people, unchanged):
    unchanged.watch()
    for args, message in [
        (["delete", people, "--where", "ids < 10"], '"id"'),
        (["delete", people, "--where", "id <"], "no SQL"),
        (["update", people, "--set", "idd=1"], '"id"'),
        (["update", people, "--set", "id=1", "--set", "id=2"], "twice"),
        (["update", people, "--set", "id=10 / (id - 500)"], "zero"),
        (["update", people, "--set", "id=1", "--where", "x y"], "after its end"),
        (["delete", "missing", "--where", "true"], "missing"),
    ]:
        assert message in lance.fails(*args, "--yes")


def test_an_interrupt_leaves_no_file(lance, tmp_path):
    path = tmp_path / "d"
    rows = 400_000
    pylance.write_dataset(pa.table({"id": range(rows), "text": [f"text {i}" for i in range(rows)]}), path)
    before = snapshot(path)
    command = [str(PROGRAM), "update", str(path), "--set", "text=concat(text, repeat('x', 200))", "--yes"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not any((path / "data").glob("*")) or len(list((path / "data").iterdir())) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert "what was not committed is removed" in message
    assert snapshot(path) == before


def test_a_branch_is_changed_and_main_is_not(lance, people):
    pylance.dataset(people).create_branch("side")
    lance("delete", people, "--where", "id < 10", "--yes", "--branch", "side")
    assert ids(people) == list(range(1000))
    assert lance("count", people, "--branch", "side") == "990\n"
