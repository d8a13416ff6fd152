"""Scans cut into parts, and takes of all kinds, beside pylance: datasets of many fragments and deletions, made by it."""

import itertools
import random

import lance
import pyarrow as pa
import pytest

from conftest import PARTS, outcome, run
from support.scale import pick

EXPRESSIONS = {"twice": "n * 2", "size": "length(text)", "odd": "id % 2 = 1"}


def random_dataset(rng, path):
    """A dataset of up to forty fragments, some rows of which are deleted, some fragments wholly."""
    rows = rng.choice([1, 700, 5000, 20_000])
    table = pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "n": pa.array([None if rng.random() < 0.1 else rng.randrange(-99, 99) for _ in range(rows)], pa.int32()),
            "text": pa.array([rng.choice(["", "a", "ünï", None]) for _ in range(rows)], pa.string()),
            "st": pa.array([{"x": i % 7, "y": None if i % 5 else "y"} for i in range(rows)]),
            "l": pa.array([None if i % 11 == 0 else list(range(i % 4)) for i in range(rows)], pa.list_(pa.int16())),
        }
    )
    dataset = lance.write_dataset(
        table,
        path,
        max_rows_per_file=max(1, rows // rng.choice([1, 3, 40])),
        enable_stable_row_ids=rng.random() < 0.5,
        data_storage_version=rng.choice(["2.0", "2.1", "2.2"]),
    )
    if rng.random() < 0.8:
        dataset.delete(f"id % {rng.randrange(2, 9)} = 1")
    if rng.random() < 0.4:
        dataset.delete(f"id BETWEEN {rows // 3} AND {rows // 2}")
    return lance.dataset(path)


@pytest.fixture
def read_parts(tmp_path):
    """Runs `parts`; options as it takes them."""

    # The tables are in these files, which are mapped.
    numbers = itertools.count()

    def read(dataset, **options):
        file = tmp_path / f"parts{next(numbers)}.arrow"
        run(PARTS, dataset.uri, file, *(f"{key}={value}" for key, value in options.items()))
        with pa.ipc.open_stream(file) as reader:
            return reader.read_all()

    return read


def computed(columns):
    """Columns and expressions, as pylance takes them and as `parts` does."""
    named = {name: f"`{name}`" for name in columns}
    lines = "\n".join(f"{name}={sql}" for name, sql in EXPRESSIONS.items())
    return named | EXPRESSIONS, {"columns": "\n".join(columns), "expressions": lines}


def assert_same(ours, theirs):
    assert ours.schema.names == theirs.schema.names
    assert ours.to_pylist() == theirs.to_pylist()


@pytest.mark.parametrize("seed", range(pick(push=5, long=20)))
def test_any_number_of_parts_has_every_row_once_and_in_order(tmp_path, read_parts, seed):
    rng = random.Random(f"splits {seed}")
    dataset = random_dataset(rng, tmp_path / "d")
    ids = [fragment.fragment_id for fragment in dataset.get_fragments()]
    for _ in range(4):
        counts = [1, 2, rng.randrange(3, 9), rng.randrange(9, 60)]
        theirs, ours = {}, {"counts": ",".join(map(str, counts))}
        if rng.random() < 0.6:
            theirs["columns"] = ["id", *rng.sample(["n", "text", "st.x", "l", "_rowid", "_rowaddr"], rng.randrange(6))]
            ours["columns"] = "\n".join(theirs["columns"])
        if rng.random() < 0.5:
            theirs["filter"] = ours["filter"] = rng.choice(["n > 0", "text IS NULL", "id % 7 = 2 OR n = 5", "id < 0"])
        if rng.random() < 0.4:
            some = rng.sample(ids, rng.randrange(1, len(ids) + 1)) if ids else []
            if rng.random() < 0.5:
                some.sort()
            ours["fragments"] = ",".join(map(str, some))
            theirs["fragments"] = [dataset.get_fragment(id) for id in some]
            if not some:
                continue
        assert_same(read_parts(dataset, **ours), dataset.scanner(**theirs).to_table())


@pytest.mark.parametrize("seed", range(pick(push=3, long=10)))
def test_rows_are_taken_as_they_are_scanned(tmp_path, read_parts, seed):
    rng = random.Random(f"takes {seed}")
    dataset = random_dataset(rng, tmp_path / "d")
    columns = rng.sample(["id", "n", "text", "st", "l"], rng.randrange(1, 6))
    theirs, ours = computed(columns)
    scanned = dataset.to_table(columns=theirs)
    places = dataset.scanner(columns=["id"], with_row_id=True, with_row_address=True).to_table()
    live = dataset.count_rows()
    for wanted in (1, 7, 3000) if live else ():
        positions = [rng.randrange(live) for _ in range(wanted)]
        expected = scanned.take(positions)
        rows = {
            "positions": positions,
            "row_ids": places["_rowid"].take(positions).to_pylist(),
            "addresses": places["_rowaddr"].take(positions).to_pylist(),
        }
        for by, numbers in rows.items():
            assert_same(read_parts(dataset, by=by, rows=",".join(map(str, numbers)), **ours), expected)
    ranges = []
    for _ in range(rng.choice([1, 50])):
        first = rng.randrange(live + 1)
        ranges.append((first, rng.randrange(min(live - first, 3000) + 1)))
    expected = pa.concat_tables([scanned.slice(first, count) for first, count in ranges])
    assert_same(read_parts(dataset, ranges=",".join(f"{a}+{n}" for a, n in ranges), **ours), expected)
    size = rng.randrange(live + 10)
    sample = read_parts(dataset, sample=size, seed=seed, columns="id")["id"].to_pylist()
    assert sample == sorted(set(sample)) and len(sample) == min(size, live)
    assert set(sample) <= set(places["id"].to_pylist())
    assert sample == read_parts(dataset, sample=size, seed=seed, columns="id")["id"].to_pylist()


@pytest.mark.parametrize("seed", range(pick(push=4, long=15)))
def test_an_epoch_has_every_row_once(tmp_path, read_parts, seed):
    rng = random.Random(f"epochs {seed}")
    dataset = random_dataset(rng, tmp_path / "d")
    columns = ["id", *rng.sample(["n", "text", "st", "l", "_rowaddr"], rng.randrange(6))]
    theirs, ours = computed(columns)
    for filter in (None, rng.choice(["n > 0", "id % 7 = 2 OR n = 5", "id < 0"])):
        given = {} if filter is None else {"filter": filter}
        expected = dataset.to_table(columns=theirs, **given)
        epochs = []
        for shards in (1, rng.randrange(2, 9)):
            blocks = {} if seed % 2 else {"block_rows": 1 + seed * 40}
            epochs.append(read_parts(dataset, shards=shards, seed=seed, **blocks, **given, **ours))
        assert_same(epochs[0].sort_by("id"), expected.sort_by("id"))
        assert_same(epochs[1], epochs[0])
        assert expected.num_rows < 50 or epochs[0]["id"] != expected["id"]


def test_deleted_rows_are_left_out_and_what_was_never_stored_is_refused(tmp_path, read_parts):
    dataset = lance.write_dataset(pa.table({"id": range(100)}), tmp_path / "d", max_rows_per_file=50)
    dataset.delete("id IN (3, 4, 60) OR id >= 90")
    for by in ("row_ids", "addresses"):
        rows = ",".join(map(str, [5, 4, 3, 2, (1 << 32) + 10, (1 << 32) + 45, (1 << 32) + 5]))
        assert read_parts(dataset, by=by, rows=rows, columns="id")["id"].to_pylist() == [5, 2, 55]
        only = read_parts(dataset, by=by, rows="3,4", columns="id")
        assert only.num_rows == 0 and only.schema.names == ["id"]
    failed = outcome(PARTS, dataset.uri, tmp_path / "x", "by=addresses", "rows=2,50")
    assert failed.returncode == 1 and "row address 50 is out of range" in failed.stderr


def test_an_index_answers_the_parts_of_a_scan(tmp_path, read_parts):
    table = pa.table({"id": range(20_000), "n": [i % 100 for i in range(20_000)]})
    dataset = lance.write_dataset(table, tmp_path / "d", max_rows_per_file=6000)
    dataset.create_scalar_index("n", "BTREE")
    dataset.delete("id % 10 = 3")
    dataset = lance.dataset(tmp_path / "d")
    expected = dataset.to_table(filter="n IN (7, 13, 50)")
    assert_same(read_parts(dataset, counts="1,2,5,33", filter="n IN (7, 13, 50)"), expected)


def test_a_branch_is_read_in_parts(tmp_path, read_parts):
    dataset = lance.write_dataset(pa.table({"id": range(5000)}), tmp_path / "d", max_rows_per_file=2000)
    branch = dataset.create_branch("b")
    branch = lance.write_dataset(pa.table({"id": range(5000, 5100)}), branch, mode="append")
    assert_same(read_parts(branch, counts="1,4,9"), branch.to_table())


def test_files_of_the_oldest_format_are_not_cut_through(tmp_path, read_parts):
    table = pa.table({"id": range(5000), "text": [f"t{i % 9}" for i in range(5000)]})
    dataset = lance.write_dataset(table, tmp_path / "d", max_rows_per_file=900, data_storage_version="legacy")
    dataset.delete("id % 7 = 2")
    dataset = lance.dataset(tmp_path / "d")
    expected = dataset.to_table()
    assert_same(read_parts(dataset, counts="1,2,3,6,50"), expected)
    assert_same(read_parts(dataset, by="positions", rows="9,0,4000", columns="id"), expected.select(["id"]).take([9, 0, 4000]))
    assert_same(read_parts(dataset, ranges="4000+9,1+3"), pa.concat_tables([expected.slice(4000, 9), expected.slice(1, 3)]))
