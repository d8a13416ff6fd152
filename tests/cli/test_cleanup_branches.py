"""`lance cleanup` beside branches, tags and clones, however their paths were typed."""

import json
import os
import pathlib

import lance as pylance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import cleanup, make_table

SPELLINGS = [
    "{root}/real/b.lance",
    "{root}/link/b.lance",
    "{root}/linked.lance",
    "real/b.lance",
    "./link/b.lance",
    "real/../link/b.lance",
    "{root}/link/../real/b.lance",
    "{root}/real/b.lance/",
    "{root}/real//b.lance",
    "file://{root}/real/b.lance",
    "file://{root}/link/b%2Elance",
]


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """Fills a spelling in. Relative ones hold in the directory of the test, which is where `lance` runs, too."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "linked.lance").symlink_to(tmp_path / "real/b.lance")
    monkeypatch.chdir(tmp_path)
    return lambda spelling: spelling.format(root=tmp_path)


@pytest.fixture
def path(typed, tmp_path):
    return tmp_path / "real/b.lance"


def write(path, start, rows=10, mode="overwrite"):
    return pylance.write_dataset(make_table(rows, start), str(path), mode=mode)


def read(path, branch=None, version=None):
    """The ids; the other columns must fit to them."""
    dataset = pylance.dataset(str(path))
    if branch or version:
        dataset = dataset.checkout_version((branch, version))
    table = dataset.to_table().sort_by("id")
    for name in table.column_names[1:]:
        assert table[name].to_pylist() == [make_table(1, i)[name][0].as_py() for i in table["id"].to_pylist()]
    return table["id"].to_pylist()


def versions(path, branch=None):
    return [version["version"] for version in pylance.dataset(str(path)).checkout_version((branch, None)).versions()]


def data_files(path):
    return {file.name for file in pathlib.Path(path).rglob("data/*.lance")}


def sound(lance, path):
    report = json.loads(lance("fsck", path, "--deep", "--format", "json"))
    return (report["problems"], report["orphans"]) == ([], 0)


@pytest.mark.parametrize("cleaned", SPELLINGS)
def test_a_branch_lives_whatever_was_typed(lance, path, typed, cleaned):
    """Each branch alone needs the data of a version of its own."""
    starts = {}
    for number, made in enumerate(SPELLINGS):
        write(path, 100 * number)
        pylance.dataset(typed(made)).create_branch(f"b{number}")
        starts[f"b{number}"] = 100 * number
    for branch in starts:
        pylance.dataset(typed(cleaned)).checkout_version((branch, None)).create_branch(f"{branch}/of")
    write(path, 5000)
    write(path, 6000)
    limits = ["--keep", 1, "--older-than", "0s", "--no-writers-active"]
    result = cleanup(lance, path, *limits, typed=typed(cleaned))
    assert (result["versions"], result["data_files"]) == (1, 1)
    assert versions(path) == [*range(1, len(SPELLINGS) + 1), len(SPELLINGS) + 2]
    assert read(path) == list(range(6000, 6010))
    for version, (branch, start) in enumerate(starts.items(), 1):
        assert read(path, branch) == read(path, f"{branch}/of") == list(range(start, start + 10))
        assert read(path, version=version) == list(range(start, start + 10))
    assert sound(lance, typed(cleaned))


def test_without_its_branch_a_version_goes(lance, path, typed):
    write(path, 0)
    dataset = pylance.dataset(typed("link/b.lance"))
    dataset.create_branch("trial").create_branch("of")
    write(path, 100)
    assert cleanup(lance, path, "--keep", 1, "--no-writers-active")["versions"] == 0
    dataset.branches.delete("of")
    dataset.branches.delete("trial")
    result = cleanup(lance, path, "--keep", 1, "--no-writers-active")
    assert (result["versions"], result["data_files"]) == (1, 1)
    assert data_files(path) == {fragment.data_files()[0].path for fragment in pylance.dataset(str(path)).get_fragments()}


def test_a_base_that_cannot_be_found_protects_by_name(lance, path, tmp_path):
    """The parent of a branch is named by a place that is not there, or stands for another one, at the time."""
    write(path, 0)
    pylance.dataset("real/b.lance").create_branch("relative")
    pylance.dataset("real/../real/b.lance").create_branch("dots")
    pylance.dataset(str(path)).create_branch("absolute")
    write(path, 100)
    moved = tmp_path / "elsewhere.lance"
    path.rename(moved)
    os.chdir("/")
    result = cleanup(lance, moved, "--keep", 1, "--no-writers-active", typed="elsewhere.lance")
    assert result["data_files"] == 0
    os.chdir(tmp_path)
    moved.rename(path)
    for branch in ["relative", "dots", "absolute"]:
        assert read(path, branch) == list(range(10))


def test_everything_that_a_branch_reads_of_its_parent_stays(lance, path, typed):
    """Deletions of both kinds, indices and large values."""
    blobs = pylance.blob_array([bytes([i % 251]) * 300_000 for i in range(8)])
    schema = pa.schema([pa.field("id", pa.int64()), pylance.blob_field("blob")])
    table = pa.table([pa.array(range(8)), blobs], schema=schema)
    dataset = pylance.write_dataset(table, str(path), data_storage_version="2.2", blob_pack_file_size_threshold=1)
    dataset.create_scalar_index("id", "BTREE")
    dataset.delete("id = 3")
    assert list(path.rglob("*.blob"))
    pylance.dataset(typed("link/b.lance")).create_branch("trial")
    pylance.write_dataset(table.slice(0, 1), str(path), mode="overwrite")
    pylance.write_dataset(table.slice(0, 1), str(path), mode="overwrite")
    result = cleanup(lance, path, "--keep", 1, "--older-than", "0s", "--no-writers-active")
    assert result["versions"] == 3
    branch = pylance.dataset(str(path)).checkout_version(("trial", None))
    assert branch.to_table(columns=["id"], filter="id > 1")["id"].to_pylist() == [2, 4, 5, 6, 7]
    assert "ScalarIndexQuery" in branch.scanner(filter="id > 1").explain_plan()
    values = branch.take_blobs("blob", indices=range(7))
    assert [value.readall()[:1] for value in values] == [bytes([i]) for i in range(8) if i != 3]
    branch.branches.delete("trial")
    cleanup(lance, path, "--keep", 1, "--no-writers-active")
    # One row is left, with its large value.
    assert len(list(path.rglob("*.blob"))) == len(data_files(path)) == 1
    assert not list(path.glob("_indices/*")) and not list(path.glob("_deletions/*"))


def test_a_write_never_cleans_up(lance, path, typed, tmp_path):
    """The engine would, by its own rules, where the configuration of the dataset asks for it."""
    config = {"interval": 1, "older_than_seconds": 0}
    pylance.write_dataset(make_table(10), str(path), auto_cleanup_options=config)
    pylance.dataset(typed("link/b.lance")).create_branch("trial")
    pq.write_table(make_table(10, 100), tmp_path / "more.parquet")
    for mode in ["overwrite", "append", "overwrite"]:
        lance("import", "more.parquet", path, "--mode", mode)
    assert pylance.dataset(str(path)).config()["lance.auto_cleanup.interval"] == "1"
    assert versions(path) == [1, 2, 3, 4]
    assert read(path, "trial") == list(range(10))


def test_a_branch_can_be_cleaned_up_by_its_own_path(lance, path, tmp_path, typed):
    write(path, 0)
    branch = pylance.dataset(typed("link/b.lance")).create_branch("a/b")
    for start in range(100, 600, 100):
        branch.insert(make_table(10, start), mode="overwrite")
    first = branch.versions()[0]["version"]
    branch.tags.create("stable", ("a/b", first + 2))
    branch.checkout_version(("a/b", first + 3)).create_branch("of")
    (tmp_path / "to_branch").symlink_to(path / "tree/a/b")
    foretold = [
        json.loads(lance("cleanup", branch_path, "--keep", 1, "--dry-run", "--format", "json"))
        for branch_path in [path / "tree/a/b", "link/b.lance/tree/a/b/", "to_branch"]
    ]
    assert foretold[0] == foretold[1] == foretold[2]
    result = cleanup(lance, path, "--keep", 1, "--no-writers-active", typed="to_branch")
    assert (result["versions"], result["data_files"]) == (3, 2)
    assert versions(path, "a/b") == [first + 2, first + 3, first + 5]
    assert read(path) == list(range(10))
    assert read(path, "a/b") == list(range(500, 510))
    assert read(path, "of") == read(path, "a/b", first + 3) == list(range(300, 310))
    assert read(path, "a/b", first + 2) == list(range(200, 210))


def test_a_branch_away_from_its_dataset_is_refused(lance, path, tmp_path):
    write(path, 0)
    pylance.dataset(str(path)).create_branch("trial")
    (path / "tree/trial").rename(tmp_path / "copy.lance")
    assert "is the branch trial of a dataset" in lance.fails("cleanup", "copy.lance", "--keep", 1)


def test_detached_versions_stay(lance, path):
    write(path, 0)
    fragments = pylance.fragment.write_fragments(make_table(10, 100), str(path))
    append = pylance.LanceOperation.Append(fragments)
    detached = pylance.LanceDataset.commit(str(path), append, read_version=1, detached=True).version
    write(path, 200)
    cleanup(lance, path, "--keep", 1, "--older-than", "0s", "--no-writers-active")
    assert read(path, version=detached) == [*range(10), *range(100, 110)]
    assert read(path) == list(range(200, 210))


def test_clones_below_and_beside_the_dataset_live(lance, path, tmp_path, typed):
    starts = {}
    places = ["real/c.lance", "real/b.lance/c.lance", "real/b.lance/data/c.lance", "real/b.lance/_indices/deep/c.lance"]
    for number, clone in enumerate(places):
        write(path, 100 * number)
        made = pylance.dataset(typed("link/b.lance")).shallow_clone(str(tmp_path / clone), number + 1)
        made.create_branch("trial")
        made.insert(make_table(1, 100 * number + 50), mode="overwrite")
        starts[clone] = 100 * number
        orphan = tmp_path / clone / "data/orphan.lance"
        orphan.write_bytes(b"of another dataset")
        orphan.with_name("orphan.lance#1").write_bytes(b"of another dataset")
    write(path, 5000)
    for spelling in ["real/b.lance", "linked.lance"]:
        result = cleanup(lance, path, "--keep", 1, "--no-writers-active", typed=spelling)
        assert result["data_files"] == 0
    for clone, start in starts.items():
        assert read(tmp_path / clone) == [start + 50]
        assert read(tmp_path / clone, "trial") == list(range(start, start + 10))
        assert (tmp_path / clone / "data/orphan.lance").exists()
        assert (tmp_path / clone / "data/orphan.lance#1").exists()
    for clone in places:
        pylance.LanceDataset.drop(str(tmp_path / clone))
    assert cleanup(lance, path, "--no-writers-active")["data_files"] == len(places)


def test_a_link_to_the_dataset_is_no_clone_of_it(lance, path, tmp_path):
    (tmp_path / "real/same.lance").symlink_to(path)
    write(path, 0)
    pylance.dataset(str(path)).create_branch("trial")
    write(path, 100)
    write(path, 200)
    for spelling in ["real/b.lance", "real/same.lance", "linked.lance"]:
        typed = json.loads(lance("cleanup", spelling, "--keep", 1, "--dry-run", "--format", "json"))
        assert (typed["versions"], typed["data_files"]) == (1, 1)


def test_a_tag_protects_a_clone_anywhere(lance, path, tmp_path):
    dataset = write(path, 0)
    dataset.tags.create("cloned", 1)
    dataset.shallow_clone(str(tmp_path / "far/away/c.lance"), "cloned")
    write(path, 100)
    cleanup(lance, path, "--keep", 1, "--older-than", "0s", "--no-writers-active")
    assert read(tmp_path / "far/away/c.lance") == list(range(10))


def test_a_dry_run_tells_of_clones_that_are_not_found(lance, path):
    write(path, 0)
    assert "clone" not in lance("cleanup", path, "--keep", 1, "--dry-run")
    write(path, 100)
    for text in [lance("cleanup", path, "--keep", 1, "--dry-run"), lance("cleanup", "--help")]:
        assert "clones" in text and "tag" in text


def test_data_in_other_places_is_left_alone(lance, tmp_path):
    bases = [pylance.DatasetBasePath(str(tmp_path / name), name, is_dataset_root=root, id=i)
             for i, (name, root) in enumerate([("flat", False), ("root", True), ("d.lance/inside", False)], 1)]
    path = tmp_path / "d.lance"
    for number, base in enumerate(bases):
        pylance.write_dataset(
            make_table(10, 10 * number),
            str(path),
            mode="append" if number else "create",
            initial_bases=None if number else bases,
            target_bases=[base.name],
        )
    write(path, 30, mode="append")
    write(path, 500)
    cleanup(lance, path, "--older-than", "0s", "--no-writers-active")
    assert len(list(path.glob("data/*.lance"))) == 1
    for directory in ["flat", "root/data", "d.lance/inside"]:
        assert len(list((tmp_path / directory).glob("*.lance"))) == 1


def test_what_cannot_be_understood_stops_it(lance, path, unchanged):
    write(path, 0)
    pylance.dataset(str(path)).shallow_clone(str(path / "clones/c.lance"), 1)
    pylance.dataset(str(path)).tags.create("stable", 1)
    write(path, 100)
    (manifest,) = path.glob("clones/c.lance/_versions/*.manifest")
    tag = path / "_refs/tags/stable.json"
    for file in [manifest, tag]:
        content = file.read_bytes()
        file.write_bytes(content[:-9])
        unchanged.watch()
        message = lance.fails("cleanup", path, "--keep", 1, "--no-writers-active")
        assert message.startswith("nothing was removed") and file.name in message
        file.write_bytes(content)
        unchanged.watch()


def test_values_that_name_blobs_keep_them(lance, path):
    """Managed blobs lie beside the data, and only values name them."""
    table = pa.table(
        [pa.array([1]), pylance.blob_array([b"x" * 300_000])],
        schema=pa.schema([pa.field("id", pa.int64()), pylance.blob_field("blob")], metadata={"lance.blob.managed": "true"}),
    )
    for mode in ["create", "append", "overwrite"]:
        pylance.write_dataset(table, str(path), mode=mode, data_storage_version="2.2")
    assert len(list(path.rglob("_blobs/**/*.blob"))) == 3
    pylance.dataset(str(path)).tags.create("first", 1)
    cleanup(lance, path, "--keep", 1, "--no-writers-active")
    assert len(list(path.rglob("_blobs/**/*.blob"))) == 2
    for version in ["first", None]:
        dataset = pylance.dataset(str(path), version=version)
        assert dataset.take_blobs("blob", indices=[0])[0].readall() == b"x" * 300_000
