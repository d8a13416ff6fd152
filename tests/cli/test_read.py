"""The commands that read: info, schema, head, count, query, take, versions, fragments."""

import csv
import io
import json
import math
import subprocess
from datetime import date, datetime, timedelta
from decimal import Decimal

import lance as pylance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROGRAM, make_table


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def history(people, tmp_path):
    """Three versions: 1000 rows, 1500 rows, 1400 rows; a tag on the second, and a branch."""
    pylance.write_dataset(make_table(500, start=1000), str(people), mode="append")
    dataset = pylance.dataset(str(people))
    dataset.tags.create("stable", 2)
    dataset.delete("id < 100")
    branch = dataset.create_branch("trial")
    branch.delete("id < 1000")
    return people


def test_info_tells_the_facts(lance, history):
    info = json.loads(lance("info", history, "--format", "json"))
    dataset = pylance.dataset(str(history))
    assert info["version"] == 3
    assert (info["rows"], info["deleted_rows"], info["fragments"], info["data_files"]) == (1400, 100, 2, 2)
    assert info["data_bytes"] == sum(file.stat().st_size for file in (history / "data").iterdir())
    assert info["data_storage_version"] == dataset.data_storage_version
    assert info["schema"] == [
        {"name": "id", "type": "int64", "nullable": True},
        {"name": "name", "type": "string", "nullable": True},
        {"name": "value", "type": "double", "nullable": True},
    ]


def test_info_of_the_legacy_format(lance, tmp_path):
    pylance.write_dataset(make_table(10), str(tmp_path / "old"), data_storage_version="legacy")
    assert pylance.dataset(str(tmp_path / "old")).data_storage_version == "0.1"
    assert json.loads(lance("info", "old", "--format", "json"))["data_storage_version"] == "0.1"
    assert ["storage", "version", "0.1"] in [line.split() for line in lance("info", "old").splitlines()]


def test_info_is_readable(lance, people):
    lines = lance("info", people).splitlines()
    assert lines[0].split() == ["uri", str(people)]
    assert ["rows", "1,000"] in [line.split() for line in lines]
    assert lines[-4:] == ["schema", "  id: int64", "  name: string", "  value: double"]


def test_schema_lists_columns(lance, tmp_path):
    schema = pa.schema([pa.field("a", pa.int32(), nullable=False), ("b", pa.list_(pa.string()))])
    pylance.write_dataset(pa.table({"a": pa.array([], pa.int32()), "b": []}).cast(schema), str(tmp_path / "d"))
    assert lance("schema", "d") == "a: int32 not null\nb: list<item: string>\n"
    assert json.loads(lance("schema", "d", "--format", "json"))[0] == {"name": "a", "type": "int32", "nullable": False}


def test_count_counts(lance, people):
    assert lance("count", people) == "1000\n"
    assert lance("count", people, "--filter", "id < 10 or id % 7 = 3") == "152\n"
    assert lance("count", people, "--filter", "name is null") == "143\n"


def test_head_prints_the_first_rows(lance, people):
    assert lance("head", people, "-n", 4) == (
        "id  name    value\n"
        "--  ------  -----\n"
        " 0  name 0      0\n"
        " 1  name 1   0.25\n"
        " 2  name 2    0.5\n"
        " 3  null     0.75\n"
    )
    assert len(lance("head", people).splitlines()) == 12


def test_head_of_columns_in_the_order_asked_for(lance, people):
    assert lance("head", people, "-n", 1, "--columns", "value,id") == "value  id\n-----  --\n    0   0\n"


def test_query_as_json_lines(lance, people):
    rows = json_lines(lance("query", people, "--filter", "id between 2 and 4", "--format", "json"))
    assert rows == make_table().slice(2, 3).to_pylist()


def test_query_as_csv(lance, people):
    text = lance("query", people, "--columns", "id,name", "--limit", 3, "--offset", 2, "--format", "csv")
    assert list(csv.reader(io.StringIO(text))) == [["id", "name"], ["2", "name 2"], ["3", ""], ["4", "name 4"]]


def test_query_streams_every_row(lance, tmp_path):
    pylance.write_dataset(pa.table({"x": range(100_000)}), str(tmp_path / "d"))
    lines = lance("query", "d", "--format", "csv").splitlines()
    assert lines[1:] == [str(i) for i in range(100_000)]


def test_a_table_without_limit_says_how_many_more_rows_there_are(lance, people):
    result = lance.run("query", people, "--filter", "id >= 100")
    assert len(result.stdout.splitlines()) == 52
    assert result.stderr == "… 850 more rows; --limit N shows more, --format json or csv all\n"
    limited = lance.run("query", people, "--limit", 60)
    assert len(limited.stdout.splitlines()) == 62 and limited.stderr == ""


