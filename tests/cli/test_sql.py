"""`lance sql`: queries over the datasets of a directory."""

import csv
import io
import json
import os
import subprocess
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROGRAM, make_table

import lance as pylance


@pytest.fixture
def data(people, tmp_path):
    """people.lance, and Visits.lance beside it."""
    visits = pa.table({"person": pa.array([1, 2, 2, 3, 3, 3], pa.int64()), "price": pa.array(map(Decimal, ["0.05", "0.06", "0.07", "1.00", "2.50", "0.01"]), pa.decimal128(15, 2))})
    pylance.write_dataset(visits, str(tmp_path / "Visits.lance"))
    return tmp_path


def rows(lance, *args):
    return [json.loads(line) for line in lance("sql", *args, "--format", "json").splitlines()]


def test_datasets_of_a_directory_are_tables(lance, data):
    query = "select name, count(*) as n from people join visits on id = person group by name order by n"
    expected = [{"name": "name 1", "n": 1}, {"name": "name 2", "n": 2}, {"name": None, "n": 3}]
    assert rows(lance, query, "--data", data) == expected
    assert rows(lance, query, "--data", f"people={data}/people.lance", "--data", f"visits={data}/Visits.lance") == expected


def test_a_dataset_is_one_table(lance, data):
    assert rows(lance, "select count(*) as n from people", "--data", data / "people.lance") == [{"n": 1000}]
    assert rows(lance, "select count(*) as n from people", "--data", f"{data}/people.lance/") == [{"n": 1000}]


def test_without_data_there_are_no_tables(lance):
    assert lance("sql", "select 1 + 1 as two") == "two\n---\n  2\n"


def test_the_query_comes_from_a_file_or_standard_input(lance, data):
    (data / "query.sql").write_text("-- how many\nselect count(*) as n\nfrom people;\n")
    assert rows(lance, "-f", "query.sql", "--data", ".") == [{"n": 1000}]
    command = [str(PROGRAM), "sql", "-", "--data", str(data), "--format", "csv"]
    result = subprocess.run(command, input="select max(id) as m from people", capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, '"m"\n999\n'), result.stderr


def test_parameters(lance, data):
    query = "select sum(price) as s from visits where price >= $least and person <> $2"
    given = ["--param", "least=0.06", "--param", "person=2"]
    assert rows(lance, query, "--data", data, *given) == [{"s": 3.5}]
    assert rows(lance, "select $1 as a, $2 as b, $3 as c, $4 as d, $5 as e", "--param", "i=-7", "--param", "t='7'",
                "--param", "x=true", "--param", "n=null", "--param", "s=a=b") == [
        {"a": -7, "b": "7", "c": True, "d": None, "e": "a=b"}]  # fmt: skip
    assert rows(lance, "select count(*) as n from people where name = $name", "--data", data, "--param", "name=name 5") == [{"n": 1}]


def test_what_is_no_file_stays_what_it_is(lance, data):
    os.mkfifo(data / "pipe")
    command = [str(PROGRAM), "sql", "select 1 as one", "--format", "csv", "-o", str(data / "pipe")]
    with subprocess.Popen(command) as program, open(data / "pipe") as pipe:
        assert pipe.read() == '"one"\n1\n'
    assert program.returncode == 0
    assert (data / "pipe").is_fifo()
    assert not (data / "pipe.part").exists()


