"""Whatever goes wrong: one clear line, exit code 1, and nothing changed."""

import os
import subprocess
from contextlib import contextmanager

import lance as pylance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROGRAM, make_table, snapshot

READERS = [
    ["info"],
    ["schema"],
    ["head"],
    ["count"],
    ["query"],
    ["take", "--rows", "0"],
    ["versions"],
    ["fragments"],
]


def insert(command, dataset, *options):
    return [command[0], dataset, *command[1:], *options]


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_missing_dataset(lance, unchanged, command):
    unchanged.watch()
    message = lance.fails(*insert(command, "missing.lance"))
    assert "missing.lance" in message and "check the path" in message


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_missing_version(lance, people, unchanged, command):
    unchanged.watch()
    message = lance.fails(*insert(command, people, "--at-version", "77"))
    assert "77" in message and "`lance versions` lists" in message


def test_a_missing_tag_or_branch(lance, people, unchanged):
    unchanged.watch()
    for option in ("--tag", "--branch"):
        assert "nothing" in lance.fails("count", people, option, "nothing")


@pytest.mark.parametrize("uri", ["foo://bucket/x.lance", "s4://x/y.lance"])
def test_a_bad_uri_scheme(lance, people, unchanged, uri):
    unchanged.watch()
    assert uri.partition(":")[0] in lance.fails("info", uri)
    assert uri.partition(":")[0] in lance.fails("import", "people.parquet", uri)
    assert uri.partition(":")[0] in lance.fails("tpch", "generate", "--scale", "0.001", "--output", uri)


def test_a_bad_filter(lance, people, unchanged):
    unchanged.watch()
    assert "the filter is no SQL" in lance.fails("count", people, "--filter", "this is no SQL")
    assert "at Line: 1, Column: 6" in lance.fails("count", people, "--filter", "id = 'a")
    for command in ("query", "count"):
        message = lance.fails(command, people, "--filter", "nmae = 1")
        assert message.startswith('there is no column "nmae"; the nearest names are "name"')


def test_a_missing_column(lance, people, unchanged):
    unchanged.watch()
    for command in (["head"], ["query"], ["take", "--rows", "1"]):
        message = lance.fails(*insert(command, people, "--columns", "id,valeu"))
        assert message.startswith('there is no column "valeu"; the nearest names are "value"')


def test_a_row_out_of_range(lance, people, unchanged):
    unchanged.watch()
    lance.fails("take", people, "--rows", "1,1000")


def test_a_directory_that_is_no_dataset(lance, tmp_path, unchanged):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/file.txt").write_text("hello")
    unchanged.watch()
    assert "plain is a directory, but no dataset" in lance.fails("info", "plain")


def test_a_damaged_manifest(lance, people):
    (manifest,) = (people / "_versions").glob("*.manifest")
    manifest.write_bytes(b"garbage" * 10)
    assert "damaged" in lance.fails("info", people)


def test_a_target_below_a_file(lance, people, tmp_path, unchanged):
    # Permissions do not stop root, but this stops everyone.
    (tmp_path / "file").write_text("x")
    unchanged.watch()
    lance.fails("import", "people.parquet", "file/x.lance", early=False)
    lance.fails("tpch", "generate", "--scale", "0.001", "--output", "file", early=False)


# Runs a command whose files cannot grow beyond 100 KiB; trying so is an error, not a signal.
LIMIT_FILE_SIZE = ["bash", "-c", """trap '' XFSZ; ulimit -f 100; exec "$0" "$@" """]


@contextmanager
def small_disk(path):
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)


def can_mount():
    """Only where mounting is permitted the disk can be filled for real; file sizes can be limited everywhere."""
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return os.geteuid() == 0 and subprocess.run(probe, capture_output=True).returncode == 0


BIG_WRITES = [
    ["import", "big.parquet", "{}/big.lance"],
    ["tpch", "generate", "--scale", "0.1", "--tables", "lineitem", "--output", "{}"],
]


@pytest.mark.parametrize("command", BIG_WRITES, ids=["import", "generate"])
def test_a_file_that_cannot_grow(lance, tmp_path, command):
    pq.write_table(make_table(100_000), tmp_path / "big.parquet")
    before = snapshot(tmp_path)
    command = [word.format("out") for word in command]
    lance.fails(*command, early=False, wrapper=LIMIT_FILE_SIZE)
    assert snapshot(tmp_path) == before


def test_an_append_that_cannot_grow_leaves_the_dataset_alone(lance, people, tmp_path, unchanged):
    pq.write_table(make_table(100_000), tmp_path / "big.parquet")
    unchanged.watch()
    lance.fails("import", "big.parquet", people, "--mode", "append", early=False, wrapper=LIMIT_FILE_SIZE)
    assert pylance.dataset(str(people)).to_table().equals(make_table())


if can_mount():

    @pytest.mark.parametrize("command", BIG_WRITES, ids=["import", "generate"])
    def test_a_full_disk(lance, tmp_path, command):
        pq.write_table(make_table(100_000), tmp_path / "big.parquet")
        with small_disk(tmp_path / "disk"):
            message = lance.fails(*[word.format("disk") for word in command], early=False)
            assert "No space left on device" in message
            assert snapshot(tmp_path / "disk") == {}

    def test_a_full_disk_leaves_the_dataset_alone(lance, tmp_path):
        pq.write_table(make_table(100_000), tmp_path / "big.parquet")
        with small_disk(tmp_path / "disk"):
            pylance.write_dataset(make_table(100), str(tmp_path / "disk/x.lance"))
            before = snapshot(tmp_path / "disk")
            lance.fails("import", "big.parquet", "disk/x.lance", "--mode", "append", early=False)
            assert snapshot(tmp_path / "disk") == before
            assert pylance.dataset(str(tmp_path / "disk/x.lance")).to_table().equals(make_table(100))


def test_a_type_that_lance_cannot_store(lance, tmp_path, unchanged):
    table = pa.table({"x": pa.array([(1, 2, 3)], pa.month_day_nano_interval())})
    with pa.ipc.new_file(tmp_path / "in.arrow", table.schema) as sink:
        sink.write_table(table)
    unchanged.watch()
    assert "Interval" in lance.fails("import", "in.arrow", "out.lance", early=False)


def test_secrets_are_not_repeated(lance, unchanged):
    unchanged.watch()
    secret = "s3cr3t-value"
    options = ["--storage-option", f"aws_secret_access_key={secret}", "--storage-option", f"weird_option={secret}"]
    result = lance.run("info", "missing.lance", *options)
    assert result.returncode == 1 and secret not in result.stderr
    result = lance.run("info", "missing.lance", "--storage-option", secret)
    assert result.returncode == 2 and secret not in result.stderr


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "</dev/null 2>&- <&-"])
def test_a_closed_standard_error_does_no_harm(lance, tmp_path, closed):
    script = f'"{PROGRAM}" tpch generate --scale 0.01 --tables part --output out {closed}'
    result = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0 and "2,000" in result.stdout
    assert pylance.dataset(str(tmp_path / "out/part.lance")).to_table().num_rows == 2000


def test_a_closed_standard_output_is_an_error(lance, people):
    result = subprocess.run(["bash", "-c", f'"{PROGRAM}" count "{people}" >&-'], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("lance: error: ") and "Bad file descriptor" in result.stderr
