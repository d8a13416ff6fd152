"""`lance add-column`, `alter-column`, `drop-column` and `config`."""

import json

import lance as pylance
import pyarrow as pa
import pyarrow.compute as pc
import pytest


def columns(dataset):
    return pylance.dataset(dataset).schema.names


def test_columns_are_computed(lance, people):
    before = pylance.dataset(people).to_table()
    assert lance("add-column", people, "double=id * 2", "next=id + 1") == "added 2 columns: version 2\n"
    after = pylance.dataset(people).to_table()
    assert after.select(before.schema.names) == before
    assert after["double"].to_pylist() == pc.multiply(before["id"], 2).to_pylist()
    assert after["next"].to_pylist() == pc.add(before["id"], 1).to_pylist()


def test_columns_are_null(lance, people):
    assert lance("add-column", people, "--null", "a:int32", "--null", "b:decimal128(12, 2)") == "added 2 columns: version 2\n"
    table = pylance.dataset(people).to_table(columns=["a", "b"])
    assert table.schema.types == [pa.int32(), pa.decimal128(12, 2)]
    assert table["a"].null_count == table["b"].null_count == table.num_rows


def test_a_report_for_programs(lance, people):
    assert json.loads(lance("add-column", people, "a=1", "--format", "json")) == {"added_columns": 1, "version": 2}
    assert json.loads(lance("alter-column", people, "a", "--rename", "b", "--format", "json")) == {"version": 3}
    plan = json.loads(lance("drop-column", people, "b", "--dry-run", "--format", "json"))
    assert plan["dry_run"] and "b" not in plan["columns"]
    done = json.loads(lance("drop-column", people, "b", "--yes", "--format", "json"))
    assert done == {"dry_run": False, "columns": plan["columns"], "version": 4}


@pytest.mark.parametrize(
    "args,message",
    [
        (["a=idd + 1"], 'there is no column "idd"; the nearest name'),
        (["a=id +"], "is no SQL"),
        (["id=1"], 'there is a column "id" already'),
        (["a.b=1"], "a dot or a backtick"),
        (["a=1", "a=2"], "named twice"),
    ],
)
def test_what_cannot_be_added(lance, people, args, message):
    assert message in lance.fails("add-column", people, *args)
    assert pylance.dataset(people).version == 1


def test_a_checkpoint_is_gone_in_the_end(lance, people, tmp_path):
    checkpoint = tmp_path / "checkpoint"
    lance("add-column", people, "a=id", "--checkpoint", checkpoint, "--jobs", "1")
    assert list(checkpoint.rglob("*.json")) == []


def test_a_column_is_altered(lance, people):
    assert lance("alter-column", people, "id", "--rename", "key", "--nullable", "no") == "altered 1 column: version 2\n"
    field = pylance.dataset(people).schema.field("key")
    assert not field.nullable
    lance("add-column", people, "small=cast(key % 100 as smallint)")
    lance("alter-column", people, "small", "--type", "int64")
    assert pylance.dataset(people).schema.field("small").type == pa.int64()
    assert "already" in lance.fails("alter-column", people, "key", "--rename", "small")
    lance.fails("alter-column", people, "key", "--type", "int8")
    assert pylance.dataset(people).version == 4


def test_columns_are_dropped(lance, people):
    name = columns(people)[1]
    before = columns(people)
    text = lance("drop-column", people, name, "--dry-run")
    assert text.startswith("would drop 1 column, and leave\n  id: ") and name not in text
    assert columns(people) == before
    assert lance("drop-column", people, name, "--yes") == "dropped 1 column: version 2\n"
    assert columns(people) == [column for column in before if column != name]
    assert "nearest" in lance.fails("drop-column", people, "idd", "--dry-run")
    assert "all columns" in lance.fails("drop-column", people, *columns(people), "--yes")


@pytest.mark.parametrize("place", [[], ["--table"], ["--schema"], ["--column", "id"]])
def test_settings(lance, people, place):
    def listed():
        return json.loads(lance("config", "list", people, *place, "--format", "json"))

    before = listed()
    assert lance("config", "set", people, *place, "a=1", "b=x=y") == "version 2\n"
    assert listed() == {**before, "a": "1", "b": "x=y"}
    assert "a" in lance("config", "list", people, *place)
    assert lance("config", "unset", people, *place, "a") == "version 3\n"
    assert listed() == {**before, "b": "x=y"}
    assert "twice" in lance.fails("config", "set", people, *place, "c=1", "c=2")


def test_the_primary_key(lance, people):
    assert lance("config", "primary-key", people) == ""
    lance("alter-column", people, "id", "--nullable", "no")
    assert lance("config", "primary-key", people, "id") == "version 3\n"
    assert lance("config", "primary-key", people) == "id\n"
    assert json.loads(lance("config", "primary-key", people, "--format", "json")) == ["id"]
    assert "primary key" in lance.fails("config", "primary-key", people, "id")
    assert "primary key" in lance.fails("drop-column", people, "id", "--yes")
