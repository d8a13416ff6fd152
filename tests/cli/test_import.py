"""`lance import`."""

import bz2
import datetime
import decimal
import gzip
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


def test_lists_of_nothing_but_nulls_keep_their_lengths(lance, tmp_path):
    rows = [{"a": [None, None], "s": {"l": [[None], [None, None]]}, "id": 1}, {"a": [], "s": {"l": None}, "id": 2}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lance("import", "in.jsonl", "out.lance")
    assert read(tmp_path / "out.lance").to_pylist() == rows


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


def notes(lance, *args):
    """Import, and return the lines that tell what was changed on the way."""
    result = lance.run("import", *args)
    assert result.returncode == 0, result.stderr
    return [line.removeprefix("lance: ") for line in result.stderr.splitlines() if "; it is " in line]


@pytest.mark.parametrize(
    "header,names",
    [
        (",a,a", ["column0", "a", "a_1"]),
        ("a,,a,a", ["a", "column1", "a_1", "a_2"]),
        ("a,a_1,a", ["a", "a_1", "a_1_1"]),
        ("column1,", ["column1", "column1_1"]),
        (",".join(12 * [""]), [f"column{i:02}" for i in range(12)]),
        ("sepal.length,sepal_length", ["sepal_length", "sepal_length_1"]),
        ("a,A", ["a", "A"]),
    ],
)
def test_names_that_cannot_be_read_by_are_repaired(lance, tmp_path, header, names):
    (tmp_path / "in.csv").write_text(header + "\n" + ",".join(str(i) for i in range(len(names))) + "\n")
    said = notes(lance, "in.csv", "out.lance")
    assert read(tmp_path / "out.lance").to_pylist() == [{name: i for i, name in enumerate(names)}]
    changed = [(i, new) for i, (old, new) in enumerate(zip(header.split(","), names)) if old != new]
    assert len(said) == len(changed)
    for line, (i, new) in zip(said, changed):
        assert line.startswith(f"in.csv: column {i + 1} ") and line.endswith(f'; it is imported as "{new}"')


def test_nested_names_are_repaired(lance, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"": 1, "s": {"": [{"x.y": 2}]}}\n')
    said = notes(lance, "in.jsonl", "out.lance")
    assert read(tmp_path / "out.lance").to_pylist() == [{"column0": 1, "s": {"column0": [{"x_y": 2}]}}]
    assert said == [
        'in.jsonl: column 1 has no name; it is imported as "column0"',
        'in.jsonl: column 1 of "s" has no name; it is imported as "column0"',
        'in.jsonl: column 1 of "s.column0.item" is called "x.y", which cannot be kept; it is imported as "x_y"',
    ]


@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_names_are_repaired_alike_in_every_file(lance, tmp_path, extension):
    """What was repaired in the first file is matched in the next one, and in an append."""
    content = "a.b,z,,x\n1,,2,3\n" if extension == "csv" else '{"a.b": 1, "z": "", "": 2, "x": 3}\n'
    for name in ("a", "b"):
        (tmp_path / f"{name}.{extension}").write_text(content)
    lance("import", f"a.{extension}", f"b.{extension}", "out.lance", "--type", "column2=int8", "--type", "z=string")
    lance("import", f"a.{extension}", "out.lance", "--mode", "append")
    assert read(tmp_path / "out.lance").to_pylist() == [{"a_b": 1, "z": "", "column2": 2, "x": 3}] * 3


def test_columns_of_one_name_and_two_types(lance, tmp_path):
    (tmp_path / "in.csv").write_text("a,a\n1,x\n")
    table = pa.Table.from_arrays([pa.array([1]), pa.array(["x"])], ["a", "a"])
    write(tmp_path / "in.parquet", table)
    write(tmp_path / "in.arrow", table)
    for extension in ("csv", "parquet", "arrow"):
        lance("import", f"in.{extension}", f"{extension}.lance")
        assert read(tmp_path / f"{extension}.lance").to_pylist() == [{"a": 1, "a_1": "x"}]


def test_an_object_that_is_empty_at_first_gets_its_fields_later(lance, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"m":{},"a":1,"b":2}\n' * 200_000 + '{"m":{"x":1},"a":3,"b":4}\n')
    lance("import", "in.jsonl", "out.lance", "--block-size", 1)
    rows = read(tmp_path / "out.lance").slice(199_999).to_pylist()
    assert rows == [{"m": {"x": None}, "a": 1, "b": 2}, {"m": {"x": 1}, "a": 3, "b": 4}]


def test_objects_that_are_all_empty_are_refused_by_name(lance, tmp_path, unchanged):
    (tmp_path / "in.jsonl").write_text('{"m":{},"a":1,"b":2}\n')
    unchanged.watch()
    message = lance.fails("import", "in.jsonl", "out.lance")
    assert message == 'in.jsonl: column "m" is a struct without fields, which cannot be stored'


@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_a_column_without_values_in_the_first_block_gets_the_type_of_later_ones(lance, tmp_path, extension):
    header, line = ("x,y\n", "{},{}\n") if extension == "csv" else ("", '{{"x":{},"y":{}}}\n')
    null, late = ("", "2.5") if extension == "csv" else ("null", "2.5")
    text = header + "".join(line.format(i, null) for i in range(200_000)) + line.format(7, late)
    (tmp_path / f"in.{extension}").write_text(text)
    lance("import", f"in.{extension}", "out.lance", "--block-size", 1)
    assert read(tmp_path / "out.lance").slice(199_999).to_pylist() == [{"x": 199_999, "y": None}, {"x": 7, "y": 2.5}]


def test_quoted_line_ends_are_right_across_blocks(lance, tmp_path):
    texts = [f'line {i}\n"quoted"\r\n\n{"," * (i % 5)}' for i in range(80_000)]
    table = pa.table({"text": texts, "id": range(80_000)})
    write(tmp_path / "in.csv", table)
    lance("import", "in.csv", "out.lance", "--block-size", 1)
    assert (tmp_path / "in.csv").stat().st_size > 2 << 20
    assert read(tmp_path / "out.lance").equals(table)


@pytest.mark.parametrize("length", [1 << 10, (1 << 20) - 20, (1 << 20) - 9, 1 << 20, 5 << 20])
@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_a_record_may_be_larger_than_a_block(lance, tmp_path, extension, length):
    table = pa.table({"text": ["a", "x\n" * (length // 2), "b"], "id": [1, 2, 3]})
    write(tmp_path / f"in.{extension}", table)
    lance("import", f"in.{extension}", "out.lance", "--block-size", 1)
    assert read(tmp_path / "out.lance").equals(table)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_the_last_line_may_end_or_not(lance, tmp_path, extension, end):
    records = ["x,y", "1,a", "2.5,b"] if extension == "csv" else ['{"x":1,"y":"a"}', '{"x":2.5,"y":"b"}']
    (tmp_path / f"in.{extension}").write_bytes(("\n".join(records) + end).encode())
    lance("import", f"in.{extension}", "out.lance")
    assert read(tmp_path / "out.lance").to_pydict() == {"x": [1.0, 2.5], "y": ["a", "b"]}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems(lance, tmp_path, line_end):
    (tmp_path / "in.csv").write_bytes(line_end.join(["x,y", "1,a", '2,"b"', ""]).encode())
    lance("import", "in.csv", "out.lance")
    assert read(tmp_path / "out.lance").to_pydict() == {"x": [1, 2], "y": ["a", "b"]}


def test_lines_of_delimiters_are_rows(lance, tmp_path):
    (tmp_path / "in.tsv").write_text("x\ty\n1\t2\n" + "\t\n" * 1_500_000)
    lance("import", "in.tsv", "out.lance", "--block-size", 1)
    out = read(tmp_path / "out.lance")
    assert out.num_rows == 1_500_001 and out["y"].null_count == 1_500_000


def test_an_empty_line_is_a_value_of_a_single_column(lance, tmp_path):
    table = pa.table({"x": [1, None, 3]})
    write(tmp_path / "in.csv", table)
    lance("import", "in.csv", "out.lance")
    assert read(tmp_path / "out.lance").equals(table)


def test_a_byte_order_mark_is_no_part_of_a_name(lance, tmp_path):
    (tmp_path / "in.csv").write_bytes(b"\xef\xbb\xbfx,y\n1,2\n")
    (tmp_path / "in.jsonl").write_bytes(b'\xef\xbb\xbf{"x":1,"y":2}\n')
    for extension in ("csv", "jsonl"):
        lance("import", f"in.{extension}", f"{extension}.lance")
        assert read(tmp_path / f"{extension}.lance").to_pydict() == {"x": [1], "y": [2]}


@pytest.mark.parametrize("suffix,compress", [("gz", gzip.compress), ("bz2", bz2.compress)])
@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_compressed_text_is_read(lance, tmp_path, suffix, compress, extension):
    write(tmp_path / f"in.{extension}", TABLE)
    text = (tmp_path / f"in.{extension}").read_bytes()
    # Two members, as `cat a.gz b.gz` makes them.
    (tmp_path / f"in.{extension}.{suffix}").write_bytes(compress(text[:1000]) + compress(text[1000:]))
    lance("import", f"in.{extension}", "plain.lance")
    lance("import", f"in.{extension}.{suffix}", "out.lance")
    assert read(tmp_path / "out.lance").equals(read(tmp_path / "plain.lance"))


@pytest.mark.parametrize(
    "extension,late,message",
    [
        ("csv", "1.5", "line 300002: column \"x\": CSV conversion error to int64: invalid value '1.5'"),
        ("jsonl", "1.5", 'line 300001: column "x": Failed to convert JSON to int64, couldn\'t parse:1.5'),
        ("jsonl", '"a"', 'line 300001: column "x" changed from number to string'),
    ],
)
def test_a_late_type_is_named_by_line_and_column_and_can_be_given(lance, tmp_path, extension, late, message):
    header, line = ("x\n", "{}\n") if extension == "csv" else ("", '{{"x":{}}}\n')
    (tmp_path / f"in.{extension}").write_text(header + line.format(1234567) * 300_000 + line.format(late))
    said = lance.fails("import", f"in.{extension}", "out.lance", early=False)
    assert said.startswith(f"in.{extension}: {message}; ") and "--type COLUMN=TYPE" in said
    if late == "1.5":
        lance("import", f"in.{extension}", "out.lance", "--type", "x=double")
        assert read(tmp_path / "out.lance")["x"][-1].as_py() == 1.5


def test_a_column_that_appears_late_is_named(lance, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"x": 1}\n' * 300_000 + '{"x": 1, "z": 2}\n')
    said = lance.fails("import", "in.jsonl", "out.lance", early=False)
    assert said.startswith('in.jsonl: line 300001: column "z" is new; ')


TYPED = {
    "zip": ("string", "01234", pa.string(), "01234"),
    "price": ("decimal(12,2)", "1.50", pa.decimal128(12, 2), decimal.Decimal("1.50")),
    "at": ("timestamp[us, tz=UTC]", "2020-01-02T03:04:05Z", pa.timestamp("us", "UTC"), None),
    "day": ("date32", "2020-01-02", pa.date32(), datetime.date(2020, 1, 2)),
    "small": ("int8", "7", pa.int8(), 7),
    "big": ("uint64", "18446744073709551615", pa.uint64(), 18446744073709551615),
    "half": ("float", "0.5", pa.float32(), 0.5),
}


@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_types_can_be_given(lance, tmp_path, extension):
    if extension == "csv":
        values = ",".join(text for _, text, _, _ in TYPED.values())
        (tmp_path / "in.csv").write_text(",".join(TYPED) + "\n" + values + "\n")
    else:
        bare = {"price", "small", "big", "half"}
        pairs = (f'"{name}": ' + (text if name in bare else f'"{text}"') for name, (_, text, _, _) in TYPED.items())
        (tmp_path / "in.jsonl").write_text("{" + ", ".join(pairs) + "}\n")
    types = [word for name, (type_name, *_) in TYPED.items() for word in ("--type", f"{name}={type_name}")]
    lance("import", f"in.{extension}", "out.lance", *types)
    table = read(tmp_path / "out.lance")
    assert table.schema.names == list(TYPED)
    for name, (_, _, type_, value) in TYPED.items():
        assert table.schema.field(name).type == type_
        assert value is None or table[name].to_pylist() == [value]
    assert table["at"].cast(pa.int64()).to_pylist() == [1577934245_000000]


@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_integers_that_only_uint64_holds_keep_their_digits(lance, tmp_path, extension):
    rows = [{"id": 18446744073709551615, "n": -1, "f": 1.5}, {"id": 7, "n": 9223372036854775807, "f": 1e19}]
    schema = pa.schema([("id", pa.uint64()), ("n", pa.int64()), ("f", pa.float64())])
    write(tmp_path / f"in.{extension}", pa.Table.from_pylist(rows, schema))
    lance("import", f"in.{extension}", "out.lance")
    assert read(tmp_path / "out.lance").to_pylist() == rows


def test_a_type_can_be_given_to_a_column_of_a_typed_file(lance, tmp_path):
    write(tmp_path / "in.parquet", pa.table({"x": pa.array([1, 2], pa.int32()), "y": ["a", "b"]}))
    lance("import", "in.parquet", "out.lance", "--type", "x=int64", "--type", "y=large_string")
    assert read(tmp_path / "out.lance").schema.types == [pa.int64(), pa.large_string()]


@pytest.mark.parametrize("extension", ["csv", "jsonl", "parquet"])
def test_a_type_for_a_column_that_is_not_there(lance, tmp_path, extension, unchanged):
    write(tmp_path / f"in.{extension}", pa.table({"x": [1]}))
    unchanged.watch()
    message = lance.fails("import", f"in.{extension}", "out.lance", "--type", "y=int64")
    assert message == f'in.{extension}: has no column "y" to give a type to'


@pytest.mark.parametrize("text", ["x", "x=integer", "=", "x=decimal(99,2)", "x=timestamp[years]"])
def test_a_type_that_is_none_is_a_usage_error(lance, text):
    message = lance.fails("import", "in.csv", "out.lance", "--type", text, code=2)
    assert "COLUMN=TYPE" in message


@pytest.mark.parametrize("last", ["b.parquet", "B.CSV", "b.jsonl.gz", "plain"])
def test_a_forgotten_dataset_is_a_usage_error(lance, tmp_path, last, unchanged):
    write(tmp_path / "a.parquet", TABLE)
    (tmp_path / "plain").write_text("x")
    unchanged.watch()
    message = lance.fails("import", "a.parquet", last, code=2)
    assert f"the last one, {last}, is a file or named like one; name the dataset after the inputs" in message


@pytest.fixture
def wide(lance, tmp_path):
    """A dataset of one row with a column of many types."""
    table = pa.table(
        {
            "i": pa.array([1], pa.int32()),
            "l": pa.array([1], pa.int64()),
            "f": pa.array([0.5], pa.float64()),
            "s": pa.array(["a"], pa.string()),
            "d": pa.array([datetime.date(2020, 1, 1)], pa.date32()),
            "t": pa.array([0], pa.timestamp("us")),
            "p": pa.array([decimal.Decimal("1.00")], pa.decimal128(12, 2)),
            "v": pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2)),
        }
    )
    write(tmp_path / "wide.arrow", table)
    lance("import", "wide.arrow", "wide.lance")
    return table


def append(lance, name, *args):
    return lance("import", name, "wide.lance", "--mode", "append", *args)


def test_appended_text_takes_the_types_of_the_dataset(lance, tmp_path, wide):
    csv_types = [name for name in wide.schema.names if name != "v"]
    (tmp_path / "in.csv").write_text(
        ",".join(csv_types) + "\n3,4,3,007,2021-02-03,2021-02-03 04:05:06.000007,3\n,,,,,,\n"
    )
    (tmp_path / "in.jsonl").write_text(
        '{"f": 3, "i": 3, "l": 4, "s": "007", "d": "2021-02-03", "t": "2021-02-03 04:05:06.000007", "p": 3,'
        ' "v": [1, 2.5]}\n'
        '{"f": null, "i": null, "s": null}\n'
    )
    append(lance, "in.csv")
    append(lance, "in.jsonl")
    out = read(tmp_path / "wide.lance")
    assert out.schema.types == wide.schema.types
    row = {
        "i": 3,
        "l": 4,
        "f": 3.0,
        "s": "007",
        "d": datetime.date(2021, 2, 3),
        "t": datetime.datetime(2021, 2, 3, 4, 5, 6, 7),
        "p": decimal.Decimal("3.00"),
        "v": None,
    }
    none = dict.fromkeys(row)
    # CSV cannot tell an empty text from none.
    assert out.slice(1).to_pylist() == [row, none | {"s": ""}, row | {"v": [1.0, 2.5]}, none]


@pytest.mark.parametrize("extension", ["parquet", "arrow"])
def test_appended_values_are_cast_and_columns_matched_by_name(lance, tmp_path, wide, extension):
    table = pa.table(
        {
            "s": pa.array(["x", None], pa.large_string()).dictionary_encode(),
            "f": pa.array([3, 4], pa.int8()),
            "l": pa.array([5, None], pa.int32()),
            "t": pa.array([7, None], pa.timestamp("ms")),
            "d": pa.nulls(2),
            "i": pa.array([9, 10], pa.uint16()),
            "v": pa.array([[1, 2], None], pa.list_(pa.int32())),
        }
    )
    write(tmp_path / f"in.{extension}", table)
    result = lance.run("import", f"in.{extension}", "wide.lance", "--mode", "append")
    assert result.returncode == 0, result.stderr
    assert f'lance: in.{extension}: column "p" is missing; it is filled with nulls' in result.stderr
    out = read(tmp_path / "wide.lance")
    assert out.schema.types == wide.schema.types
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=7)
    assert out.slice(1).to_pylist() == [
        {"i": 9, "l": 5, "f": 3.0, "s": "x", "d": None, "t": at, "p": None, "v": [1.0, 2.0]},
        {"i": 10, "l": None, "f": 4.0, "s": None, "d": None, "t": None, "p": None, "v": None},
    ]


def test_json_is_appended_to_every_type_that_has_a_text(lance, tmp_path):
    types = {
        "dictionary": (pa.dictionary(pa.int32(), pa.string()), "a", "a"),
        "map": (pa.map_(pa.string(), pa.int64()), [{"key": "a", "value": 1}], [("a", 1)]),
        "duration": (pa.duration("us"), 5, datetime.timedelta(microseconds=5)),
        "half": (pa.float16(), 1.5, 1.5),
        "time": (pa.time64("us"), "01:02:03.5", datetime.time(1, 2, 3, 500_000)),
        "day": (pa.date64(), "2020-02-03", datetime.date(2020, 2, 3)),
        "fixed": (pa.binary(3), "abc", b"abc"),
        "binary": (pa.large_binary(), "abc", b"abc"),
        "list": (pa.list_(pa.large_string()), ["x"], ["x"]),
        "struct": (pa.struct([("a", pa.int32()), ("d", pa.date32())]), {"d": "2020-02-03"}, None),
        "at": (pa.timestamp("ms", "UTC"), "2020-01-01T00:00:00+01:00", None),
    }
    schema = pa.schema([(name, type_) for name, (type_, _, _) in types.items()])
    write(tmp_path / "empty.arrow", schema.empty_table())
    lance("import", "empty.arrow", "out.lance")
    text = json.dumps({name: value for name, (_, value, _) in types.items()})
    (tmp_path / "in.jsonl").write_text(text + '\n{"half": null}\n')
    lance("import", "in.jsonl", "out.lance", "--mode", "append")
    out = read(tmp_path / "out.lance")
    first, second = out.to_pylist()
    assert out.schema.types == schema.types and set(second.values()) == {None}
    assert {name: first[name] for name, (_, _, value) in types.items() if value} == {
        name: value for name, (_, _, value) in types.items() if value
    }
    assert first["struct"] == {"a": None, "d": datetime.date(2020, 2, 3)}
    assert out["at"].cast(pa.int64())[0].as_py() == 1577833200_000


WRONG_COLUMNS = {
    "too large": (pa.table({"i": [1, 2, 1 << 40]}), 'column "i": row 3: Integer value 1099511627776 not in range'),
    "inexact": (pa.table({"f": [1, (1 << 53) + 1]}), 'column "f": row 2: Integer value 9007199254740993 not in range'),
    "cut": (
        pa.table({"t": pa.array([1001], pa.timestamp("ns"))}),
        'column "t": row 1: Casting from timestamp[ns] to timestamp[us] would lose data',
    ),
    "text": (pa.table({"i": ["1"]}), 'column "i" is "string", which does not become "int32", its type in the dataset'),
    "fraction": (pa.table({"i": [1.0]}), 'column "i" is "double", which does not become "int32"'),
    "extra": (pa.table({"i": [1], "z": [1]}), 'column "z" is not in the dataset'),
    "length": (pa.table({"v": pa.array([[1.0]], pa.list_(pa.float32()))}), 'column "v": row 1: '),
}


@pytest.mark.parametrize("kind", WRONG_COLUMNS)
def test_appended_values_that_do_not_fit_are_named(lance, tmp_path, wide, kind, unchanged):
    table, reason = WRONG_COLUMNS[kind]
    write(tmp_path / "in.parquet", table)
    unchanged.watch()
    message = lance.fails("import", "in.parquet", "wide.lance", "--mode", "append", early=False)
    assert message.startswith(f"in.parquet: {reason}")


@pytest.mark.parametrize(
    "extension,content,reason",
    [
        ("csv", "i,l\n1,2\n3,x\n", "line 3: column \"l\": CSV conversion error to int64: invalid value 'x'"),
        ("csv", "i,z\n1,2\n", 'column "z" is not in the dataset'),
        ("jsonl", '{"i": 1}\n{"i": 1, "z": 2}\n', 'column "z" is not in the dataset'),
        ("jsonl", '{"i": 1}\n{"i": 1.5}\n', 'line 2: column "i": Failed to convert JSON to int32'),
    ],
)
def test_appended_text_that_does_not_fit_is_named(lance, tmp_path, wide, extension, content, reason, unchanged):
    (tmp_path / f"in.{extension}").write_text(content)
    unchanged.watch()
    message = lance.fails("import", f"in.{extension}", "wide.lance", "--mode", "append", early=False)
    assert message.startswith(f"in.{extension}: {reason}") and "--block-size" not in message


def test_a_null_where_the_dataset_has_none_is_named(lance, tmp_path, unchanged):
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("x", pa.int64())])
    write(tmp_path / "a.arrow", pa.table({"id": [1], "x": [1]}, schema=schema))
    lance("import", "a.arrow", "out.lance")
    write(tmp_path / "b.parquet", pa.table({"id": [2, None], "x": [1, 2]}))
    write(tmp_path / "c.parquet", pa.table({"x": [1]}))
    unchanged.watch()
    reasons = {"b.parquet": 'column "id": row 2: a null where none may be', "c.parquet": 'column "id" is missing'}
    for name, reason in reasons.items():
        message = lance.fails("import", name, "out.lance", "--mode", "append", early=False)
        assert message.startswith(f"{name}: {reason}")


