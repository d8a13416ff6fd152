"""`lance restore`, `tag`, `branch`, `clone`, `diff` and `log`: versions at a terminal."""

import json
import signal
import subprocess
import time

import lance as pylance
import pyarrow.parquet as pq
import pytest

from conftest import PROGRAM, make_table, snapshot


def listed(lance, what, *args):
    return json.loads(lance(*what.split(), *args, "--format", "json"))


@pytest.fixture
def three(lance, people, tmp_path):
    """The dataset with three versions, of 1000, 1100 and 1200 rows."""
    for start in (1000, 1100):
        pq.write_table(make_table(100, start), tmp_path / "more.parquet")
        lance("import", "more.parquet", people, "--mode", "append")
    return people


def rows(lance, dataset, *args):
    return int(lance("count", dataset, *args))


def test_a_version_is_restored(lance, three):
    assert lance("restore", three, "--version", "1", "--yes", "--message", "back") == "version 4 is equal to version 1\n"
    assert rows(lance, three) == 1000
    assert rows(lance, three, "--at-version", "3") == 1200
    newest = listed(lance, "log", three, "-n", "1")
    assert [(it["version"], it["operation"], it["message"]) for it in newest] == [(4, "Restore", "back")]


def test_what_is_not_confirmed_is_not_done(lance, three, unchanged):
    lance("tag", "create", three, "stable")
    lance("branch", "create", three, "trial")
    unchanged.watch()
    assert "--yes" in lance.fails("restore", three, "--version", "1", code=2)
    assert "--yes" in lance.fails("tag", "delete", three, "stable", code=2)
    assert "--yes" in lance.fails("branch", "delete", three, "trial", code=2)
    assert "would restore version 1" in lance("restore", three, "--version", "1", "--dry-run")
    assert "would delete tag stable of version 3" in lance("tag", "delete", three, "stable", "--dry-run")
    assert "would delete branch trial" in lance("branch", "delete", three, "trial", "--dry-run")


def test_tags_are_made_listed_moved_and_deleted(lance, three):
    assert listed(lance, "tag list", three) == []
    lance("tag", "create", three, "stable", "--at-version", "2", "--metadata", "owner=me", "--metadata", "a=b=c")
    [tag] = listed(lance, "tag list", three)
    assert tag | {"created": 0, "updated": 0} == {
        "name": "stable",
        "branch": "main",
        "version": 2,
        "created": 0,
        "updated": 0,
        "metadata": {"owner": "me", "a": "b=c"},
    }
    assert rows(lance, three, "--tag", "stable") == 1100
    lance("tag", "move", three, "stable")
    assert rows(lance, three, "--tag", "stable") == 1200
    assert "stable" in lance("tag", "list", three)
    lance("tag", "delete", three, "stable", "--yes")
    assert listed(lance, "tag list", three) == []


def test_a_branch_is_made_written_to_and_deleted(lance, three, tmp_path):
    before = snapshot(three)
    lance("branch", "create", three, "team/trial", "--at-version", "2", "--metadata", "why=try")
    [branch] = listed(lance, "branch list", three)
    assert (branch["name"], branch["parent_branch"], branch["parent_version"]) == ("team/trial", "main", 2)
    assert branch["metadata"] == {"why": "try"}
    pq.write_table(make_table(7, 5000), tmp_path / "seven.parquet")
    lance("import", "seven.parquet", three, "--mode", "append", "--branch", "team/trial")
    assert rows(lance, three, "--branch", "team/trial") == 1107
    assert rows(lance, three) == 1200
    assert [it["operation"] for it in listed(lance, "log", three, "--branch", "team/trial")] == ["Append", "Clone"]
    lance("tag", "create", three, "release", "--branch", "team/trial")
    assert 'tag "release"' in lance.fails("branch", "delete", three, "team/trial", "--yes")
    lance("tag", "delete", three, "release", "--yes")
    lance("branch", "delete", three, "team/trial", "--yes")
    assert snapshot(three) == before
    assert not (three / "tree").exists()


