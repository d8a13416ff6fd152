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


def report_each(count, work, prepare=lambda: None):
    each = []
    for _ in range(count):
        prepare()
        begin = time.perf_counter()
        work()
        each.append(time.perf_counter() - begin)
    print(json.dumps({"each": each}))


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
    parser.add_argument("--cold", action="store_true", help="empty the page cache before each take")
    arguments = parser.parse_args()
    WORK[arguments.work](arguments)


if __name__ == "__main__":
    main()