def test_every_format_has_the_same_rows(lance, data):
    query = "select id, name, value, cast(id as decimal(9, 2)) as d from people order by id limit 200"
    table = pylance.dataset(str(data / "people.lance")).to_table(limit=200)
    table = table.append_column("d", table["id"].cast(pa.decimal128(21, 2)).cast(pa.decimal128(9, 2)))
    run = lambda *args: lance("sql", query, "--data", data, *args)
    assert run("-o", "out.parquet", "--format", "parquet") == ""
    assert pq.read_table(data / "out.parquet").equals(table)
    assert run("-o", "out.arrow", "--format", "arrow") == ""
    with pa.ipc.open_stream(data / "out.arrow") as reader:
        assert reader.read_all().equals(table)
    result = subprocess.run([str(PROGRAM), "sql", query, "--data", str(data), "--format", "arrow"], capture_output=True, timeout=60)
    with pa.ipc.open_stream(result.stdout) as reader:
        assert reader.read_all().equals(table)
    lines = list(csv.DictReader(io.StringIO(run("--format", "csv"))))
    assert [line["name"] or None for line in lines] == table["name"].to_pylist()
    assert [line["d"] for line in lines] == [str(value) for value in table["d"].to_pylist()]
    assert not list(data.glob("*.part"))


def test_a_table_shows_the_first_rows(lance, data):
    result = lance.run("sql", "select id from people order by id", "--data", str(data))
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 52
    assert "more rows" in result.stderr
    result = lance.run("sql", "select id from people order by id limit 50", "--data", str(data))
    assert len(result.stdout.splitlines()) == 52 and result.stderr == ""
    assert len(lance("sql", "select id from people", "--data", data, "--limit", "70").splitlines()) == 72
    assert len(rows(lance, "select id from people", "--data", data, "--limit", "3")) == 3


def test_plans_can_be_seen(lance, data):
    query = "select count(*) from people where id > 7"
    assert "LanceScan" in lance("sql", query, "--data", data, "--explain")
    analyzed = lance("sql", query, "--data", data, "--analyze")
    assert "LanceScan" in analyzed and "output_rows" in analyzed
    assert "LanceScan" in lance("sql", f"explain {query}", "--data", data, "--format", "json")


def test_tables_can_be_listed(lance, data):
    names = {row["table_name"] for row in rows(lance, "show tables", "--data", data)}
    assert {"people", "Visits"} <= names
    assert [row["column_name"] for row in rows(lance, "describe people", "--data", data)] == ["id", "name", "value"]


@pytest.mark.parametrize(
    "query,message",
    [
        ("selct 1", "line 1, column 1"),
        ("select id\nfrom people where", "the query is no SQL"),
        ("select nam from people", 'no column "nam"; the nearest names are "name"'),
        ("select id from peopel", 'no table "peopel"; the nearest names are "people", "Visits" at line 1, column 16'),
        ("select a.id from people a, people b where id = 1", '"id" is ambiguous'),
        ("delete from people", "DELETE is no query"),
        ("select $x", "no value is given for $x at line 1, column 8"),
    ],
)
def test_mistakes_are_told(lance, data, query, message):
    assert message in lance.fails("sql", query, "--data", data)


def test_tables_that_are_not_there(lance, data):
    assert "cannot list nowhere" in lance.fails("sql", "select 1", "--data", "nowhere")
    (data / "empty").mkdir()
    assert "there is no dataset empty/NAME.lance" in lance.fails("sql", "select 1", "--data", "empty")
    assert "there is no dataset at" in lance.fails("sql", "select 1", "--data", "t=nowhere.lance")
    assert 'the table "people" is both' in lance.fails("sql", "select 1", "--data", data, "--data", f"people={data}/Visits.lance")


def test_a_failure_leaves_no_file(lance, data):
    lance.fails("sql", "select cast(name as int) from people", "--data", data, "-o", "out.csv", "--format", "csv")
    assert not list(data.glob("out.csv*"))
    lance("sql", "select 1 as a", "-o", "out.csv", "--format", "csv")
    lance.fails("sql", "select cast(name as int) from people", "--data", data, "-o", "out.csv", "--format", "csv")
    assert (data / "out.csv").read_text() == '"a"\n1\n'


def test_memory_is_bounded(lance, data):
    query = "select count(distinct a.name || b.name) as n from people a, people b"
    assert rows(lance, "select count(*) as n from people", "--data", data, "--memory", "16MB") == [{"n": 1000}]
    assert rows(lance, query, "--data", data, "--memory", "64MB") == [{"n": 857 * 857}]
