#!/usr/bin/env python3
"""pylance and pyarrow in the comparison: one piece of work, and as JSON how long it took. See lance_cpp_peer.cpp."""

import argparse
import json
import os
import random
import time
from pathlib import Path


def cpu_seconds():
    """CPU time of all threads of this process, and of the programs it has run."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def report(work):
    begin, cpu_before = time.perf_counter(), cpu_seconds()
    rows = work()
    seconds, cpu = time.perf_counter() - begin, cpu_seconds() - cpu_before
    print(json.dumps({"seconds": seconds, "cpu": cpu, "rows": rows}))


def evict(dataset):
    """Drop a dataset's files from the page cache."""
    for path in Path(dataset).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def report_each(count, work, prepare=lambda: None, **others):
    each = []
    for _ in range(count):
        prepare()
        begin = time.perf_counter()
        work()
        each.append(time.perf_counter() - begin)
    print(json.dumps({"each": each, **others}))


def load(path):
    import pyarrow as pa

    with pa.OSFile(path) as file:
        return pa.ipc.open_file(file).read_all()


def write(arguments):
    import lance

    table = load(arguments.table)
    source = table.to_reader(arguments.batch_rows) if arguments.batch_rows else table
    report(lambda: lance.write_dataset(source, arguments.dataset).count_rows())


def write_parquet(arguments):
    import pyarrow.parquet as pq

    table = load(arguments.table)
    report(lambda: pq.write_table(table, arguments.dataset) or table.num_rows)


def import_parquet(arguments):
    """Parquet into Lance, as the documentation of pylance does it."""
    import lance
    import pyarrow.dataset as ds

    def work():
        scanner = ds.dataset(arguments.table, format="parquet").scanner()
        return lance.write_dataset(scanner.to_reader(), arguments.dataset).count_rows()

    report(work)


def generate_tpch(arguments):
    """TPC-H SF 1 as Parquet files, made by the program that stands in place of a table, and these into Lance."""
    import subprocess

    import lance
    import pyarrow.dataset as ds

    output = Path(arguments.dataset)

    def work():
        command = [arguments.table, "parquet", "--scale-factor", "1", "--output-dir", output / "parquet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rows = 0
        for file in (output / "parquet").glob("*.parquet"):
            reader = ds.dataset(file, format="parquet").scanner().to_reader()
            rows += lance.write_dataset(reader, str(output / f"{file.stem}.lance")).count_rows()
        return rows

    report(work)


def scan(arguments):
    import lance

    dataset = lance.dataset(arguments.dataset)
    columns = arguments.columns.split(",") if arguments.columns else None
    report(
        lambda: sum(b.num_rows for b in dataset.to_batches(columns=columns, filter=arguments.filter))
    )


def count(arguments):
    import lance

    dataset = lance.dataset(arguments.dataset)
    report(lambda: dataset.count_rows(arguments.filter))


def take(arguments):
    import lance

    dataset = lance.dataset(arguments.dataset)
    total = dataset.count_rows()
    draw = random.Random(1)

    def work():
        dataset.take([draw.randrange(total) for _ in range(arguments.rows)])

    # The first one reads what the caches keep.
    work()
    report_each(arguments.repeat, work, lambda: evict(arguments.dataset) if arguments.cold else None)


def search(arguments):
    """Vectors; the queries have those that are nearest beside them."""
    from concurrent.futures import ThreadPoolExecutor

    import lance
    import numpy as np

    dataset = lance.dataset(arguments.dataset)
    table = load(arguments.queries)
    queries = table["vector"].combine_chunks().values.to_numpy(zero_copy_only=False).reshape(table.num_rows, -1)
    nearest = table["nearest"].to_pylist()
    how = {"column": "vector", "k": 10}
    given = {"nprobes": arguments.nprobes, "refine_factor": arguments.refine, "ef": arguments.ef}
    how |= {key: value for key, value in given.items() if value}

    def find(vectors):
        return dataset.to_table(columns=["id", "_distance"], nearest={**how, "q": vectors})

    found = [find(query)["id"].to_pylist() for query in queries[:100]]
    recall = float(np.mean([len(set(ids) & set(truth)) / 10 for ids, truth in zip(found, nearest)]))
    count = arguments.repeat if arguments.repeat > 1 else len(queries)
    if arguments.threads:
        with ThreadPoolExecutor(arguments.threads) as threads:
            report(lambda: sum(table.num_rows for table in threads.map(find, queries[:count])))
    elif arguments.batch:
        firsts = range(0, count, arguments.batch)
        report(lambda: sum(find(queries[first : first + arguments.batch]).num_rows for first in firsts))
    else:
        rest = iter([queries[i % len(queries)] for i in range(count)])
        report_each(count, lambda: find(next(rest)), recall=recall)


ORDER_KEYS = 6_000_000
SHIP_MODES = ["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"]


def look_up(arguments):
    import lance

    dataset = lance.dataset(arguments.dataset)
    draw = random.Random(1)

    def work():
        if arguments.count:
            dataset.count_rows(f"{arguments.column} = '{draw.choice(SHIP_MODES)}'")
        elif arguments.range:
            first = draw.randrange(ORDER_KEYS)
            dataset.to_table(filter=f"{arguments.column} BETWEEN {first} AND {first + arguments.range - 1}")
        else:
            keys = ", ".join(str(draw.randrange(ORDER_KEYS)) for _ in range(arguments.values))
            dataset.to_table(filter=f"{arguments.column} IN ({keys})")

    for _ in range(20):
        work()
    report_each(arguments.repeat, work)


def find_text(arguments):
    import lance
    from lance.query import MatchQuery, PhraseQuery

    dataset = lance.dataset(arguments.dataset)
    words = arguments.text.strip('"')
    kind = PhraseQuery if words != arguments.text else MatchQuery
    query = kind(words, arguments.column)

    def work():
        dataset.to_table(full_text_query=query, limit=10)

    work()
    report_each(arguments.repeat, work)


def index(arguments):
    import shutil

    import lance

    shutil.copytree(arguments.table, arguments.dataset)
    dataset = lance.dataset(arguments.dataset)

    def work():
        if arguments.type.startswith("IVF"):
            given = {"num_partitions": arguments.num_partitions, "num_sub_vectors": arguments.num_sub_vectors}
            given = {key: value for key, value in given.items() if value}
            dataset.create_index(arguments.column, arguments.type, metric="L2", **given)
        else:
            dataset.create_scalar_index(arguments.column, arguments.type)
        return 0

    report(work)


def open_dataset(arguments):
    import lance

    report_each(arguments.repeat, lambda: lance.dataset(arguments.dataset))


WORK = {
    "write": write,
    "write-parquet": write_parquet,
    "import-parquet": import_parquet,
    "generate-tpch": generate_tpch,
    "scan": scan,
    "count": count,
    "take": take,
    "open": open_dataset,
    "search": search,
    "lookup": look_up,
    "text": find_text,
    "index": index,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("table", nargs="?", help="what is written")
    parser.add_argument("dataset")
    parser.add_argument("--columns")
    parser.add_argument("--filter")
    parser.add_argument("--batch-rows", type=int)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--queries")
    for number in ("nprobes", "refine", "ef", "threads", "batch", "range", "num-partitions", "num-sub-vectors"):
        parser.add_argument(f"--{number}", type=int)
    parser.add_argument("--values", type=int, default=1)
    for word in ("column", "text", "type"):
        parser.add_argument(f"--{word}")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--cold", action="store_true", help="empty the page cache before each take")
    arguments = parser.parse_args()
    WORK[arguments.work](arguments)


if __name__ == "__main__":
    main()
