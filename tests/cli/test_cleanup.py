"""`lance cleanup`: old versions and leftovers go, everything that a version needs stays."""

import json
import os
import subprocess
import time

import lance as pylance
import pytest
from conftest import PROGRAM, cleanup, make_table, snapshot

DAY = 24 * 3600


def ids(path, **version):
    return sorted(pylance.dataset(str(path), **version).to_table(columns=["id"])["id"].to_pylist())


@pytest.fixture
def history(tmp_path):
    """1: ids 0-999; 2: without 0-99; 3: an index; 4: ids 1000-1499 instead; 5: ids 1500-1599 more; 2 is tagged."""
    path = tmp_path / "history.lance"
    dataset = pylance.write_dataset(make_table(), str(path))
    dataset.delete("id < 100")
    dataset.create_scalar_index("id", "BTREE")
    dataset.tags.create("stable", 2)
    pylance.write_dataset(make_table(500, start=1000), str(path), mode="overwrite")
    pylance.write_dataset(make_table(100, start=1500), str(path), mode="append")
    return path


def make_older(path, age):
    os.utime(path, (time.time() - age,) * 2)


def test_by_default_nothing_that_a_version_needs_goes(lance, history):
    assert set(cleanup(lance, history).values()) == {0}


def test_old_versions_go_and_tagged_ones_stay(lance, history):
    result = cleanup(lance, history, "--keep", 2)
    assert (result["versions"], result["data_files"]) == (2, 0)
    assert result["other_files"] == 4, "two transactions and the two files of the index"
    assert [version["version"] for version in pylance.dataset(str(history)).versions()] == [2, 4, 5]
    assert ids(history, version="stable") == list(range(100, 1000))
    assert ids(history, version=4) == list(range(1000, 1500))
    assert ids(history) == list(range(1000, 1600))
    assert not any((history / "_indices").iterdir())
    assert json.loads(lance("fsck", history, "--deep", "--format", "json"))["orphans"] == 0


def test_without_the_tag_its_files_go_too(lance, history):
    pylance.dataset(str(history)).tags.delete("stable")
    result = cleanup(lance, history, "--older-than", "0s")
    assert (result["versions"], result["data_files"]) == (4, 1)
    assert ids(history) == list(range(1000, 1600))
    assert lance("fsck", history, "--deep").splitlines()[0].split() == ["problems", "0"]


def test_versions_that_a_branch_needs_stay(lance, history):
    branch = pylance.dataset(str(history), version=3).create_branch("trial")
    branch.delete("id < 200")
    cleanup(lance, history, "--keep", 1, "--no-writers-active")
    assert ids(history) == list(range(1000, 1600))
    branch = pylance.dataset(str(history)).checkout_version(("trial", None))
    assert sorted(branch.to_table(columns=["id"])["id"].to_pylist()) == list(range(200, 1000))
    assert lance("fsck", history, "--deep").splitlines()[0].split() == ["problems", "0"]


def test_orphans_of_a_branch_go_too(lance, history):
    branch = pylance.dataset(str(history)).create_branch("trial")
    branch.insert(make_table(10, start=5000))
    orphan = history / "tree/trial/data/orphan.lance"
    orphan.write_bytes(b"123")
    assert cleanup(lance, history, "--no-writers-active")["data_files"] == 1
    assert not orphan.exists()
    assert lance("fsck", history, "--deep").splitlines()[0].split() == ["problems", "0"]


LEFTOVERS = {
    "data/x.lance": "data_files",
    "data/x.lance#1": "temporary_files",
    "data/.tmpAbCdEf": "temporary_files",
    "_versions/18446744073709551609.manifest#2": "temporary_files",
    "_versions/.tmp_6.manifest_1": "temporary_files",
    "_transactions/5-11111111-1111-1111-1111-111111111111.txn": "other_files",
    "_deletions/0-5-1234.arrow": "other_files",
    "_deletions/0-5-1234.bin": "other_files",
    "_indices/11111111-1111-1111-1111-111111111111/page_data.lance": "other_files",
}


