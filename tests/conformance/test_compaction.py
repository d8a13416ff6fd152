"""Plans of pylance are executed and committed here, and the other way round; what was compacted here, pylance reads."""

import json
import random

import lance
import pyarrow as pa
import pytest
from conftest import LANCE, outcome
from lance.optimize import Compaction, CompactionTask, RewriteResult

from support.scale import pick

SEEDS = range(pick(push=2, long=12))
TARGET = 400


def table(rng, first, rows):
    words = ["red", "green", "Straße", "a.b", "o'x", None]
    columns = {
        "id": pa.array(range(first, first + rows), pa.int64()),
        "w": pa.array([rng.choice(words) for _ in range(rows)], pa.string()),
        "d": pa.array([rng.choice(words) for _ in range(rows)], pa.string()).dictionary_encode(),
        "o d 'q\"x": pa.array([rng.randrange(9) or None for _ in range(rows)], pa.int32()),
        "l": pa.array([[rng.randrange(5)] * rng.randrange(3) for _ in range(rows)], pa.list_(pa.int16())),
        "s": pa.array([{"x": rng.randrange(9), "y": rng.choice(words)} for _ in range(rows)]),
    }
    return pa.table(columns)


def make(uri, rng, **options):
    """Fragments of various lengths, with deleted rows in some."""
    first = 0
    for _ in range(rng.randrange(6, 12)):
        rows = rng.randrange(1, 150)
        lance.write_dataset(table(rng, first, rows), uri, mode="append" if first else "create", **options)
        first += rows
    lance.dataset(uri).delete(f"id % {rng.randrange(3, 9)} = 1 and id > {rng.randrange(first)}")
    return lance.dataset(uri)


def rows(dataset):
    """In the order of their ids: fragments that were not written anew come first."""
    found = dataset.to_table()
    plain = [field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in found.schema]
    return found.cast(pa.schema(plain)).sort_by("id").combine_chunks()


@pytest.fixture
def jsons(tmp_path):
    """A file of JSON, one a line."""
    count = iter(range(1000))

    def write(texts):
        file = tmp_path / f"{next(count)}.json"
        file.write_text("".join(text + "\n" for text in texts))
        return file

    return write


@pytest.mark.parametrize("options", [{}, {"data_storage_version": "2.0"}, {"data_storage_version": "2.1"}, {"enable_stable_row_ids": True}])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_of_pylance_is_executed_and_committed_here(lance_cli, tmp_path, jsons, seed, options):
    uri = tmp_path / "d"
    dataset = make(uri, random.Random(seed), **options)
    before = rows(dataset)
    tasks = Compaction.plan(dataset, {"target_rows_per_fragment": TARGET}).tasks
    results = lance_cli("compact", uri, "--task", jsons(task.json() for task in tasks))
    done = json.loads(lance_cli("compact", uri, "--commit", jsons(results.splitlines()), "--format", "json"))
    latest = lance.dataset(uri)
    assert latest.version == done["version"]
    assert rows(latest) == before
    assert len(latest.get_fragments()) < len(dataset.get_fragments())


@pytest.mark.parametrize("options", [{}, {"enable_stable_row_ids": True}])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_made_here_is_executed_and_committed_by_pylance(lance_cli, tmp_path, seed, options):
    uri = tmp_path / "d"
    dataset = make(uri, random.Random(seed), **options)
    before = rows(dataset)
    lance_cli("compact", uri, "--target-rows", TARGET, "--plan", tmp_path / "plan")
    texts = (tmp_path / "plan").read_text().splitlines()
    theirs = Compaction.plan(dataset, {"target_rows_per_fragment": TARGET}).tasks
    assert [json.loads(text)["task"] for text in texts] == [json.loads(task.json())["task"] for task in theirs]
    results = [CompactionTask.from_json(text).execute(dataset) for text in texts]
    Compaction.commit(lance.dataset(uri), results)
    assert rows(lance.dataset(uri)) == before


