"""Searches for the nearest vectors, beside pylance's: the index files are the same, so the answers are."""

import json
import random

import lance
import numpy as np
import pyarrow as pa
import pytest
from lance.dataset import VectorSearchQuery
from lance.query import MatchQuery

LENGTH = 16
ROWS = 1500
ADDED = 200
SEARCHES = 10

# Each kind with a metric, and what its building takes.
INDICES = {
    "IVF_FLAT": ("l2", {}),
    "IVF_SQ": ("dot", {}),
    "IVF_PQ": ("cosine", {"num_sub_vectors": 4}),
    "IVF_RQ": ("l2", {}),
    "IVF_HNSW_FLAT": ("cosine", {}),
    "IVF_HNSW_SQ": ("l2", {}),
    "IVF_HNSW_PQ": ("dot", {"num_sub_vectors": 4}),
}


def clustered(rng, rows):
    """Vectors about some points."""
    points = rng.normal(size=(12, LENGTH)) * 4
    return (points[rng.integers(0, len(points), rows)] + rng.normal(size=(rows, LENGTH))).astype(np.float32)


def vectors_of(numbers):
    return pa.FixedSizeListArray.from_arrays(pa.array(numbers.reshape(-1)), LENGTH)


def table_of(first, numbers):
    ids = range(first, first + len(numbers))
    return pa.table({"id": pa.array(ids, pa.int64()), "part": pa.array([i % 5 for i in ids], pa.int32()), "v": vectors_of(numbers)})


@pytest.fixture(scope="module", params=INDICES)
def indexed(request, tmp_path_factory):
    """A dataset with an index, deleted rows, rows that the index has not, and an index of a plain column."""
    kind = request.param
    metric, options = INDICES[kind]
    rng = np.random.default_rng(len(kind))
    uri = tmp_path_factory.mktemp(kind) / "d"
    dataset = lance.write_dataset(table_of(0, clustered(rng, ROWS)), uri, max_rows_per_file=500)
    dataset.create_index("v", kind, metric=metric, num_partitions=6, **options)
    dataset.create_scalar_index("part", "BTREE")
    dataset.delete("id % 11 = 3")
    dataset = lance.write_dataset(table_of(ROWS, clustered(rng, ADDED)), uri, mode="append")
    dataset.delete(f"id = {ROWS + 7}")
    return kind, dataset, clustered(rng, 20)


def random_settings(rng, kind, queries):
    """What both are asked for: the query, its options as pylance has them, and those of the scan."""
    k = rng.choice([1, 5, 10, 40])
    nearest = {"k": k, "q": queries[rng.randrange(len(queries))]}
    if rng.random() < 0.25:
        nearest["q"] = np.stack(rng.sample(list(queries), rng.choice([1, 3])))
    if rng.random() < 0.5:
        nearest["minimum_nprobes"] = rng.randrange(1, 4)
        nearest["maximum_nprobes"] = rng.randrange(3, 7)
    elif rng.random() < 0.3:
        nearest["search_effort"] = rng.choice([0.0, 0.3, 1.0])
    if rng.random() < 0.4:
        nearest["refine_factor"] = rng.choice([1, 3])
    if "HNSW" in kind and rng.random() < 0.5:
        nearest["ef"] = k * nearest.get("refine_factor", 1) + rng.choice([0, 30])
    if rng.random() < 0.2:
        nearest["use_index"] = False
    if rng.random() < 0.3:
        nearest["approx_mode"] = rng.choice(["fast", "accurate"])
    if rng.random() < 0.3:
        # What IVF_RQ estimates depends on how many threads share its partitions, and the pools differ.
        nearest["query_parallelism"] = 1 if kind == "IVF_RQ" else rng.choice([-1, 1, 2])
    if rng.random() < 0.2:
        nearest["metric"] = rng.choice(["l2", "cosine", "dot"])
    scan = {"columns": ["id", "_distance"], "prefilter": rng.random() < 0.5}
    if rng.random() < 0.6:
        scan["filter"] = rng.choice([f"id < {rng.randrange(ROWS)}", f"part = {rng.randrange(5)}", "part in (1, 3) and id > 100"])
    if rng.random() < 0.3:
        scan["limit"] = rng.randrange(1, 12)
        scan["offset"] = rng.randrange(3)
    if nearest.get("use_index", True) and rng.random() < 0.3:
        scan["fast_search"] = True
    return nearest, scan


