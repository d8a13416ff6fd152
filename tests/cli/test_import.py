"""`lance import`."""

import json

import lance as pylance
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from conftest import make_table

TABLE = make_table(20_000)


def write(path, table, chunk=3000):
    """Write a file in the format of its extension."""
    match path.suffix:
        case ".parquet" | ".pq":
            pq.write_table(table, path, row_group_size=chunk)
        case ".csv":
            pa.csv.write_csv(table, path)
        case ".tsv":
            pa.csv.write_csv(table, path, pa.csv.WriteOptions(delimiter="\t"))
        case ".jsonl" | ".ndjson" | ".json":
            path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
        case ".feather":
            pa.feather.write_feather(table, path, compression="lz4")
        case ".arrow" | ".ipc":
            with pa.ipc.new_file(path, table.schema) as sink:
                sink.write_table(table, max_chunksize=chunk)
        case ".arrows":
            with pa.ipc.new_stream(path, table.schema) as sink:
                sink.write_table(table, max_chunksize=chunk)


def read(path):
    return pylance.dataset(str(path)).to_table()


@pytest.mark.parametrize(
    "extension", ["parquet", "pq", "csv", "tsv", "jsonl", "ndjson", "json", "arrow", "ipc", "arrows", "feather"]
)
def test_every_format_arrives_whole_and_in_order(lance, tmp_path, extension):
    write(tmp_path / f"in.{extension}", TABLE)
    lance("import", f"in.{extension}", "out.lance")
    out = read(tmp_path / "out.lance")
    # CSV cannot tell an empty text from none.
    expected = TABLE if extension not in ("csv", "tsv") else TABLE.set_column(1, "name", TABLE["name"].fill_null(""))
    assert out.equals(expected.cast(out.schema))


@pytest.mark.parametrize("jobs", [1, 2, 3, 64])
def test_row_groups_of_all_files_keep_their_order(lance, tmp_path, jobs):
    names = ["b.parquet", "a.parquet", "c.parquet"]
    for i, name in enumerate(names):
        write(tmp_path / name, TABLE.slice(i * 5000, 5000), chunk=700)
    lance("import", *names, "out.lance", "--jobs", jobs)
    assert read(tmp_path / "out.lance").equals(TABLE.slice(0, 15_000))


def test_patterns_are_expanded_in_the_order_of_names(lance, tmp_path):
    for i in (2, 0, 1):
        write(tmp_path / f"part-{i}.csv", TABLE.slice(i * 100, 100).select(["id", "value"]))
    lance("import", "part-*.csv", "out.lance")
    assert read(tmp_path / "out.lance").equals(TABLE.slice(0, 300).select(["id", "value"]))


def test_a_file_with_the_name_of_a_pattern_is_taken_as_it_is(lance, tmp_path):
    write(tmp_path / "a[1].parquet", TABLE)
    lance("import", "a[1].parquet", "out.lance")
    assert read(tmp_path / "out.lance").num_rows == TABLE.num_rows


def test_formats_can_be_mixed(lance, tmp_path):
    write(tmp_path / "a.parquet", TABLE)
    write(tmp_path / "b.arrow", TABLE)
    lance("import", "a.parquet", "b.arrow", "out.lance")
    assert read(tmp_path / "out.lance").equals(pa.concat_tables([TABLE, TABLE]))


def test_the_format_can_be_named(lance, tmp_path):
    (tmp_path / "data.txt").write_text("1;x\n2;y\n")
    lance("import", "data.txt", "out.lance", "--format", "csv", "--no-header", "--delimiter", ";")
    assert read(tmp_path / "out.lance").to_pydict() == {"f0": [1, 2], "f1": ["x", "y"]}


def test_batches_have_at_most_the_rows_asked_for(lance, tmp_path):
    for extension in ("parquet", "csv", "arrow"):
        write(tmp_path / f"in.{extension}", TABLE, chunk=20_000)
        args = ["import", f"in.{extension}", f"{extension}.lance", "--batch-rows", 500, "--report", "json"]
        assert json.loads(lance(*args))["total"]["batches"] >= 40


