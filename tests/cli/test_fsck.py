"""`lance fsck`: every file that a version needs is there, whole, and readable."""

import json
import os
import pathlib
import random
import shutil

import lance as pylance
import pyarrow as pa
import pytest
from conftest import make_table
from lance.file import LanceFileReader

from conformance import columns

MANIFESTS = "_versions/*.manifest"
DATA = "data/*.lance"
DELETIONS = ["_deletions/*.arrow", "_deletions/*.bin"]
INDICES = "_indices/*/*"


def vectors(rows=1000):
    table = make_table(rows)
    values = pa.array([float(i % 97) for i in range(8 * rows)], pa.float32())
    return table.append_column("vector", pa.FixedSizeListArray.from_arrays(values, 8))


@pytest.fixture
def history(tmp_path):
    """Versions by pylance with everything a version can need: deletions of both kinds, indices, a tag, a branch."""
    uri = str(tmp_path / "history.lance")
    dataset = pylance.write_dataset(vectors(12_000), uri, max_rows_per_file=11_000)
    dataset.delete("id < 10")
    dataset.create_scalar_index("id", "BTREE")
    dataset.create_scalar_index("name", "INVERTED")
    dataset.create_index("vector", "IVF_PQ", num_partitions=2, num_sub_vectors=2)
    dataset.tags.create("stable", 2)
    dataset.delete("id % 2 = 0")
    branch = dataset.create_branch("trial")
    branch.insert(vectors(100))
    branch.delete("id = 50")
    return tmp_path / "history.lance"


def report(lance, *args, damaged=False):
    result = lance.run("fsck", *args, "--format", "json")
    assert result.returncode == (1 if damaged else 0), result.stderr
    return json.loads(result.stdout)


def problems(lance, *args):
    """The kind and path of each problem."""
    found = report(lance, *args, damaged=True)["problems"]
    return [(problem["kind"], problem["path"]) for problem in found]


@pytest.mark.parametrize("deep", [[], ["--deep"]], ids=["shallow", "deep"])
def test_a_history_with_deletions_indices_and_branches_is_sound(lance, history, deep):
    found = report(lance, history, *deep)
    assert found["problems"] == []
    files = [path for pattern in [DATA, *DELETIONS, INDICES] for path in history.glob(pattern)]
    branch_files = [path for path in (history / "tree").rglob("*") if path.suffix in (".lance", ".arrow", ".bin")]
    shown = found["data_files"] + found["deletion_files"] + found["index_files"]
    assert shown == len(files) + len(branch_files)
    assert found["deletion_files"] > 2 and found["index_files"] > 4
    assert found["versions"] == len(list(history.rglob("*.manifest")))
    assert found["rows"] == 12_100
    assert (found["orphans"], found["temporary_files"], found["missing_transactions"]) == (0, 0, 0)


@pytest.mark.parametrize("version", ["legacy", "2.0", "2.1", "2.2", "2.3"])
def test_every_storage_version_is_sound(lance, tmp_path, version):
    pylance.write_dataset(vectors(), str(tmp_path / "d"), data_storage_version=version)
    found = report(lance, "d", "--deep")
    assert (found["problems"], found["rows"]) == ([], 1000)


def test_nested_columns_are_decoded(lance, tmp_path):
    rows = [{"a": i, "b": {"c": [str(i)] * (i % 4), "d": None if i % 5 == 0 else [{"e": i / 2}]}} for i in range(500)]
    dataset = pylance.write_dataset(pa.Table.from_pylist([{"s": row} for row in rows]), str(tmp_path / "d"))
    dataset.add_columns({"t": "s.a + 1"})
    dataset.drop_columns(["s"])
    found = report(lance, "d", "--deep")
    assert (found["problems"], found["data_files"], found["versions"]) == ([], 2, 3)


PACKED = {"lance-encoding:packed": "true"}
DEEP_MAP = pa.map_(pa.string(), pa.map_(pa.int64(), pa.struct([("x", pa.list_(pa.int64())), ("y", pa.string())])))
SHAPES = {
    "map": DEEP_MAP,
    "list_of_map": pa.list_(DEEP_MAP),
    "struct_of_map": pa.struct([("m", DEEP_MAP), ("n", pa.int64())]),
    "packed": pa.field("", pa.struct([("a", pa.int64()), ("b", pa.int32())]), metadata=PACKED),
    "fixed_list_of_struct": pa.list_(pa.struct([("a", pa.int64())]), 2),
    "string": pa.string(),
}


