"""TPC-H by `lance tpch generate`, read by pylance, equals the tables of the `tpchgen-cli` wheel."""

import subprocess
import sys
from pathlib import Path

import lance
import pyarrow.parquet
import pytest

from conftest import LANCE, run

SCALE = "0.1"
TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    directory = tmp_path_factory.mktemp("ours")
    run(LANCE, "tpch", "generate", "--scale", SCALE, "--output", directory)
    return directory


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("theirs")
    generator = Path(sys.executable).with_name("tpchgen-cli")
    command = [generator, "parquet", "--scale-factor", SCALE, "--output-dir", directory]
    subprocess.run(command, check=True, capture_output=True)
    return directory


@pytest.mark.parametrize("table", TABLES)
def test_table_equals_the_reference(ours, theirs, table):
    actual = lance.dataset(ours / f"{table}.lance").to_table()
    expected = pyarrow.parquet.read_table(theirs / f"{table}.parquet")
    assert actual.column_names == expected.column_names
    assert actual.num_rows == expected.num_rows > 0
    for name in expected.column_names:
        column = expected.column(name).cast(actual.schema.field(name).type)
        assert actual.column(name).equals(column), name  # Value by value and in order: more than a checksum.


def test_tables_are_all_there(ours):
    assert sorted(path.stem for path in ours.iterdir()) == TABLES


def test_slices_add_up_to_the_table(tmp_path, lance_cli, ours):
    """A table generated in three slices, appended in order, is the table generated at once."""
    for part in (1, 2, 3):
        mode = "create" if part == 1 else "append"
        lance_cli(
            "tpch", "generate", "--scale", SCALE, "--tables", "orders", "--output", tmp_path,
            "--parts", "3", "--part", part, "--mode", mode,
        )  # fmt: skip
    sliced = lance.dataset(tmp_path / "orders.lance").to_table()
    assert sliced.equals(lance.dataset(ours / "orders.lance").to_table())