def test_files_may_have_their_columns_in_another_order(lance, tmp_path):
    write(tmp_path / "a.parquet", pa.table({"id": [1], "x": ["a"]}))
    write(tmp_path / "b.parquet", pa.table({"x": ["b"], "id": [2]}))
    (tmp_path / "c.csv").write_text("x,id\nc,3\n")
    lance("import", "a.parquet", "b.parquet", "c.csv", "out.lance")
    assert read(tmp_path / "out.lance").to_pylist() == [{"id": i, "x": x} for i, x in [(1, "a"), (2, "b"), (3, "c")]]


def test_int96_timestamps_of_any_year_are_right(lance, tmp_path):
    date = datetime.datetime
    far = [date(9999, 12, 31, 23, 59, 59, 999999), None, date(1, 1, 1), date(2020, 1, 1)]
    near = [1, None, 1577836800123456789, -1]
    lists = pa.array([[t] for t in far], pa.list_(pa.timestamp("us")))
    tables = {
        "far": pa.table({"t": pa.array(far, pa.timestamp("us")), "l": lists}),
        "near": pa.table({"t": pa.array(near, pa.timestamp("ns"))}),
    }
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet", use_deprecated_int96_timestamps=True)
        lance("import", f"{name}.parquet", f"{name}.lance")
    out = read(tmp_path / "far.lance")
    assert out["t"].to_pylist() == far and out["l"].to_pylist() == [[t] for t in far]
    assert read(tmp_path / "near.lance")["t"].cast(pa.int64()).to_pylist() == near


