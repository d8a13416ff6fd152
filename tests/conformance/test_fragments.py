"""Fragments and transactions as JSON, between lance-cpp and pylance, both ways; and files by themselves."""

import base64
import json
import os

import lance
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from conftest import PROJECT, run
from lance.file import LanceFileReader, LanceFileWriter
from lance.fragment import FragmentMetadata, write_fragments

FRAGMENTS = os.environ.get("LANCE_FRAGMENTS", PROJECT / "build/release/tests/conformance/fragments")


def rows(first, count):
    numbers = range(first, first + count)
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "name": pa.array([None if i % 5 == 0 else f"n{i}" for i in numbers]),
            "nested": pa.array([{"a": i, "b": [str(i)] * (i % 3)} for i in numbers]),
        }
    )


@pytest.fixture(params=[False, True], ids=["addresses", "stable"])
def dataset(tmp_path, request):
    path = tmp_path / "dataset"
    lance.write_dataset(rows(0, 30), path, max_rows_per_file=10, enable_stable_row_ids=request.param)
    return path


@pytest.fixture
def ipc(tmp_path):
    def ipc(table):
        path = tmp_path / "values.arrow"
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
        return path

    return ipc


@pytest.fixture
def commit(tmp_path, lance_cli):
    """Commits documents with the program."""

    def commit(dataset, *documents):
        paths = []
        for number, document in enumerate(documents):
            path = tmp_path / f"document{number}.json"
            path.write_text(document if isinstance(document, str) else json.dumps(document))
            paths.append(path)
        return json.loads(lance_cli("commit", dataset, *paths, "--format", "json"))

    return commit


def document(dataset, operation, **more):
    return {"format": 2, "uri": str(dataset), "read_version": lance.dataset(dataset).version, "operation": operation, **more}


def parsed(fragments):
    return [FragmentMetadata.from_json(json.dumps(fragment)) for fragment in fragments]


def schema_form(schema):
    """A schema of pylance's with the numbers of its fields."""

    def numbers(fields):
        for field in fields:
            yield field.id()
            yield from numbers(field.children())

    message = schema.to_pyarrow().serialize().to_pybytes()
    return {"arrow": base64.b64encode(message).decode(), "field_ids": list(numbers(schema.fields()))}


def read(dataset):
    opened = lance.dataset(dataset)
    opened.validate()
    return opened.to_table().sort_by("id")


def test_metadata_is_what_pylance_reads(dataset):
    lance.dataset(dataset).delete("id in (3, 4)")
    lines = run(FRAGMENTS, dataset, "metadata").split()
    assert parsed(map(json.loads, lines)) == [f.metadata for f in lance.dataset(dataset).get_fragments()]


def test_pylance_writes_and_we_commit(dataset, commit):
    fragments = write_fragments(rows(30, 25), str(dataset), mode="append", max_rows_per_file=10)
    append = {"type": "Append", "fragments": [fragment.to_json() for fragment in fragments]}
    assert commit(dataset, document(dataset, append))["version"] == 2
    assert read(dataset).column("id").to_pylist() == list(range(55))


def test_pylance_deletes_and_we_commit(dataset, commit):
    updated, deleted = [], []
    for fragment in lance.dataset(dataset).get_fragments():
        left = fragment.delete("id % 3 = 0 or id >= 20")
        updated += [left.to_json()] if left else []
        deleted += [] if left else [fragment.fragment_id]
    operation = {"type": "Delete", "updated_fragments": updated, "deleted_fragment_ids": deleted, "predicate": "x"}
    commit(dataset, document(dataset, operation))
    assert read(dataset).column("id").to_pylist() == [i for i in range(20) if i % 3]


def test_pylance_adds_columns_and_we_commit(dataset, commit):
    fragments = []
    for fragment in lance.dataset(dataset).get_fragments():
        double = lambda batch: pa.record_batch([pc.multiply(batch["id"], 2)], ["twice"])
        changed, schema = fragment.merge_columns(double, columns=["id"])
        fragments.append(changed.to_json())
    operation = {"type": "Merge", "fragments": fragments, "schema": schema_form(schema)}
    commit(dataset, document(dataset, operation))
    assert read(dataset).column("twice").to_pylist() == [2 * i for i in range(30)]


