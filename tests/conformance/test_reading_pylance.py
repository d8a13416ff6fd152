"""What pylance writes, lance-cpp reads equal."""

import csv
import io
import json

import lance
import pyarrow as pa
import pytest

import columns


@pytest.mark.parametrize("nulls", [False, True], ids=["required", "nullable"])
@pytest.mark.parametrize("storage_version", ["2.0", "2.1", "2.2"])
def test_every_type(tmp_path, read_with_us, storage_version, nulls):
    table = columns.table(storage_version, nulls)
    lance.write_dataset(table, tmp_path / "d", data_storage_version=storage_version)
    columns.assert_equal(read_with_us(tmp_path / "d"), table)


@pytest.fixture
def changed(tmp_path):
    """A dataset with a history: created, appended to, thinned out, updated; tagged and branched."""
    uri = tmp_path / "changed"
    lance.write_dataset(pa.table({"id": range(100), "name": [f"n{i}" for i in range(100)]}), uri, max_rows_per_file=30)
    lance.write_dataset(pa.table({"id": range(100, 150), "name": ["appended"] * 50}), uri, mode="append")
    dataset = lance.dataset(uri)
    dataset.tags.create("before-delete", 2)
    dataset.delete("id % 7 = 0")
    dataset.update({"name": "'updated'"}, where="id < 10")
    dataset = lance.dataset(uri)
    branch = dataset.create_branch("experiment")
    lance.write_dataset(pa.table({"id": [9999], "name": ["branched"]}), branch, mode="append")
    return lance.dataset(uri)


def test_after_append_delete_and_update(changed, read_with_us):
    columns.assert_equal(read_with_us(changed.uri), changed.to_table())


def test_every_version(changed, read_with_us):
    versions = [version["version"] for version in changed.versions()]
    assert len(versions) >= 4
    for version in versions:
        columns.assert_equal(
            read_with_us(changed.uri, version=version), changed.checkout_version(version).to_table()
        )


def test_tag(changed, read_with_us):
    tagged = read_with_us(changed.uri, tag="before-delete")
    assert tagged.num_rows == 150
    columns.assert_equal(tagged, changed.checkout_version("before-delete").to_table())


def test_branch(changed, read_with_us):
    branch = read_with_us(changed.uri, branch="experiment")
    assert branch.num_rows == changed.count_rows() + 1
    assert 9999 in branch.column("id").to_pylist()
    assert 9999 not in read_with_us(changed.uri).column("id").to_pylist()


def test_filter(changed, read_with_us):
    sql = "id > 20 AND name = 'appended'"
    columns.assert_equal(read_with_us(changed.uri, filter=sql), changed.to_table(filter=sql))


def test_count(changed, lance_cli):
    assert int(lance_cli("count", changed.uri)) == changed.count_rows()
    assert int(lance_cli("count", changed.uri, "--filter", "id < 50")) == changed.count_rows("id < 50")


def test_info_and_versions(changed, lance_cli):
    info = json.loads(lance_cli("info", changed.uri, "--format", "json"))
    assert info["version"] == changed.version
    assert info["rows"] == changed.count_rows()
    assert info["fragments"] == len(changed.get_fragments())
    versions = json.loads(lance_cli("versions", changed.uri, "--format", "json"))
    assert [version["version"] for version in versions] == [version["version"] for version in changed.versions()]


def test_query_as_json(changed, lance_cli):
    rows = [json.loads(line) for line in lance_cli("query", changed.uri, "--format", "json").splitlines()]
    assert rows == changed.to_table().to_pylist()


def test_query_as_csv(changed, lance_cli):
    rows = list(csv.DictReader(io.StringIO(lance_cli("query", changed.uri, "--format", "csv"))))
    expected = [{key: str(value) for key, value in row.items()} for row in changed.to_table().to_pylist()]
    assert rows == expected


def test_nested_values_as_json(tmp_path, lance_cli):
    table = pa.table({name: columns.column(name, nulls=True, rows=50) for name in ("list", "struct", "bool_")})
    lance.write_dataset(table, tmp_path / "d")
    rows = [json.loads(line) for line in lance_cli("query", tmp_path / "d", "--format", "json").splitlines()]
    assert rows == table.to_pylist()


def test_stable_row_ids(tmp_path, read_with_us):
    table = pa.table({"id": range(100)})
    dataset = lance.write_dataset(table, tmp_path / "d", enable_stable_row_ids=True, max_rows_per_file=10)
    dataset.delete("id < 15")
    dataset.optimize.compact_files()
    columns.assert_equal(read_with_us(tmp_path / "d"), lance.dataset(tmp_path / "d").to_table())
