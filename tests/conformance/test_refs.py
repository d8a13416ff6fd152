"""Tags, branches, restores, clones and changes between versions: made here and looked at by pylance, and back."""

import json
import random

import lance
import pyarrow as pa
import pytest
from support.scale import pick


NESTED = pa.struct({"a b": pa.int64(), "l": pa.list_(pa.int64())})


def table(ids):
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "text": pa.array([None if i % 5 == 0 else f"text {i}" for i in ids], pa.string()),
            "nested": pa.array([{"a b": i, "l": [i, None]} if i % 3 else None for i in ids], NESTED),
        }
    )


def read_json(lance_cli, *args):
    return json.loads(lance_cli(*args, "--format", "json"))


def ids(dataset):
    return dataset.to_table(["id"])["id"].to_pylist()


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "d.lance"
    made = lance.write_dataset(table(range(10)), path, enable_stable_row_ids=True)
    made.insert(table(range(10, 20)))
    made.insert(table(range(20, 30)))
    return path


def test_tags_go_both_ways(lance_cli, dataset):
    lance_cli("tag", "create", dataset, "ours", "--at-version", "2", "--metadata", "owner=me")
    there = lance.dataset(dataset)
    there.tags.create("theirs", 1)
    there.tags.replace_metadata("theirs", {"who": "they"}) if hasattr(there.tags, "replace_metadata") else None
    assert there.tags.list()["ours"]["version"] == 2
    assert ids(lance.dataset(dataset, version="ours")) == list(range(20))
    assert [(tag["name"], tag["version"]) for tag in read_json(lance_cli, "tag", "list", dataset)] == [
        ("ours", 2),
        ("theirs", 1),
    ]
    lance_cli("tag", "move", dataset, "theirs", "--at-version", "3")
    there.tags.update("ours", 1)
    assert there.tags.get_version("theirs") == 3
    assert lance_cli("count", dataset, "--tag", "ours").strip() == "10"
    lance_cli("tag", "delete", dataset, "theirs", "--yes")
    assert list(there.tags.list()) == ["ours"]


def test_branches_go_both_ways(lance_cli, dataset, offer_to_us):
    there = lance.dataset(dataset)
    lance_cli("branch", "create", dataset, "team/ours", "--at-version", "2")
    there.create_branch("theirs", 1)
    branches = there.branches.list()
    assert branches["team/ours"]["parent_version"] == 2
    assert [it["name"] for it in read_json(lance_cli, "branch", "list", dataset)] == ["team/ours", "theirs"]
    ours = there.checkout_version(("team/ours", None))
    assert ids(ours) == list(range(20))
    ours.insert(table([100]))
    assert lance_cli("count", dataset, "--branch", "team/ours").strip() == "21"
    # A tag on a branch, and a branch of a branch.
    lance_cli("tag", "create", dataset, "release", "--branch", "team/ours")
    assert ids(there.checkout_version("release")) == [*range(20), 100]
    lance_cli("branch", "create", dataset, "team/child", "--branch", "theirs")
    assert ids(there.checkout_version(("team/child", None))) == list(range(10))
    with pytest.raises(Exception, match="referenced"):
        there.branches.delete("theirs")
    there.branches.delete("team/child")
    lance_cli("branch", "delete", dataset, "theirs", "--yes")
    assert list(there.branches.list()) == ["team/ours"]


def test_restores_go_both_ways(lance_cli, dataset):
    lance_cli("restore", dataset, "--version", "1", "--yes")
    there = lance.dataset(dataset)
    assert (there.version, ids(there)) == (4, list(range(10)))
    there.checkout_version(3).restore()
    assert lance_cli("count", dataset).strip() == "30"
    there = lance.dataset(dataset)
    assert type(there.get_transactions(1)[0].operation).__name__ == "Restore"
    ours = read_json(lance_cli, "log", dataset)
    theirs = there.get_transactions(10)
    assert [it["uuid"] for it in ours] == [it.uuid for it in theirs]
    assert [it["read_version"] for it in ours] == [it.read_version for it in theirs]


def test_clones_go_both_ways(lance_cli, dataset, tmp_path):
    lance.dataset(dataset).delete("id = 3")
    lance.dataset(dataset).create_scalar_index("id", "BTREE")
    for kind in ("shallow", "deep"):
        ours, theirs = tmp_path / f"ours_{kind}.lance", tmp_path / f"theirs_{kind}.lance"
        lance_cli("clone", dataset, ours, *(["--shallow"] if kind == "shallow" else []))
        there = lance.dataset(dataset)
        (there.shallow_clone if kind == "shallow" else there.deep_clone)(str(theirs), there.version)
        clone, oracle = lance.dataset(ours), lance.dataset(theirs)
        assert clone.to_table() == oracle.to_table() == there.to_table()
        assert clone.to_table(filter="id > 25") == there.to_table(filter="id > 25")
        assert [it.name for it in clone.describe_indices()] == [it.name for it in oracle.describe_indices()]
        assert clone.schema == there.schema
        assert lance_cli("count", theirs).strip() == "29"
        assert read_json(lance_cli, "fsck", ours, "--deep")["problems"] == []


@pytest.mark.parametrize("seed", range(pick(push=2, long=10)))
def test_random_changes_are_those_that_pylance_finds(lance_cli, tmp_path, seed):
    choose = random.Random(seed)
    path = tmp_path / "d.lance"
    dataset = lance.write_dataset(table(range(20)), path, enable_stable_row_ids=True, max_rows_per_file=7)
    next_id = 20
    for _ in range(10):
        dataset = lance.dataset(path)
        step = choose.randrange(5)
        if step == 0:
            dataset.insert(table(range(next_id, next_id + 3)))
            next_id += 3
        elif step == 1:
            dataset.delete(f"id % {choose.randint(3, 9)} = 1")
        elif step == 2:
            dataset.update({"text": f"'{next_id}'"}, where=f"id % {choose.randint(2, 5)} = 0")
        elif step == 3:
            upserted = table([choose.randrange(next_id), next_id])
            next_id += 1
            dataset.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(upserted)
        else:
            dataset.optimize.compact_files()
    newest = lance.dataset(path).version
    for _ in range(4):
        first, last = sorted(choose.sample(range(1, newest + 1), 2))
        then = lance.dataset(path, version=last)
        delta = then.delta(begin_version=first, end_version=last)
        for kind, theirs in (("inserted", delta.get_inserted_rows()), ("updated", delta.get_updated_rows())):
            printed = lance_cli("diff", path, "--from", first, "--to", last, "--kind", kind, "--format", "json")
            ours = [json.loads(line) for line in printed.splitlines()]
            expected = theirs.read_all()
            assert sorted((row["id"], row["text"]) for row in ours if row["text"]) == sorted(
                (row["id"], row["text"]) for row in expected.select(["id", "text"]).to_pylist() if row["text"]
            )
            assert sorted(row["_rowid"] for row in ours) == sorted(expected["_rowid"].to_pylist())
        printed = lance_cli("diff", path, "--from", first, "--to", last, "--kind", "deleted", "--format", "json")
        ours = sorted(json.loads(line)["_rowid"] for line in printed.splitlines())
        # An oracle of its own: ids that were there and are not.
        before, after = (
            set(lance.dataset(path, version=v).scanner(columns=["id"], with_row_id=True).to_table()["_rowid"].to_pylist())
            for v in (first, last)
        )
        assert ours == sorted(before - after)
