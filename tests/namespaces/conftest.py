"""What the tests of namespaces share: the program, and pylance's clients and servers."""

import pathlib
import sys

import pyarrow as pa
import pytest
from lance.namespace import DirectoryNamespace, RestAdapter, RestNamespace
from program import Lance

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/object_store"))

from isolated import is_isolated  # noqa: E402


def pytest_sessionstart():
    if not is_isolated():
        pytest.exit("there is a network: start pytest by tests/object_store/isolated.py namespaces -", returncode=4)


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