def test_a_filter_that_goes_on_behind_its_end_is_refused(lance, people):
    for command in (("count", people), ("query", people)):
        assert "after its end" in lance.fails(*command, "--filter", "id >= 0 limit 1")


def test_take_returns_rows_in_the_order_asked_for(lance, people):
    rows = json_lines(lance("take", people, "--rows", "9,1,5", "--columns", "id", "--format", "json"))
    assert rows == [{"id": 9}, {"id": 1}, {"id": 5}]


def test_take_names_rows_by_id_address_and_range(lance, people):
    def ids(*flags):
        return [row["id"] for row in json_lines(lance("take", people, *flags, "--columns", "id", "--format", "json"))]

    scanned = pylance.dataset(str(people)).to_table(with_row_id=True, with_row_address=True)
    for flag, column in (("--row-id", "_rowid"), ("--address", "_rowaddr")):
        values = [str(scanned[column][row].as_py()) for row in (9, 1, 5)]
        assert ids(flag, ",".join(values)) == [9, 1, 5]
    assert ids("--range", "7..9,0..2", "--range", "3..3") == [7, 8, 0, 1]
    assert "out of range" in lance.fails("take", people, "--range", "900..1100")
    assert "out of range" in lance.fails("take", people, "--address", "99999999999")


def test_take_prints_what_is_computed(lance, people):
    flags = "--rows", "9,1", "--columns", "id", "--select", "id * 2 as twice", "--select", "id + 1"
    rows = json_lines(lance("take", people, *flags, "--format", "json"))
    assert rows == [{"id": 9, "twice": 18, "id + 1": 10}, {"id": 1, "twice": 2, "id + 1": 2}]
    assert 'there is no column "idd"' in lance.fails("take", people, "--rows", "0", "--select", "idd + 1 as x")


def test_take_samples_the_same_rows_for_the_same_seed(lance, people):
    def ids(*flags):
        return [row["id"] for row in json_lines(lance("take", people, *flags, "--format", "json"))]

    chosen = ids("--sample", "20", "--seed", "7")
    assert len(set(chosen)) == 20 and chosen == sorted(chosen) == ids("--sample", "20", "--seed", "7")
    assert chosen != ids("--sample", "20", "--seed", "8")
    assert ids("--sample", "5000") == list(range(1000))


def test_versions_lists_the_history(lance, history):
    versions = json.loads(lance("versions", history, "--format", "json"))
    assert [version["version"] for version in versions] == [1, 2, 3]
    expected = pylance.dataset(str(history)).versions()
    for version, other in zip(versions, expected):
        shown = datetime.fromisoformat(version["timestamp"].removesuffix("Z"))
        # pylance reports local time.
        assert abs(shown.timestamp() - other["timestamp"].replace(tzinfo=None).timestamp()) % 900 < 1
    lines = [line.split() for line in lance("versions", history).splitlines()]
    assert lines[0] == ["version", "created", "rows", "size"]
    assert [(line[0], line[2]) for line in lines[2:]] == [("1", "1,000"), ("2", "1,500"), ("3", "1,400")]


def test_fragments_lists_the_fragments(lance, history):
    fragments = json.loads(lance("fragments", history, "--format", "json"))
    assert [(f["id"], f["rows"], f["deleted_rows"], f["data_files"]) for f in fragments] == [
        (0, 900, 100, 1),
        (1, 500, 0, 1),
    ]
    assert sum(f["data_bytes"] for f in fragments) == sum(file.stat().st_size for file in (history / "data").iterdir())
    assert lance("fragments", history).splitlines()[2].split()[:4] == ["0", "900", "100", "1"]


def test_older_versions_tags_and_branches_can_be_read(lance, history):
    assert lance("count", history) == "1400\n"
    assert lance("count", history, "--at-version", 1) == "1000\n"
    assert lance("count", history, "--tag", "stable") == "1500\n"
    assert lance("count", history, "--branch", "trial") == "500\n"
    assert json.loads(lance("info", history, "--at-version", 2, "--format", "json"))["version"] == 2


def test_file_uris_are_paths(lance, people):
    assert lance("count", f"file://{people}") == "1000\n"