def with_pylance(dataset, nearest, scan):
    return dataset.scanner(nearest={"column": "v", **nearest}, **scan).to_table()


def with_us(read_with_us, tmp_path, dataset, nearest, scan):
    """The same through the program of the tests."""
    options = dict(nearest)
    query = options.pop("q")
    given = pa.array(query, pa.float32()) if query.ndim == 1 else vectors_of(query)
    file = tmp_path / "query.arrow"
    with pa.ipc.new_stream(file, pa.schema([("v", given.type)])) as writer:
        writer.write_table(pa.table({"v": given}))
    options |= scan | {"columns": "\n".join(scan["columns"]), "nearest": file}
    return read_with_us(dataset.uri, **{key: int(value) if isinstance(value, bool) else value for key, value in options.items()})


def assert_same(ours, theirs):
    """The same rows at the same distances; those at one distance may come in any order."""
    assert ours.schema.names == theirs.schema.names
    assert ours.num_rows == theirs.num_rows
    keys = ["query_index"] if "query_index" in ours.schema.names else []
    def order(table):
        return table.sort_by([*((key, "ascending") for key in keys), ("_distance", "ascending"), ("id", "ascending")])
    np.testing.assert_allclose(ours["_distance"].to_numpy(), theirs["_distance"].to_numpy(), rtol=1e-5, atol=1e-5)
    for key in [*keys, "id"]:
        assert order(ours)[key].to_pylist() == order(theirs)[key].to_pylist(), key


@pytest.mark.parametrize("seed", range(2))
def test_random_searches(indexed, read_with_us, tmp_path, seed):
    kind, dataset, queries = indexed
    rng = random.Random(f"{kind} {seed}")
    for _ in range(SEARCHES):
        nearest, scan = random_settings(rng, kind, queries)
        theirs = with_pylance(dataset, nearest, scan)
        assert_same(with_us(read_with_us, tmp_path, dataset, nearest, scan), theirs)


def test_what_was_added_since_is_found_but_by_a_fast_search(indexed, read_with_us, tmp_path):
    _, dataset, _ = indexed
    added = dataset.to_table(filter=f"id = {ROWS + 30}")["v"][0].values.to_numpy()
    nearest = {"k": 1, "q": added, "metric": "l2", "use_index": False}
    scan = {"columns": ["id", "_distance"]}
    assert with_us(read_with_us, tmp_path, dataset, nearest, scan)["id"].to_pylist() == [ROWS + 30]
    nearest = {"k": 40, "q": added}
    found = with_us(read_with_us, tmp_path, dataset, nearest, {**scan, "fast_search": True})
    assert found.num_rows == 40 and max(found["id"].to_pylist()) < ROWS


def test_segments_of_an_index(indexed, read_with_us, tmp_path):
    _, dataset, queries = indexed
    dataset = lance.dataset(dataset.uri)
    [segment] = [index["uuid"] for index in dataset.list_indices() if index["fields"] == ["v"]]
    nearest = {"k": 12, "q": queries[0]}
    scan = {"columns": ["id", "_distance"]}
    theirs = with_pylance(dataset, nearest, {**scan, "index_segments": [segment]})
    assert_same(with_us(read_with_us, tmp_path, dataset, nearest, {**scan, "index_segments": segment}), theirs)


