"""What the profiles of encodings promise: bytes, column by column, against pylance, and values that come back."""

import collections
import decimal
import random

import lance
import pyarrow as pa
import pytest
from lance.file import LanceFileReader

import columns
from conftest import LANCE, run

PROFILES = ["read", "size", "engine"]
# More pages than pylance's have more padding and more dictionaries.
SLACK = 1.01
# The engine compresses text by symbols of a random sample: `l_comment` takes 1 % more or less each time. So the least of some
# writes is compared with the most of as many.
WRITES = 3


def column_bytes(uri):
    """How many bytes the pages of each top-level column have, of a table without nested ones."""
    dataset = lance.dataset(uri)
    found = collections.Counter()
    for fragment in dataset.get_fragments():
        for file in fragment.data_files():
            metadata = LanceFileReader(str(uri / "data" / file.path)).metadata()
            assert len(metadata.columns) == len(dataset.schema)
            for name, column in zip(dataset.schema.names, metadata.columns):
                found[name] += sum(buffer.size for page in column.pages for buffer in page.buffers)
    return found


@pytest.fixture(scope="module")
def lineitem(tmp_path_factory):
    """Lineitem of SF 0.1, and the most bytes of its columns as pylance writes it."""
    directory = tmp_path_factory.mktemp("lineitem")
    run(LANCE, "tpch", "generate", "--scale", 0.1, "--tables", "lineitem", "--output", directory)
    table = lance.dataset(directory / "lineitem.lance").to_table()
    sizes = []
    for i in range(WRITES):
        lance.write_dataset(table, directory / f"pylance{i}")
        sizes.append(column_bytes(directory / f"pylance{i}"))
    return table, {name: max(each[name] for each in sizes) for name in table.column_names}


def test_for_reading_no_column_of_lineitem_takes_more_than_pylance_needs(tmp_path, lineitem, write_with_us):
    table, theirs = lineitem
    sizes = []
    for i in range(WRITES):
        write_with_us(table, tmp_path / f"d{i}")
        sizes.append(column_bytes(tmp_path / f"d{i}"))
    ours = {name: min(each[name] for each in sizes) for name in table.column_names}
    too_long = {name: (ours[name], theirs[name]) for name in theirs if ours[name] > theirs[name] * SLACK}
    assert not too_long


def test_for_size_decimals_and_letters_take_less(tmp_path, lineitem, write_with_us):
    table, theirs = lineitem
    write_with_us(table, tmp_path / "d", profile="size")
    ours = column_bytes(tmp_path / "d")
    assert ours["l_extendedprice"] < theirs["l_extendedprice"] / 2
    assert ours["l_returnflag"] < theirs["l_returnflag"] / 10
    assert ours["l_quantity"] < theirs["l_quantity"] * SLACK
    assert sum(ours.values()) < sum(theirs.values()) * 2 / 3


@pytest.mark.parametrize("mode", ["create", "append", "overwrite"])
def test_the_profile_reaches_the_encoder_at_any_depth(tmp_path, write_with_us, mode):
    prices = pa.array([decimal.Decimal(i * 7919 % 100_003) / 100 for i in range(50_000)], pa.decimal128(15, 2))
    table = pa.table({"price": prices, "l": pa.array([[p] for p in prices.to_pylist()], pa.list_(prices.type))})
    sizes = {}
    for profile in PROFILES:
        uri = tmp_path / profile
        if mode != "create":
            write_with_us(table.slice(0, 1), uri, profile="engine")
        write_with_us(table, uri, profile=profile, **({} if mode == "create" else {"mode": mode}))
        files = [file for fragment in lance.dataset(uri).get_fragments() for file in fragment.data_files()]
        sizes[profile] = max((uri / "data" / file.path).stat().st_size for file in files)
        dataset = lance.dataset(uri)
        columns.assert_equal(dataset.to_table().slice(mode == "append"), table)
        assert dataset.schema.equals(table.schema, check_metadata=True)
    assert sizes["size"] < 0.9 * sizes["engine"]
    assert sizes["read"] <= SLACK * sizes["engine"]


def random_column(draw, rows):
    """Values of a type and of so many different ones, some NULL, perhaps sorted or in runs, of two kinds or of one."""
    kinds = {
        pa.string(): lambda n: "x" * (n % 3) if n % 7 else f"value {n}",
        pa.large_string(): lambda n: "abc"[n % 3],
        pa.binary(): lambda n: bytes([n % 256]),
        pa.int64(): lambda n: n * 1_000_003,
        pa.int16(): lambda n: n % 1000,
        pa.float64(): lambda n: n / 7,
        pa.timestamp("us"): lambda n: n * 1_000_000,
        pa.decimal128(15, 2): lambda n: decimal.Decimal(n) / 4,
        pa.decimal256(40, 2): lambda n: decimal.Decimal(n) / 4,
    }
    kind, value = draw.choice(list(kinds.items()))
    numbers = []
    for _ in range(draw.choice([1, 2])):
        different = draw.choice([1, 3, 300, 100_000])
        part = [draw.randrange(different) for _ in range(rows // 2)]
        order = draw.choice(["random", "sorted", "runs"])
        if order == "sorted":
            part.sort()
        elif order == "runs":
            part = [number for number in part[: rows // 8] for _ in range(4)]
        numbers += part
    numbers = (numbers + numbers)[:rows]
    nulls = draw.choice([0, 0, 0.1, 0.9, 1])
    values = [None if draw.random() < nulls else value(number) for number in numbers]
    array = pa.array(values, kind)
    shape = draw.choice(["plain", "plain", "list", "struct"])
    if shape == "list":
        return pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), array)
    return pa.StructArray.from_arrays([array], ["a b"]) if shape == "struct" else array


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("profile", PROFILES)
def test_random_tables_come_back(tmp_path, write_with_us, profile, seed):
    draw = random.Random(seed)
    rows = 80_000
    table = pa.table({f"c {i}": random_column(draw, rows) for i in range(6)})
    chunked = pa.Table.from_batches(table.to_batches(max_chunksize=draw.choice([1000, 40_000])))
    write_with_us(chunked, tmp_path / "d", profile=profile, load_bytes=draw.choice([1, 1 << 20, 8 << 20]))
    dataset = lance.dataset(tmp_path / "d")
    columns.assert_equal(dataset.to_table(), table)
    # A column changes its encoding once at most, and each time a file begins.
    assert len(dataset.get_fragments()) <= 1 + len(table.schema)
    dataset.validate()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_column_that_becomes_another_one(tmp_path, write_with_us, profile):
    """Letters and then sentences, few prices and then many: a file begins, in which they are encoded otherwise."""
    rows = 40_000
    letters = pa.table(
        {
            "text": pa.array(["A", "B"] * (rows // 2)),
            "price": pa.array([decimal.Decimal(i % 5) for i in range(rows)], pa.decimal128(15, 2)),
        }
    )
    sentences = pa.table(
        {
            "text": pa.array([f"one of {i % 9} sentences" for i in range(rows)]),
            "price": pa.array([decimal.Decimal(i) for i in range(rows)], pa.decimal128(15, 2)),
        }
    )
    table = pa.concat_tables([letters, sentences, letters, sentences])
    write_with_us(table, tmp_path / "d", profile=profile, load_bytes=1)
    dataset = lance.dataset(tmp_path / "d")
    columns.assert_equal(dataset.to_table(), table)
    assert len(dataset.get_fragments()) == (1 if profile == "engine" else 2)