@pytest.mark.parametrize("seed", SEEDS)
def test_results_of_both_are_committed_by_either(lance_cli, tmp_path, jsons, seed):
    rng = random.Random(seed)
    for ours in (True, False):
        uri = tmp_path / f"d{ours}"
        dataset = make(uri, rng)
        dataset.create_scalar_index("id", "BTREE")
        dataset = lance.dataset(uri)
        before = rows(dataset)
        targets = (TARGET // 4, TARGET // 2, TARGET)
        plans = [Compaction.plan(dataset, {"target_rows_per_fragment": target}).tasks for target in targets]
        tasks = max(plans, key=len)
        assert tasks
        results = [
            task.execute(dataset).json() if index % 2 else lance_cli("compact", uri, "--task", jsons([task.json()])).strip()
            for index, task in enumerate(tasks)
        ]
        rng.shuffle(results)
        if ours:
            lance_cli("compact", uri, "--commit", jsons(results))
        else:
            Compaction.commit(lance.dataset(uri), [RewriteResult.from_json(text) for text in results])
        latest = lance.dataset(uri)
        assert rows(latest) == before
        wanted = before["id"][len(before) // 2].as_py()
        scanner = latest.scanner(columns=["id"], filter=f"id = {wanted}")
        assert "ScalarIndexQuery" in scanner.explain_plan()
        assert scanner.to_table()["id"].to_pylist() == [wanted]


def test_results_that_pylance_has_committed_are_not_committed_again(lance_cli, tmp_path, jsons):
    uri = tmp_path / "d"
    dataset = make(uri, random.Random(7))
    results = [task.execute(dataset) for task in Compaction.plan(dataset, {"target_rows_per_fragment": TARGET}).tasks]
    Compaction.commit(lance.dataset(uri), results)
    latest = lance.dataset(uri)
    done = json.loads(lance_cli("compact", uri, "--commit", jsons(result.json() for result in results), "--format", "json"))
    assert done["version"] == latest.version == lance.dataset(uri).version
    assert done["rows"] == latest.count_rows()


def test_a_dataset_in_the_legacy_format_is_compacted(lance_cli, tmp_path):
    uri = tmp_path / "d"
    for first in range(0, 300, 100):
        part = table(random.Random(first), first, 100).drop_columns(["d", "l"])
        lance.write_dataset(part, uri, mode="append" if first else "create", data_storage_version="legacy")
    lance.dataset(uri).delete("id = 5")
    before = rows(lance.dataset(uri))
    lance_cli("compact", uri)
    latest = lance.dataset(uri)
    assert rows(latest) == before and len(latest.get_fragments()) == 1
    assert latest.data_storage_version == "0.1"
    failed = outcome(LANCE, "compact", uri, "--target-rows", 10_000, "--data-storage-version", "2.1")
    assert failed.returncode == 0 or "legacy" in failed.stderr.lower() or "version" in failed.stderr


def test_a_branch_and_a_shallow_clone_are_compacted_for_themselves(lance_cli, tmp_path):
    uri = tmp_path / "d"
    dataset = make(uri, random.Random(3))
    before = rows(dataset)
    dataset.tags.create("kept", dataset.version)
    branch = dataset.create_branch("side")
    lance.write_dataset(table(random.Random(1), 10_000, 20), branch, mode="append")
    dataset.shallow_clone(str(tmp_path / "clone"), "kept")
    branched = rows(lance.dataset(uri).checkout_version(("side", None)))
    assert json.loads(lance_cli("compact", uri, "--branch", "side", "--format", "json"))["rows"] == len(branched)
    lance_cli("compact", tmp_path / "clone")
    assert rows(lance.dataset(uri).checkout_version(("side", None))) == branched
    assert rows(lance.dataset(tmp_path / "clone")) == before
    assert len(lance.dataset(tmp_path / "clone").get_fragments()) == 1
    # The others are as they were.
    assert len(lance.dataset(uri).get_fragments()) == len(dataset.get_fragments())
    assert rows(lance.dataset(uri, version="kept")) == before
    lance_cli("compact", uri)
    assert rows(lance.dataset(uri)) == before


def test_blobs_are_kept(lance_cli, tmp_path):
    uri = tmp_path / "d"
    field = pa.field("blob", pa.large_binary(), metadata={"lance-encoding:blob": "true"})
    schema = pa.schema([pa.field("id", pa.int64()), field])
    for first in range(0, 30, 10):
        values = [None if row % 7 == 3 else bytes([row]) * (row * 1000) for row in range(first, first + 10)]
        part = pa.table([pa.array(range(first, first + 10), pa.int64()), pa.array(values, pa.large_binary())], schema=schema)
        lance.write_dataset(part, uri, mode="append" if first else "create", data_storage_version="2.1")
    lance.dataset(uri).delete("id = 4")
    lance_cli("compact", uri)
    latest = lance.dataset(uri)
    assert len(latest.get_fragments()) == 1
    ids = latest.to_table(columns=["id"])["id"].to_pylist()
    blobs = latest.take_blobs("blob", indices=[ids.index(row) for row in (1, 9, 29)])
    assert [blob.readall() for blob in blobs] == [bytes([row]) * (row * 1000) for row in (1, 9, 29)]


def test_the_configuration_of_the_dataset_stands_for_what_is_not_given(lance_cli, tmp_path):
    uri = tmp_path / "d"
    dataset = make(uri, random.Random(5))
    dataset.update_config({"lance.compaction.target_rows_per_fragment": "100", "lance.compaction.materialize_deletions": "false"})

    def tasks(*options):
        return json.loads(lance_cli("compact", uri, "--dry-run", "--format", "json", *options))

    assert len(tasks()) > 1
    assert len(tasks("--target-rows", 100_000)) == 1
    assert tasks("--deleted-part", 0) != tasks()
    dataset.update_config({"lance.compaction.target_rows_per_fragment": "many"})
    failed = outcome(LANCE, "compact", uri, "--dry-run")
    assert failed.returncode == 1 and "lance.compaction.target_rows_per_fragment" in failed.stderr
