#!/usr/bin/env python3
"""pylance in the comparison of commits; see commit_peer.cpp."""

import json
import sys
import time

import lance
import pyarrow as pa
from lance.fragment import FragmentMetadata, write_fragments


def write(dataset, mode, count, path):
    schema = pa.schema([(f"c{i}", pa.int64()) for i in range(16)])
    with open(path, "w") as file:
        print(json.dumps({"dataset": dataset, "mode": mode}), file=file)
        for row in range(count):
            table = pa.table([[row + i] for i in range(16)], schema=schema)
            (fragment,) = write_fragments(table, dataset, mode=mode)
            print(json.dumps(fragment.to_json()), file=file)


def seconds_of_commit(dataset, mode, lines):
    begin = time.perf_counter()
    fragments = [FragmentMetadata.from_json(line) for line in lines]
    if mode == "append":
        operation, version = lance.LanceOperation.Append(fragments), lance.dataset(dataset).version
    else:
        schema = pa.schema([(f"c{i}", pa.int64()) for i in range(16)])
        operation, version = lance.LanceOperation.Overwrite(schema, fragments), 0
    lance.LanceDataset.commit(dataset, operation, read_version=version)
    return time.perf_counter() - begin


def commit(path, each):
    with open(path) as file:
        target, *lines = file.read().splitlines()
    target = json.loads(target)
    if each:
        print(json.dumps({"each": [seconds_of_commit(**target, lines=[line]) for line in lines]}))
    else:
        print(json.dumps({"seconds": seconds_of_commit(**target, lines=lines)}))


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    if verb == "write":
        write(words[0], words[1], int(words[2]), words[3])
    else:
        commit(words[0], verb == "each")
