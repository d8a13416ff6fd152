#!/usr/bin/env python3
"""Engines that search in memory, and databases, in the comparison, for scale. See lance_cpp_peer.cpp."""

import argparse
import random
from pathlib import Path

from pylance_peer import ORDER_KEYS, SHIP_MODES, load, report_each

THREADS = 1
# As many neighbours in the graph as pylance's default.
LINKS = 20
SUB_VECTORS = 16
ROWS_OF_PARTITION = 1000


def asked(arguments):
    """The queries, and the rows that are nearest to each."""
    table = load(arguments.queries)
    numbers = table["vector"].combine_chunks().values.to_numpy(zero_copy_only=False)
    return numbers.reshape(table.num_rows, -1), table["nearest"].to_pylist()


def report_searches(arguments, find):
    """`find` returns the rows that are nearest to one query."""
    queries, nearest = asked(arguments)
    hits = sum(len(set(find(query)) & set(truth)) for query, truth in zip(queries[:100], nearest))
    count = arguments.repeat or len(queries)
    rest = iter([queries[i % len(queries)] for i in range(count)])
    report_each(count, lambda: find(next(rest)), recall=hits / 1000)


def kept(path, build, write, read):
    """What `build` makes of the vectors, kept in a file beside them."""
    if not path.exists():
        write(build(), str(path))
    return read(str(path))


def faiss(arguments):
    import faiss as library
    import numpy as np

    vectors = np.load(arguments.source)
    library.omp_set_num_threads(THREADS)

    def build():
        partitions = max(1, len(vectors) // ROWS_OF_PARTITION)
        flat = library.IndexFlatL2(vectors.shape[1])
        index = library.IndexIVFPQ(flat, vectors.shape[1], partitions, SUB_VECTORS, 8)
        index.train(vectors)
        index.add(vectors)
        return index

    index = kept(Path(f"{arguments.source}.faiss"), build, library.write_index, library.read_index)
    index.nprobe = arguments.nprobes
    refined = library.IndexRefineFlat(index, library.swig_ptr(vectors))
    refined.k_factor = arguments.refine or 1
    report_searches(arguments, lambda query: refined.search(query[None], 10)[1][0].tolist())


def faiss_flat(arguments):
    import faiss as library
    import numpy as np

    vectors = np.load(arguments.source)
    library.omp_set_num_threads(THREADS)
    index = library.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    report_searches(arguments, lambda query: index.search(query[None], 10)[1][0].tolist())


def hnswlib(arguments):
    import hnswlib as library
    import numpy as np

    vectors = np.load(arguments.source)

    def build():
        index = library.Index("l2", vectors.shape[1])
        index.init_index(len(vectors), M=LINKS, ef_construction=150)
        index.add_items(vectors)
        return index

    def read(path):
        index = library.Index("l2", vectors.shape[1])
        index.load_index(path)
        return index

    index = kept(Path(f"{arguments.source}.hnsw"), build, lambda index, path: index.save_index(path), read)
    index.set_ef(arguments.ef)
    index.set_num_threads(THREADS)
    report_searches(arguments, lambda query: index.knn_query(query, 10)[0][0].tolist())


def duckdb(arguments):
    import duckdb as library

    connection = library.connect(arguments.source, read_only=True)
    draw = random.Random(1)

    def work():
        if arguments.count:
            query = f"SELECT count(*) FROM lineitem WHERE {arguments.column} = '{draw.choice(SHIP_MODES)}'"
        elif arguments.range:
            first = draw.randrange(ORDER_KEYS)
            bounds = f"{first} AND {first + arguments.range - 1}"
            query = f"SELECT * FROM lineitem WHERE {arguments.column} BETWEEN {bounds}"
        else:
            keys = ", ".join(str(draw.randrange(ORDER_KEYS)) for _ in range(arguments.values))
            query = f"SELECT * FROM lineitem WHERE {arguments.column} IN ({keys})"
        connection.execute(query).to_arrow_table()

    for _ in range(20):
        work()
    report_each(arguments.repeat, work)


def tantivy(arguments):
    import tantivy as library

    index = library.Index.open(arguments.source)
    index.reload()
    searcher = index.searcher()
    query = index.parse_query(arguments.text, ["l_comment"])

    def work():
        for _, address in searcher.search(query, 10).hits:
            searcher.doc(address)

    work()
    report_each(arguments.repeat, work)


WORK = {"faiss": faiss, "faiss-flat": faiss_flat, "hnswlib": hnswlib, "duckdb": duckdb, "tantivy": tantivy}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("source", help="vectors, a database, or an index")
    for word in ("queries", "column", "text"):
        parser.add_argument(f"--{word}")
    for number in ("nprobes", "refine", "ef", "range"):
        parser.add_argument(f"--{number}", type=int)
    parser.add_argument("--values", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=0)
    parser.add_argument("--count", action="store_true")
    arguments = parser.parse_args()
    WORK[arguments.work](arguments)


if __name__ == "__main__":
    main()
