#!/usr/bin/env python3
"""pylance in the comparison of commits; see commit_peer.cpp."""

import json
import sys
import time

import lance
import pyarrow as pa
from lance.fragment import FragmentMetadata, write_fragments

SCHEMA = pa.schema([(f"c{i}", pa.int64()) for i in range(16)])


def row(dataset, mode, number):
    """What a worker that writes a row hands over."""
    table = pa.table([[number + i] for i in range(16)], schema=SCHEMA)
    (fragment,) = write_fragments(table, dataset, mode=mode)
    return json.dumps(fragment.to_json())


def write(dataset, count, path):
    with open(path, "w") as file:
        print(dataset, file=file)
        for number in range(int(count)):
            print(row(dataset, "create", number), file=file)


def commit(path):
    with open(path) as file:
        dataset, *lines = file.read().splitlines()
    begin = time.perf_counter()
    fragments = [FragmentMetadata.from_json(line) for line in lines]
    lance.LanceDataset.commit(dataset, lance.LanceOperation.Overwrite(SCHEMA, fragments), read_version=0)
    print(json.dumps({"seconds": time.perf_counter() - begin}))


def append(dataset, count):
    each = []
    for number in range(int(count)):
        line = row(dataset, "append", -1 - number)
        begin = time.perf_counter()
        operation = lance.LanceOperation.Append([FragmentMetadata.from_json(line)])
        lance.LanceDataset.commit(dataset, operation, read_version=lance.dataset(dataset).version)
        each.append(time.perf_counter() - begin)
    print(json.dumps({"each": each}))


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    {"write": write, "commit": commit, "append": append}[verb](*words)
