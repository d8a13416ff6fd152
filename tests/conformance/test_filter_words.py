"""Filters and expressions with words between their operands, which pylance does not know, beside DuckDB's answers."""

import json
from datetime import datetime
from decimal import Decimal

import duckdb
import lance
import pyarrow as pa
import pytest

from conftest import LANCE, run

CONDITIONS = [
    "case when n > 3 then true else false end",
    "case when n > 0 then t when n is null then 'none' else 'less' end = 'a'",
    "case n when 1 then 'one' when 2 then 'two' end is null",
    "case when n <> 0 then 12 / n else 0 end >= 4",
    "case when d > 0.05 then n else 7 end = 7",
    "not case when s.x > 2 then t like 'a%' end",
    "extract(year from w) = 2024 or extract(month from w) in (1, 12)",
    "substring(t from 2 for 2) = 'bc'",
    "substr(t, 1, 1) = 'a' and n is not null",
    "trim(t) = 'a' or trim(leading 'x' from t) = 'y'",
    "position('b' in t) = 2",
    "floor(f) = 1 or ceil(f) = -1",
    "t ~ '^a.c$'",
    "n & 1 = 1",
    "w > timestamp '2024-01-31 00:00:00' + interval '1 day'",
    "abs(case when n < 0 then n else 0 end) > 1",
    "`o dd` = case when n = 1 then 10 else 20 end",
]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    numbers = [-3, -1, 0, 1, 2, 3, 4, 7, None, None]
    words = ["a", " a ", "abc", "xxy", "", "bcd", "abd", None, "b", "a"]
    table = pa.table(
        {
            "id": pa.array(range(10), pa.int64()),
            "n": pa.array(numbers, pa.int32()),
            "t": pa.array(words, pa.string()),
            "f": pa.array([1.5, -1.5, 0.0, None, 1.0, -0.5, 2.0, 1.25, -1.0, None], pa.float64()),
            "d": pa.array([Decimal(i).scaleb(-2) if i % 4 else None for i in range(10)], pa.decimal128(9, 2)),
            "w": pa.array([datetime(2023 + i % 3, 1 + i, 1 + i) for i in range(10)], pa.timestamp("us")),
            "s": pa.array([{"x": i} if i % 3 else None for i in range(10)], pa.struct([("x", pa.int64())])),
            "o dd": pa.array([10, 20] * 5, pa.int64()),
        }
    )
    uri = tmp_path_factory.mktemp("words") / "d.lance"
    lance.write_dataset(table, str(uri), max_rows_per_file=4)
    with duckdb.connect() as connection:
        connection.register("d", table)
        yield uri, connection


def duck_words(text):
    return text.replace("`", '"')


def test_overlay(places):
    uri, _ = places
    assert run(LANCE, "count", uri, "--filter", "overlay(t placing 'zz' from 1 for 1) = 'zzbc'").strip() == "1"


@pytest.mark.parametrize("condition", CONDITIONS)
def test_filters(places, condition):
    uri, connection = places
    rows = run(LANCE, "query", uri, "--filter", condition, "--columns", "id", "--format", "json").splitlines()
    ours = [json.loads(row)["id"] for row in rows]
    theirs = connection.execute(f"select id from d where {duck_words(condition)} order by id").fetchall()
    assert ours == [id for (id,) in theirs]
    assert int(run(LANCE, "count", uri, "--filter", condition).replace(",", "")) == len(theirs)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_computed_columns(places, condition):
    uri, connection = places
    computed = run(LANCE, "query", uri, "--columns", "id", "--select", f"{condition} as c", "--format", "json").splitlines()
    theirs = connection.execute(f"select {duck_words(condition)} from d order by id").fetchall()
    assert [json.loads(row)["c"] for row in computed] == [value for (value,) in theirs]
