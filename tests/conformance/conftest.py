"""What the conformance tests share: the programs under test, and pylance as the oracle."""

import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

PROJECT = Path(__file__).resolve().parents[2]
LANCE = Path(os.environ.get("LANCE_BIN", PROJECT / "build/release/bin/lance"))
DUMP = Path(os.environ.get("LANCE_DUMP", PROJECT / "build/release/tests/conformance/dump_ipc"))
PARTS = Path(os.environ.get("LANCE_PARTS", PROJECT / "build/release/tests/conformance/parts"))
SEARCHES = Path(os.environ.get("LANCE_SEARCHES", PROJECT / "build/release/tests/conformance/searches"))
LOAD = Path(os.environ.get("LANCE_LOAD", PROJECT / "build/release/tests/conformance/load_ipc"))


def outcome(program, *arguments):
    """Runs a program."""
    command = [str(program), *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def run(program, *arguments):
    """Runs a program that must succeed and returns what it printed."""
    done = outcome(program, *arguments)
    assert done.returncode == 0, f"{' '.join(done.args)} failed: {done.stderr}"
    return done.stdout


@pytest.fixture
def lance_cli():
    """Runs the `lance` program."""
    return lambda *arguments: run(LANCE, *arguments)


@pytest.fixture
def read_with_us(tmp_path):
    """Reads a dataset through lance-cpp; options as dump_ipc takes them."""

    def read(dataset, **options):
        file = tmp_path / "dump.arrow"
        run(DUMP, dataset, file, *(f"{key}={value}" for key, value in options.items()))
        with pa.ipc.open_stream(file) as reader:
            return reader.read_all()

    return read


@pytest.fixture
def offer_to_us(tmp_path):
    """Offers a table to lance-cpp, chunk by chunk, and returns how it ended; options as load_ipc takes them."""

    def offer(table, dataset, **options):
        file = tmp_path / "load.arrow"
        with pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
        return outcome(LOAD, file, dataset, *(f"{key}={value}" for key, value in options.items()))

    return offer


@pytest.fixture
def write_with_us(offer_to_us):
    """Writes a table through lance-cpp; options as load_ipc takes them."""

    def write(table, dataset, **options):
        done = offer_to_us(table, dataset, **options)
        assert done.returncode == 0, done.stderr

    return write