def shape(name, number):
    """The value of a column of that shape in a row."""
    leaf = {"x": [number] * (number % 3), "y": str(number)}
    deep = None if number % 7 == 3 else [(f"k{i}", [(number, leaf)] * (number % 2)) for i in range(number % 4)]
    return {
        "map": deep,
        "list_of_map": [deep] * (number % 3),
        "struct_of_map": {"m": deep, "n": number},
        "packed": {"a": number, "b": number},
        "fixed_list_of_struct": [{"a": number}, {"a": -number}],
        "string": str(number),
    }[name]


def shaped(names, rows=300):
    fields = [SHAPES[name] for name in names]
    fields = [field.with_name(name) if isinstance(field, pa.Field) else pa.field(name, field) for name, field in zip(names, fields)]
    return pa.table([pa.array([shape(f.name, i) for i in range(rows)], f.type) for f in fields], schema=pa.schema(fields))


@pytest.mark.parametrize("seed", range(12))
def test_maps_and_what_is_stored_in_one_piece_are_sound_alone_and_together(lance, tmp_path, seed):
    names = list(SHAPES)
    chosen = [names[seed]] if seed < len(names) else random.Random(seed).sample(names, k=3 + seed % 3)
    # The engine cannot read such a list beside other columns.
    chosen = chosen if seed < len(names) else [name for name in chosen if name != "fixed_list_of_struct"]
    dataset = pylance.write_dataset(shaped(chosen), str(tmp_path / "d"), data_storage_version="2.2")
    dataset.insert(shaped(chosen, rows=7))
    dataset.add_columns({"after": "1"})
    if len(chosen) > 1:
        dataset.drop_columns(chosen[:1])
    found = report(lance, "d", "--deep")
    assert (found["problems"], found["rows"]) == ([], 307)


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_every_type_is_sound(lance, tmp_path, version):
    for nulls in [False, True]:
        pylance.write_dataset(columns.table(version, nulls), str(tmp_path / "d"), mode="append" if nulls else "create", data_storage_version=version)
    found = report(lance, "d", "--deep")
    assert (found["problems"], found["rows"]) == ([], 2 * columns.ROWS)


def test_damage_is_found_in_every_column_whatever_is_beside_it(lance, tmp_path):
    def text(name, nullable=True):
        return pa.field(name, pa.string(), nullable, metadata={"lance-encoding:compression": "zstd"})

    def texts_of(of, word):
        if pa.types.is_map(of):
            return [(word, texts_of(of.item_type, word))]
        if pa.types.is_struct(of):
            return {field.name: texts_of(field.type, word) for field in of}
        return [texts_of(of.value_type, word)] if pa.types.is_list(of) else word

    of_texts = pa.map_(text("key", False), text("value"))
    fields = [
        text("before"),
        pa.field("map", of_texts),
        pa.field("list", pa.list_(pa.field("item", of_texts))),
        pa.field("struct", pa.struct([("m", of_texts), text("t")])),
        pa.field("map_of_structs", pa.map_(text("key", False), pa.struct([text("x"), text("y")]))),
        text("after"),
    ]
    words = [f"{i} {i * i} and more" for i in range(20_000)]
    table = pa.table([pa.array([texts_of(f.type, w) for w in words], f.type) for f in fields], schema=pa.schema(fields))
    pylance.write_dataset(table, str(tmp_path / "d"), data_storage_version="2.2")
    (path,) = (tmp_path / "d/data").iterdir()
    sound = path.read_bytes()
    leaves = LanceFileReader(str(path)).metadata().columns
    assert len(leaves) == 12
    assert report(lance, "d", "--deep")["problems"] == []
    for leaf in leaves:
        damaged = bytearray(sound)
        for page in leaf.pages:
            values = page.buffers[-1]
            damaged[values.position : values.position + values.size] = bytes(values.size)
        path.write_bytes(damaged)
        assert report(lance, "d")["problems"] == []
        assert problems(lance, "d", "--deep") == [("UNDECODABLE_DATA", f"data/{path.name}")]


def test_a_legacy_file_may_be_longer_than_was_recorded(lance, tmp_path):
    """Earlier engines took its size before they wrote the end of it."""
    dataset = pylance.write_dataset(vectors(), str(tmp_path / "d"), data_storage_version="legacy")
    (fragment,) = [fragment.metadata for fragment in dataset.get_fragments()]
    (file,) = fragment.files
    size = file.file_size_bytes
    file.file_size_bytes = size - 500
    pylance.LanceDataset.commit(str(tmp_path / "d"), pylance.LanceOperation.Overwrite(dataset.schema, [fragment]), read_version=1)
    (path,) = (tmp_path / "d").glob(DATA)
    assert report(lance, "d", "--deep")["problems"] == []
    sound = path.read_bytes()
    for kept, expected in [(size - 501, {"WRONG_SIZE"}), (size - 500, {"WRONG_SIZE", "UNREADABLE_FILE"}), (size - 1, {"WRONG_SIZE", "UNREADABLE_FILE"})]:
        path.write_bytes(sound[:kept])
        assert {kind for kind, _ in problems(lance, "d")} == expected