@pytest.mark.parametrize("name", LEFTOVERS)
def test_leftovers_go_when_they_are_old_enough(lance, history, name):
    path = history / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"123")
    nothing = dict.fromkeys(["versions", "data_files", "other_files", "temporary_files", "bytes"], 0)
    assert cleanup(lance, history) == nothing
    make_older(path, 2 * DAY)
    assert cleanup(lance, history) == nothing
    assert cleanup(lance, history, "--orphans-older-than", "49h") == nothing
    assert cleanup(lance, history, "--orphans-older-than", "1d") == nothing | {LEFTOVERS[name]: 1, "bytes": 3}
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"123")
    assert cleanup(lance, history, "--no-writers-active") == nothing | {LEFTOVERS[name]: 1, "bytes": 3}
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"123")
    make_older(path, 8 * DAY)
    assert cleanup(lance, history) == nothing | {LEFTOVERS[name]: 1, "bytes": 3}


def test_files_of_unknown_names_stay(lance, history):
    names = ["README.md", "data/notes.txt", "_refs/note", "_versions/note", "other/data/x.lance", "x#1"]
    for name in names:
        (history / name).parent.mkdir(parents=True, exist_ok=True)
        (history / name).write_bytes(b"123")
        make_older(history / name, 100 * DAY)
    assert set(cleanup(lance, history, "--no-writers-active").values()) == {0}
    assert all((history / name).exists() for name in names)


def test_a_killed_write_is_cleaned_up(lance, people, tmp_path):
    before = snapshot(people)
    write = ["tpch", "generate", "--scale", "0.2", "--tables", "lineitem", "--output", str(tmp_path)]
    lance(*write, "--mode", "create")
    target = tmp_path / "lineitem.lance"
    whole = snapshot(target)
    with subprocess.Popen([PROGRAM, *write, "--mode", "append"], stderr=subprocess.DEVNULL) as process:
        while not (snapshot_names(target) - whole.keys()):
            assert process.poll() is None
        process.kill()
    left = snapshot_names(target) - whole.keys()
    assert left and cleanup(lance, target)["bytes"] == 0
    assert sum(cleanup(lance, target, "--no-writers-active").values()) > 0
    assert snapshot(target) == whole
    assert snapshot(people) == before


def snapshot_names(directory):
    return {os.path.relpath(os.path.join(root, name), directory) for root, _, names in os.walk(directory) for name in names}


def test_it_says_what_it_did(lance, history):
    (history / "data/x.lance#1").write_bytes(b"123")
    assert lance("cleanup", history, "--no-writers-active", "--dry-run") == (
        "would be removed:\n"
        "versions         0\n"
        "data files       0\n"
        "other files      0\n"
        "temporary files  1\n"
        "size             3 B\n"
    )
    assert lance("cleanup", history, "--no-writers-active").startswith("removed:\n")


@pytest.mark.parametrize(
    "args,message",
    [
        (["--older-than", "7"], "--older-than"),
        (["--older-than", "7 fortnights"], "--older-than"),
        (["--older-than", "-1d"], "--older-than"),
        (["--orphans-older-than", "soon"], "--orphans-older-than"),
        (["--keep", "0"], "--keep"),
        (["--no-writers-active", "--orphans-older-than", "1d"], "excludes"),
    ],
)
def test_bad_options_are_usage_errors(lance, history, unchanged, args, message):
    unchanged.watch()
    assert message in lance.fails("cleanup", history, *args, code=2)


def test_a_damaged_dataset_is_left_alone(lance, history, unchanged):
    (history / "data/x.lance").write_bytes(b"123")
    oldest = sorted((history / "_versions").glob("*.manifest"))[-1]
    os.truncate(oldest, oldest.stat().st_size - 1)
    unchanged.watch()
    assert oldest.name in lance.fails("cleanup", history, "--keep", 1, "--no-writers-active")
    assert "there is no dataset" in lance.fails("cleanup", "nothing")
