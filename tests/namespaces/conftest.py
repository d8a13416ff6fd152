"""What the tests of namespaces share: the program, and pylance's clients and servers."""

import json
import os
import pathlib
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lance.namespace import DirectoryNamespace, RestAdapter, RestNamespace

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/object_store"))

from isolated import is_isolated  # noqa: E402

PROGRAM = os.environ.get("LANCE_BIN", ROOT / "build/release/bin/lance")


def pytest_sessionstart():
    if not is_isolated():
        pytest.exit("there is a network: start pytest by tests/object_store/isolated.py namespaces -", returncode=4)


class Lance:
    """The program, with a namespace."""

    def __init__(self, directory, *namespace):
        self.directory = directory
        self.namespace = namespace

    def run(self, *args):
        command = [PROGRAM, *args, *self.namespace]
        return subprocess.run(command, cwd=self.directory, capture_output=True, text=True, timeout=300)

    def __call__(self, *args):
        """What it prints."""
        result = self.run(*args)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def json(self, *args):
        return json.loads(self(*args, "--format", "json"))

    def fails(self, *args):
        """The message, in one line."""
        result = self.run(*args)
        assert result.returncode == 1, (result.returncode, result.stderr)
        (line,) = result.stderr.splitlines()
        return line.removeprefix("lance: error: ")

    def read(self, name):
        lines = self("query", name, "--format", "json").splitlines()
        return [json.loads(line) for line in lines]

    def write(self, table, name, mode="create"):
        pq.write_table(table, self.directory / "input.parquet")
        self("import", "input.parquet", name, "--mode", mode)

    def names(self, *args):
        return [(entry["kind"], entry["name"]) for entry in self.json("tables", "list", *args)]


class Both:
    """One catalog, in the eyes of pylance and in ours."""

    def __init__(self, theirs, ours):
        self.theirs = theirs
        self.ours = ours


@pytest.fixture(params=["directory", "server", "server keeping versions"])
def both(request, tmp_path):
    """A catalog in a directory, behind pylance's server, or behind one through which versions are committed."""
    root = tmp_path / "catalog"
    root.mkdir()
    if request.param == "directory":
        yield Both(DirectoryNamespace(root=str(root)), Lance(tmp_path, "--namespace", f"dir:{root}"))
        return
    properties = {"root": str(root)}
    if request.param != "server":
        properties["table_version_tracking_enabled"] = "true"
    with RestAdapter("dir", properties, port=0) as server:
        uri = f"http://127.0.0.1:{server.port}"
        yield Both(RestNamespace(uri=uri), Lance(tmp_path, "--namespace", f"rest:{uri}"))


@pytest.fixture
def table():
    return pa.table({"id": pa.array([1, 2, None]), "text": ["a", None, "ü"], "list": [[1.5], [], None]})
