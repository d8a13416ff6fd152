"""Changes of a dataset in a store that fails now and then, or for good: each is done once, or not at all."""

import json
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fault_proxy import Fault
from store import HANGS, LANCE
from support.figures import figure
from support.scale import pick
from test_faulty_store import IMPATIENT, MANIFEST, MIXED

ROWS = 600
CHANGES = {
    "delete": lambda uri, _: ["delete", uri, "--where", "id % 3 = 0", "--yes"],
    # Done twice it would be seen.
    "update": lambda uri, _: ["update", uri, "--set", "n = n + 1", "--where", "id % 5 = 0", "--yes"],
    "upsert": lambda uri, source: ["upsert", uri, source, "--on", "id"],
    "add_column": lambda uri, _: ["add-column", uri, "twice=id * 2"],
    "alter_column": lambda uri, _: ["alter-column", uri, "n", "--type", "int64"],
    "drop_column": lambda uri, _: ["drop-column", uri, "text", "--yes"],
    "compact": lambda uri, _: ["compact", uri],
    "index": lambda uri, _: ["index", "create", uri, "id", "--type", "btree"],
    "restore": lambda uri, _: ["restore", uri, "--version", "1", "--yes"],
    "tag": lambda uri, _: ["tag", "create", uri, "a_tag"],
    "branch": lambda uri, _: ["branch", "create", uri, "a_branch"],
}


def table(first):
    ids = range(first, first + ROWS)
    columns = {"id": pa.array(ids), "n": pa.array([i % 7 for i in ids], pa.int32())}
    return pa.table(columns | {"text": [None if i % 9 == 4 else f"text {i}" for i in ids]})


@dataclass(frozen=True)
class State:
    """What a reader sees."""

    versions: tuple
    rows: tuple
    refs: tuple

    @staticmethod
    def of(store, uri):
        def listed(*words):
            return json.loads(store.lance(*words, "--format", "json"))

        rows = store.lance("query", uri, "--format", "csv").splitlines()
        refs = (entry["name"] for kind in ("tag", "branch") for entry in listed(kind, "list", uri))
        return State(tuple(entry["version"] for entry in listed("versions", uri)), tuple(sorted(rows)), tuple(refs))


@pytest.fixture(params=pick(["s3"], ["s3", "azure"]))
def store(request, make_store):
    return make_store(request.param)


@pytest.fixture
def change(request, store, tmp_path):
    """Makes a dataset of two fragments and a change of it."""
    for name, first in (("first", 0), ("second", ROWS), ("mixed", ROWS * 3 // 2)):
        pq.write_table(table(first), tmp_path / f"{name}.parquet")

    def make(name="t.lance"):
        uri = store.uri(name)
        store.lance("import", "first.parquet", uri)
        store.lance("import", "second.parquet", uri, "--mode", "append")
        return uri, CHANGES[request.param](uri, "mixed.parquet")

    return make


def attempt(store, words, **options):
    """Make a change; the last line of its error, or None."""
    process = store.start(LANCE, *words, **options)
    _, errors = process.communicate(timeout=HANGS)
    assert process.returncode in (0, 1), errors
    return errors.splitlines()[-1] if process.returncode == 1 else None


def check(store, uri, before, after, message):
    """The change is done, and was said to be, or nothing is."""
    state = State.of(store, uri)
    may_have_landed = message is None or "unknown" in message or "was made" in message
    allowed = [*([after] if may_have_landed else []), *([before] if message is not None else [])]
    assert state in allowed, message
    store.lance("fsck", uri)
    return state == after


@pytest.mark.parametrize("change", CHANGES, indirect=True)
def test_a_change_is_done_once_whatever_fails(store, change):
    uri, words = change("undisturbed.lance")
    before = State.of(store, uri)
    store.lance(*words)
    after = State.of(store, uri)

    # The store loses the answer to the commit, then many kinds of requests fail, and then all that write.
    outcomes = []
    for name, faults in (("lost.lance", [Fault("lost answer", MANIFEST, times=1)]), ("mixed.lance", MIXED)):
        uri, words = change(name)
        with store.proxy.failing(*faults):
            message = attempt(store, words)
        outcomes.append((check(store, uri, before, after, message), message is None))
    uri, words = change("outage.lance")
    objects = store.objects()
    with store.proxy.failing(Fault("503", "^(PUT|POST)")):
        message = attempt(store, words, **IMPATIENT)
    assert message is not None
    assert not check(store, uri, before, after, message)
    left = [*{*store.objects()} - {*objects}, *store.unfinished()]
    assert left == []
    figure(
        "S1",
        store=store.name,
        change=words[0],
        tries=len(outcomes) + 1,
        done=sum(done for done, _ in outcomes),
        acknowledged=sum(acknowledged for _, acknowledged in outcomes),
    )