def test_blobs_are_decoded(lance, tmp_path):
    schema = pa.schema([pa.field("blob", pa.large_binary(), metadata={"lance-encoding:blob": "true"})])
    table = pa.table([pa.array([b"x" * 10_000] * 20, pa.large_binary())], schema=schema)
    pylance.write_dataset(table, str(tmp_path / "d"), data_storage_version="2.1")
    assert report(lance, "d", "--deep")["problems"] == []


def test_a_clone_needs_the_files_of_its_source(lance, history, tmp_path):
    pylance.dataset(str(history)).shallow_clone(str(tmp_path / "clone"), 2)
    assert report(lance, "clone", "--deep")["data_files"] == 2
    lost = sorted(history.glob(DATA))[0]
    lost.unlink()
    assert problems(lance, "clone") == [("MISSING_FILE", str(lost))]


@pytest.mark.parametrize("spelling", ["{0}/real/d.lance", "{0}/link/d.lance", "link/d.lance", "real/../real/d.lance", "file://{0}/link/d.lance"])
def test_a_file_of_a_branch_is_looked_at_once_however_its_place_was_typed(lance, tmp_path, monkeypatch, spelling):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    pylance.write_dataset(make_table(), "real/d.lance")
    pylance.dataset(spelling.format(tmp_path)).create_branch("trial").create_branch("of")
    for typed in ["real/d.lance", "link/d.lance"]:
        found = report(lance, typed, "--deep")
        assert (found["problems"], found["data_files"], found["versions"]) == ([], 1, 3)
    (file,) = (tmp_path / "real/d.lance/data").iterdir()
    file.unlink()
    assert problems(lance, "link/d.lance") == [("MISSING_FILE", f"data/{file.name}")]


def test_a_place_that_cannot_be_opened_is_a_problem_and_the_rest_is_checked(lance, tmp_path, monkeypatch):
    """A relative path goes above the root from where it is checked."""
    monkeypatch.chdir(tmp_path)
    dataset = pylance.write_dataset(make_table(), "d.lance")
    pylance.dataset(f"../{tmp_path.name}/d.lance").create_branch("trial").insert(make_table(5))
    dataset.insert(make_table(7))
    result = lance.run("fsck", tmp_path / "d.lance", "--format", "json", cwd="/")
    assert result.returncode == 1, result.stderr
    found = json.loads(result.stdout)
    assert [problem["kind"] for problem in found["problems"]] == ["BROKEN_REFERENCE"]
    (problem,) = found["problems"]
    assert problem["path"].startswith("tree/trial/_versions/")
    assert f"its files in ../{tmp_path.name}/d.lance cannot be looked at" in problem["message"]
    assert (found["versions"], found["data_files"], found["orphans"]) == (4, 3, 0)


def damage(path, how):
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": data[:-1], "half": data[: len(data) // 2]}[how])
    return data


@pytest.mark.parametrize("how", ["missing", "empty", "cut", "half"])
def test_every_lost_and_truncated_file_is_found(lance, history, how):
    newest = sorted(history.glob(MANIFESTS))[0]
    patterns = [MANIFESTS, DATA, *DELETIONS, INDICES, "tree/trial/" + MANIFESTS, "tree/trial/" + DATA]
    files = [path for pattern in patterns for path in sorted(history.glob(pattern))]
    assert {path.suffix for path in files} >= {".manifest", ".lance", ".arrow", ".bin", ".idx"}
    for path in files:
        if how == "missing" and path.suffix == ".manifest" and path != newest:
            # It looks like a version that was cleaned up; see the tests of tags and of the newest one.
            continue
        data = damage(path, how)
        expected = {
            ".manifest": "MISSING_FILE" if how == "missing" else "UNREADABLE_MANIFEST",
            ".arrow": "MISSING_FILE" if how == "missing" else "UNREADABLE_FILE",
            ".bin": "MISSING_FILE" if how == "missing" else "UNREADABLE_FILE",
        }.get(path.suffix, "MISSING_FILE" if how == "missing" else "WRONG_SIZE")
        assert problems(lance, history) == [(expected, str(path.relative_to(history)))]
        path.write_bytes(data)
    assert report(lance, history)["problems"] == []


