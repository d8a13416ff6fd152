"""Random tables through `lance import`, from files of each format that other programs wrote: value by value."""

import csv
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lance
from conftest import LANCE, run, seeds, start
from tables import NAMES, Tables, as_read, same_values


def imported(tmp_path, file, *options):
    uri = tmp_path / "table.lance"
    run(LANCE, "import", file, uri, *options)
    run(LANCE, "fsck", "--deep", uri)
    return lance.dataset(uri).to_table()


def assert_values(actual, expected):
    """A reader of a file may choose another type for the same values."""
    assert actual.column_names == expected.column_names
    assert actual.num_rows == expected.num_rows
    for name in expected.column_names:
        assert same_values(actual.column(name), expected.column(name)) is None, name


def made_table(seed):
    made = Tables(seed)
    schema = made.schema()
    return made, pa.Table.from_batches(made.batches(schema, made.rows()), schema)


@pytest.mark.parametrize("seed", seeds(60, 1500))
def test_parquet(tmp_path, tally, seed):
    made, table = made_table(seed)
    table = without_what_parquet_lacks(table)
    pq.write_table(
        table,
        tmp_path / "in.parquet",
        row_group_size=made.random.choice([1, 10, 1000]),
        data_page_size=made.random.choice([16, 1 << 20]),
        use_dictionary=made.random.random() < 0.5,
        store_schema=made.random.random() < 0.8,
        compression=made.random.choice(["none", "snappy", "zstd"]),
    )
    expected = read_by_arrow(tmp_path / "in.parquet")
    if expected is None:
        done = start(LANCE, "import", tmp_path / "in.parquet", tmp_path / "table.lance")
        assert (done.returncode, str(tmp_path / "in.parquet") in done.stderr) == (1, True), done.stderr
        return
    assert_values(imported(tmp_path, tmp_path / "in.parquet"), expected)
    tally["parquet_files"] += 1


def read_by_arrow(file):
    """What is in a Parquet file; None where Arrow itself cannot read what it wrote, as for some NULLs in lists."""
    try:
        table = pq.read_table(file)
        table.validate(full=True)
        return table
    except (OSError, pa.ArrowException):
        return None


def without_what_parquet_lacks(table):
    """Without columns that pyarrow cannot write to Parquet."""
    kept = []
    for i, field in enumerate(table.schema):
        try:
            pq.write_table(table.select([i]), pa.BufferOutputStream(), row_group_size=1)
            kept.append(i)
        except (OSError, pa.ArrowException):
            pass
    return table.select(kept) if kept else pa.table({"id": range(table.num_rows)})


@pytest.mark.parametrize("seed", seeds(60, 1500))
def test_arrow(tmp_path, tally, seed):
    made, table = made_table(seed)
    table = table.unify_dictionaries()
    compression = made.random.choice([None, "lz4", "zstd"])
    with pa.ipc.new_file(tmp_path / "in.arrow", table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=made.random.choice([1, 10, 1000]))
    assert_values(imported(tmp_path, tmp_path / "in.arrow"), as_read(table))
    tally["arrow_files"] += 1


def json_type(rand, depth=0):
    kinds = ["int", "float", "string", "bool"] + (["list", "struct"] if depth < 3 else [])
    kind = rand.choice(kinds)
    if kind == "list":
        return pa.list_(json_type(rand, depth + 1))
    if kind == "struct":
        names = rand.sample(NAMES, rand.randint(1, 3))
        return pa.struct([(name, json_type(rand, depth + 1)) for name in names])
    return {"int": pa.int64(), "float": pa.float64(), "string": pa.string(), "bool": pa.bool_()}[kind]


def json_value(value):
    """A value as JSON has it: floats are finite, and written as such; strings do not look like times."""
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.5
    if isinstance(value, list):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {key: json_value(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize("seed", seeds(60, 1500))
def test_json_lines(tmp_path, tally, seed):
    made = Tables(seed)
    rand = made.random
    names = rand.sample(NAMES, rand.randint(1, 5))
    types = {name: json_type(rand) for name in names}
    rows = [{name: json_value(made.values(of, True, 1)[0]) for name, of in types.items()} for _ in range(made.rows() + 1)]
    # The first line names all columns, and a NULL says no more than an absent name.
    lines = [json.dumps(rows[0], ensure_ascii=rand.random() < 0.5)]
    for row in rows[1:]:
        present = {name: value for name, value in row.items() if value is not None or rand.random() < 0.5}
        lines.append(json.dumps(present, ensure_ascii=rand.random() < 0.5))
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + rand.choice(["", "\n"]), encoding="utf-8")
    actual = imported(tmp_path, tmp_path / "in.jsonl").to_pylist()
    assert [filled(row) for row in actual] == [filled(row) for row in rows]
    tally["json_files"] += 1


def filled(value):
    """A value without the names of what is NULL, at any depth; a number without its type."""
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [filled(item) for item in value]
    return value


@pytest.mark.parametrize("seed", seeds(60, 1500))
def test_csv(tmp_path, tally, seed):
    made = Tables(seed)
    rand = made.random
    names = rand.sample(NAMES, rand.randint(1, 5))
    types = {name: rand.choice([pa.int64(), pa.float64(), pa.string(), pa.bool_()]) for name in names}
    texts = [text + rand.choice(["", "\n", "\nline", ",", '""']) + "z" for text in ("a", "ß", "名", 'say "hi"', "a,b", " b")]
    rows = []
    for _ in range(made.rows() + 1):
        row = {name: json_value(made.value(of)) for name, of in types.items()}
        rows.append({name: rand.choice(texts) if isinstance(value, str) else value for name, value in row.items()})
    with open(tmp_path / "in.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=rand.choice([csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]), lineterminator=rand.choice(["\n", "\r\n"]))
        writer.writerow(names)
        writer.writerows([["true" if v is True else "false" if v is False else v for v in row.values()] for row in rows])
    actual = imported(tmp_path, tmp_path / "in.csv")
    assert actual.column_names == names
    for name in names:
        # A column of whole numbers is one of integers, which compare equal.
        read = actual.column(name).to_pylist()
        assert read == [row[name] for row in rows], name
    tally["csv_files"] += 1
