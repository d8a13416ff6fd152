"""What lance-cpp writes, pylance reads equal."""

import json

import lance
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
from lance.dataset import LANCE_COMMIT_MESSAGE_KEY

import columns


@pytest.mark.parametrize("nulls", [False, True], ids=["required", "nullable"])
@pytest.mark.parametrize("storage_version", ["2.0", "2.1", "2.2"])
def test_every_type(tmp_path, write_with_us, storage_version, nulls):
    table = columns.table(storage_version, nulls)
    write_with_us(table, tmp_path / "d", storage=storage_version)
    dataset = lance.dataset(tmp_path / "d")
    assert dataset.data_storage_version == storage_version
    columns.assert_equal(dataset.to_table(), table)
    dataset.validate()


def test_commit_message(tmp_path, write_with_us):
    write_with_us(pa.table({"id": [1]}), tmp_path / "d", message="nightly load")
    (transaction,) = lance.dataset(tmp_path / "d").get_transactions()
    assert transaction.transaction_properties[LANCE_COMMIT_MESSAGE_KEY] == "nightly load"


def test_append_to_a_pylance_dataset(tmp_path, write_with_us):
    table = columns.table("2.2", nulls=True)
    lance.write_dataset(table, tmp_path / "d")
    write_with_us(table, tmp_path / "d", mode="append")
    columns.assert_equal(lance.dataset(tmp_path / "d").to_table(), pa.concat_tables([table, table]))


def test_pylance_changes_what_we_wrote(tmp_path, write_with_us, read_with_us):
    table = pa.table({"id": range(1000), "name": [f"n{i}" for i in range(1000)]})
    write_with_us(table, tmp_path / "d", rows_per_file=100)
    dataset = lance.dataset(tmp_path / "d")
    assert len(dataset.get_fragments()) == 10
    dataset.delete("id % 2 = 1")
    dataset.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(
        pa.table({"id": [0, 5000], "name": ["merged", "merged"]})
    )
    dataset.optimize.compact_files()
    dataset.create_scalar_index("id", "BTREE")
    expected = lance.dataset(tmp_path / "d").to_table()
    assert expected.num_rows == 501
    columns.assert_equal(read_with_us(tmp_path / "d"), expected)
    filtered = read_with_us(tmp_path / "d", filter="id = 5000")
    assert filtered.column("name").to_pylist() == ["merged"]


def test_stable_row_ids(tmp_path, write_with_us):
    write_with_us(pa.table({"id": range(100)}), tmp_path / "d", stable_row_ids=1, rows_per_file=10)
    dataset = lance.dataset(tmp_path / "d")
    assert dataset.has_stable_row_ids
    before = dataset.to_table(with_row_id=True).to_pydict()
    dataset.optimize.compact_files()
    assert lance.dataset(tmp_path / "d").to_table(with_row_id=True).to_pydict() == before


@pytest.fixture
def table():
    return pa.table({"id": range(5000), "name": [f"n{i}" for i in range(5000)], "x": [i / 8 for i in range(5000)]})


def write_json_lines(table, file):
    file.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))


WRITERS = {
    "parquet": pyarrow.parquet.write_table,
    "csv": pyarrow.csv.write_csv,
    "feather": pyarrow.feather.write_feather,
    "jsonl": write_json_lines,
}


@pytest.mark.parametrize("extension", WRITERS)
def test_import(tmp_path, lance_cli, table, extension):
    file = tmp_path / f"input.{extension}"
    WRITERS[extension](table, file)
    lance_cli("import", file, tmp_path / "d")
    columns.assert_equal(lance.dataset(tmp_path / "d").to_table(), table)


def test_import_of_several_files_keeps_their_order(tmp_path, lance_cli, table):
    for i in range(5):
        pyarrow.parquet.write_table(table.slice(i * 1000, 1000), tmp_path / f"part-{i}.parquet", row_group_size=100)
    lance_cli("import", tmp_path / "part-*.parquet", tmp_path / "d")
    columns.assert_equal(lance.dataset(tmp_path / "d").to_table(), table)


def test_import_of_every_type(tmp_path, lance_cli):
    table = columns.table("2.2", nulls=True)
    pyarrow.feather.write_feather(table, tmp_path / "input.arrow")
    lance_cli("import", tmp_path / "input.arrow", tmp_path / "d")
    columns.assert_equal(lance.dataset(tmp_path / "d").to_table(), table)
