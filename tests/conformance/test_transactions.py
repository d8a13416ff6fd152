"""Transactions that are stored as JSON: committed twice, discarded elsewhere, and by two processes at once, with pylance
as the judge of what the dataset has then."""

import base64
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import lance
import pyarrow as pa
import pytest

from conftest import PROJECT, run
from support.figures import figure
from support.scale import pick

TRANSACT = Path(os.environ.get("LANCE_TRANSACT", PROJECT / "build/release/tests/conformance/transact"))
BASE = list(range(10))


class Server:
    """A process that commits and discards."""

    def __init__(self):
        self.process = subprocess.Popen(
            [str(TRANSACT), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, verb, *files, delay=0):
        self.process.stdin.write(f"{verb} {delay} {' '.join(map(str, files))}\n")
        self.process.stdin.flush()

    def answer(self):
        """The error's name, and the version of a commit."""
        line = self.process.stdout.readline()
        assert line, "the process has ended"
        word, _, rest = line.strip().partition(" ")
        return word, int(rest) if word == "OK" and rest else None

    def do(self, verb, *files):
        self.ask(verb, *files)
        return self.answer()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0


@pytest.fixture
def servers():
    both = Server(), Server()
    yield both
    for server in both:
        server.close()


@pytest.fixture
def server(servers):
    return servers[0]


@pytest.fixture
def prepare(tmp_path):
    """Writes a table to a dataset up to the commit, and stores the transaction."""
    count = iter(range(1_000_000))

    def prepare(table, dataset, mode="append", **properties):
        number = next(count)
        data = tmp_path / f"{number}.arrow"
        with pa.ipc.new_file(data, table.schema) as writer:
            writer.write_table(table)
        stored = tmp_path / f"{number}.json"
        pairs = (f"{key}={value}" for key, value in properties.items())
        stored.write_text(run(TRANSACT, "prepare", data, dataset, mode, *pairs))
        return stored

    return prepare


def ids(first, count=10):
    return pa.table({"id": pa.array(range(first, first + count), pa.int64())})


def read(dataset):
    """All rows, after a look at every file."""
    opened = lance.dataset(str(dataset))
    opened.validate()
    return opened.to_table()


def read_ids(dataset):
    return read(dataset).column("id").to_pylist()


def data_files(dataset):
    return {path.name for path in (Path(dataset) / "data").glob("*")}


def transaction_files(dataset):
    return [path for path in (Path(dataset) / "_transactions").rglob("*")]


@pytest.fixture
def dataset(tmp_path):
    lance.write_dataset(ids(0), str(tmp_path / "d.lance"))
    return tmp_path / "d.lance"


OPERATIONS = [("commit", "commit"), ("commit", "discard"), ("discard", "discard")]


@pytest.mark.parametrize("mode", ["create", "append", "overwrite"])
@pytest.mark.parametrize("verbs", OPERATIONS, ids="-".join)
def test_two_processes_at_once(tmp_path, servers, prepare, verbs, mode):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    rounds = pick(15, 60)
    made = deleted = 0
    for round in range(rounds):
        where = f"seed {seed}, round {round}"
        place = tmp_path / f"{round}.lance"
        if mode != "create":
            lance.write_dataset(ids(0), str(place))
        before = data_files(place)
        stored = prepare(ids(10), place, mode)
        mine = data_files(place) - before
        for server, verb in zip(servers, chance.sample(verbs, 2)):
            server.ask(verb, stored, delay=chance.randrange(3000))
            server.verb = verb
        answers = [(server.verb, *server.answer()) for server in servers]

        versions = {version for verb, outcome, version in answers if (verb, outcome) == ("commit", "OK")}
        discarded = any((verb, outcome) == ("discard", "OK") for verb, outcome, _ in answers)
        assert len(versions) <= 1 and not (versions and discarded), (where, answers)
        if verbs == ("commit", "commit"):
            assert [outcome for _, outcome, _ in answers] == ["OK", "OK"], (where, answers)
        if not versions and not discarded:
            # Each has stepped back for the other; then nothing has happened.
            assert mine <= data_files(place), where
            word, version = servers[0].do("commit", stored)
            assert word == "OK", where
            versions = {version}
        old = [] if mode == "create" else BASE
        made += len(versions)
        deleted += discarded
        if versions:
            expected = list(range(10, 20))
            assert read_ids(place) == (old + expected if mode == "append" else expected), where
            opened = lance.dataset(str(place))
            assert versions == {opened.version} == {len(opened.versions())}, where
        else:
            assert not mine & data_files(place), where
            assert (read_ids(place) == old) if old else not place.exists(), where
        shutil.rmtree(place, ignore_errors=True)
    assert made + deleted == rounds
    figure("C3", verbs="_".join(verbs), mode=mode, seed=seed, rounds=rounds, versions=made, discards=deleted)


def test_of_many_processes_each_commits_once(dataset, servers, prepare):
    """Others commit the same and something else; no append gets in the way of another."""
    shared = [prepare(ids(100 * n), dataset) for n in range(1, 6)]
    own = [[prepare(ids(10_000 * (s + 1) + 100 * n), dataset) for n in range(5)] for s in range(2)]
    for server, files in zip(servers, own):
        for mine, ours in zip(files, shared):
            server.ask("commit", mine)
            server.ask("commit", ours)
    answers = [[server.answer() for _ in range(10)] for server in servers]
    assert all(word == "OK" for one in answers for word, _ in one)
    assert [one[1] for one in answers[0][1::2]] == [one[1] for one in answers[1][1::2]]
    rows = read_ids(dataset)
    assert len(rows) == len(set(rows)) == 10 * (1 + 5 + 10)
    assert lance.dataset(str(dataset)).version == 16


def test_a_transaction_is_known_after_what_pylance_does(dataset, server, prepare):
    stored = prepare(ids(10), dataset)
    assert server.do("commit", stored) == ("OK", 2)
    opened = lance.dataset(str(dataset))
    opened.delete("id >= 10")
    opened.optimize.compact_files()
    lance.write_dataset(ids(50), str(dataset), mode="append")
    latest = lance.dataset(str(dataset)).version
    assert server.do("commit", stored) == ("OK", 2)
    assert server.do("discard", stored)[0] == "INVALID_STATE"
    assert lance.dataset(str(dataset)).version == latest
    assert lance.dataset(str(dataset), version=2).to_table().num_rows == 20


def test_files_that_only_a_branch_needs_are_not_discarded(dataset, server, prepare):
    stored = prepare(ids(10), dataset)
    assert server.do("commit", stored) == ("OK", 2)
    lance.dataset(str(dataset)).create_branch("dev")
    lance.write_dataset(ids(100), str(dataset), mode="overwrite")
    for version in (1, 2):
        for path in (dataset / "_versions").glob(f"{(1 << 64) - 1 - version}.manifest"):
            path.unlink()
    assert len(lance.dataset(str(dataset)).versions()) == 1
    before = data_files(dataset)
    assert server.do("discard", stored)[0] == "INVALID_STATE"
    assert server.do("commit", stored)[0] == "INVALID_STATE"
    assert data_files(dataset) == before
    assert read_ids(dataset) == list(range(100, 110))


def test_what_a_crashed_commit_left_keeps_the_files(dataset, server, prepare):
    """The transaction's file is there and the manifest may follow."""
    stored = prepare(ids(10), dataset)
    before = data_files(dataset)
    # As a process leaves it that is killed between the two.
    assert server.do("commit", stored) == ("OK", 2)
    (dataset / "_versions" / f"{(1 << 64) - 1 - 2}.manifest").unlink()
    assert server.do("discard", stored)[0] == "INVALID_STATE"
    assert data_files(dataset) == before
    assert server.do("commit", stored) == ("OK", 2)
    assert read_ids(dataset) == list(range(20))


def test_an_announced_discard_stops_a_commit_and_cleanup_ends_it(dataset, server, prepare, lance_cli):
    """A process that discards announces it; one that crashed has left the announcement."""
    stored = prepare(ids(10), dataset)
    uuid = uuid_of(stored)
    announcement = dataset / "_transactions" / f"discard-{uuid}-0123456789abcdef.txn"
    announcement.write_bytes(b"discard")
    assert server.do("commit", stored)[0] == "INVALID_STATE"
    assert read_ids(dataset) == BASE
    assert server.do("discard", stored)[0] == "OK"
    assert announcement.exists(), "it is another process's"
    lance_cli("cleanup", dataset, "--no-writers-active")
    assert not announcement.exists()


def uuid_of(stored):
    """The engine's identifier of a stored transaction."""
    return json.loads(stored.read_text())["uuid"]


def test_properties_of_all_transactions_survive(dataset, server, prepare):
    message = "__lance_commit_message"
    first = prepare(ids(10), dataset, source="x", batch="1", **{message: "one"})
    second = prepare(ids(20), dataset, source="x", part="2", **{message: "two"})
    assert server.do("commit", first, second) == ("OK", 2)
    properties = lance.dataset(str(dataset)).get_transactions()[0].transaction_properties
    assert properties == {"source": "x", "batch": "1", "part": "2", message: "one\ntwo"}
    clash = [prepare(ids(30), dataset, source=source) for source in "xy"]
    assert server.do("commit", *clash)[0] == "INVALID_ARGUMENT"


def add_column(opened):
    opened.add_columns({"c": "id * 2"})


def drop_column(opened):
    opened.drop_columns(["b"])


def rename(opened):
    opened.alter_columns({"path": "b", "name": "renamed"})


def swap(opened):
    for path, name in [("a", "x"), ("b", "a"), ("x", "b")]:
        opened.alter_columns({"path": path, "name": name})


def retype(opened):
    opened.alter_columns({"path": "b", "data_type": pa.int32()})


def drop_and_add(opened):
    opened.drop_columns(["b"])
    opened.add_columns({"b": "id + 1000"})


# What the appended row has then; None: the append is refused.
EVOLUTIONS = [
    (add_column, {"id": 9, "a": 1, "b": 2, "c": None}),
    (drop_column, {"id": 9, "a": 1}),
    (rename, {"id": 9, "a": 1, "renamed": 2}),
    (swap, {"id": 9, "b": 1, "a": 2}),
    (retype, None),
    (drop_and_add, None),
]


@pytest.mark.parametrize("together", [False, True], ids=["alone", "together"])
@pytest.mark.parametrize("evolve, expected", EVOLUTIONS, ids=[evolve.__name__ for evolve, _ in EVOLUTIONS])
def test_no_value_comes_up_in_another_column(tmp_path, server, prepare, evolve, expected, together):
    place = tmp_path / "d.lance"
    row = pa.table({name: pa.array([value], pa.int64()) for name, value in [("id", 9), ("a", 1), ("b", 2)]})
    lance.write_dataset(row, str(place))
    stored = [prepare(row, place) for _ in range(1 + together)]
    evolve(lance.dataset(str(place)))
    before = read(place).to_pylist()
    outcome, _ = server.do("commit", *stored)
    if expected is None:
        assert outcome == "INCOMPATIBLE_TRANSACTION"
        assert read(place).to_pylist() == before
    else:
        assert outcome == "OK"
        assert read(place).to_pylist() == before + [expected] * len(stored)


def test_a_number_that_was_given_to_another_column_takes_no_old_values(tmp_path, server, prepare):
    place = str(tmp_path / "d.lance")
    row = pa.table({name: pa.array([value], pa.int64()) for name, value in [("id", 9), ("a", 1), ("b", 2)]})
    numbers = {field.name(): field.id() for field in lance.write_dataset(row, place).lance_schema.fields()}
    stored = prepare(row, place)
    lance.dataset(place).drop_columns(["b"])
    lance.write_dataset(row.drop_columns(["b"]), place, mode="append").optimize.compact_files()
    lance.dataset(place).add_columns({"other": "id + 1000"})
    (other,) = (field for field in lance.dataset(place).lance_schema.fields() if field.name() == "other")
    assert other.id() == numbers["b"], "the engine gives numbers to new columns differently now"
    before = read(place).to_pylist()
    assert server.do("commit", stored)[0] == "INCOMPATIBLE_TRANSACTION"
    assert read(place).to_pylist() == before


def test_transactions_for_different_columns_are_committed_one_by_one(tmp_path, server, prepare):
    place = tmp_path / "d.lance"
    lance.write_dataset(ids(0), str(place))
    narrow = prepare(ids(10), place)
    lance.dataset(str(place)).add_columns({"c": "id * 2"})
    wide = prepare(ids(20).append_column("c", pa.array([0] * 10, pa.int64())), place)
    assert server.do("commit", narrow, wide)[0] == "INVALID_ARGUMENT"
    assert server.do("commit", wide) == ("OK", 3)
    assert server.do("commit", narrow) == ("OK", 4)
    assert read_ids(place) == BASE + list(range(20, 30)) + list(range(10, 20))


def test_json_of_an_older_library_is_read(dataset, server, prepare, tmp_path):
    """It has the operation as protobuf, and does not say at which version the write began; its place may be relative."""
    stored = prepare(ids(10), dataset)
    document = json.loads(stored.read_text())
    uuid = document["uuid"].encode()
    message = bytes([0x08, document["read_version"], 0x12, len(uuid)]) + uuid + bytes([0xA2, 0x06, 0x00])
    old = {
        "format": 1,
        "uri": os.path.relpath(dataset),
        "must_be_new": False,
        "data_storage_version": None,
        "stable_row_ids": False,
        "schema_metadata": {},
        "fragments": document["operation"]["fragments"],
        "transaction": base64.b64encode(message).decode(),
    }
    stored.write_text(json.dumps(old))
    assert server.do("commit", stored) == ("OK", 2)
    assert server.do("commit", stored) == ("OK", 2)
    assert read_ids(dataset) == list(range(20))