def test_pylance_updates_columns_and_we_commit(dataset, commit):
    fragment = lance.dataset(dataset).get_fragment(1)
    values = pa.table({"id": pa.array([12, 13], pa.int64()), "name": ["x", None]})
    changed, fields = fragment.update_columns(values, left_on="id", right_on="id")[:2]
    operation = {
        "type": "Update",
        "updated_fragments": [changed.to_json()],
        "fields_modified": fields,
        "update_mode": "rewrite_columns",
    }
    commit(dataset, document(dataset, operation))
    names = read(dataset).column("name").to_pylist()
    assert names[12:14] == ["x", None] and names[11] == "n11"


def test_other_operations_of_pylance_are_committed(dataset, commit):
    schema = lance.dataset(dataset).lance_schema
    commit(dataset, document(dataset, {"type": "UpdateConfig", "config_updates": {"updates": {"key": "value"}}}))
    assert lance.dataset(dataset).config()["key"] == "value"
    form = schema_form(schema)
    fields = [field.with_name("label") if field.name == "name" else field for field in schema.to_pyarrow()]
    form["arrow"] = base64.b64encode(pa.schema(fields).serialize().to_pybytes()).decode()
    commit(dataset, document(dataset, {"type": "Project", "schema": form, "preserves_nullability": True}))
    assert lance.dataset(dataset).schema.names == ["id", "label", "nested"]
    commit(dataset, document(dataset, {"type": "Restore", "version": 1}))
    assert read(dataset) == rows(0, 30)


def test_we_write_and_pylance_commits(dataset, ipc, lance_cli, tmp_path):
    version = lance.dataset(dataset).version
    deleted = json.loads(run(FRAGMENTS, dataset, "delete", 0, "id < 4"))["operation"]
    operation = lance.LanceOperation.Delete(
        parsed(deleted["updated_fragments"]), deleted["deleted_fragment_ids"], deleted["predicate"]
    )
    lance.LanceDataset.commit(str(dataset), operation, read_version=version)
    assert read(dataset).column("id").to_pylist() == list(range(4, 30))
    values = ipc(pa.table({"id": pa.array([11], pa.int64()), "name": ["new"]}))
    updated = json.loads(run(FRAGMENTS, dataset, "update", 1, values, "id", "id"))["operation"]
    operation = lance.LanceOperation.Update(
        updated_fragments=parsed(updated["updated_fragments"]),
        fields_modified=updated["fields_modified"],
        update_mode=updated["update_mode"],
    )
    lance.LanceDataset.commit(str(dataset), operation, read_version=version + 1)
    assert read(dataset).filter(pc.field("id") == 11).column("name").to_pylist() == ["new"]


def test_each_fragment_gets_columns_here_and_is_read_there(dataset, ipc, commit):
    documents = []
    for number in (2, 0):
        ids = list(range(number * 10, number * 10 + 10, 2))
        values = ipc(pa.table({"key": pa.array(ids, pa.int64()), "half": pa.array([i / 2 for i in ids])}))
        documents.append(run(FRAGMENTS, dataset, "merge", number, values, "id", "key"))
    assert commit(dataset, *documents)["transactions"] == 2
    expected = [i / 2 if i % 2 == 0 and i // 10 != 1 else None for i in range(30)]
    assert read(dataset).column("half").to_pylist() == expected
    values = ipc(pa.table({"half": pa.array([float(i) for i in range(10)])}))
    replaced = run(FRAGMENTS, dataset, "write", 2, values)
    commit(dataset, replaced)
    assert read(dataset).column("half").to_pylist()[20:] == [float(i) for i in range(10)]


def test_a_file_is_registered(dataset, commit):
    name = "mine.lance"
    path = dataset / "data" / name
    with LanceFileWriter(str(path), rows(30, 7).schema) as writer:
        for batch in rows(30, 7).to_batches():
            writer.write_batch(batch)
    fragment = json.loads(run(FRAGMENTS, dataset, "register", name))
    assert fragment["physical_rows"] == 7
    assert fragment["files"][0]["file_size_bytes"] == path.stat().st_size
    commit(dataset, document(dataset, {"type": "Append", "fragments": [fragment]}))
    assert read(dataset) == rows(0, 37)


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_files_are_exchanged(tmp_path, ipc, version):
    table = rows(0, 5000)
    ours, theirs, dump = tmp_path / "ours.lance", tmp_path / "theirs.lance", tmp_path / "dump.arrow"
    run(FRAGMENTS, ours, "write_file", ipc(table), version)
    assert LanceFileReader(str(ours)).read_all().to_table() == table
    with LanceFileWriter(str(theirs), table.schema, version=version) as writer:
        writer.write_batch(table)
    run(FRAGMENTS, theirs, "read_file", dump)
    with pa.ipc.open_stream(dump) as reader:
        assert reader.read_all() == table
