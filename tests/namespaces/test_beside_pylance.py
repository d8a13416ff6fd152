"""Tables of pylance are ours, and ours are pylance's, whichever way they are reached."""

import random

import lance
import pyarrow as pa
import pytest
from lance.namespace import (
    CreateNamespaceRequest,
    DeclareTableRequest,
    ListNamespacesRequest,
    ListTablesRequest,
    TableExistsRequest,
)

SEED = 17


def their_rows(both, *names):
    dataset = lance.dataset(namespace_client=both.theirs, table_id=list(names))
    return dataset.to_table().to_pylist()


def their_tables(both, *names):
    return sorted(both.theirs.list_tables(ListTablesRequest(id=list(names))).tables)


def write_theirs(both, table, *names, mode="create"):
    lance.write_dataset(table, namespace_client=both.theirs, table_id=list(names), mode=mode)


def test_we_read_what_pylance_wrote(both, table):
    write_theirs(both, table, "orders")
    assert both.ours.names() == [("table", "orders")]
    assert both.ours.read("orders") == table.to_pylist()
    write_theirs(both, table, "orders", mode="append")
    assert both.ours.read("orders") == 2 * table.to_pylist()
    assert both.ours("count", "orders") == "6\n"


def test_pylance_reads_what_we_wrote(both, table):
    both.ours.write(table, "orders")
    assert their_tables(both) == ["orders"]
    assert their_rows(both, "orders") == table.to_pylist()
    both.ours.write(table.slice(1), "orders", "append")
    assert their_rows(both, "orders") == [*table.to_pylist(), *table.slice(1).to_pylist()]
    both.ours.write(table.slice(2), "orders", "overwrite")
    assert their_rows(both, "orders") == table.slice(2).to_pylist()


def test_namespaces_within_namespaces(both, table):
    for names in (["a"], ["a", "b.c"]):
        both.theirs.create_namespace(CreateNamespaceRequest(id=names))
    write_theirs(both, table, "a", "theirs")
    both.ours.write(table, "a.`b.c`.ours")
    assert both.ours.names() == [("namespace", "a")]
    assert both.ours.names("a") == [("table", "a.theirs"), ("namespace", "a.`b.c`")]
    assert both.ours.names("a.`b.c`") == [("table", "a.`b.c`.ours")]
    assert their_tables(both, "a", "b.c") == ["ours"]
    assert their_rows(both, "a", "b.c", "ours") == table.to_pylist()
    assert both.ours.read("a.theirs") == table.to_pylist()


def test_tables_are_declared_described_and_dropped(both, table):
    both.theirs.declare_table(DeclareTableRequest(id=["theirs"]))
    assert both.ours.json("tables", "describe", "theirs")["declared_only"] is True
    assert "only declared" in both.ours.fails("count", "theirs")
    both.ours.write(table, "theirs")
    assert both.ours.json("tables", "describe", "theirs")["declared_only"] is False
    both.ours("tables", "create", "ours")
    assert their_tables(both) == ["ours", "theirs"]
    both.ours("tables", "drop", "ours")
    both.ours("tables", "drop", "theirs")
    assert both.ours.names() == []
    with pytest.raises(Exception):
        both.theirs.table_exists(TableExistsRequest(id=["theirs"]))


def test_what_is_missing_or_there_is_told(both, table):
    both.ours.write(table, "orders")
    told = both.ours.fails("count", "ordres")
    assert 'there is no table "ordres"; the nearest name is "orders"' in told
    assert 'there is no table "ordres"' in both.ours.fails("tables", "describe", "ordres")
    assert 'there is no table "ordres"' in both.ours.fails("tables", "drop", "ordres")
    assert 'there is no namespace "sales"' in both.ours.fails("tables", "list", "sales")
    assert "already exists" in both.ours.fails("tables", "create", "orders")
    assert "orders" in both.ours.fails("import", "input.parquet", "orders")
    assert both.theirs.list_namespaces(ListNamespacesRequest(id=[])).namespaces == []


def test_both_write_in_turns(both):
    draw = random.Random(SEED)
    rows = []
    for turn in range(10):
        fresh = [{"id": turn * 100 + i} for i in range(draw.randrange(1, 20))]
        mode = "create" if turn == 0 else draw.choice(["append", "append", "overwrite"])
        rows = [*rows, *fresh] if mode == "append" else fresh
        write = draw.choice(["ours", "theirs"])
        if write == "ours":
            both.ours.write(pa.Table.from_pylist(fresh), "t", mode)
        else:
            write_theirs(both, pa.Table.from_pylist(fresh), "t", mode=mode)
        assert both.ours.read("t") == rows, (SEED, turn)
        assert their_rows(both, "t") == rows, (SEED, turn)
