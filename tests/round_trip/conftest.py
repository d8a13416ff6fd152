"""What the round trips share: the programs under test, and how many tables there are."""

import collections
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

from support.figures import figure
from support.scale import pick

PROJECT = Path(__file__).resolve().parents[2]
LANCE = Path(os.environ.get("LANCE_BIN", PROJECT / "build/release/bin/lance"))
ROUND_TRIP = Path(os.environ.get("LANCE_ROUND_TRIP", PROJECT / "build/release/tests/round_trip/round_trip"))


def seeds(push, long):
    """The seeds of a run, for parametrize. A failure names its seed, which makes the same table again."""
    return range(pick(push, long))


def start(program, *arguments):
    """Runs a program and returns what happened."""
    command = [str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def run(program, *arguments):
    """Runs a program that must succeed and returns what it printed."""
    done = start(program, *arguments)
    assert done.returncode == 0, f"exit code {done.returncode} of {' '.join(done.args)}: {done.stderr}"
    return done.stdout


def write_stream(path, schema, batches):
    """An Arrow IPC stream, whose batches may have dictionaries of their own."""
    with pa.ipc.new_stream(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def read_stream(path):
    with pa.ipc.open_stream(path) as reader:
        return reader.read_all()


@pytest.fixture(scope="session")
def tally():
    """Counts what came back, for row V3."""
    counts = collections.Counter()
    yield counts
    figure("V3", **counts)
