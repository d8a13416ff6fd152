"""`lance index`: indices made, listed, used, optimised and dropped at a terminal."""

import contextlib
import json
import os
import pty
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
    assert message == 'there is an index "id_idx" already: choose another name, or replace it'
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


@pytest.fixture
def photos(tmp_path):
    """Vectors of four fragments: the first number of each is its row."""
    rows = 800
    values = pa.array([float(row if i == 0 else row % (i + 2)) for row in range(rows) for i in range(8)], pa.float32())
    table = pa.table({"id": range(rows), "v": pa.FixedSizeListArray.from_arrays(values, 8)})
    pylance.write_dataset(table, tmp_path / "photos.lance", max_rows_per_file=200)
    return tmp_path / "photos.lance"


def nearest(lance, dataset, row, *args):
    found = lance("search", dataset, "--like", row, "-k", 1, "--columns", "id", "--fast", "--format", "json", *args)
    return [json.loads(line)["id"] for line in found.splitlines()]


def test_an_index_is_built_in_parts_and_committed(lance, photos, tmp_path):
    index = (photos, "v", "--type", "ivf_pq")
    lance("index", "train", *index, "--output", "model", "--param", "num_partitions=2", "--param", "num_sub_vectors=8")
    for i, fragments in enumerate(["0", "1", "2,3"]):
        part = lance("index", "build", *index, "--model", "model", "--fragments", fragments)
        (tmp_path / f"part-{i}").write_text(part)
    assert indices(lance, photos) == []
    (tmp_path / "merged").write_text(lance("index", "merge", photos, "part-0", "part-1"))
    lance("index", "commit", photos, "v_parts", "merged", "part-2")
    [made] = indices(lance, photos)
    expected = {"name": "v_parts", "type": "IVF_PQ", "segments": 2, "rows": 800, "unindexed_rows": 0}
    assert {key: made[key] for key in expected} == expected
    for row in (7, 300, 799):
        assert nearest(lance, photos, row, "--nprobes", 2, "--refine", 10) == [row]
    segments = json.loads(lance("index", "segments", photos, "--format", "json"))
    assert sorted(segment["fragments"] for segment in segments) == [[0, 1], [2, 3]]
    last = next(segment["uuid"] for segment in segments if segment["fragments"] == [2, 3])
    [found] = nearest(lance, photos, 7, "--segments", last)
    assert found >= 400
    table = lance("index", "segments", photos)
    assert last in table and "[2,3]" in table
    assert pylance.dataset(photos).describe_indices()[0].num_rows_indexed == 800


def test_parts_that_do_not_fit_are_refused_and_leave_nothing(lance, photos, tmp_path):
    btree = lance("index", "build", photos, "id", "--type", "btree", "--fragments", "0")
    (tmp_path / "part").write_text(btree)
    (tmp_path / "none").write_text("{}\n")
    assert "duplicate segment" in lance.fails("index", "commit", photos, "x", "part", "part")
    assert "segment" in lance.fails("index", "commit", photos, "x", "none")
    assert "cannot read nowhere" in lance.fails("index", "commit", photos, "x", "nowhere")
    assert "nowhere" in lance.fails("index", "build", photos, "v", "--type", "ivf_pq", "--model", "nowhere")
    assert lance.fails("index", "build", photos, "v", "--type", "ivf_pq", "--model", "none")
    assert "fragment" in lance.fails("index", "build", photos, "id", "--type", "btree", "--fragments", "9")
    assert lance.fails("index", "train", photos, "id", "--type", "btree", "--output", "model")
    assert not (tmp_path / "model").exists()
    assert indices(lance, photos) == []


def test_indices_are_optimised_in_parts(lance, people, tmp_path):
    lance("index", "create", people, "id", "--type", "btree")
    assert lance("index", "optimize", people, "--plan", "parts") == "nothing to optimise\n"
    for first in (1000, 1200):
        pylance.write_dataset(make_table(200, first), people, mode="append")
    plan = lance("index", "optimize", people, "--task-rows", 200, "--plan", "parts")
    assert plan.count("task") == 2 and plan.count("merge") == 1
    (tmp_path / "built").write_text(lance("index", "optimize", people, "--task", "parts"))
    assert len((tmp_path / "built").read_text().splitlines()) == 2
    (tmp_path / "merged").write_text(lance("index", "optimize", people, "--task", "parts", "--results", "built"))
    assert indices(lance, people)[0]["unindexed_rows"] == 400
    lance("index", "optimize", people, "--commit", "merged")
    assert indices(lance, people)[0]["unindexed_rows"] == 0
    assert lance("count", people, "--filter", "id in (5, 1100, 1399)") == "3\n"


def test_words_are_shown_as_an_index_cuts_them(lance):
    tokens = json.loads(lance("index", "tokenize", "The quick Foxes", "--format", "json"))
    assert tokens == [
        {"word": "quick", "position": 1, "start": 4, "end": 9},
        {"word": "fox", "position": 2, "start": 10, "end": 15},
    ]
    plain = lance("index", "tokenize", "The quick Foxes", "--param", "stem=false", "--param", "remove_stop_words=false")
    assert [line.split()[0] for line in plain.splitlines()[-3:]] == ["the", "quick", "foxes"]
    assert '"stem"' in lance.fails("index", "tokenize", "a", "--param", "stemm=1")


def test_stages_are_shown_at_a_terminal_alone(lance, photos):
    leader, follower = pty.openpty()
    command = [PROGRAM, "index", "create", photos, "v", "--type", "ivf_pq", "--param", "num_sub_vectors=8"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # Its end.
        while more := os.read(leader, 4096):
            shown += more
    os.close(leader)
    assert (process.communicate()[0], process.returncode) == (b"", 0)
    lines = [line for line in shown.decode().split("\r\x1b[K") if line]
    assert len(lines) >= 3 and any("train" in line for line in lines), lines
    assert shown.endswith(b"\r\x1b[K")
    result = lance.run("index", "create", photos, "v", "--type", "ivf_pq", "--param", "num_sub_vectors=8", "--replace")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


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