def test_int96_timestamps_that_lose_nanoseconds_are_reported(lance, tmp_path):
    """Year 9999, and one with nanoseconds, in one file."""
    nanos, far = pa.BufferOutputStream(), datetime.datetime(9999, 1, 1)
    pq.write_table(
        pa.table({"t": pa.array([0x0102030405060708], pa.timestamp("ns"))}),
        nanos,
        use_deprecated_int96_timestamps=True,
        use_dictionary=False,
        compression="none",
    )
    content = bytearray(nanos.getvalue().to_pybytes())
    julian_day = 2_440_588 + 0x0102030405060708 // 86_400_000_000_000
    at = content.index(julian_day.to_bytes(4, "little"))
    content[at : at + 4] = (2_440_588 + (far - datetime.datetime(1970, 1, 1)).days).to_bytes(4, "little")
    (tmp_path / "in.parquet").write_bytes(content)
    result = lance.run("import", "in.parquet", "out.lance")
    assert result.returncode == 0 and "in.parquet: timestamps of type INT96 are" in result.stderr
    micros = 0x0102030405060708 % 86_400_000_000_000 // 1000
    assert read(tmp_path / "out.lance")["t"].to_pylist() == [far + datetime.timedelta(microseconds=micros)]


@pytest.mark.parametrize("extension", ["parquet", "arrow"])
def test_metadata_that_is_not_utf8_is_left_out(lance, tmp_path, extension):
    table = pa.table({"x": [1]}).replace_schema_metadata({b"k\xff": b"v", b"w": b"\xff", b"ok": b"fine"})
    table = table.cast(table.schema.set(0, pa.field("x", pa.int64(), metadata={b"u": b"\xfe"})))
    write(tmp_path / f"in.{extension}", table)
    result = lance.run("import", f"in.{extension}", "out.lance")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("is not UTF-8; it is left out") >= 3
    schema = pylance.dataset(str(tmp_path / "out.lance")).schema
    assert read(tmp_path / "out.lance").to_pydict() == {"x": [1]} and schema.metadata[b"ok"] == b"fine"


def test_sparse_records_of_many_columns_take_little_memory(lance, tmp_path):
    """A row takes 8 bytes for each of 1000 columns, and a few characters in the file."""
    first = json.dumps({f"column {i}": i for i in range(1000)})
    (tmp_path / "in.jsonl").write_text(first + "\n" + '{"column 7":1}\n' * 80_000)
    (tmp_path / "one.jsonl").write_text(first + "\n")

    def load(name):
        return json.loads(lance("import", name, f"{name}.lance", "--report", "json"))["total"]

    # What the program takes by itself grows with what it can do. Beside that there are 250 MiB in flight, a copy of three
    # quarters of them while these are joined, and some batches of 32 MiB that are parsed: less than the table itself, and no
    # more of a longer one.
    one, all_of_them = load("one.jsonl"), load("in.jsonl")
    assert all_of_them["rows"] == 80_001
    assert all_of_them["peak_memory_bytes"] - one["peak_memory_bytes"] < 640 << 20
