"""`lance compact`, `optimize` and `du`."""

import json

import lance as pylance
import pytest
from conftest import make_table, snapshot


@pytest.fixture
def path(tmp_path):
    """Five fragments of 100 rows, ids 0-49 deleted."""
    path = tmp_path / "d.lance"
    for first in range(0, 500, 100):
        pylance.write_dataset(make_table(100, start=first), str(path), mode="append" if first else "create")
    pylance.dataset(str(path)).delete("id < 50")
    return path


def ids(path, **version):
    """Sorted: rows that are indexed are not joined with others, which then come first."""
    return sorted(pylance.dataset(str(path), **version).to_table(columns=["id"])["id"].to_pylist())


def fragments(path):
    return len(pylance.dataset(str(path)).get_fragments())


def test_it_joins_fragments_and_tells_of_it(lance, path):
    text = lance("compact", path)
    assert "5 -> 1" in text and "450" in text
    assert ids(path) == list(range(50, 500))
    assert fragments(path) == 1
    assert lance("compact", path) == "nothing to compact\n"
    assert json.loads(lance("compact", path, "--format", "json"))["fragments_removed"] == 0


def test_a_dry_run_writes_nothing(lance, path):
    before = snapshot(path)
    tasks = json.loads(lance("compact", path, "--dry-run", "--target-rows", 200, "--format", "json"))
    assert sum(task["fragments"] for task in tasks) == 5
    assert sum(task["rows"] for task in tasks) == 450
    assert "fragments" in lance("compact", path, "--dry-run")
    assert snapshot(path) == before


def test_it_goes_in_parts(lance, path, tmp_path):
    lance("compact", path, "--target-rows", 200, "--plan", tmp_path / "plan")
    lines = (tmp_path / "plan").read_text().splitlines()
    assert len(lines) > 1
    for number, line in enumerate(lines):
        (tmp_path / f"task{number}").write_text(line)
        (tmp_path / f"result{number}").write_text(lance("compact", path, "--task", tmp_path / f"task{number}"))
    results = sorted(tmp_path.glob("result*"))
    version = pylance.dataset(str(path)).version
    done = json.loads(lance("compact", path, "--commit", *results, "--format", "json", "--message", "tidy"))
    assert done["version"] > version
    assert ids(path) == list(range(50, 500))
    # Again it is the same version.
    assert json.loads(lance("compact", path, "--commit", *results, "--format", "json")) == done
    assert pylance.dataset(str(path)).version == done["version"]
    assert json.loads(lance("fsck", path, "--format", "json"))["orphans"] == 0


@pytest.mark.parametrize(
    "args,message,code",
    [
        (["--target-rows", "0"], "--target-rows: 0 is not a number of 1 or more", 2),
        (["--deleted-part", "1.5"], "--deleted-part", 2),
        (["--mode", "copy"], "--mode: copy not in", 2),
        (["--index-remap", "x"], "--index-remap: x not in", 2),
        (["--dry-run", "--task", "f"], "--dry-run", 2),
        (["--plan", "f", "--commit", "g"], "--plan", 2),
        (["--task", "none"], "none: No such file", 1),
        (["--commit", "none"], "none: No such file", 1),
        (["--plan", "none/plan"], "none/plan: No such file", 1),
        (["--data-storage-version", "9"], "--data-storage-version", 2),
    ],
)
def test_mistakes(lance, path, unchanged, args, message, code):
    unchanged.watch()
    assert message in lance.fails("compact", path, *args, code=code)


def test_what_is_no_task_and_no_result_is_refused(lance, path, tmp_path, unchanged):
    lance("compact", path, "--plan", tmp_path / "plan")
    text = (tmp_path / "plan").read_text()
    (tmp_path / "half").write_text(text[: len(text) // 2])
    (tmp_path / "none").write_text("nothing\n")
    unchanged.watch()
    for file in ("half", "none"):
        assert "not a task of a compaction" in lance.fails("compact", path, "--task", tmp_path / file)
        assert "not a result of a compaction" in lance.fails("compact", path, "--commit", tmp_path / file)
    assert "not a result" in lance.fails("compact", path, "--commit", tmp_path / "plan")


def test_optimize_does_what_keeps_a_dataset_fast(lance, path):
    pylance.dataset(str(path)).create_scalar_index("id", "BTREE")
    pylance.write_dataset(make_table(100, start=500), str(path), mode="append")
    text = lance("optimize", path)
    assert "5 -> 1" in text and "indexed what was added" in text
    dataset = pylance.dataset(str(path))
    assert dataset.stats.index_stats("id_idx")["num_unindexed_rows"] == 0
    assert ids(path) == list(range(50, 600))
    version = dataset.version
    lance("optimize", path, "--target-rows", 1, "--keep", 1, "--yes")
    assert [version["version"] for version in pylance.dataset(str(path)).versions()] == [version]
    assert ids(path) == list(range(50, 600))


def test_du_tells_what_is_where(lance, path):
    lance("compact", path)
    pylance.dataset(str(path)).create_scalar_index("id", "BTREE")
    told = json.loads(lance("du", path, "--format", "json"))
    stored = {name: len(content) for name, content in snapshot(path).items()}
    assert told["bytes"] == sum(stored.values())
    assert told["index_bytes"] == sum(size for name, size in stored.items() if name.startswith("_indices/"))
    assert told["data_bytes"] == sum(size for name, size in stored.items() if name.startswith("data/"))
    assert told["latest_bytes"] + told["old_bytes"] <= told["bytes"]
    assert [column["column"] for column in told["columns"]] == pylance.dataset(str(path)).schema.names
    assert all(column["bytes"] > 0 for column in told["columns"])
    assert [index["name"] for index in told["indices"]] == ["id_idx"]
    assert len(told["versions"]) == len(pylance.dataset(str(path)).versions())
    assert told["orphans"] == []
    text = lance("du", path)
    for word in ("latest version", "id_idx", "column", "its own"):
        assert word in text
    (path / "data" / "lost.lance").write_bytes(b"x" * 100)
    told = json.loads(lance("du", path, "--format", "json"))
    assert told["orphan_bytes"] == 100
    assert [orphan["path"] for orphan in told["orphans"]] == ["data/lost.lance"]