def test_types_survive(lance, tmp_path):
    table = pa.table(
        {
            "decimal": pa.array([1, None], pa.decimal128(15, 2)),
            "date": pa.array([1, None], pa.date32()),
            "timestamp": pa.array([1, None], pa.timestamp("us", "UTC")),
            "binary": pa.array([b"\x00\xff", None]),
            "list": pa.array([[1, 2], None]),
            "struct": pa.array([{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
            "fixed": pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
            "required": pa.array([1, 2], pa.int8()),
        },
        schema=None,
    )
    table = table.cast(table.schema.set(7, pa.field("required", pa.int8(), nullable=False)))
    write(tmp_path / "in.arrow", table)
    lance("import", "in.arrow", "out.lance")
    assert read(tmp_path / "out.lance").equals(table)


@pytest.mark.parametrize("extension", ["parquet", "csv", "arrow"])
def test_files_without_rows_make_an_empty_dataset(lance, tmp_path, extension):
    write(tmp_path / f"in.{extension}", TABLE.slice(0, 0))
    lance("import", f"in.{extension}", "out.lance")
    dataset = pylance.dataset(str(tmp_path / "out.lance"))
    assert dataset.count_rows() == 0 and dataset.schema.names == ["id", "name", "value"]


def test_append_and_overwrite(lance, people, tmp_path):
    write(tmp_path / "more.parquet", make_table(10, start=5000))
    lance("import", "more.parquet", people, "--mode", "append")
    assert read(people)["id"].to_pylist()[998:1002] == [998, 999, 5000, 5001]
    lance("import", "more.parquet", people, "--mode", "overwrite")
    assert read(people).equals(make_table(10, start=5000))
    assert len(pylance.dataset(str(people)).versions()) == 3


def test_a_later_file_is_read_with_the_types_of_the_first(lance, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1.5\n")
    (tmp_path / "b.csv").write_text("x\n2\n")
    lance("import", "a.csv", "b.csv", "out.lance")
    assert read(tmp_path / "out.lance").to_pydict() == {"x": [1.5, 2.0]}


def test_a_field_missing_in_json_is_null(lance, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"x": 1, "y": "a"}\n{"x": 2}\n')
    lance("import", "in.jsonl", "out.lance")
    assert read(tmp_path / "out.lance").to_pydict() == {"x": [1, 2], "y": ["a", None]}


@pytest.mark.parametrize(
    "columns,difference",
    [
        ({"id": [1], "y": [1.0]}, 'column 2 is "y: double", but "x: double" in the first input'),
        ({"id": [1], "x": [1]}, 'column 2 is "x: int64", but "x: double" in the first input'),
        ({"id": [1]}, 'column 2 is missing, but "x: double" in the first input'),
        ({"id": [1], "x": [1.0], "z": [1]}, 'column 3 is "z: int64", but missing in the first input'),
    ],
)
def test_a_mismatch_names_the_file_and_the_column(lance, tmp_path, unchanged, columns, difference):
    write(tmp_path / "a.parquet", pa.table({"id": [1], "x": [1.0]}))
    write(tmp_path / "b.parquet", pa.table(columns))
    unchanged.watch()
    assert lance.fails("import", "a.parquet", "b.parquet", "out.lance") == f"b.parquet: {difference}"


def test_appending_another_schema_is_refused(lance, people, tmp_path, unchanged):
    write(tmp_path / "other.parquet", pa.table({"id": ["text"]}))
    unchanged.watch()
    assert "id" in lance.fails("import", "other.parquet", people, "--mode", "append", early=False)


def test_an_existing_dataset_is_refused(lance, people, tmp_path, unchanged):
    unchanged.watch()
    message = lance.fails("import", "people.parquet", people)
    assert message == f"dataset already exists: {people}; use --mode append or --mode overwrite to write to it"


BAD_FILES = {
    "missing.parquet": (None, "No such file"),
    "text.parquet": (b"hello", "Parquet"),
    "garbage.parquet": (b"PAR1" + bytes(range(256)) * 8 + b"PAR1", ""),
    "garbage.arrow": (b"neither a file nor a stream", ""),
    "empty.csv": (b"", "Empty CSV"),
    "empty.arrow": (b"", ""),
    "short.csv": (b"a,b\n1,2\n3\n", "Expected 2 columns"),
    "broken.jsonl": (b'{"a": 1}\n{"a": \n', "JSON"),
    "changing.jsonl": (b'{"a": 1}\n{"a": "x"}\n', "changed from number to string"),
    "unknown.xyz": (b"1", "use --format"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_an_unreadable_file_is_named(lance, tmp_path, unchanged, name):
    content, reason = BAD_FILES[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    unchanged.watch()
    message = lance.fails("import", name, "out.lance", early=False)
    assert message.startswith(f"{name}: ") and reason in message


def test_damage_found_in_the_middle_leaves_the_dataset_alone(lance, people, tmp_path, unchanged):
    write(tmp_path / "cut.parquet", make_table(200_000), chunk=10_000)
    damaged = bytearray((tmp_path / "cut.parquet").read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 50_000] = bytes(50_000)
    (tmp_path / "cut.parquet").write_bytes(damaged)
    unchanged.watch()
    message = lance.fails("import", "cut.parquet", people, "--mode", "append", early=False)
    assert message.startswith("cut.parquet: ")


def test_a_type_that_changes_after_the_first_block_gets_a_hint(lance, tmp_path, unchanged):
    (tmp_path / "late.csv").write_text("x\n" + "1234567\n" * 300_000 + "1.5\n")
    unchanged.watch()
    message = lance.fails("import", "late.csv", "out.lance", "--block-size", 1, early=False)
    assert message.startswith("late.csv: ") and "--block-size" in message


def test_a_larger_block_sees_the_type(lance, tmp_path):
    (tmp_path / "late.csv").write_text("x\n" + "1234567\n" * 300_000 + "1.5\n")
    lance("import", "late.csv", "out.lance", "--block-size", 4)
    assert read(tmp_path / "out.lance")["x"][-1].as_py() == 1.5


def test_a_pattern_without_a_match_is_an_error(lance, unchanged):
    unchanged.watch()
    assert lance.fails("import", "*.parquet", "out.lance") == 'no file matches "*.parquet"'


def test_a_directory_is_no_input(lance, tmp_path, unchanged):
    (tmp_path / "in").mkdir()
    unchanged.watch()
    assert "is a directory" in lance.fails("import", "in", "out.lance")
