"""Vectors that are searched, the queries, and what a search should find; made once and kept in build/bench."""

import tables

DIMENSIONS = 128
# Of each query, the truth has so many rows.
K = 10
QUERIES = 1000


def _clustered(draw, rows):
    """Vectors about as hard to search as those of pictures: around 1,000 centres, a quarter of them far off."""
    import numpy as np

    centres = np.random.default_rng(5).normal(size=(1000, DIMENSIONS)).astype(np.float32)
    spread = draw.choice([0.4, 0.4, 0.4, 1.0], rows).astype(np.float32)[:, None]
    noise = draw.standard_normal((rows, DIMENSIONS), dtype=np.float32)
    return centres[draw.integers(0, len(centres), rows)] + noise * spread


def numbers(rows):
    """The stored vectors, as a NumPy file."""

    def make(path):
        import numpy as np

        np.save(path, _clustered(np.random.default_rng(1), rows))

    return tables.keep(tables.PLACE / f"vectors_{rows}.npy", make)


def queries(rows):
    """An Arrow IPC file of queries, each with the rows that are nearest."""

    def make(path):
        import numpy as np
        import pyarrow as pa

        stored = np.load(numbers(rows))
        asked = _clustered(np.random.default_rng(2), QUERIES)
        squares = (stored * stored).sum(axis=1)
        nearest = []
        for part in np.array_split(asked, QUERIES // 50):
            distances = squares - 2 * part @ stored.T
            some = np.argpartition(distances, K, axis=1)[:, :K]
            nearest.extend(some.astype(np.int64))
        columns = {
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(asked.ravel()), DIMENSIONS),
            "nearest": pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(nearest)), K),
        }
        table = pa.table(columns)
        tables.write_arrow(path, table.to_batches(), table.schema)

    return tables.keep(tables.PLACE / f"queries_{rows}.arrow", make)


def dataset(rows, kind=None):
    """Vectors with ids as a Lance dataset, with an index of this kind."""

    def make(path):
        import lance
        import numpy as np
        import pyarrow as pa

        stored = np.load(numbers(rows))
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(stored.ravel()), DIMENSIONS)
        table = pa.table({"id": pa.array(range(rows), pa.int64()), "vector": vectors})
        made = lance.write_dataset(table, str(path))
        if kind:
            made.create_index("vector", kind, metric="L2", **parameters(rows, kind))

    return tables.keep(tables.PLACE / f"vectors_{rows}_{kind or 'plain'}.lance", make)


def parameters(rows, kind):
    """Those of an index, the same for all contenders: partitions of about a thousand rows, of HNSW of many."""
    partitions = max(1, rows // (25_000 if "HNSW" in kind else 1000))
    return {"num_partitions": partitions} | ({"num_sub_vectors": 16} if kind.endswith("PQ") else {})
