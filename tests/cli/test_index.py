"""`lance index`: indices made, listed, used, optimised and dropped at a terminal."""

import json
import signal
import subprocess
import time

import lance as pylance
import pyarrow as pa
import pytest

from conftest import PROGRAM, make_table


def indices(lance, *args):
    return json.loads(lance("index", "list", *args, "--format", "json"))


def index_files(dataset):
    return [path for path in (dataset / "_indices").rglob("*") if path.is_file()]


def test_an_index_is_made_listed_used_and_dropped(lance, people):
    assert indices(lance, people) == []
    assert lance("index", "create", people, "id", "--type", "btree") == ""
    [index] = indices(lance, people)
    expected = {"name": "id_idx", "type": "BTREE", "column": "id", "segments": 1, "rows": 1000, "unindexed_rows": 0}
    assert {key: index[key] for key in expected} == expected
    assert index["bytes"] == sum(path.stat().st_size for path in index_files(people))
    table = lance("index", "list", people)
    assert "id_idx" in table and "BTREE" in table
    assert json.loads(lance("index", "stats", people, "id_idx"))["num_indexed_rows"] == 1000
    assert lance("index", "prewarm", people, "id_idx") == ""
    plan = pylance.dataset(people).scanner(filter="id = 5").explain_plan()
    assert "ScalarIndexQuery" in plan
    assert lance("index", "drop", people, "id_idx") == ""
    assert indices(lance, people) == []
    assert pylance.dataset(people).version == 3


def test_parameters_and_kinds_are_typed_in_any_case(lance, people):
    lance("index", "create", people, "id", "--type", "Zonemap", "--param", "rows_per_zone=100", "--name", "a b")
    [index] = indices(lance, people)
    assert (index["name"], index["type"]) == ("a b", "ZONEMAP")
    assert json.loads(lance("index", "stats", people, "a b"))["indices"][0]["rows_per_zone"] == 100


def test_a_replaced_index_leaves_with_its_version(lance, people):
    lance("index", "create", people, "id", "--type", "btree")
    message = lance.fails("index", "create", people, "id", "--type", "btree")
    assert 'there is an index "id_idx" already' in message
    lance("index", "create", people, "id", "--type", "btree", "--replace")
    assert len(indices(lance, people)) == 1
    before = len(index_files(people))
    lance("cleanup", people, "--keep", "1")
    assert len(index_files(people)) == before // 2
    assert pylance.dataset(people).count_rows("id < 7") == 7


def test_rows_that_were_added_are_indexed_later(lance, people, tmp_path):
    lance("index", "create", people, "id", "--type", "btree")
    lance("index", "create", people, "name", "--type", "ngram", "--definition-only")
    pylance.write_dataset(make_table(50, 1000), people, mode="append")
    assert [(it["name"], it["unindexed_rows"]) for it in indices(lance, people)] == [("id_idx", 50), ("name_idx", 1050)]
    lance("index", "optimize", people, "--name", "id_idx")
    assert [it["unindexed_rows"] for it in indices(lance, people)] == [0, 1050]
    lance("index", "optimize", people)
    assert [it["unindexed_rows"] for it in indices(lance, people)] == [0, 0]
    version = pylance.dataset(people).version
    lance("index", "optimize", people)
    assert pylance.dataset(people).version == version


@pytest.mark.parametrize(
    "args,message",
    [
        (["create", "people.lance", "idd", "--type", "btree"], 'there is no column "idd"; the nearest names are "id"'),
        (["create", "people.lance", "name", "--type", "ivf_pq"], "IVF_PQ takes fixed-size lists"),
        (["create", "people.lance", "id", "--type", "btree", "--param", "zone=1"], 'the nearest name is "zone_size"'),
        (["create", "people.lance", "id", "--type", "btree", "--param", "zone_size=x"], "must be a whole number"),
        (["create", "nothing.lance", "id", "--type", "btree"], "there is no dataset"),
        (["drop", "people.lance", "x"], 'there is no index "x"'),
        (["stats", "people.lance", "x"], 'there is no index "x"'),
        (["prewarm", "people.lance", "x"], 'there is no index "x"'),
        (["optimize", "people.lance", "--name", "x"], 'there is no index "x"'),
    ],
)
def test_what_cannot_be_done_is_told_and_leaves_nothing(lance, people, unchanged, args, message):
    unchanged.watch()
    assert message in lance.fails("index", *args)


def test_an_interrupt_leaves_no_file(lance, tmp_path):
    dimension, rows = 64, 5000
    values = pa.array([(i * 7919 % 1000) / 1000 for i in range(rows * dimension)], pa.float32())
    table = pa.table({"v": pa.FixedSizeListArray.from_arrays(values, dimension)})
    dataset = tmp_path / "v.lance"
    pylance.write_dataset(table, dataset)
    command = [PROGRAM, "index", "create", dataset, "v", "--type", "ivf_pq", "--param", "kmeans_redos=500"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT, message
    assert index_files(dataset) == []
    assert pylance.dataset(dataset).version == 1


def test_fsck_names_a_damaged_and_a_missing_index_file(lance, people):
    lance("index", "create", people, "id", "--type", "btree")
    files = index_files(people)
    report = json.loads(lance("fsck", people, "--format", "json"))
    assert report["index_files"] == len(files) > 0 and report["problems"] == []
    files[0].write_bytes(files[0].read_bytes()[:-3])
    result = lance.run("fsck", people)
    assert result.returncode == 1 and files[0].name in result.stdout
    files[0].unlink()
    result = lance.run("fsck", people)
    assert result.returncode == 1 and f"{files[0].name}: does not exist" in result.stdout
