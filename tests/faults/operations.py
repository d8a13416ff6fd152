"""The operations whose failures are tried: a new one is a new row of the table."""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from faults import run
from oracle import State, interrupted_branches

ROWS = 2000
COLUMNS = 12
DIMENSION = 8
# More than the engine writes to a store in one part.
LARGE_ROWS = 24
LARGE_VALUE = 512 << 10


@dataclass(frozen=True)
class Operation:
    """A command of the program that changes a dataset, or makes it."""

    name: str
    words: Callable
    on_existing: bool = True
    # Whether it commits two versions, the first of which changes nothing.
    reserves: bool = False
    # Whether rows come in the same order each time.
    ordered: bool = True
    # Commands before it, which nothing disturbs.
    after: tuple = ()


def _import(mode, *inputs):
    # As many lanes as inputs: as many data files.
    return lambda bench, dataset: [
        *("import", *(bench.inputs[name] for name in inputs), dataset),
        *("--mode", mode, "--jobs", len(inputs)),
    ]


def _index(column, kind, *words):
    return lambda bench, dataset: ["index", "create", dataset, column, "--type", kind, *words]


def _change(name, verb, *words, **facts):
    return Operation(name, lambda bench, dataset: [verb, dataset, *words], **facts)


# Those that can be durable.
WRITES = [
    Operation("create", _import("create", "one", "two"), on_existing=False),
    Operation("append", _import("append", "one", "two")),
    Operation("overwrite", _import("overwrite", "one", "two")),
    Operation("overwrite_large", _import("overwrite", "large")),
]
# Of these a push tries some points, and a long run all.
CHANGES = [
    Operation("index", _index("text", "ngram")),
    Operation("index_words", _index("text", "inverted")),
    Operation("index_vectors", _index("vec", "ivf_pq", "--param", "num_partitions=4")),
    Operation(
        "index_optimize",
        lambda bench, dataset: ["index", "optimize", dataset],
        after=(_index("vec", "ivf_hnsw_sq", "--param", "num_partitions=4"), _index("id", "btree"), _import("append", "three")),
    ),
    Operation("index_drop", lambda bench, dataset: ["index", "drop", dataset, "text_idx"], after=(_index("text", "fm"),)),
    _change("delete", "delete", "--where", "id % 3 = 0", "--yes"),
    _change("update", "update", "--set", "n0 = n0 + 1", "--where", "id % 5 = 0", "--yes"),
    Operation("upsert", lambda bench, dataset: ["upsert", dataset, bench.inputs["mixed"], "--on", "id"], ordered=False),
    _change("add_column", "add-column", "twice=id * 2"),
    _change("alter_column", "alter-column", "n1", "--type", "float"),
    _change("drop_column", "drop-column", "n2", "--yes"),
    _change("compact", "compact", reserves=True),
    _change("restore", "restore", "--version", "1", "--yes"),
    Operation("tag", lambda bench, dataset: ["tag", "create", dataset, "a_tag"]),
    Operation("branch", lambda bench, dataset: ["branch", "create", dataset, "a_branch"]),
]
OPERATIONS = [*WRITES, *CHANGES]


def clean_up(path):
    """Remove what a crash left; branches that it interrupted are deleted by their names."""
    for name in interrupted_branches(path):
        done = run(["branch", "delete", path, name, "--force", "--yes"])
        assert done.code == 0, done.stderr
    done = run(["cleanup", path, "--no-writers-active"])
    assert done.code == 0, done.stderr


def _table(seed):
    """Numbers that do not compress, vectors of them, and some text."""
    draw = random.Random(seed)
    columns = {f"n{i}": [draw.random() for _ in range(ROWS)] for i in range(COLUMNS)}
    text = [None if i % 7 == 3 else f"text {draw.randrange(ROWS)}" for i in range(ROWS)]
    numbers = pa.array([draw.random() for _ in range(ROWS * DIMENSION)], pa.float32())
    vectors = pa.FixedSizeListArray.from_arrays(numbers, DIMENSION)
    return pa.table({"id": range(seed * ROWS, (seed + 1) * ROWS), **columns, "text": text, "vec": vectors})


def _large_table():
    draw = random.Random(LARGE_ROWS)
    return pa.table({"id": range(LARGE_ROWS), "bytes": [draw.randbytes(LARGE_VALUE) for _ in range(LARGE_ROWS)]})


class Bench:
    """Inputs for the operations, and a dataset of three versions to start from, which is copied for each try."""

    def __init__(self, directory):
        self.directory = directory
        self.template = directory / "template.lance"
        self.inputs = {}
        tables = {"one": _table(0), "two": _table(1), "three": _table(2), "large": _large_table()}
        # Rows of which one in four has a key that is there.
        tables["mixed"] = pa.concat_tables([tables["two"][-ROWS // 8 :], _table(3)[: ROWS * 3 // 8]])
        for name, table in tables.items():
            self.inputs[name] = directory / f"{name}.parquet"
            pq.write_table(table, self.inputs[name], compression="none")
        for mode, name in (("create", "one"), ("append", "two"), ("append", "three")):
            done = run(["import", self.inputs[name], self.template, "--mode", mode])
            assert done.code == 0, done.stderr

    def dataset(self, operation):
        """A path for one try of an operation, with a fresh copy of the dataset if it needs one."""
        path = self.directory / "try" / "data.lance"
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir()
        if operation.on_existing:
            shutil.copytree(self._prepared(operation), path)
        return path

    def _prepared(self, operation):
        """The dataset that an operation is for."""
        if not operation.after:
            return self.template
        path = self.directory / f"{operation.name}.lance"
        if not path.exists():
            shutil.copytree(self.template, path)
            for words in operation.after:
                done = run(words(self, path))
                assert done.code == 0, done.stderr
        return path

    def undisturbed(self, operation):
        """The dataset before an operation and after it, if nothing fails."""
        path = self.dataset(operation)
        before = State.of(path)
        done = run(operation.words(self, path))
        assert done.code == 0, done.stderr
        return before, State.of(path, ordered=operation.ordered)