@pytest.mark.parametrize("pattern", DELETIONS)
def test_a_deletion_file_of_other_rows_is_found(lance, history, pattern):
    one, other = (next(history.glob(pattern)) for history in (history, copy_with_more_deletions(history)))
    shutil.copy(other, one)
    assert problems(lance, history) == [("ROW_COUNT", str(one.relative_to(history)))]


def copy_with_more_deletions(history):
    """A dataset whose deletion files, of both kinds, delete more rows."""
    path = history.parent / "other.lance"
    dataset = pylance.write_dataset(vectors(12_000), str(path))
    dataset.delete("id < 11")
    dataset.delete("id % 2 = 0")
    return path


def test_a_deletion_file_that_asks_for_more_memory_than_there_is_is_a_problem(lance, tmp_path):
    dataset = pylance.write_dataset(make_table(), str(tmp_path / "d"))
    dataset.delete("id < 10")
    (path,) = (tmp_path / "d").glob(DELETIONS[0])
    sound = path.read_bytes()
    # Lengths have eight bytes, of which each of the upper half asks for too much.
    for at in range(0, len(sound), 4):
        damaged = bytearray(sound)
        damaged[at] ^= 0x44
        path.write_bytes(damaged)
        assert lance.run("fsck", "d").returncode in (0, 1), f"byte {at}"


def test_a_tag_of_a_lost_version_is_broken(lance, history):
    sorted(history.glob(MANIFESTS))[-2].unlink()
    assert problems(lance, history) == [("BROKEN_REFERENCE", "_refs/tags/stable.json")]


def test_a_problem_is_a_line_that_names_the_file_and_the_versions(lance, history):
    path = sorted(history.glob(DATA))[0]
    size = path.stat().st_size
    os.truncate(path, size - 1)
    result = lance.run("fsck", history)
    lines = result.stdout.splitlines()
    assert lines[0] == f"data/{path.name}: has {size - 1} of {size} bytes; needed by versions 1 to 6"
    assert lines[1].split() == ["problems", "1"]
    assert result.stderr == f"lance: error: {history} is damaged, see the list of problems\n"
    assert result.returncode == 1


def test_a_sound_dataset_is_described(lance, people):
    lines = [line.rsplit(maxsplit=1) for line in lance("fsck", people).splitlines()]
    assert ["problems", "0"] in lines and ["versions", "1"] in lines and ["rows", "1,000"] in lines


def test_a_deep_check_shows_its_progress(lance, people):
    result = lance.run("fsck", people, "--deep")
    first, last = result.stderr.splitlines()
    assert first == f"{people}: started"
    assert last.startswith(f"{people}: 1,000 rows in ")


def test_damaged_values_are_found_by_a_deep_check_only(lance, tmp_path):
    field = pa.field("text", pa.string(), metadata={"lance-encoding:compression": "zstd"})
    table = pa.table([[f"{i} {i * i}" for i in range(50_000)]], schema=pa.schema([field]))
    pylance.write_dataset(table, str(tmp_path / "d"), data_storage_version="2.1")
    (path,) = (tmp_path / "d/data").iterdir()
    data = bytearray(path.read_bytes())
    for at in range(0, len(data) // 2, 1000):
        data[at : at + 20] = bytes(20)
    path.write_bytes(data)
    assert report(lance, "d")["problems"] == []
    assert problems(lance, "d", "--deep") == [("UNDECODABLE_DATA", f"data/{path.name}")]


def test_one_version_can_be_checked_alone(lance, history):
    for deletion in history.glob("_deletions/*"):
        deletion.unlink()
    assert report(lance, history, "--at-version", 1)["problems"] == []
    assert {kind for kind, _ in problems(lance, history, "--at-version", 2)} == {"MISSING_FILE"}


def test_what_cannot_be_checked_is_an_error(lance, people, tmp_path):
    assert lance.fails("fsck", "nothing").startswith("there is no dataset at nothing")
    (tmp_path / "empty").mkdir()
    assert lance.fails("fsck", "empty").startswith("empty is a directory, but no dataset")
    assert "no version 7" in lance.fails("fsck", people, "--at-version", 7)
    assert "DATASET is required" in lance.fails("fsck", code=2)


def test_it_writes_nothing(lance, history, unchanged):
    unchanged.watch()
    lance("fsck", history, "--deep")
    os.truncate(pathlib.Path(sorted(history.glob(DATA))[0]), 7)
    unchanged.watch()
    assert lance.run("fsck", history, "--deep").returncode == 1