def test_clones_open_from_anywhere(lance, three, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    printed = lance("clone", "people.lance", "elsewhere/shallow.lance", "--shallow", "--at-version", "2")
    assert printed == "elsewhere/shallow.lance is a shallow clone of version 2\n"
    lance("clone", "people.lance", "elsewhere/deep.lance")
    for name, expected in (("shallow.lance", "1100"), ("deep.lance", "1200")):
        result = lance.run("count", name, cwd=tmp_path / "elsewhere")
        assert result.stdout.strip() == expected, result.stderr
    assert not list((tmp_path / "elsewhere/shallow.lance").rglob("data/*"))
    assert "already exists" in lance.fails("clone", "people.lance", "elsewhere/deep.lance")


def test_an_interrupt_leaves_no_clone(lance, tmp_path):
    pylance.write_dataset(make_table(200_000), tmp_path / "big.lance", max_rows_per_file=500, max_rows_per_group=500)
    command = [PROGRAM, "clone", tmp_path / "big.lance", tmp_path / "clone.lance"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    if process.returncode == 0:
        assert pylance.dataset(tmp_path / "clone.lance").count_rows() == 200_000
    else:
        assert process.returncode == 128 + signal.SIGINT or process.returncode == -signal.SIGINT, message
        assert process.returncode < 0 or not (tmp_path / "clone.lance").exists()


def test_a_diff_without_stable_row_ids_tells_what_was_done(lance, three):
    summary = listed(lance, "diff", three, "--from", "1")
    assert summary == {
        "from": 1,
        "to": 3,
        "transactions": [{"version": 3, "operation": "Append"}, {"version": 2, "operation": "Append"}],
    }
    assert "Append" in lance("diff", three, "--from", "1")
    assert "stable row ids" in lance.fails("diff", three, "--from", "1", "--kind", "inserted")


def test_a_diff_with_stable_row_ids_tells_which_rows(lance, tmp_path):
    dataset = tmp_path / "stable.lance"
    made = pylance.write_dataset(make_table(100), dataset, enable_stable_row_ids=True)
    made.insert(make_table(10, 100))
    made.update({"value": "-1.0"}, where="id < 5")
    made.delete("id in (7, 105)")
    summary = listed(lance, "diff", dataset, "--from", "1")
    assert [summary[key] for key in ("inserted", "updated", "deleted")] == [9, 5, 1]
    inserted = lance("diff", dataset, "--from", "1", "--to", "2", "--kind", "inserted", "--format", "json")
    assert sorted(json.loads(line)["id"] for line in inserted.splitlines()) == list(range(100, 110))
    deleted = lance("diff", dataset, "--from", "1", "--kind", "deleted", "--format", "csv")
    assert deleted.splitlines()[0] == '"_rowid"' or deleted.splitlines()[0] == "_rowid"
    assert len(deleted.splitlines()) == 2


def test_a_cleanup_explains_itself(lance, three, unchanged):
    lance("tag", "create", three, "stable", "--at-version", "1")
    unchanged.watch()
    items = listed(lance, "cleanup", three, "--keep", "1", "--explain")
    versions = {item["version"]: (item["removed"], item["reason"]) for item in items if item["version"]}
    assert [versions[number][0] for number in (1, 2, 3)] == [False, True, False]
    assert 'tag "stable"' in versions[1][1] and "latest" in versions[3][1]
    assert "stable" in lance("cleanup", three, "--keep", "1", "--explain")


@pytest.mark.parametrize(
    "args,message",
    [
        (["restore", "people.lance", "--version", "9", "--yes"], "no version 9"),
        (["restore", "people.lance", "--tag", "stabel", "--yes"], "stabel"),
        (["tag", "create", "people.lance", "stable"], 'tag "stable" already exists'),
        (["tag", "create", "people.lance", "a b"], "cannot be called"),
        (["tag", "move", "people.lance", "stabel"], 'the nearest name is "stable"'),
        (["tag", "delete", "people.lance", "stabel", "--yes"], 'the nearest name is "stable"'),
        (["branch", "create", "people.lance", "trial"], 'branch "trial" already exists'),
        (["branch", "create", "people.lance", "main"], "reserved"),
        (["branch", "delete", "people.lance", "trail", "--yes"], '"trial"'),
        (["branch", "delete", "people.lance", "main", "--yes"], "main branch"),
        (["clone", "people.lance", "people.lance"], "already exists"),
        (["clone", "nothing.lance", "clone.lance"], "there is no dataset"),
        (["diff", "people.lance", "--from", "7"], "version 7 is newer than version 1"),
        (["log", "people.lance", "--branch", "trail"], "trail"),
        (["import", "people.parquet", "people.lance", "--mode", "append", "--branch", "trail"], '"trial"'),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(lance, people, unchanged, args, message):
    lance("tag", "create", people, "stable")
    lance("branch", "create", people, "trial")
    unchanged.watch()
    assert message in lance.fails(*args, early=False)
