"""Schema evolution: what lance-cpp makes of a dataset is what pylance makes of it, and each goes on with the other's."""

import random
import shutil

import lance
import pyarrow as pa
import pytest

ROWS = 400
FILES = 4


def make_table():
    generator = random.Random(5)
    return pa.table(
        {
            "id": pa.array(range(ROWS), pa.int64()),
            "n": pa.array([None if generator.random() < 0.2 else generator.randrange(100) for _ in range(ROWS)], pa.int32()),
            "f": pa.array([generator.random() for _ in range(ROWS)], pa.float64()),
            "text": pa.array([generator.choice(["red", "green", None, "ü'\""]) for _ in range(ROWS)]),
            "s": pa.array([{"x": i, "y": str(i)} for i in range(ROWS)], pa.struct([("x", pa.int32()), ("y", pa.string())])),
            "odd name": pa.array(range(ROWS), pa.int16()),
        }
    )


@pytest.fixture(params=[False, True], ids=["addresses", "stable"])
def pair(request, tmp_path):
    """Two datasets that are the same: one for each side."""
    ours, theirs = tmp_path / "ours.lance", tmp_path / "theirs.lance"
    dataset = lance.write_dataset(make_table(), ours, max_rows_per_file=ROWS // FILES, enable_stable_row_ids=request.param)
    dataset.delete("id % 9 = 4 or id < 20")
    shutil.copytree(ours, theirs)
    return ours, theirs


def assert_same(ours, theirs):
    ours, theirs = lance.dataset(ours), lance.dataset(theirs)
    assert ours.schema == theirs.schema
    assert ours.to_table() == theirs.to_table()
    assert ours.version == theirs.version
    assert [len(f.data_files()) for f in ours.get_fragments()] == [len(f.data_files()) for f in theirs.get_fragments()]
    assert [[file.fields for file in f.data_files()] for f in ours.get_fragments()] == [
        [file.fields for file in f.data_files()] for f in theirs.get_fragments()
    ]
    ours.validate()


EXPRESSIONS = {
    "double": "id * 2",
    "maybe": "n + 1",
    "upper": "upper(text)",
    "inner": "s.x + 1",
    "half": "f / 2",
    "odd": "`odd name` + 1",
    "constant": "'x'",
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression(lance_cli, pair, name):
    ours, theirs = pair
    lance_cli("add-column", ours, f"new={EXPRESSIONS[name]}")
    lance.dataset(theirs).add_columns({"new": EXPRESSIONS[name]})
    assert_same(ours, theirs)


def test_null_columns(lance_cli, pair):
    ours, theirs = pair
    lance_cli("add-column", ours, "--null", "a:int32", "--null", "d:decimal128(12, 2)")
    lance.dataset(theirs).add_columns(pa.schema([("a", pa.int32()), ("d", pa.decimal128(12, 2))]))
    assert_same(ours, theirs)


def test_renamed_and_cast(lance_cli, pair):
    ours, theirs = pair
    lance_cli("alter-column", ours, "n", "--rename", "m", "--type", "int64")
    lance.dataset(theirs).alter_columns({"path": "n", "name": "m", "data_type": pa.int64()})
    lance_cli("alter-column", ours, "s.x", "--rename", "z")
    lance.dataset(theirs).alter_columns({"path": "s.x", "name": "z"})
    lance_cli("alter-column", ours, "f", "--nullable", "no")
    lance.dataset(theirs).alter_columns({"path": "f", "nullable": False})
    assert_same(ours, theirs)


@pytest.mark.parametrize("columns", [["n"], ["text", "odd name"], ["s"], ["s.y"], ["id", "s.x"]], ids=" ".join)
def test_dropped(lance_cli, pair, columns):
    ours, theirs = pair
    lance_cli("drop-column", ours, *columns, "--yes")
    lance.dataset(theirs).drop_columns(columns)
    assert_same(ours, theirs)


def test_metadata(lance_cli, pair):
    ours, theirs = pair
    lance_cli("config", "set", ours, "a=1", "lance.auto_cleanup.interval=50")
    lance.dataset(theirs).update_config({"a": "1", "lance.auto_cleanup.interval": "50"})
    lance_cli("config", "set", ours, "--schema", "about=everything")
    lance.dataset(theirs).update_schema_metadata({"about": "everything"})
    lance_cli("config", "set", ours, "--table", "owner=sales")
    lance.dataset(theirs).update_metadata({"owner": "sales"})
    lance_cli("config", "set", ours, "--column", "n", "unit=m")
    lance.dataset(theirs).update_field_metadata({"n": {"unit": "m"}})
    assert_same(ours, theirs)
    assert lance.dataset(ours).config() == lance.dataset(theirs).config()
    assert lance.dataset(ours).metadata == lance.dataset(theirs).metadata


def test_one_goes_on_with_what_the_other_has_made(lance_cli, pair):
    ours, theirs = pair
    for dataset, steps in ((ours, (0, 1)), (theirs, (1, 0))):
        for i, step in enumerate(steps):
            if step == 0:
                lance_cli("add-column", dataset, f"c{i}=id + {i}")
            else:
                lance.dataset(dataset).add_columns({f"c{i}": f"id + {i}"})
            lance.dataset(dataset).delete(f"id % 50 = {i}")
    assert_same(ours, theirs)
