"""What `lance query` can be asked for beyond columns, a filter and a limit."""

import json

import lance as pylance
import pyarrow as pa
import pytest


@pytest.fixture
def sales(tmp_path):
    """Ids 0-99 in five fragments."""
    table = pa.table({"id": range(100), "kind": [None if i % 10 == 9 else "abc"[i % 3] for i in range(100)], "price": [i / 4 for i in range(100)]})
    pylance.write_dataset(table, str(tmp_path / "sales"), max_rows_per_file=20)
    return tmp_path / "sales"


def rows(lance, *arguments):
    return [json.loads(line) for line in lance("query", *arguments, "--format", "json").splitlines()]


def test_expressions(lance, sales):
    found = rows(lance, sales, "--columns", "id", "--select", "price * 2 as twice", "--select", "id+1", "--limit", 2)
    assert found == [{"id": 0, "twice": 0.0, "id+1": 1}, {"id": 1, "twice": 0.5, "id+1": 2}]
    found = rows(lance, sales, "--select", "cast(price as int)", "--select", "id AS `my id`", "--offset", 5, "--limit", 1)
    assert found == [{"cast(price as int)": 1, "my id": 5}]


def test_order(lance, sales):
    found = rows(lance, sales, "--columns", "id", "--order-by", "kind desc nulls last, id", "--limit", 3)
    assert [row["id"] for row in found] == [2, 5, 8]
    found = rows(lance, sales, "--columns", "id,kind", "--order-by", "kind NULLS FIRST", "--order-by", "id Desc", "--limit", 2)
    assert found == [{"id": 99, "kind": None}, {"id": 89, "kind": None}]
    found = rows(lance, sales, "--select", "id % 7 as rest", "--select", "id as id", "--order-by", "rest desc,id asc", "--limit", 2)
    assert found == [{"rest": 6, "id": 6}, {"rest": 6, "id": 13}]


def test_groups(lance, sales):
    found = rows(
        lance, sales, "--group-by", "kind", "--aggregate", "count(*)", "--aggregate", "SUM( price * 2 ) as twice",
        "--aggregate", "max(id)", "--filter", "id < 12", "--order-by", "kind nulls first",
    )
    assert found == [
        {"kind": None, "count(*)": 1, "twice": 4.5, "max(id)": 9},
        {"kind": "a", "count(*)": 3, "twice": 4.5, "max(id)": 6},
        {"kind": "b", "count(*)": 4, "twice": 11.0, "max(id)": 10},
        {"kind": "c", "count(*)": 4, "twice": 13.0, "max(id)": 11},
    ]
    assert rows(lance, sales, "--aggregate", "avg(price) as `the mean`") == [{"the mean": 12.375}]
    found = rows(lance, sales, "--select", "id % 2 as odd", "--group-by", "odd", "--aggregate", "min(id) as least", "--order-by", "odd")
    assert found == [{"odd": 0, "least": 0}, {"odd": 1, "least": 1}]


def test_a_preview_of_groups_says_how_many_more_there_are(lance, sales):
    result = lance.run("query", sales, "--group-by", "id", "--aggregate", "count(*)")
    assert len(result.stdout.splitlines()) == 52
    assert result.stderr == "… 50 more rows; --limit N shows more, --format json or csv all\n"


def test_fragments(lance, sales):
    found = rows(lance, sales, "--columns", "id", "--fragment", "3,1", "--filter", "id % 10 = 0")
    assert [row["id"] for row in found] == [60, 70, 20, 30]
    assert "has no fragment 5" in lance.fails("query", sales, "--fragment", "5")


def test_plans(lance, sales):
    explained = lance("query", sales, "--filter", "id = 5", "--explain")
    assert "id = " in explained and "metrics" not in explained
    analyzed = lance("query", sales, "--filter", "id = 5", "--order-by", "price", "--analyze")
    assert "SortExec" in analyzed and "output_rows=1" in analyzed


def test_mistakes_in_clauses(lance, sales):
    for arguments, message in [
        (["--select", " "], '--select: an expression must look like "EXPR as NAME"'),
        (["--order-by", "id first"], '"first" and "last" go with "nulls"'),
        (["--aggregate", "median(id)"], "median(id) is not count(*) or one of count, sum, avg, min and max of a column"),
        (["--aggregate", "sum id"], "sum id is not"),
        (["--aggregate", "sum()"], "sum() is of no column"),
        (["--group-by", "id"], "--group-by requires --aggregate"),
        (["--aggregate", "count(*)", "--columns", "id"], "--columns"),
        (["--explain", "--analyze"], "--analyze"),
        (["--fragment", "-1"], "--fragment: -1 is not a number of 0 or more"),
    ]:
        assert message in lance.fails("query", sales, *arguments, code=2), arguments
    for arguments, message in [
        (["--select", "prise * 2 as x"], 'there is no column "prise"; the nearest names are "price"'),
        (["--select", "price * as x"], "no SQL"),
        (["--order-by", "kid"], 'there is no column "kid"'),
        (["--aggregate", "sum(kind)"], "sum needs numbers"),
        (["--aggregate", "sum(*)"], "sum is of a column"),
        (["--aggregate", "count(*)", "--order-by", "id"], 'there is no column "id"'),
    ]:
        assert message in lance.fails("query", sales, *arguments), arguments
