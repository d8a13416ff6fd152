"""Scans and takes of all kinds, beside pylance's."""

import random

import lance
import pyarrow as pa
import pytest

import columns
from conditions import random_condition
from support.scale import pick

ROWS = 3000
SCANS = 60
JSON = '{"a":1}', None, "[1,2]", '"text"', "null"


def assert_same(ours, theirs):
    assert ours.schema.names == theirs.schema.names
    assert [str(field.type) for field in ours.schema] == [str(field.type) for field in theirs.schema]
    assert ours.to_pylist() == theirs.to_pylist()


def random_table(rng, storage_version):
    def some(make):
        return [None if rng.random() < 0.1 else make() for _ in range(ROWS)]

    number = lambda: rng.randrange(-50, 50)
    text = lambda: rng.choice(["", "a", "bb", "ccc", "ünï"]) * rng.randrange(1, 4)
    place = lambda: {"x": number(), "y": text()}
    # Version 2.0 has no null structs.
    places = [place() for _ in range(ROWS)] if storage_version == "2.0" else some(place)
    return pa.table(
        {
            "id": pa.array(range(ROWS), pa.int64()),
            "n": pa.array(some(number), pa.int32()),
            "f": pa.array(some(lambda: number() / 4), pa.float64()),
            "Text": pa.array(some(text), pa.string()),
            "sp ace": pa.array(some(number), pa.int16()),
            "st": pa.array(places, pa.struct([("x", pa.int64()), ("y", pa.string())])),
            "l": pa.array(some(lambda: [number() for _ in range(rng.randrange(3))]), pa.list_(pa.int32())),
        }
    )


def random_columns(rng):
    names = ["id", "n", "f", "Text", "sp ace", "st", "st.x", "st.y", "l", "_rowid", "_rowaddr"]
    return rng.sample(names, rng.randrange(1, len(names)))


