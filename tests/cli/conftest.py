"""What all tests of the `lance` program share."""

import json
import os
import pathlib
import subprocess
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("LANCE_BIN", ROOT / "build/release/bin/lance"))


@dataclass
class Lance:
    """Runs the program in a directory of its own."""

    cwd: pathlib.Path

    def run(self, *args, wrapper=(), cwd=None):
        """Run it, by another command or elsewhere if that is given, and return what happened."""
        command = [*wrapper, str(PROGRAM), *map(str, args)]
        return subprocess.run(command, cwd=cwd or self.cwd, capture_output=True, text=True, timeout=300)

    def __call__(self, *args):
        """Run it, expect success, and return what it printed."""
        result = self.run(*args)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def fails(self, *args, code=1, early=True, wrapper=()):
        """Run it, expect a failure, and return the message.

        A failure before any work prints one line and nothing else; later on, progress comes before it.
        """
        result = self.run(*args, wrapper=wrapper)
        assert result.returncode == code, (result.returncode, result.stderr)
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        prefix = "lance: error: "
        assert [line for line in lines if "error" in line] == lines[-1:]
        assert lines[-1].startswith(prefix) and result.stderr.endswith("\n")
        assert not early or len(lines) == 1, result.stderr
        return lines[-1].removeprefix(prefix)


@pytest.fixture
def lance(tmp_path):
    return Lance(tmp_path)


def snapshot(directory):
    """All files below a directory with their contents."""
    files = (path for path in pathlib.Path(directory).rglob("*") if not path.is_dir())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


@pytest.fixture
def unchanged(tmp_path):
    """Checks at the end of the test that no file has changed since it was told to watch."""
    before = {}

    class Watch:
        def watch(self):
            before["files"] = snapshot(tmp_path)

    yield Watch()
    assert snapshot(tmp_path) == before["files"]


def cleanup(lance, path, *args, typed=None):
    """Clean up for real, after a dry run that must tell the same and change nothing. `typed` is how the path is given."""
    command = ["cleanup", typed or path, *args, "--format", "json"]
    before = snapshot(path)
    foretold = json.loads(lance(*command, "--dry-run"))
    assert snapshot(path) == before
    result = json.loads(lance(*command))
    assert (foretold.pop("dry_run"), result.pop("dry_run")) == (True, False)
    assert foretold == result
    removed = before.keys() - snapshot(path).keys()
    assert result["bytes"] == sum(len(before[name]) for name in removed)
    assert sum(result.values()) - result["bytes"] == len(removed)
    return result


def make_table(rows=1000, start=0):
    """A table with a column of each common kind."""
    numbers = range(start, start + rows)
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "name": pa.array([None if i % 7 == 3 else f"name {i}" for i in numbers], pa.string()),
            "value": pa.array([i / 4 for i in numbers], pa.float64()),
        }
    )


@pytest.fixture
def people(lance, tmp_path):
    """A dataset of 1000 rows in `people.lance`, which the program has written itself."""
    pq.write_table(make_table(), tmp_path / "people.parquet")
    lance("import", "people.parquet", "people.lance")
    return tmp_path / "people.lance"
