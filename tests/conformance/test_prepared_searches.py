"""Prepared searches find what scans find: for each vector index that pylance makes, with filters, deletions and new rows."""

import random

import lance
import numpy as np
import pyarrow as pa
import pytest

from conftest import SEARCHES, outcome, run
from support.scale import pick

LENGTH = 16

INDICES = {
    "IVF_FLAT": {},
    "IVF_SQ": {},
    "IVF_PQ": {"num_sub_vectors": 4},
    "IVF_RQ": {},
    "IVF_HNSW_FLAT": {},
    "IVF_HNSW_SQ": {},
    "IVF_HNSW_PQ": {"num_sub_vectors": 4},
}


def table_of(rng, first, rows, nulls=True, element=np.float32):
    """Clustered vectors, some of them NULL, beside columns of several types."""
    clusters = np.random.default_rng(7).normal(size=(40, LENGTH)) * 3
    of = rng.integers(0, len(clusters), rows)
    numbers = (clusters[of] + rng.normal(size=(rows, LENGTH))).astype(element)
    mask = rng.random(rows) < (0.02 if nulls else 0)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(numbers.ravel()), LENGTH, mask=pa.array(mask))
    ids = range(first, first + rows)
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "v": vectors,
            "n": pa.array([i % 50 for i in ids], pa.int32()),
            "text": pa.array([None if i % 9 == 0 else f"t{i % 13}" for i in ids]),
            "st": pa.array([{"x": i % 7, "y": [i] * (i % 3)} for i in ids]),
        }
    )


def index(dataset, kind, metric="L2", partitions=8):
    dataset.create_index("v", kind, metric=metric, num_partitions=partitions, **INDICES[kind])


def compare(dataset, column="v", prepared=True, **options):
    """Fails where a prepared search finds something else; how many rows were found."""
    printed = run(SEARCHES, dataset.uri, column, *(f"{key}={value}" for key, value in options.items()))
    found = dict(pair.split("=") for pair in printed.split())
    assert found["prepared"] == str(int(prepared))
    return int(found["rows"])


def ties(kind):
    """Where the codes of an index are few, many rows are as far, and which are found depends on the order of partitions."""
    return {"ties": 1}


@pytest.mark.parametrize("metric", ["L2", "cosine", "dot"])
@pytest.mark.parametrize("kind", INDICES)
def test_each_kind_of_index(tmp_path, kind, metric):
    rng = np.random.default_rng(1)
    dataset = lance.write_dataset(table_of(rng, 0, 3000), tmp_path / "d", max_rows_per_file=1000)
    index(dataset, kind, metric)
    assert compare(dataset, queries=12, seed=1, **ties(kind)) == 120
    for options in (
        {"k": 1, "columns": "text\nid\n_distance", "minimum": 2, "maximum": 2},
        {"k": 40, "refine": 3, "columns": "st\n_distance", "row_ids": 1, "effort": 0.8},
        {"k": 7, "minimum": 8, "filter": "n < 25", "columns": "id\nn\n_distance"},
        {"k": 10, "refine": 2, "filter": "text IS NULL", "gather": 0, "threads": 8},
        {"k": 5, "gather": 2, "threads": 8, "ef": 40, "lower": 5, "upper": 30},
    ):
        compare(dataset, queries=8, seed=2, **ties(kind), **options)


@pytest.mark.parametrize("stable_row_ids", [False, True])
@pytest.mark.parametrize("kind", INDICES)
def test_deleted_and_new_rows(tmp_path, kind, stable_row_ids):
    rng = np.random.default_rng(2)
    path = tmp_path / "d"
    table = table_of(rng, 0, 3000)
    dataset = lance.write_dataset(table, path, max_rows_per_file=700, enable_stable_row_ids=stable_row_ids)
    index(dataset, kind)
    dataset.delete("id % 5 = 2 OR id BETWEEN 700 AND 1399")
    dataset = lance.dataset(path)
    asked = {"queries": 8, "columns": "id\ntext\n_distance", "row_ids": 1, **ties(kind)}
    compare(dataset, **asked)
    compare(dataset, filter="n > 10", refine=2, **asked)
    dataset = lance.write_dataset(table_of(rng, 3000, 600), path, mode="append", max_rows_per_file=250)
    for options in ({}, {"refine": 3}, {"filter": "n > 10"}, {"fast": 1}, {"fast": 1, "gather": 0}):
        compare(dataset, **asked, **options)
    dataset.delete("id >= 3100 AND n < 20")
    dataset = lance.dataset(path)
    compare(dataset, **asked)
    dataset.optimize.optimize_indices(num_indices_to_merge=0)
    dataset = lance.dataset(path)
    compare(dataset, **asked)
    compare(dataset, **asked, minimum=3, maximum=3)
    dataset.optimize.compact_files()
    dataset = lance.dataset(path)
    compare(dataset, **asked)


@pytest.mark.parametrize("metric", ["l2", "cosine", "dot"])
@pytest.mark.parametrize("element", [np.float16, np.float32, np.float64])
def test_without_an_index(tmp_path, element, metric):
    rng = np.random.default_rng(3)
    path = tmp_path / "d"
    dataset = lance.write_dataset(table_of(rng, 0, 2500, element=element), path, max_rows_per_file=600)
    dataset.delete("id % 7 = 3")
    dataset = lance.dataset(path)
    for options in ({"k": 10}, {"k": 3000, "queries": 2}, {"k": 5, "filter": "n = 3"}, {"lower": 0.5, "upper": 20, "gather": 0}):
        assert compare(dataset, metric=metric, **options) > 0
    assert compare(dataset, metric=metric, held_bytes=1000, prepared=False) > 0


