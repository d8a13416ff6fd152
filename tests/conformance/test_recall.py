"""What each kind of vector index finds of what brute force finds, on clustered vectors, by our searches."""

import json

import lance
import numpy as np
import pyarrow as pa
import pytest

from support.scale import pick, some

ROWS = pick(push=20_000, long=100_000)
DIMENSION = 128
QUERIES = pick(push=50, long=200)
K = 10

# Kind, its parameters, how it is asked, and what it finds at least. Twenty partitions of a hundred are searched.
PARTITIONS = ROWS // 1000
PROBES = {"nprobes": max(1, PARTITIONS // 5)}
KINDS = [
    ("ivf_flat", {}, {}, 0.95),
    ("ivf_sq", {}, {}, 0.9),
    ("ivf_pq", {"num_sub_vectors": 32}, {"refine": 10}, 0.9),
    ("ivf_rq", {"num_bits": 5}, {"refine": 4}, 0.9),
    ("ivf_hnsw_flat", {}, {"ef": 100}, 0.9),
    ("ivf_hnsw_sq", {}, {"ef": 100}, 0.85),
    ("ivf_hnsw_pq", {"num_sub_vectors": 32}, {"ef": 100, "refine": 10}, 0.85),
]


def clustered(seed, rows):
    """Around as many centres as there are partitions, so that a query has neighbours in several of them."""
    draw = np.random.default_rng(seed)
    centres = np.random.default_rng(5).normal(size=(4 * PARTITIONS, DIMENSION))
    noise = draw.normal(scale=0.6, size=(rows, DIMENSION))
    return (centres[draw.integers(0, len(centres), rows)] + noise).astype(np.float32)


@pytest.fixture(scope="module")
def vectors():
    return clustered(1, ROWS)


@pytest.fixture(scope="module")
def dataset(vectors, tmp_path_factory):
    uri = tmp_path_factory.mktemp("recall") / "vectors.lance"
    lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), DIMENSION)
    lance.write_dataset(pa.table({"id": pa.array(range(ROWS), pa.int64()), "v": lists}), uri)
    return uri


@pytest.fixture(scope="module")
def queries():
    return clustered(2, QUERIES)


@pytest.fixture(scope="module")
def nearest(vectors, queries):
    """The rows that are nearest to each query, by distances in double."""
    stored = vectors.astype(np.float64)
    squares = (stored * stored).sum(axis=1)
    distances = [squares - 2 * stored @ query.astype(np.float64) for query in queries]
    return [set(np.argpartition(of_query, K)[:K].tolist()) for of_query in distances]


@pytest.mark.parametrize("kind,parameters,asked,bound", some(KINDS, 3), ids=lambda it: it if isinstance(it, str) else "")
def test_an_index_finds_most_of_what_brute_force_finds(lance_cli, dataset, queries, nearest, kind, parameters, asked, bound):
    given = {"num_partitions": PARTITIONS, **parameters}
    words = [word for key, value in given.items() for word in ("--param", f"{key}={value}")]
    lance_cli("index", "create", dataset, "v", "--type", kind, "--name", "v_idx", "--replace", *words)
    file = dataset.parent / "queries.json"
    file.write_text(json.dumps(queries.tolist()))
    words = [word for key, value in {**PROBES, **asked}.items() for word in (f"--{key}", value)]
    printed = lance_cli("search", dataset, "--vector", file, "-k", K, "--columns", "id", "--format", "json", *words)
    found = [set() for _ in queries]
    for row in map(json.loads, printed.splitlines()):
        found[row["query_index"]].add(row["id"])
    right = sum(len(nearest & ids) for nearest, ids in zip(nearest, found, strict=True))
    assert right / QUERIES / K >= bound
