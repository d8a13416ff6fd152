"""Upserts done here and by pylance: the same rows, counts and versions, whatever the policies, types and indices are; and
upserts of both at once."""

import decimal
import json
import random
import subprocess
import threading

import lance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import PROJECT
from support.scale import pick

PROGRAM = PROJECT / "build/release/bin/lance"
MATCHED = {"update": "when_matched_update_all", "fail": "when_matched_fail", "delete": "when_matched_delete"}


def key_types():
    return [
        pa.int8(), pa.uint16(), pa.int64(), pa.utf8(), pa.large_utf8(), pa.binary(), pa.binary(4), pa.bool_(),
        pa.date32(), pa.timestamp("us", tz="UTC"), pa.time64("ns"), pa.decimal128(12, 3), pa.float64(),
    ]


def random_table(rng, key_type, rows, keys, nulls=True):
    """Distinct keys, some of them NULL."""
    rows = min(rows, keys)
    numbers = rng.sample(range(keys), rows)
    match key_type:
        case t if pa.types.is_string(t) or pa.types.is_large_string(t):
            values = [f"k{n}" for n in numbers]
        case t if pa.types.is_binary(t) or pa.types.is_fixed_size_binary(t):
            values = [f"{n:04}".encode() for n in numbers]
        case t if pa.types.is_boolean(t):
            numbers = rng.sample(range(2), min(rows, 2))
            values = [n == 1 for n in numbers]
        case t if pa.types.is_decimal(t):
            values = [decimal.Decimal(n) for n in numbers]
        case t if pa.types.is_integer(t) or pa.types.is_floating(t):
            values = numbers
        case _:
            values = [n * 1000 for n in numbers]
    ids = pa.array(values, pa.int64()).cast(key_type) if isinstance(values[0], int) and not isinstance(
        values[0], bool) and not pa.types.is_date(key_type) else pa.array(values, key_type)
    if nulls and rng.random() < 0.5:
        mask = pa.array([rng.random() < 0.1 for _ in values])
        ids = pa.compute.if_else(mask, pa.scalar(None, key_type), ids)
    count = len(values)
    return pa.table({
        "id": ids,
        "v": pa.array([rng.choice([None, rng.randrange(100)]) for _ in range(count)], pa.int64()),
        "words": pa.array([rng.choice([None, [], ["a", None], ["ü"]]) for _ in range(count)], pa.list_(pa.utf8())),
        "place": pa.array([rng.choice([None, {"x": 1, "y": None}]) for _ in range(count)],
                          pa.struct([("x", pa.int32()), ("y", pa.utf8())])),
    })


def sorted_rows(dataset):
    return sorted(map(str, dataset.to_table().to_pylist()))


def run(dataset, table, tmp_path, *flags):
    pq.write_table(table, tmp_path / "new.parquet")
    command = [PROGRAM, "upsert", dataset, "new.parquet", "--on", "id", "--yes", "--report", "json", *flags]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    return done, json.loads(done.stdout) if done.returncode == 0 else None


@pytest.mark.parametrize("seed", range(pick(12, 80)))
def test_the_same_as_pylance(tmp_path, seed):
    rng = random.Random(seed)
    key_type = rng.choice(key_types())
    stable = rng.random() < 0.5
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for i in range(rng.randrange(1, 4)):
        part = random_table(rng, key_type, 60, 90)
        for path in (ours, theirs):
            lance.write_dataset(part, path, mode="append" if i else "create", enable_stable_row_ids=stable)
    for _ in range(5):
        new = random_table(rng, key_type, rng.randrange(1, 60), 120)
        if rng.random() < 0.4:
            new = new.select(rng.sample(["id", "v", "place"], 3))
        matched = rng.choice(["update", "update", "keep", "delete"])
        not_matched = rng.choice(["insert", "insert", "skip"])
        by_source = rng.choice(["keep", "keep", "delete"])
        if (matched, not_matched, by_source) == ("keep", "skip", "keep"):
            continue
        merge = lance.dataset(theirs).merge_insert("id").use_index(False)
        if matched in MATCHED:
            getattr(merge, MATCHED[matched])()
        if not_matched == "insert":
            merge.when_not_matched_insert_all()
        if by_source == "delete":
            merge.when_not_matched_by_source_delete()
        flags = ["--when-matched", matched, "--when-not-matched", not_matched, "--not-matched-by-source", by_source]
        done, result = run(ours, new, tmp_path, *flags)
        if (matched, not_matched, by_source) == ("delete", "skip", "delete"):
            # pylance loses a column while it plans.
            assert "make two of it" in done.stderr
            continue
        assert done.returncode == 0, (done.stderr, flags)
        expected = merge.execute(new)
        assert sorted_rows(lance.dataset(ours)) == sorted_rows(lance.dataset(theirs)), (seed, key_type, flags)
        counts = {f"num_{name}_rows": result[f"{name}_rows"] for name in ("inserted", "updated", "deleted")}
        assert counts == {name: expected[name] for name in counts}
    lance.dataset(ours).validate()


def test_upserts_of_pylance_at_the_same_time_double_no_key_of_ours(tmp_path):
    """pylance names its keys where they are the primary key; ours are in conflict with all of its upserts."""
    key = {"lance-schema:unenforced-primary-key": "true"}
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False, metadata=key), pa.field("v", pa.int64())])

    def rows(first, count, v):
        return pa.table({"id": range(first, first + count), "v": [v] * count}, schema=schema)

    for _ in range(pick(3, 20)):
        path = tmp_path / f"d{_}"
        lance.write_dataset(rows(0, 100, 0), path)
        start = threading.Barrier(3)
        failures = []

        def pylances(v):
            merge = lance.dataset(path).merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            start.wait()
            merge.conflict_retries(50).execute(rows(80, 100, v))

        def mine():
            pq.write_table(rows(90, 100, 9), tmp_path / "new.parquet")
            command = [PROGRAM, "upsert", path, tmp_path / "new.parquet", "--retries", "50"]
            start.wait()
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if done.returncode:
                failures.append(done.stderr)

        threads = [threading.Thread(target=pylances, args=(v,)) for v in (1, 2)] + [threading.Thread(target=mine)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        ids = lance.dataset(path).to_table()["id"].to_pylist()
        assert sorted(ids) == list(range(190))