@pytest.mark.parametrize("element", [pa.float16(), pa.float64(), pa.uint8()], ids=str)
def test_types_without_an_index(read_with_us, tmp_path, element):
    rng = np.random.default_rng(7)
    numbers = rng.integers(0, 100, (400, LENGTH)).astype(element.to_pandas_dtype())
    dataset = lance.write_dataset(table_of(0, numbers), tmp_path / "d", max_rows_per_file=150)
    dataset.delete("part = 2")
    for metric in ["hamming"] if element == pa.uint8() else ["l2", "cosine", "dot"]:
        nearest = {"k": 25, "q": numbers[5].astype(np.float32), "metric": metric}
        scan = {"columns": ["id", "_distance"], "filter": "id > 40", "prefilter": True}
        theirs = with_pylance(dataset, {**nearest, "q": numbers[5]}, scan)
        ours = with_us(read_with_us, tmp_path, dataset, nearest, scan)
        np.testing.assert_allclose(ours["_distance"].to_numpy(), theirs["_distance"].to_numpy(), rtol=1e-5, atol=1e-5)


def test_lists_of_vectors_with_an_index(read_with_us, tmp_path):
    rng = np.random.default_rng(3)
    lists = [[*vectors] for vectors in clustered(rng, 900).reshape(300, 3, LENGTH)]
    kind = pa.list_(pa.list_(pa.float32(), LENGTH))
    table = pa.table({"id": range(300), "v": pa.array(lists, kind)})
    dataset = lance.write_dataset(table, tmp_path / "d")
    dataset.create_index("v", "IVF_FLAT", metric="cosine", num_partitions=3)
    query = clustered(rng, 2)
    for settings in [{}, {"use_index": False, "metric": "cosine"}]:
        nearest = {"k": 8, "q": query, **settings}
        scan = {"columns": ["id", "_distance"]}
        theirs = with_pylance(dataset, nearest, scan)
        assert_same(with_us(read_with_us, tmp_path, dataset, nearest, scan), theirs)


WORDS = ["apple", "pear", "plum", "fig", "quince"]


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """Vectors with texts, both with an index."""
    rng = np.random.default_rng(11)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 6))) for _ in range(ROWS)]
    table = table_of(0, clustered(rng, ROWS)).append_column("text", pa.array(texts))
    dataset = lance.write_dataset(table, tmp_path_factory.mktemp("described") / "d", max_rows_per_file=400)
    dataset.create_index("v", "IVF_FLAT", num_partitions=4)
    dataset.create_scalar_index("text", "INVERTED")
    dataset.delete("id % 13 = 5")
    return dataset, clustered(rng, 4)


@pytest.mark.parametrize("expression", [None, "part < 3"])
def test_texts_choose_among_vectors(described, read_with_us, tmp_path, expression):
    dataset, queries = described
    for query in queries:
        nearest = {"k": 15, "q": query}
        scan = {"columns": ["id", "_distance"], "prefilter": True}
        search = MatchQuery("plum", "text")
        chosen = {"expr_filter": expression, "search_filter": search} if expression else search
        theirs = with_pylance(dataset, nearest, {**scan, "filter": chosen})
        scan |= {"filter": expression} if expression else {}
        words = json.dumps({"match": {"terms": "plum", "column": "text"}})
        ours = with_us(read_with_us, tmp_path, dataset, nearest, {**scan, "full_text": words, "search_filter": "full_text"})
        assert_same(ours, theirs)
        assert ours.num_rows == 15


def test_vectors_choose_among_texts(described, read_with_us, tmp_path):
    dataset, queries = described
    for query in queries:
        nearest = {"k": 200, "q": query, "minimum_nprobes": 4, "maximum_nprobes": 4}
        chosen = VectorSearchQuery("v", query, k=200, minimum_nprobes=4, maximum_nprobes=4)
        theirs = dataset.to_table(
            columns=["id", "_score"], full_text_query=MatchQuery("plum fig", "text"), filter=chosen, prefilter=True
        )
        words = json.dumps({"match": {"terms": "plum fig", "column": "text"}})
        scan = {"columns": ["id", "_score"], "full_text": words, "search_filter": "nearest", "limit": 20}
        ours = with_us(read_with_us, tmp_path, dataset, nearest, scan)
        assert ours.schema.names == ["id", "_score"]
        best = np.sort(theirs["_score"].to_numpy())[::-1][:20]
        np.testing.assert_allclose(ours["_score"].to_numpy(), best, rtol=1e-5)
        assert ours.num_rows == 20
