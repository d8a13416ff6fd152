"""Parts that are written by `--uncommitted` and become one version by `lance commit`."""

import json
import os
import subprocess

import lance as pylance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROGRAM, make_table, snapshot


@pytest.fixture
def part(lance, tmp_path):
    """Writes a part of a table, and returns the file that has its transaction."""

    def write(table, number, of, *more, scale=0.01, output="out", name=None):
        options = ["--scale", scale, "--tables", table, "--output", output, "--parts", of, "--part", number]
        file = tmp_path / (name or f"{table}-{number}-{of}.json")
        file.write_text(lance("tpch", "generate", *options, "--uncommitted", *more))
        return file

    return write


def read(path):
    return pylance.dataset(str(path)).to_table()


@pytest.mark.parametrize("table,counts", [("lineitem", [1, 2, 5]), ("nation", [3, 40]), ("partsupp", [3])])
def test_parts_are_the_whole_table_whatever_their_number(lance, tmp_path, part, table, counts):
    lance("tpch", "generate", "--scale", 0.01, "--tables", table, "--output", "whole")
    whole = read(tmp_path / f"whole/{table}.lance")
    for count in counts:
        output = f"in{count}"
        files = [part(table, number + 1, count, output=output) for number in range(count)]
        dataset = tmp_path / output / f"{table}.lance"
        assert not (dataset / "_versions").exists()
        lance("commit", dataset, *files)
        assert read(dataset).equals(whole)
        assert len(pylance.dataset(str(dataset)).versions()) == 1


def test_several_tables_are_a_line_each(lance, tmp_path):
    lines = lance("tpch", "generate", "--scale", 0.001, "--tables", "nation,region", "--output", "out", "--uncommitted")
    targets = [json.loads(line)["uri"] for line in lines.splitlines()]
    assert [os.path.basename(target) for target in targets] == ["nation.lance", "region.lance"]
    for line, table, rows in zip(lines.splitlines(), ("nation", "region"), (25, 5), strict=True):
        (tmp_path / f"{table}.json").write_text(line)
        lance("commit", f"out/{table}.lance", f"{table}.json")
        assert read(tmp_path / f"out/{table}.lance").num_rows == rows


def test_a_part_that_was_made_twice_is_counted_once(lance, tmp_path, part):
    first, second = (part("orders", number, 2, "--id", "job") for number in (1, 2))
    again = part("orders", 2, 2, "--id", "job", name="again.json")
    assert again.read_text() != second.read_text()
    dataset = tmp_path / "out/orders.lance"
    lance("commit", dataset, first, second, again)
    lance("tpch", "generate", "--scale", 0.01, "--tables", "orders", "--output", "whole")
    assert read(dataset).equals(read(tmp_path / "whole/orders.lance"))
    # What was left out is gone.
    assert json.loads(lance("fsck", dataset, "--format", "json"))["orphans"] == 0


def test_a_part_that_comes_too_late_is_not_counted(lance, tmp_path, part):
    """Also when its worker began after the commit, and others have written since."""
    lance("tpch", "generate", "--scale", 0.01, "--tables", "orders", "--output", "out")
    dataset = tmp_path / "out/orders.lance"
    append = ["--mode", "append", "--id", "job"]
    late = part("orders", 1, 2, *append, name="late.json")
    lance("commit", dataset, part("orders", 1, 2, *append), part("orders", 2, 2, *append))
    rows = read(dataset).num_rows
    lance("tpch", "generate", "--scale", 0.001, "--tables", "orders", "--output", "out", "--mode", "append")
    later = part("orders", 2, 2, *append, name="later.json")
    before = read(dataset)
    assert before.num_rows == rows + 1500
    lance("commit", dataset, late, later)
    assert read(dataset).equals(before)
    # Under another name it is another load.
    lance("commit", dataset, part("orders", 1, 2, "--mode", "append", "--id", "job 2"))
    assert read(dataset).num_rows > before.num_rows
    assert json.loads(lance("fsck", dataset, "--format", "json"))["orphans"] == 0


def test_files_are_imported_in_parts(lance, tmp_path):
    for number in (0, 1):
        pq.write_table(make_table(1000, start=1000 * number), tmp_path / f"{number}.parquet")
        out = lance("import", f"{number}.parquet", "all.lance", "--uncommitted", "--id", f"load {number}")
        (tmp_path / f"{number}.json").write_text(out)
    lance("commit", "all.lance", "1.json", "0.json")
    expected = pa.concat_tables([make_table(1000, start=1000), make_table(1000)])
    assert read(tmp_path / "all.lance").equals(expected)


def test_what_cannot_be_printed_leaves_nothing(tmp_path):
    pq.write_table(make_table(), tmp_path / "people.parquet")
    before = snapshot(tmp_path)
    with open("/dev/full", "w") as full:
        command = [PROGRAM, "import", "people.parquet", "people.lance", "--uncommitted"]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert snapshot(tmp_path) == before


def test_a_table_that_fails_leaves_nothing_of_the_others(lance, tmp_path):
    # A file in the place of the last table's directory.
    (tmp_path / "out").mkdir()
    (tmp_path / "out/lineitem.lance").write_text("in the way")
    before = snapshot(tmp_path)
    lance.fails("tpch", "generate", "--scale", 0.001, "--output", "out", "--uncommitted", early=False)
    assert snapshot(tmp_path) == before
