"""Data written with the defaults, whose encodings follow a profile, is to pylance what it is when pylance wrote it."""

import decimal

import lance
import pyarrow as pa
import pytest

import columns

ROWS = 2000


@pytest.fixture
def table():
    price = lambda i: decimal.Decimal(i % 97) / 4
    return pa.table(
        {
            "id": pa.array(range(ROWS), pa.int64()),
            "name": [f"name {i % 50}" for i in range(ROWS)],
            "price": pa.array([price(i) for i in range(ROWS)], pa.decimal128(15, 2)),
            "tags": pa.array([[f"tag {j}" for j in range(i % 4)] for i in range(ROWS)], pa.list_(pa.string())),
            "s": pa.array(
                [{"a": i, "b": f"b {i % 7}", "c": [price(i)]} for i in range(ROWS)],
                pa.struct([("a", pa.int64()), ("b", pa.string()), ("c", pa.list_(pa.decimal128(15, 2)))]),
            ),
            "m": pa.array([[("k", i)] for i in range(ROWS)], pa.map_(pa.string(), pa.int64())),
            "vector": pa.array([[i, i / 2] for i in range(ROWS)], pa.list_(pa.float32(), 2)),
        }
    )


@pytest.fixture(params=["pylance", "us", "us by append", "us by overwrite"])
def written(request, tmp_path, table, write_with_us):
    """The table as a dataset that pylance or we wrote."""
    uri = tmp_path / "d"
    if request.param == "pylance":
        lance.write_dataset(table, uri)
    elif request.param == "us":
        write_with_us(table, uri)
    elif request.param == "us by append":
        write_with_us(table.slice(0, ROWS // 2), uri)
        write_with_us(table.slice(ROWS // 2), uri, mode="append")
    else:
        write_with_us(pa.table({"other": [1]}), uri)
        write_with_us(table, uri, mode="overwrite")
    return uri


def changed(table, column, where, to):
    """The rows of a table, those in `where` with another value in a column."""
    rows = table.to_pylist()
    for row in rows:
        if where(row):
            row[column] = to
    return pa.Table.from_pylist(rows, table.schema)


def by_id(dataset):
    return dataset.to_table().sort_by("id")


def test_the_schema_is_the_writers_own(written, table):
    dataset = lance.dataset(written)
    assert dataset.schema.equals(table.schema, check_metadata=True)
    assert dataset.to_table().schema.equals(table.schema, check_metadata=True)
    assert all(not field.metadata for field in dataset.schema)
    columns.assert_equal(dataset.to_table(), table)


def test_updates_of_every_column(written, table):
    dataset = lance.dataset(written)
    dataset.update({"name": "'new'", "price": "1.25", "id": "id + 0"}, where="id < 10")
    table = changed(table, "name", lambda row: row["id"] < 10, "new")
    columns.assert_equal(by_id(dataset), changed(table, "price", lambda row: row["id"] < 10, decimal.Decimal("1.25")))
    dataset.update({"tags": "make_array('x', 'y')"}, where="id = 11")
    assert dataset.to_table(filter="id = 11")["tags"].to_pylist() == [["x", "y"]]


@pytest.mark.parametrize("column", ["name", "price", "tags", "s", "m", "vector"])
def test_an_upsert(written, table, column):
    dataset = lance.dataset(written)
    new = table.slice(5, 10)
    new = new.set_column(new.schema.get_field_index(column), table.schema.field(column), table.slice(100, 10)[column])
    dataset.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(new)
    expected = pa.concat_tables([table.slice(0, 5), new, table.slice(15)])
    columns.assert_equal(by_id(dataset), expected)


@pytest.mark.parametrize("column", ["name", "price", "tags", "s"])
def test_an_upsert_of_one_column(written, table, column):
    dataset = lance.dataset(written)
    new = pa.table({"id": table["id"].slice(5, 10), column: table[column].slice(100, 10)})
    dataset.merge_insert("id").when_matched_update_all().execute(new)
    expected = table.to_pylist()
    for i in range(10):
        expected[5 + i][column] = expected[100 + i][column]
    columns.assert_equal(by_id(dataset), pa.Table.from_pylist(expected, table.schema))


def test_appends_by_pylance_and_by_us(written, table, write_with_us):
    lance.write_dataset(table, written, mode="append")
    write_with_us(table, written, mode="append")
    columns.assert_equal(lance.dataset(written).to_table(), pa.concat_tables([table] * 3))


@pytest.mark.parametrize(
    ("kind", "column", "filter"),
    [
        ("BTREE", "id", "id = 77"),
        ("BITMAP", "name", "name = 'name 7'"),
        ("LABEL_LIST", "tags", "array_has_any(tags, ['tag 2'])"),
        ("BTREE", "price", "price = cast(1.25 as decimal(15, 2))"),
        ("BTREE", "s.a", "s.a = 77"),
    ],
)
def test_scalar_indices_are_used(written, kind, column, filter):
    dataset = lance.dataset(written)
    without = dataset.to_table(filter=filter)
    assert without.num_rows > 0
    dataset.create_scalar_index(column, kind)
    dataset = lance.dataset(written)
    assert "ScalarIndexQuery" in dataset.scanner(filter=filter).explain_plan()
    columns.assert_equal(dataset.to_table(filter=filter), without)


def test_full_text_and_vector_indices(written):
    dataset = lance.dataset(written)
    dataset.create_scalar_index("name", "INVERTED")
    found = lance.dataset(written).to_table(full_text_query={"columns": ["name"], "query": "7"}, columns=["name"])
    assert set(found["name"].to_pylist()) == {"name 7"} and found.num_rows == ROWS // 50
    dataset = lance.dataset(written)
    dataset.create_index("vector", "IVF_FLAT", num_partitions=1)
    nearest = {"column": "vector", "q": [77.0, 38.5], "k": 1}
    assert lance.dataset(written).to_table(columns=["id"], nearest=nearest)["id"].to_pylist() == [77]


def test_columns_are_added_altered_and_dropped(written, table):
    dataset = lance.dataset(written)
    dataset.add_columns({"twice": "id * 2"})
    dataset.alter_columns({"path": "name", "name": "label"}, {"path": "id", "data_type": pa.int32()})
    dataset.drop_columns(["price", "s"])
    read = dataset.to_table()
    assert read.column_names == ["id", "label", "tags", "m", "vector", "twice"]
    assert read["twice"].to_pylist() == [2 * i for i in range(ROWS)]
    assert read["label"].equals(table["name"]) and read["tags"].equals(table["tags"])
    dataset.validate()


def test_compaction(written, table, write_with_us):
    write_with_us(table, written, mode="append")
    dataset = lance.dataset(written)
    dataset.delete("id % 10 = 0")
    dataset.optimize.compact_files()
    dataset = lance.dataset(written)
    assert len(dataset.get_fragments()) == 1
    kept = [i for i in range(2 * ROWS) if i % 10 != 0]
    columns.assert_equal(dataset.to_table(), pa.concat_tables([table, table]).take(kept))


def test_columns_of_another_table_are_merged(written, table):
    dataset = lance.dataset(written)
    right = pa.table({"id": table["id"], "tags2": table["tags"], "s2": table["s"]})
    dataset.merge(right, "id")
    read = dataset.to_table()
    assert read["tags2"].equals(read["tags"]) and read["s2"].equals(read["s"])


def test_a_commit_of_pylance_fragments(written, table):
    fragments = lance.fragment.write_fragments(table, written, schema=table.schema)
    operation = lance.LanceOperation.Append(fragments)
    dataset = lance.dataset(written)
    lance.LanceDataset.commit(written, operation, read_version=dataset.version)
    columns.assert_equal(lance.dataset(written).to_table(), pa.concat_tables([table, table]))


def test_encodings_that_were_asked_for_are_recorded(tmp_path, write_with_us):
    write_with_us(pa.table({"id": range(100), "name": ["n"] * 100}), tmp_path / "d", zstd="name")
    schema = lance.dataset(tmp_path / "d").schema
    assert schema.field("name").metadata == {b"lance-encoding:compression": b"zstd"}
    assert not schema.field("id").metadata


class TestAppends:
    """What is decided when a dataset is made cannot be asked of one that was made otherwise."""

    @pytest.fixture
    def rows(self):
        return pa.table({"id": range(100)})

    def test_other_encodings_are_refused(self, tmp_path, rows, write_with_us, offer_to_us):
        write_with_us(rows, tmp_path / "d")
        done = offer_to_us(rows, tmp_path / "d", mode="append", zstd="id")
        assert done.returncode == 1 and 'column "id"' in done.stderr
        assert lance.dataset(tmp_path / "d").version == 1

    def test_its_own_encodings_are_accepted(self, tmp_path, rows, write_with_us):
        write_with_us(rows, tmp_path / "d", zstd="id")
        write_with_us(rows, tmp_path / "d", mode="append", zstd="id")
        assert lance.dataset(tmp_path / "d").count_rows() == 200

    @pytest.mark.parametrize("mode", ["append", "overwrite"])
    def test_stable_row_ids_are_refused_where_there_are_none(self, tmp_path, rows, write_with_us, offer_to_us, mode):
        write_with_us(rows, tmp_path / "d")
        done = offer_to_us(rows, tmp_path / "d", mode=mode, stable_row_ids=1)
        assert done.returncode == 1 and "stable row ids" in done.stderr
        assert lance.dataset(tmp_path / "d").version == 1

    @pytest.mark.parametrize("asked", [{}, {"stable_row_ids": 1}])
    def test_stable_row_ids_stay(self, tmp_path, rows, write_with_us, asked):
        write_with_us(rows, tmp_path / "d", stable_row_ids=1)
        for mode in ("append", "overwrite"):
            write_with_us(rows, tmp_path / "d", mode=mode, **asked)
            assert lance.dataset(tmp_path / "d").has_stable_row_ids

    @pytest.mark.parametrize("storage", ["2.0", "2.1", "2.2"])
    def test_another_format_is_that_of_the_new_files(self, tmp_path, rows, write_with_us, storage):
        write_with_us(rows, tmp_path / "d")
        write_with_us(rows, tmp_path / "d", mode="append", storage=storage)
        dataset = lance.dataset(tmp_path / "d")
        assert dataset.count_rows() == 200
        (file,) = dataset.get_fragments()[1].data_files()
        assert f"{file.file_major_version}.{file.file_minor_version}" == storage
