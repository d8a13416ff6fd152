"""`lance search` for what is near to vectors and rows."""

import json

import lance as pylance
import numpy as np
import pyarrow as pa
import pytest


@pytest.fixture
def points(tmp_path):
    """Points on a line, of which the third has none; the ids count from 0."""
    numbers = [None if i == 3 else [float(i), 0.0] for i in range(40)]
    table = pa.table({"id": range(40), "name": [f"n{i}" for i in range(40)], "v": pa.array(numbers, pa.list_(pa.float32(), 2))})
    pylance.write_dataset(table, str(tmp_path / "points"), max_rows_per_file=15)
    return tmp_path / "points"


def rows(lance, *arguments):
    return [json.loads(line) for line in lance("search", *arguments, "--format", "json").splitlines()]


def test_what_is_near_to_a_row(lance, points):
    found = rows(lance, points, "--like", 10, "-k", 3)
    assert found[0] == {"id": 10, "name": "n10", "_distance": 0.0}
    assert {row["id"] for row in found} == {9, 10, 11}
    found = rows(lance, points, "--like", "name = 'n20'", "-k", 1, "--columns", "id")
    assert found == [{"id": 20, "_distance": 0.0}]
    assert len(rows(lance, points, "--column", "v", "--like", 0)) == 10


def test_what_is_near_to_a_vector(lance, points, tmp_path):
    expected = [{"id": 7, "_distance": 0.25}, {"id": 8, "_distance": 0.25}]
    found = rows(lance, points, "--vector", "[7.5, 0]", "-k", 2, "--columns", "id")
    assert sorted(found, key=lambda row: row["id"]) == expected
    (tmp_path / "query.json").write_text(" [7.5, 0]\n")
    found = rows(lance, points, "--vector", tmp_path / "query.json", "-k", 2, "--columns", "id")
    assert sorted(found, key=lambda row: row["id"]) == expected
    found = rows(lance, points, "--vector", "[[1, 0], [38, 0]]", "-k", 1, "--columns", "_distance,id")
    assert found == [{"query_index": 0, "_distance": 0.0, "id": 1}, {"query_index": 1, "_distance": 0.0, "id": 38}]


def test_filters_metrics_and_bounds(lance, points):
    found = rows(lance, points, "--like", 10, "-k", 2, "--filter", "id > 20", "--columns", "id")
    assert [row["id"] for row in found] == [21, 22]
    assert rows(lance, points, "--like", 10, "-k", 2, "--filter", "id > 20", "--postfilter") == []
    found = rows(lance, points, "--like", 10, "-k", 3, "--filter", "_distance = 0", "--postfilter", "--columns", "id")
    assert [row["id"] for row in found] == [10]
    found = rows(lance, points, "--like", 10, "--metric", "dot", "-k", 1, "--columns", "id")
    assert found == [{"id": 39, "_distance": -389.0}]
    found = rows(lance, points, "--like", 10, "--from-distance", 1, "--below-distance", 4, "--columns", "id")
    assert sorted(row["id"] for row in found) == [9, 11]


def test_settings_of_an_index(lance, tmp_path):
    rng = np.random.default_rng(1)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=300 * 8).astype(np.float32)), 8)
    dataset = pylance.write_dataset(pa.table({"id": range(300), "v": vectors}), str(tmp_path / "d"))
    dataset.create_index("v", "IVF_FLAT", num_partitions=4)
    exact = rows(lance, "d", "--like", 5, "--no-index", "--columns", "id")
    found = rows(lance, "d", "--like", 5, "--nprobes", 4, "--refine", 2, "--effort", 1, "--approx", "accurate", "--columns", "id")
    assert [row["id"] for row in found] == [row["id"] for row in exact]
    assert "ANN" in lance("search", "d", "--like", 5, "--explain")
    assert "ANN" not in lance("search", "d", "--like", 5, "--explain", "--no-index")
    assert "elapsed" in lance("search", "d", "--like", 5, "--analyze")
    pylance.write_dataset(pa.table({"id": [300], "v": vectors[5:6]}), str(tmp_path / "d"), mode="append")
    assert {row["id"] for row in rows(lance, "d", "--like", 5, "-k", 2, "--columns", "id")} == {5, 300}
    assert 300 not in {row["id"] for row in rows(lance, "d", "--like", 5, "-k", 2, "--fast", "--columns", "id")}


def test_zeros_have_no_angle_whoever_says_that_it_is_compared(lance, tmp_path):
    rng = np.random.default_rng(2)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=300 * 4).astype(np.float32)), 4)
    dataset = pylance.write_dataset(pa.table({"v": vectors}), str(tmp_path / "d"))
    zeros = ["d", "--vector", "[0, 0, 0, 0]", "-k", 1]
    assert len(rows(lance, *zeros)) == 1
    dataset.create_index("v", "IVF_FLAT", metric="cosine", num_partitions=2)
    assert "has zeros alone" in lance.fails("search", *zeros)
    assert "has zeros alone" in lance.fails("search", "d", "--vector", "[[1, 0, 0, 0], [0, 0, 0, 0]]")
    assert len(rows(lance, *zeros, "--no-index")) == 1
    assert len(rows(lance, *zeros, "--metric", "l2")) == 1


def test_mistakes(lance, points, tmp_path):
    for arguments, message in [
        (["--like", "id < 0"], "no row passes the filter"),
        (["--like", "id < 5"], "more than one row passes the filter"),
        (["--like", 3], "has no vector"),
        (["--like", 1, "--column", "id"], "of type int64"),
        (["--like", 1, "--column", "w"], "w"),
        (["--like", 99], "99"),
        (["--vector", "[1, 2, 3]"], "3 numbers"),
        (["--vector", "[]"], "--vector: not a list of numbers"),
        (["--vector", "[1, null]"], "--vector: null is no number"),
        (["--vector", "[[1, 2], 3]"], "--vector: what is no list"),
        (["--vector", "[[1, 2], [3]]"], "2 and 1"),
        (["--vector", "nowhere.json"], "cannot read nowhere.json"),
        (["--vector", "[1, 2"], "--vector: not a list of numbers"),
        (["--vector", "[0, 0]", "--metric", "cosine"], "zeros"),
        (["--like", 1, "--metric", "hamming"], "HAMMING"),
        (["--like", 1, "--filter", "_distance < 1"], "prefilter"),
    ]:
        assert message in lance.fails("search", points, *arguments), arguments
    pylance.write_dataset(pa.table({"a": [1]}), str(tmp_path / "plain"))
    assert "no column of vectors" in lance.fails("search", "plain", "--like", 0)
    odd = pa.table({"a`b": pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2))})
    pylance.write_dataset(odd, str(tmp_path / "odd"))
    for name in ["a`b", "`a``b`"]:
        assert "backtick" in lance.fails("search", "odd", "--column", name, "--vector", "[1, 2]")
    two = pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2))
    pylance.write_dataset(pa.table({"a": two, "b": two}), str(tmp_path / "two"))
    assert "a, b" in lance.fails("search", "two", "--like", 0)
    assert rows(lance, "two", "--column", "b", "--like", 0, "--columns", "a") == [{"a": [1.0, 2.0], "_distance": 0.0}]