@pytest.mark.parametrize("seed", range(pick(push=2, long=10)))
@pytest.mark.parametrize("storage_version", ["2.0", "2.1", "2.2"])
def test_random_scans(tmp_path, read_with_us, storage_version, seed):
    rng = random.Random(f"{seed} {storage_version}")
    table = random_table(rng, storage_version)
    stable = rng.random() < 0.5
    dataset = lance.write_dataset(
        table,
        tmp_path / "d",
        max_rows_per_file=rng.choice([500, 1000, ROWS]),
        data_storage_version=storage_version,
        enable_stable_row_ids=stable,
    )
    if rng.random() < 0.7:
        dataset.delete(f"id % {rng.randrange(2, 9)} = 1")
        dataset = lance.dataset(tmp_path / "d")
    for _ in range(SCANS // 3):
        named = random_columns(rng) if rng.random() < 0.7 else None
        options, ours = {}, {}
        if named is not None:
            options["columns"] = named
            ours["columns"] = "\n".join(named)
        if rng.random() < 0.7:
            options["filter"] = ours["filter"] = random_condition(rng, ROWS)
        if rng.random() < 0.3:
            options["limit"] = ours["limit"] = rng.choice([0, 1, 7, 400, ROWS * 2])
        if rng.random() < 0.3:
            options["offset"] = ours["offset"] = rng.choice([0, 1, 450, ROWS])
        if rng.random() < 0.3:
            options["with_row_id"] = True
            ours["row_id"] = 1
        if rng.random() < 0.3:
            options["batch_size"] = ours["batch_size"] = rng.choice([1, 13, 700])
        theirs = dataset.scanner(**options).to_table()
        assert_same(read_with_us(tmp_path / "d", **ours), theirs)
        if not {"limit", "offset"} & options.keys():
            positions = [rng.randrange(dataset.count_rows()) for _ in range(rng.choice([1, 5, 2500]))]
            taken = read_with_us(tmp_path / "d", take=",".join(map(str, positions)), **{k: v for k, v in ours.items() if k == "columns"})
            scanned = dataset.scanner(columns=named).to_table()
            assert_same(taken, scanned.take(positions))


def extensions():
    json = pa.array(JSON, pa.json_())
    tensor = pa.fixed_shape_tensor(pa.float32(), (2, 2))
    numbers = pa.array([[1.0, 2, 3, 4], None, [5, 6, 7, 8], [0] * 4, [1] * 4], pa.list_(pa.float32(), 4))
    return {
        "json": json,
        "uuid": pa.array([bytes(range(i, i + 16)) for i in range(4)] + [None], pa.uuid()),
        "tensor": pa.ExtensionArray.from_storage(tensor, numbers),
        "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 1, None, 1, 0], pa.int8())),
        "opaque": pa.ExtensionArray.from_storage(pa.opaque(pa.string(), "t", "v"), pa.array(["a", None, "", "b", "c"])),
        "json in a struct": pa.StructArray.from_arrays([json, pa.array(range(5))], ["j", "x"]),
        "json in a list": pa.ListArray.from_arrays([0, 1, 2, 3, 4, 5], json),
        "uuid in a struct": pa.StructArray.from_arrays([pa.array([bytes(16)] * 5, pa.uuid())], ["u"]),
    }


@pytest.mark.parametrize("name", extensions())
@pytest.mark.parametrize("storage_version", ["2.0", "2.1", "2.2"])
def test_extension_types(tmp_path, read_with_us, lance_cli, storage_version, name):
    table = pa.table({"id": range(5), "x": extensions()[name]})
    dataset = lance.write_dataset(table, tmp_path / "d", data_storage_version=storage_version, max_rows_per_file=2)
    fields = [f"x.{field.name}" for field in table.schema.field("x").type] if "struct" in name else []
    for options in (
        {},
        {"columns": ["x"]},
        {"columns": ["x", "id"], "filter": "id > 1"},
        {"filter": "x IS NOT NULL"},
        {"columns": ["id"], "filter": "x IS NULL"},
        {"limit": 3, "offset": 1},
        {"columns": ["x"], "with_row_id": True},
        *({"columns": [field, "id"]} for field in fields),
    ):
        theirs = dataset.scanner(**options).to_table()
        ours = {key: value for key, value in options.items() if key not in ("columns", "with_row_id")}
        if "columns" in options:
            ours["columns"] = "\n".join(options["columns"])
        if "with_row_id" in options:
            ours["row_id"] = 1
        assert_same(read_with_us(tmp_path / "d", **ours), theirs)
    assert_same(read_with_us(tmp_path / "d", take="4,0,2"), dataset.to_table().take([4, 0, 2]))
    for command in ("head", "query", "schema", "info"):
        lance_cli(command, tmp_path / "d")
    lines = lance_cli("query", tmp_path / "d", "--format", "json").splitlines()
    assert len(lines) == 5


def test_the_schema_is_that_of_the_batches(tmp_path, read_with_us, lance_cli):
    table = pa.table({"j": pa.array(JSON, pa.json_())})
    lance.write_dataset(table, tmp_path / "d")
    assert lance_cli("schema", tmp_path / "d") == "j: extension<arrow.json>\n"
    assert str(read_with_us(tmp_path / "d").schema.field("j").type) == "extension<arrow.json>"


@pytest.mark.parametrize("text_type", [pa.string(), pa.large_string(), pa.binary(), pa.list_(pa.string())])
def test_wide_rows_come_in_small_batches(tmp_path, read_with_us, text_type):
    # What compresses well is wide all the same.
    texts = ["x" * 50_000] * 2000
    values = [[text] for text in texts] if pa.types.is_list(text_type) else texts
    table = pa.table({"id": range(2000), "t": pa.array(values, text_type)})
    lance.write_dataset(table, tmp_path / "d")
    ours = read_with_us(tmp_path / "d")
    assert max(len(chunk) for chunk in ours["t"].chunks) <= 800
    columns.assert_equal(ours, table)
