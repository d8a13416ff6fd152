"""`lance upsert`."""

import json
import subprocess

import lance as pylance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROGRAM, snapshot


def table(first, rows, value, columns=("id", "name", "price")):
    ids = range(first, first + rows)
    values = {"id": ids, "name": [f"{value} {i}" for i in ids], "price": [value + 0.5] * rows}
    return pa.table({name: pa.array(values[name]) for name in columns})


def rows(path):
    out = {row["id"]: row for row in pylance.dataset(str(path)).to_table().to_pylist()}
    assert len(out) == pylance.dataset(str(path)).count_rows()
    return out


@pytest.fixture
def dataset(tmp_path):
    pylance.write_dataset(table(0, 100, 1), str(tmp_path / "d.lance"))
    return tmp_path / "d.lance"


def upsert(lance, dataset, *args):
    return json.loads(lance("upsert", dataset, *args, "--report", "json"))


def test_rows_are_updated_and_inserted(lance, tmp_path, dataset):
    pq.write_table(table(90, 20, 2), tmp_path / "new.parquet", row_group_size=3)
    result = upsert(lance, dataset, "new.parquet", "--on", "id")
    assert (result["inserted_rows"], result["updated_rows"], result["deleted_rows"]) == (10, 10, 0)
    assert result["version"] == 2 and result["attempts"] == 1
    out = rows(dataset)
    assert len(out) == 110
    assert all(row["price"] == (1.5 if i < 90 else 2.5) for i, row in out.items())
    # Again, it updates all of them.
    result = upsert(lance, dataset, "new.parquet", "--on", "id")
    assert (result["inserted_rows"], result["updated_rows"]) == (0, 20)


@pytest.mark.parametrize("extension", ["csv", "jsonl", "parquet"])
def test_columns_that_the_input_lacks_keep_their_values(lance, tmp_path, dataset, extension):
    new = table(95, 10, 3, ("price", "id"))
    match extension:
        case "csv":
            (tmp_path / "new.csv").write_text("price,id\n" + "".join(f"3.5,{i}\n" for i in range(95, 105)))
        case "jsonl":
            (tmp_path / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in new.to_pylist()))
        case "parquet":
            pq.write_table(new, tmp_path / "new.parquet")
    lance("upsert", dataset, f"new.{extension}", "--on", "id")
    out = rows(dataset)
    assert [out[i]["name"] for i in (95, 99, 100, 104)] == ["1 95", "1 99", None, None]
    assert [out[i]["price"] for i in (94, 95, 104)] == [1.5, 3.5, 3.5]


def test_the_dataset_may_keep_its_rows(lance, tmp_path, dataset):
    pq.write_table(table(90, 20, 2), tmp_path / "new.parquet")
    result = upsert(lance, dataset, "new.parquet", "--on", "id", "--when-matched", "keep")
    assert (result["inserted_rows"], result["updated_rows"]) == (10, 0)
    assert rows(dataset)[95]["price"] == 1.5
    result = upsert(lance, dataset, "new.parquet", "--on", "id", "--when-not-matched", "skip")
    assert (result["inserted_rows"], result["updated_rows"]) == (0, 20)


def test_conditions(lance, tmp_path, dataset):
    pq.write_table(table(0, 10, 2), tmp_path / "new.parquet")
    args = ("new.parquet", "--on", "id")
    assert upsert(lance, dataset, *args, "--update-if", "source.id > 4 and source.price > target.price")["updated_rows"] == 5
    result = upsert(lance, dataset, *args, "--delete-if", "id >= 60", "--yes")
    assert result["deleted_rows"] == 40
    assert max(rows(dataset)) == 59
    message = lance.fails("upsert", dataset, *args, "--update-if", "source.idd > 4", early=False)
    assert "there is no column" in message


def test_what_deletes_asks_first(lance, tmp_path, dataset):
    pq.write_table(table(0, 10, 2), tmp_path / "new.parquet")
    before = snapshot(dataset)
    for flags in (["--not-matched-by-source", "delete"], ["--when-matched", "delete"]):
        message = lance.fails("upsert", dataset, "new.parquet", "--on", "id", *flags, code=2)
        assert "--yes" in message
    assert snapshot(dataset) == before
    result = upsert(lance, dataset, "new.parquet", "--on", "id", "--not-matched-by-source", "delete", "--yes")
    assert result["deleted_rows"] == 90
    assert sorted(rows(dataset)) == list(range(10))


def test_explain_changes_nothing(lance, tmp_path, dataset):
    pq.write_table(table(90, 20, 2), tmp_path / "new.parquet")
    before = snapshot(dataset)
    assert "MergeInsert" in lance("upsert", dataset, "new.parquet", "--on", "id", "--explain")
    assert snapshot(dataset) == before


def test_mistakes_change_nothing(lance, tmp_path, dataset):
    twice = pa.concat_tables([table(0, 5, 2), table(4, 5, 3)])
    pq.write_table(twice, tmp_path / "twice.parquet")
    pq.write_table(table(0, 5, 2).append_column("more", pa.array([1] * 5)), tmp_path / "more.parquet")
    pq.write_table(table(0, 5, 2, ("name", "price")), tmp_path / "keyless.parquet")
    pq.write_table(table(0, 5, 2), tmp_path / "new.parquet")
    pq.write_table(table(0, 5, 2, ("id", "price")), tmp_path / "less.parquet")
    before = snapshot(dataset)
    for args, expected in [
        (("twice.parquet", "--on", "id"), '"id" = 4'),
        (("more.parquet", "--on", "id"), '"more" is not in the dataset'),
        (("keyless.parquet", "--on", "id"), "the source lacks a column of the key"),
        (("new.parquet", "--on", "idd"), 'there is no column "idd"; the nearest names are "id"'),
        (("new.parquet",), "primary key"),
        (("new.parquet", "less.parquet", "--on", "id"), "has other columns"),
        (("new.parquet", "--on", "id", "--when-matched", "fail"), "matching row"),
    ]:
        assert expected in lance.fails("upsert", dataset, *args, early=False), args
    assert "--when-matched excludes --update-if" in lance.fails(
        "upsert", dataset, "new.parquet", "--when-matched", "keep", "--update-if", "true", code=2
    )
    assert snapshot(dataset) == before
    assert upsert(lance, dataset, "twice.parquet", "--on", "id", "--duplicates", "first")["skipped_duplicates"] == 1
    assert rows(dataset)[4]["price"] == 2.5


def test_processes_that_insert_the_same_keys_do_not_double_them(lance, tmp_path, dataset):
    for i in range(6):
        pq.write_table(table(50 + 20 * i, 100, 2 + i), tmp_path / f"new{i}.parquet")
    command = [PROGRAM, "upsert", dataset, "--on", "id", "--retries", "100", "--report", "json"]
    running = [
        subprocess.Popen([*command, f"new{i}.parquet"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for i in range(6)
    ]
    results = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        results.append(json.loads(out))
    assert sorted(rows(dataset)) == list(range(250))
    assert sum(result["inserted_rows"] for result in results) == 150