VALUES = {
    "bool": (pa.bool_(), True, True),
    "int8": (pa.int8(), -128, -128),
    "uint64": (pa.uint64(), 2**64 - 1, 2**64 - 1),
    "half": (pa.float16(), 1.5, 1.5),
    "float": (pa.float32(), 0.1, 0.1),
    "double": (pa.float64(), 1e300, 1e300),
    "nan": (pa.float64(), math.nan, None),
    "infinity": (pa.float64(), -math.inf, None),
    "decimal": (pa.decimal128(38, 2), Decimal("-123456789012345678901234567890.50"), Decimal("-123456789012345678901234567890.50")),
    "date": (pa.date32(), date(1996, 3, 13), "1996-03-13"),
    "timestamp": (pa.timestamp("us"), datetime(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04:05.000000"),
    "zoned": (pa.timestamp("s", "UTC"), datetime(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04:05Z"),
    "time": (pa.time64("us"), 1, "00:00:00.000001"),
    "duration": (pa.duration("s"), timedelta(seconds=5), "5"),
    "text": (pa.string(), 'quote " \\ newline \n tab \t euro € nul \x00', 'quote " \\ newline \n tab \t euro € nul \x00'),
    "binary": (pa.binary(), b"\x00\xff", "AP8="),
    "fixed binary": (pa.binary(2), b"\x00\xff", "AP8="),
    "list": (pa.list_(pa.int32()), [1, None, 3], [1, None, 3]),
    "large list": (pa.large_list(pa.string()), ["a"], ["a"]),
    "fixed list": (pa.list_(pa.float32(), 2), [1.0, 2.0], [1.0, 2.0]),
    "struct": (
        pa.struct([("a", pa.int32()), ("b", pa.struct([("c", pa.list_(pa.string()))]))]),
        {"a": None, "b": {"c": ["x", None]}},
        {"a": None, "b": {"c": ["x", None]}},
    ),
    "list of structs": (pa.list_(pa.struct([("a", pa.bool_())])), [{"a": False}], [{"a": False}]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), "word", "word"),
}


@pytest.mark.parametrize("name", VALUES)
def test_json_of_every_type(lance, tmp_path, name):
    type_, value, expected = VALUES[name]
    table = pa.table({name: pa.array([value, None, value], type_)})
    pylance.write_dataset(table, str(tmp_path / "d"))
    text = lance("query", "d", "--format", "json")
    number = Decimal if name == "decimal" else float
    rows = [json.loads(line, parse_float=number) for line in text.splitlines()]
    assert rows == [{name: expected}, {name: None}, {name: expected}]


def test_json_of_a_map_is_a_list_of_entries(lance, tmp_path):
    type_ = pa.map_(pa.string(), pa.int32())
    table = pa.table({"m": pa.array([[("a", 1), ("b", None)], []], type_)})
    pylance.write_dataset(table, str(tmp_path / "d"), data_storage_version="2.2")
    rows = json_lines(lance("query", "d", "--format", "json"))
    assert rows == [{"m": [{"key": "a", "value": 1}, {"key": "b", "value": None}]}, {"m": []}]


def test_a_table_shortens_long_cells_and_escapes_control_characters(lance, tmp_path):
    table = pa.table({"t": ["x" * 100, "a\nb", "日本語"], "n": [[1, 2], [3], []]})
    pylance.write_dataset(table, str(tmp_path / "d"))
    assert lance("head", "d").splitlines()[2:] == [
        "x" * 47 + "…  [1,2]",
        "a\\nb" + " " * 44 + "  [3]",
        "日本語" + " " * 42 + "  []",
    ]


def test_csv_of_nested_columns_is_refused(lance, tmp_path, unchanged):
    pylance.write_dataset(pa.table({"n": [[1]]}), str(tmp_path / "d"))
    unchanged.watch()
    assert "--format json" in lance.fails("query", "d", "--format", "csv")


def test_a_closed_pipe_ends_quietly(tmp_path):
    pq.write_table(pa.table({"x": range(1_000_000)}), tmp_path / "x.parquet")
    subprocess.run([PROGRAM, "import", "x.parquet", "x.lance"], cwd=tmp_path, check=True, capture_output=True)
    for format_ in ("json", "csv"):
        script = f'"{PROGRAM}" query x.lance --format {format_} | head -1; echo ${{PIPESTATUS[0]}}'
        result = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
        first, code = result.stdout.splitlines()
        assert first in ('{"x":0}', '"x"')
        assert code == "0" and result.stderr == ""


def test_a_full_output_is_an_error(lance, people):
    with open("/dev/full", "w") as full:
        command = [PROGRAM, "query", people, "--format", "csv"]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("lance: error: ") and "No space left on device" in result.stderr
    assert result.stderr.count("\n") == 1
