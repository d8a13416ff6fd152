"""Joins whose outcome hangs on NULLs and on empty sides, beside DuckDB: what a join learns must not change a scan then."""

import duckdb
import lance
import pyarrow as pa
import pytest

from duck import assert_same_answer

# Ranges that do and do not meet, with and without NULL, and nothing.
SIDES = [[5, 6], [5, None], [100, 101], [100, None], [None], []]


@pytest.mark.parametrize("right", SIDES, ids=str)
@pytest.mark.parametrize("left", SIDES, ids=str)
def test_nulls_and_empty_sides(tmp_path, left, right):
    with duckdb.connect() as connection:
        for name, values in ("l", left), ("r", right):
            table = pa.table({"x": pa.array(values, pa.int64()), "n": pa.array(range(len(values)), pa.int64())})
            lance.write_dataset(table, str(tmp_path / f"{name}.lance"))
            connection.register(name, table)
        for text in (
            "select x from l where x not in (select x from r) order by x nulls last",
            "select x from l where x in (select x from r) order by x nulls last",
            "select x from l where x in (select x from r) or n = 1 order by x nulls last",
            "select x from l where not exists (select 1 from r where r.x = l.x) order by x nulls last",
            "select l.x, r.x as y from l join r on l.x is not distinct from r.x order by 1 nulls last, 2 nulls last",
            "select l.x, r.x as y from l left join r on l.x = r.x order by 1 nulls last, 2 nulls last",
            "select l.x, r.x as y from l full join r on l.x = r.x order by 1 nulls last, 2 nulls last",
            "select x from l intersect select x from r order by 1 nulls last",
            "select x from l except select x from r order by 1 nulls last",
        ):
            assert_same_answer(text, tmp_path, connection)


def test_a_union_whose_columns_are_one_is_sorted(tmp_path):
    """The planner sorts its parts apart, and loses track of their order."""
    with duckdb.connect() as connection:
        tables = {
            "one": pa.table({"k": [1, 2, 3, 4], "f": [2.5, None, 0.5, 1.5]}),
            "few": pa.table({"k": [1, 3]}),
        }
        for name, table in tables.items():
            lance.write_dataset(table, str(tmp_path / f"{name}.lance"))
            connection.register(name, table)
        part = "select f as c0, f as c1 from one p where not exists (select 1 from few s where s.k = p.k)"
        text = f"select * from ({part} union all {part}) w order by c0 desc nulls first, c1 desc nulls first"
        assert_same_answer(text, tmp_path, connection)


def test_a_group_is_sorted_by_all_its_keys(tmp_path):
    """Where one follows from the other, the planner takes it for the key of the rows."""
    with duckdb.connect() as connection:
        days = ["1997-03-01", "1997-01-03", "1996-05-05", "1997-02-02", None, "1996-01-01"]
        one = pa.table({"a": pa.array(days).cast(pa.date32()), "d": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
        lance.write_dataset(one, str(tmp_path / "one.lance"))
        connection.register("one", one)
        for keys in ("extract(year from a)", "-d"):
            other = "a" if "a" in keys else "d"
            text = f"with w as (select {keys} as c0, {other} as c1, count(*) as n from one group by 1, 2) select * from w"
            assert_same_answer(f"{text} order by c0 desc nulls first, c1 nulls first", tmp_path, connection)
