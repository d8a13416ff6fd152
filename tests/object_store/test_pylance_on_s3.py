"""pylance and lance-cpp read on S3 what the other has written."""

import os
import subprocess

import lance
import pyarrow as pa
import pyarrow.feather
import pytest
from conformance import columns
from store import BUILD
from support.figures import figure

DUMP = os.environ.get("LANCE_DUMP", BUILD / "tests/conformance/dump_ipc")


@pytest.fixture
def table():
    return columns.table("2.2", nulls=True)


@pytest.fixture
def options(s3):
    return s3.server.options


@pytest.fixture
def read_with_us(s3, options, tmp_path):
    """Reads a dataset through lance-cpp, with credentials from the environment."""

    def read():
        names = {name.upper().replace("ALLOW_HTTP", "AWS_ALLOW_HTTP"): value for name, value in options.items()}
        command = [DUMP, s3.uri(), tmp_path / "dump.arrow"]
        subprocess.run(command, env=os.environ | names, check=True, timeout=60)
        with pa.ipc.open_stream(tmp_path / "dump.arrow") as reader:
            return reader.read_all()

    return read


@pytest.fixture
def write_with_us(s3, tmp_path):
    def write(table, mode):
        pyarrow.feather.write_feather(table, tmp_path / "input.arrow")
        s3.lance("import", tmp_path / "input.arrow", s3.uri(), "--mode", mode)

    return write


def test_pylance_reads_what_we_wrote(s3, options, table, write_with_us):
    write_with_us(table, "create")
    columns.assert_equal(lance.dataset(s3.uri(), storage_options=options).to_table(), table)
    figure("V1", store="s3", direction="ours_to_pylance", columns=table.num_columns, different=0)


def test_we_read_what_pylance_wrote(s3, options, table, read_with_us):
    lance.write_dataset(table, s3.uri(), storage_options=options)
    columns.assert_equal(read_with_us(), table)
    figure("V1", store="s3", direction="pylance_to_ours", columns=table.num_columns, different=0)


def test_both_append_in_turns(s3, options, table, write_with_us, read_with_us):
    write_with_us(table, "create")
    lance.write_dataset(table, s3.uri(), mode="append", storage_options=options)
    write_with_us(table, "append")
    dataset = lance.dataset(s3.uri(), storage_options=options)
    dataset.delete("false")
    columns.assert_equal(read_with_us(), pa.concat_tables([table] * 3))
    columns.assert_equal(lance.dataset(s3.uri(), storage_options=options).to_table(), pa.concat_tables([table] * 3))
