"""The commands of `lance` do on object stores what they do on a disk."""

import pyarrow.parquet as pq


def test_create_append_overwrite_and_read(store, small):
    store.lance("import", small, store.uri())
    assert "already exists" in store.fails("import", small, store.uri())
    store.lance("import", small, store.uri(), "--mode", "append")
    assert store.ids() == [*range(1000)] * 2
    store.lance("import", small, store.uri(), "--mode", "overwrite")
    assert store.ids() == [*range(1000)]
    assert store.lance("count", store.uri(), "--at-version", "2").split() == ["2000"]
    assert store.lance("count", store.uri(), "--filter", "id < 10").split() == ["10"]
    assert store.versions() == [1, 2, 3]
    assert store.unfinished() == []


def test_what_is_not_there_is_said_to_be_missing(store, small):
    assert "there is no dataset" in store.fails("count", store.uri())
    assert "there is no dataset" in store.fails("import", small, store.uri(), "--mode", "append")
    assert store.objects() == {}


def test_a_file_of_several_parts_reads_back_equal(store, large):
    with store.proxy.failing():
        store.lance("import", large, store.uri())
        parts = [request for request in store.proxy.requests if "partNumber=" in request or "comp=block&" in request]
    assert len(parts) > 2
    assert store.ids() == pq.read_table(large).column("id").to_pylist()
    assert store.unfinished() == []


def test_generated_tables(store):
    tables = store.uri("tables")
    store.lance("tpch", "generate", "--scale", "0.01", "--tables", "orders,lineitem", "--output", tables)
    assert store.lance("count", f"{tables}/orders.lance").split() == ["15000"]
    assert store.lance("count", f"{tables}/lineitem.lance").split() == ["60175"]
