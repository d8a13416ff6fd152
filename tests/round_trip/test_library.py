"""Random tables through the writer, scan, take, filter, count and `fsck --deep`, and read by pylance: value by value."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import lance
from conftest import LANCE, ROUND_TRIP, read_stream, run, seeds, write_stream
from tables import Tables, as_read, same


def quoted(name):
    return f"`{name}`"


def literal(value):
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def predicate(rand, table):
    """A SQL filter, and the rows of the table that pass by Arrow's own reckoning."""
    column = rand.randrange(table.num_columns)
    field, values = table.schema.field(column), table.column(column)
    name, t = quoted(field.name), pa.types
    if rand.random() < 0.3:
        return (f"{name} is null", pc.is_null(values)) if rand.random() < 0.5 else (f"{name} is not null", pc.is_valid(values))
    if t.is_boolean(field.type):
        return name, values
    if t.is_integer(field.type) or t.is_string(field.type) or t.is_large_string(field.type):
        # The engine reads the least of all integers as a floating point number.
        known = [value for value in values.to_pylist() if value not in (None, -(2**63))]
        bound = rand.choice(known) if known else {True: 0, False: "a"}[t.is_integer(field.type)]
        sql, compare = rand.choice([("=", pc.equal), ("<", pc.less), (">=", pc.greater_equal), ("<>", pc.not_equal)])
        return f"{name} {sql} {literal(bound)}", compare(values, pa.scalar(bound, field.type))
    return f"{name} is not null", pc.is_valid(values)


@pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize("seed", seeds(100, 3400))
def test_every_value_comes_back_through_every_reader(tmp_path, tally, seed, storage):
    made = Tables(seed, storage)
    rand = made.random
    schema = made.schema()
    batches = made.batches(schema, made.rows())
    table = pa.Table.from_batches(batches, schema)
    write_stream(tmp_path / "in.arrow", schema, batches)

    columns = rand.sample(schema.names, rand.randint(1, len(schema.names)))
    rows = [rand.randrange(table.num_rows) for _ in range(min(table.num_rows, rand.choice([0, 1, 20])))]
    filters = [predicate(rand, table) for _ in range(3)]
    uri = tmp_path / "table.lance"
    counts = run(
        ROUND_TRIP,
        tmp_path / "in.arrow",
        uri,
        tmp_path,
        f"storage={storage}",
        f"rows_per_file={rand.choice([40, 1000])}",
        f"lanes={rand.choice([1, 1, 2])}",
        f"slice={rand.choice([0, 1, 7])}",
        f"batch_size={rand.choice([1, 64, 8192])}",
        *(f"column={name}" for name in columns),
        *(f"take={row}" for row in rows),
        *(f"filter={sql}" for sql, _ in filters),
    )
    expected = as_read(table)
    passing = [expected.filter(mask) for _, mask in filters]
    assert [int(count) for count in counts.split()] == [table.num_rows, *(part.num_rows for part in passing)]
    assert same(read_stream(tmp_path / "scan.arrow"), expected) is None
    assert same(read_stream(tmp_path / "columns.arrow"), expected.select(columns)) is None
    assert same(read_stream(tmp_path / "take.arrow"), expected.select(columns).take(pa.array(rows, pa.int64()))) is None
    for i, (sql, _) in enumerate(filters):
        assert same(read_stream(tmp_path / f"filter.{i}.arrow"), passing[i]) is None, sql
    assert same(lance.dataset(uri).to_table(), expected) is None
    run(LANCE, "fsck", "--deep", uri)
    tally["tables"] += 1
    tally["values"] += table.num_rows * table.num_columns
