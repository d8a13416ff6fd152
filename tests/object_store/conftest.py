"""What the object-store tests share: the servers, and a container of their own for each test."""

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_gcs import PROGRAM as FAKE_GCS
from fake_gcs import FakeGcs
from isolated import is_isolated
from servers import Azurite, Moto
from store import Store

STORES = {kind.name: kind for kind in (Moto, Azurite, FakeGcs)}
numbers = itertools.count(1)


def pytest_sessionstart():
    if not is_isolated():
        pytest.exit("there is a network: start pytest by tests/object_store/isolated.py object_store -", returncode=4)


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """Starts servers when they are first asked for."""
    running = {}

    def start(name):
        if name not in running:
            running[name] = STORES[name](tmp_path_factory.mktemp(name) / "server.log")
        return running[name]

    yield start
    for server in running.values():
        server.close()


@pytest.fixture
def make_store(servers, tmp_path):
    """Makes a container on a server."""

    def make(name):
        store = Store(servers(name), f"container{next(numbers)}", tmp_path)
        store.server.create(store.container)
        return store

    return make


@pytest.fixture(params=["s3", "azure", *(["gcs"] if FAKE_GCS else [])])
def store(request, make_store):
    """A container on each kind of server that is installed."""
    return make_store(request.param)


@pytest.fixture
def s3(make_store):
    return make_store("s3")


@pytest.fixture
def small(tmp_path):
    """A Parquet file that makes a data file of one request."""
    pq.write_table(pa.table({"id": range(1000)}), tmp_path / "small.parquet")
    return tmp_path / "small.parquet"


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """A Parquet file that makes data files of several parts: numbers that do not compress, in two row groups."""
    ids = np.random.default_rng(1).integers(0, 1 << 60, size=2_000_000)
    path = tmp_path_factory.mktemp("large") / "large.parquet"
    pq.write_table(pa.table({"id": ids}), path, row_group_size=1_000_000)
    return path
