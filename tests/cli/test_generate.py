"""`lance tpch generate` and `lance tpcds generate`."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import lance as pylance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROGRAM, snapshot

TPCH = ["nation", "region", "part", "supplier", "partsupp", "customer", "orders", "lineitem"]
TPCDS = (
    "call_center catalog_page catalog_returns catalog_sales customer customer_address customer_demographics "
    "date_dim household_demographics income_band inventory item promotion reason ship_mode store store_returns "
    "store_sales time_dim warehouse web_page web_returns web_sales web_site"
).split()


def read(path):
    return pylance.dataset(str(path)).to_table()


def report(lance, *args):
    """The JSON report, by table."""
    result = json.loads(lance(*args, "--format", "json"))
    return {table["table"]: table for table in result["tables"]}


def test_tpch_equals_the_reference_generator(lance, tmp_path):
    reference = pathlib.Path(sys.executable).parent / "tpchgen-cli"
    options = ["-s", "0.01", "--output-dir", str(tmp_path / "reference")]
    subprocess.run([reference, "parquet", *options], check=True, capture_output=True)
    lance("tpch", "generate", "--scale", 0.01, "--output", "ours")
    assert sorted(os.listdir(tmp_path / "ours")) == sorted(f"{table}.lance" for table in TPCH)
    for table in TPCH:
        ours = read(tmp_path / "ours" / f"{table}.lance")
        theirs = pq.read_table(tmp_path / "reference" / f"{table}.parquet")
        assert ours.equals(theirs.cast(ours.schema)), table


def test_all_tpcds_tables_are_generated(lance, tmp_path):
    tables = report(lance, "tpcds", "generate", "--scale", 0.01, "--output", "ds")
    assert sorted(tables) == TPCDS
    for name, table in tables.items():
        dataset = pylance.dataset(str(tmp_path / "ds" / f"{name}.lance"))
        assert dataset.count_rows() == table["rows"] > 0
    assert tables["date_dim"]["rows"] == 73049


@pytest.mark.parametrize("benchmark,table", [("tpch", "nation"), ("tpch", "lineitem"), ("tpcds", "web_sales")])
def test_parts_appended_in_order_are_the_whole_table(lance, tmp_path, benchmark, table):
    common = [benchmark, "generate", "--scale", 0.01, "--tables", table]
    lance(*common, "--output", "whole")
    for part in (1, 2, 3):
        mode = "create" if part == 1 else "append"
        lance(*common, "--output", "parts", "--parts", 3, "--part", part, "--mode", mode)
    assert read(tmp_path / f"parts/{table}.lance").equals(read(tmp_path / f"whole/{table}.lance"))


def test_the_number_of_jobs_does_not_change_the_rows(lance, tmp_path):
    # Large enough for several lanes.
    for jobs in (1, 3):
        lance("tpch", "generate", "--scale", 0.1, "--tables", "lineitem", "--jobs", jobs, "--output", f"jobs{jobs}")
    one, three = (pylance.dataset(str(tmp_path / f"jobs{jobs}/lineitem.lance")) for jobs in (1, 3))
    assert len(three.get_fragments()) > len(one.get_fragments())
    assert three.to_table().equals(one.to_table())


def test_slices_do_not_depend_on_the_number_of_jobs(lance, tmp_path):
    common = ["tpch", "generate", "--scale", 0.5, "--tables", "lineitem", "--parts", 2, "--part", 2]
    for jobs in (1, 3):
        lance(*common, "--jobs", jobs, "--output", f"jobs{jobs}")
    keys = [
        pylance.dataset(str(tmp_path / f"jobs{jobs}/lineitem.lance")).to_table(columns=["l_orderkey", "l_comment"])
        for jobs in (1, 3)
    ]
    assert keys[0].equals(keys[1])


def test_each_table_is_one_version(lance, tmp_path):
    tables = report(lance, "tpch", "generate", "--scale", 0.001, "--output", "out")
    for name, table in tables.items():
        assert table["version"] == 1
        assert len(pylance.dataset(str(tmp_path / f"out/{name}.lance")).versions()) == 1


def test_append_adds_rows(lance, tmp_path):
    common = ["tpch", "generate", "--scale", 0.001, "--tables", "region,nation", "--output", "out"]
    lance(*common)
    tables = report(lance, *common, "--mode", "append")
    assert tables["region"]["version"] == 2
    assert read(tmp_path / "out/region.lance").num_rows == 10
    assert read(tmp_path / "out/nation.lance").num_rows == 50


def test_append_needs_a_dataset(lance, tmp_path, unchanged):
    unchanged.watch()
    message = lance.fails("tpch", "generate", "--scale", 0.001, "--output", "out", "--mode", "append")
    assert message == "there is no dataset to append to: out/nation.lance; use --mode create to make it"


def test_overwrite_replaces_rows(lance, tmp_path):
    lance("tpch", "generate", "--scale", 0.002, "--tables", "supplier", "--output", "out")
    lance("tpch", "generate", "--scale", 0.001, "--tables", "supplier", "--output", "out", "--mode", "overwrite")
    assert read(tmp_path / "out/supplier.lance").num_rows == 10
    assert len(pylance.dataset(str(tmp_path / "out/supplier.lance")).versions()) == 2


def test_an_existing_dataset_is_refused_before_any_work(lance, tmp_path, unchanged):
    # The last table, so that the others would have been written by then.
    lance("tpch", "generate", "--scale", 0.001, "--tables", "lineitem", "--output", "out")
    unchanged.watch()
    message = lance.fails("tpch", "generate", "--scale", 0.001, "--output", "out")
    assert message.startswith("dataset already exists: out/lineitem.lance; use --mode append or --mode overwrite")


def test_only_the_tables_asked_for_are_generated(lance, tmp_path):
    lance("tpcds", "generate", "--scale", 0.001, "--tables", "store,reason", "--output", "out/")
    assert sorted(os.listdir(tmp_path / "out")) == ["reason.lance", "store.lance"]


def test_an_unknown_table_is_refused_before_any_work(lance, unchanged):
    unchanged.watch()
    args = ["--scale", 0.001, "--tables", "region,store_sales", "--output", "out"]
    message = lance.fails("tpch", "generate", *args, code=2)
    assert 'unknown table "store_sales"; there are nation, region,' in message


def test_a_scale_outside_the_range_is_refused(lance, unchanged):
    unchanged.watch()
    for scale in ("0", "-1", "1e9", "nan"):
        assert "scale factor" in lance.fails("tpch", "generate", f"--scale={scale}", "--output", "out", code=2)


def test_discard_writes_nothing(lance, unchanged):
    unchanged.watch()
    tables = report(lance, "tpch", "generate", "--scale", 0.01, "--discard")
    assert tables["lineitem"]["rows"] == 60175
    assert "disk_bytes" not in tables["lineitem"] and "uri" not in tables["lineitem"]


def test_the_report_tells_what_is_on_disk(lance, tmp_path):
    args = ["tpch", "generate", "--scale", 0.01, "--tables", "part,orders", "--batch-rows", 1000, "--output", "out"]
    result = json.loads(lance(*args, "--format", "json"))
    part, orders = result["tables"]
    assert (part["rows"], part["batches"]) == (2000, 2)
    assert (orders["rows"], orders["batches"]) == (15000, 15)
    for table in (part, orders):
        files = pathlib.Path(tmp_path / table["uri"] / "data").iterdir()
        assert table["disk_bytes"] == sum(file.stat().st_size for file in files)
        assert table["seconds"] > 0 and table["peak_memory_bytes"] > 0
    assert result["total"]["rows"] == 17000
    assert result["total"]["disk_bytes"] == part["disk_bytes"] + orders["disk_bytes"]


def test_the_table_has_a_row_per_table_and_a_total(lance):
    lines = lance("tpch", "generate", "--scale", 0.01, "--tables", "part,orders", "--output", "out").splitlines()
    assert lines[0].split("  ")[0] == "table" and "peak memory" in lines[0]
    assert [line.split()[:2] for line in lines[2:]] == [["part", "2,000"], ["orders", "15,000"], ["total", "17,000"]]


def test_progress_goes_to_stderr_in_plain_lines(lance):
    result = lance.run("tpch", "generate", "--scale", 0.01, "--tables", "part", "--output", "out")
    first, last = result.stderr.splitlines()
    assert first == "part: about 2,000 rows"
    assert last.startswith("part: 2,000 rows in ") and last.endswith(" MB/s")


def test_progress_on_a_terminal_erases_its_line(lance, tmp_path):
    command = f"{PROGRAM} tpch generate --scale 0.5 --tables lineitem --discard >out.txt"
    subprocess.run(["script", "-qec", command, "typescript"], cwd=tmp_path, check=True, capture_output=True)
    shown = (tmp_path / "typescript").read_bytes().decode()
    assert "\r\x1b[Klineitem: " in shown and " left" in shown
    assert shown.count("\r\x1b[Klineitem: 2,999,") == 1  # The closing line, in place of the last update.


def test_the_storage_version_can_be_chosen(lance, tmp_path):
    args = ["--scale", 0.001, "--tables", "region", "--output", "out"]
    lance("tpch", "generate", *args, "--data-storage-version", "2.1")
    assert pylance.dataset(str(tmp_path / "out/region.lance")).data_storage_version == "2.1"


def test_the_profile_decides_of_the_bytes_and_not_of_the_values(lance, tmp_path):
    tables, sizes = {}, {}
    for profile in ("read", "size", "engine"):
        args = ["--scale", 0.01, "--tables", "lineitem", "--output", profile]
        lance("tpch", "generate", *args, "--profile", profile)
        tables[profile] = pylance.dataset(str(tmp_path / profile / "lineitem.lance")).to_table()
        files = (tmp_path / profile / "lineitem.lance/data").iterdir()
        sizes[profile] = sum(file.stat().st_size for file in files)
    assert tables["read"].equals(tables["engine"]) and tables["size"].equals(tables["engine"])
    assert sizes["size"] < 0.75 * sizes["engine"]


def test_an_unknown_storage_version_is_refused(lance, unchanged):
    unchanged.watch()
    args = ["--scale", 0.001, "--tables", "region", "--output", "out"]
    assert "9.9" in lance.fails("tpch", "generate", *args, "--data-storage-version", "9.9", code=2)


def test_a_table_of_another_schema_cannot_be_appended_to(lance, tmp_path):
    (tmp_path / "out").mkdir()
    pylance.write_dataset(pa.table({"x": [1]}), str(tmp_path / "out/region.lance"))
    before = snapshot(tmp_path)
    args = ["--scale", 0.001, "--tables", "region", "--output", "out", "--mode", "append"]
    lance.fails("tpch", "generate", *args, early=False)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_of_the_table(tmp_path, stop):
    command = [PROGRAM, "tpch", "generate", "--scale", "5", "--tables", "lineitem", "--output", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not snapshot(tmp_path) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(stop)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + stop
    assert stdout == "" and stderr.splitlines()[-1].startswith("lance: interrupted")
    assert snapshot(tmp_path) == {}
