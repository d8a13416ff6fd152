"""Arrow datasets: of what pylance has written, and of TPC-H in Acero."""

import os
import random
from datetime import date
from decimal import Decimal
from pathlib import Path

import lance
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from conftest import PROJECT, run

PROGRAMS = PROJECT / "build/release/tests/conformance"
DUMP = Path(os.environ.get("LANCE_DUMP_ARROW_DATASET", PROGRAMS / "dump_arrow_dataset"))
TPCH = Path(os.environ.get("LANCE_ACERO_TPCH", PROGRAMS / "acero_tpch"))
ROWS = 1000
FLOATS = 0.0, -0.0, float("nan"), -float("nan"), float("inf"), -float("inf"), 1.5, -2.5, None


@pytest.fixture
def read(tmp_path):
    """Reads all columns, of the rows whose column is less than a bound."""

    def read(dataset, *bound):
        file = tmp_path / "dump.arrow"
        run(DUMP, dataset.uri, file, *bound)
        with pa.ipc.open_stream(file) as reader:
            return reader.read_all()

    return read


def write(path, rng, **options):
    table = pa.table(
        {
            "id": range(ROWS),
            "f": pa.array([rng.choice(FLOATS) for _ in range(ROWS)], pa.float64()),
            "json": pa.array([rng.choice(['{"a":1}', None, "[1,2]"]) for _ in range(ROWS)], pa.json_()),
            "word": pa.array([rng.choice(["a", "b", None]) for _ in range(ROWS)]).dictionary_encode(),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(range(4 * ROWS), pa.float32()), 4),
        }
    )
    return lance.write_dataset(table, path, max_rows_per_file=300, **options)


def assert_same(ours, theirs):
    assert ours.schema.names == theirs.schema.names
    # NaNs have the same text.
    assert [str(row) for row in ours.to_pylist()] == [str(row) for row in theirs.to_pylist()]


@pytest.mark.parametrize("stable", [False, True])
@pytest.mark.parametrize("storage_version", ["2.1", "2.2"])
def test_deleted_rows_and_indices(tmp_path, read, storage_version, stable):
    rng = random.Random(f"{storage_version} {stable}")
    dataset = write(
        tmp_path / "d", rng, data_storage_version=storage_version, enable_stable_row_ids=stable
    )
    assert_same(read(dataset), dataset.to_table())
    for kind in None, "BTREE", "BITMAP", "ZONEMAP":
        if kind:
            dataset.create_scalar_index("f", kind, replace=True)
        dataset.delete(f"id % {rng.randrange(7, 12)} = 3")
        whole = dataset.to_table()
        assert_same(read(dataset), whole)
        for bound in FLOATS[:-1]:
            assert_same(read(dataset, "f", bound), whole.filter(pc.field("f") < bound))


def test_fragments_without_a_column(tmp_path, read):
    dataset = write(tmp_path / "d", random.Random(1))
    dataset.add_columns(pa.field("new", pa.float64()))
    assert_same(read(dataset), dataset.to_table())
    assert read(dataset, "new", 1.0).num_rows == 0


def test_tpch_in_acero(tmp_path, lance_cli):
    lance_cli("tpch", "generate", "--scale", "0.01", "--tables", "lineitem", "--output", tmp_path)
    revenue = run(TPCH, tmp_path / "lineitem.lance", tmp_path / "groups.arrow")
    with pa.ipc.open_stream(tmp_path / "groups.arrow") as reader:
        groups = reader.read_all()

    lineitem = lance.dataset(tmp_path / "lineitem.lance").to_table()
    price, discount = lineitem["l_extendedprice"], lineitem["l_discount"]
    one = pa.scalar(Decimal("1.00"), pa.decimal128(15, 2))
    rows = pa.table(
        {
            "flag": lineitem["l_returnflag"],
            "status": lineitem["l_linestatus"],
            "quantity": lineitem["l_quantity"],
            "price": price,
            "discounted": pc.multiply(price, pc.subtract(one, discount)),
        }
    ).filter(pc.less_equal(lineitem["l_shipdate"], date(1998, 9, 2)))
    sums = [("quantity", "sum"), ("price", "sum"), ("discounted", "sum"), ("price", "count")]
    keys = ["flag", "status"]
    expected = rows.group_by(keys).aggregate(sums).sort_by([(key, "ascending") for key in keys])
    assert [column.to_pylist() for column in groups.columns] == [column.to_pylist() for column in expected.columns]
    assert groups.num_rows == 4

    shipped = lineitem["l_shipdate"]
    year = pc.and_(pc.greater_equal(shipped, date(1994, 1, 1)), pc.less(shipped, date(1995, 1, 1)))
    between = pc.and_(pc.greater_equal(discount, Decimal("0.05")), pc.less_equal(discount, Decimal("0.07")))
    small = pc.less(lineitem["l_quantity"], Decimal("24.00"))
    passing = pc.and_(year, pc.and_(between, small))
    assert revenue.strip() == str(pc.sum(pc.multiply(price, discount).filter(passing)).as_py())