def test_an_index_with_another_metric_is_not_used(tmp_path):
    dataset = lance.write_dataset(table_of(np.random.default_rng(4), 0, 2000), tmp_path / "d")
    index(dataset, "IVF_PQ", "cosine")
    compare(dataset, metric="l2")
    compare(dataset, metric="cosine", ties=1)
    compare(dataset, use_index=0)


def test_vectors_of_bits(tmp_path):
    rng = np.random.default_rng(5)
    bits = pa.FixedSizeListArray.from_arrays(pa.array(rng.integers(0, 256, 2000 * 8, np.uint8)), 8)
    table = pa.table({"id": range(2000), "v": bits})
    dataset = lance.write_dataset(table, tmp_path / "d", max_rows_per_file=900)
    compare(dataset, k=10)
    dataset.create_index("v", "IVF_FLAT", metric="hamming", num_partitions=4)
    compare(dataset, k=10, minimum=2, maximum=2, ties=1)


def test_few_rows_pass(tmp_path):
    """The engine searches on, and at last returns rows without a distance."""
    dataset = lance.write_dataset(table_of(np.random.default_rng(6), 0, 3000), tmp_path / "d", max_rows_per_file=1000)
    for kind in ("IVF_PQ", "IVF_HNSW_SQ"):
        dataset.drop_index("v_idx") if dataset.list_indices() else None
        index(dataset, kind)
        for filter in ("id = 77", "id IN (1, 2000, 2999)", "id < 9", "n = 99", "id % 100 = 7"):
            compare(dataset, k=10, filter=filter, ties=1)
            compare(dataset, k=10, filter=filter, minimum=1, maximum=1, ties=1)


@pytest.mark.parametrize("seed", range(pick(push=3, long=10)))
def test_random_searches(tmp_path, seed):
    rng = np.random.default_rng(100 + seed)
    choose = random.Random(f"searches {seed}")
    path = tmp_path / "d"
    dataset = lance.write_dataset(
        table_of(rng, 0, choose.choice([1000, 4000]), nulls=choose.random() < 0.7),
        path,
        max_rows_per_file=choose.choice([300, 1500, 10_000]),
        enable_stable_row_ids=choose.random() < 0.3,
        data_storage_version=choose.choice(["2.0", "2.1", "2.2"]),
    )
    kind = choose.choice([None, *INDICES])
    if kind:
        index(dataset, kind, choose.choice(["L2", "cosine", "dot"]), choose.choice([1, 3, 12]))
    if choose.random() < 0.5:
        dataset.create_scalar_index("n", "BTREE")
    if choose.random() < 0.6:
        dataset.delete(f"id % {choose.randrange(2, 9)} = 1")
    if choose.random() < 0.6:
        dataset = lance.write_dataset(table_of(rng, 10_000, choose.choice([1, 400])), path, mode="append")
    for _ in range(6):
        options = {"queries": choose.choice([1, 5]), "seed": choose.randrange(1000), "k": choose.choice([1, 10, 150])}
        some = {
            "refine": choose.choice([1, 4]),
            "minimum": choose.randrange(1, 9),
            "effort": choose.random(),
            "filter": choose.choice(["n < 30", "text = 't1'", "n = 7 AND id > 100", "st.x = 3"]),
            "columns": choose.choice(["id", "id\n_distance\nv", "st\ntext", "_distance"]),
            "row_ids": 1,
            "gather": choose.choice([0, 1]),
            "upper": choose.choice([5, 50]),
        }
        options |= {key: value for key, value in some.items() if choose.random() < 0.35}
        compare(lance.dataset(path), **ties(kind), **options)


def test_what_is_left_to_scans(tmp_path):
    dataset = lance.write_dataset(table_of(np.random.default_rng(8), 0, 1500), tmp_path / "d")
    index(dataset, "IVF_PQ")
    assert compare(dataset, prepared=False, filter="n < 10", prefilter=0) >= 0
    several = pa.table({"v": pa.array([[[1.0] * 4, [2.0] * 4]] * 20, pa.list_(pa.list_(pa.float32(), 4)))})
    several = lance.write_dataset(several, tmp_path / "several")
    failed = outcome(SEARCHES, several.uri, "nope")
    assert failed.returncode == 1 and "nope" in failed.stderr


@pytest.mark.parametrize("kind", ["BTREE", "BITMAP", "ZONEMAP"])
def test_values_are_looked_up(tmp_path, kind):
    path = tmp_path / "d"
    dataset = lance.write_dataset(table_of(np.random.default_rng(9), 0, 3000), path, max_rows_per_file=800)
    dataset.create_scalar_index("n", kind)
    prepared = kind != "ZONEMAP"

    def look_up(prepared):
        rows = 0
        for values in ("7,9", "0,49", "77,3", "1,2,3,4,5,11,12,30"):
            rows += compare(lance.dataset(path), "n", prepared, values=values)
        return rows

    assert look_up(prepared) == 13 * 60
    dataset.delete("id % 3 = 1 OR id BETWEEN 800 AND 1650")
    assert 0 < look_up(prepared) < 13 * 60
    lance.write_dataset(table_of(np.random.default_rng(10), 5000, 500), path, mode="append")
    look_up(False)
    lance.dataset(path).optimize.optimize_indices()
    look_up(prepared)
    lance.dataset(path).optimize.compact_files()
    look_up(prepared)
