"""Dictionary columns: every value comes back through every reader, or the write is refused by the name of the column."""

import random

import lance
import pyarrow as pa
import pytest


VERSIONS = ["2.0", "2.1", "2.2"]
KEYS = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()]
ROOM = {pa.int8(): 128, pa.uint8(): 256}


def words(first, last):
    return [f"word {i}" for i in range(first, last)]


def encoded(values, rows, keys=pa.int8(), seed=0, null=False):
    """An array of so many rows, with a dictionary of its own that has all values, in an order of its own."""
    chance = random.Random(seed)
    values = chance.sample(values, len(values))
    picks = [chance.randrange(len(values)) for _ in range(rows - len(values))] + list(range(len(values)))
    if null:
        picks = [None if i % 7 == 3 else pick for i, pick in enumerate(picks)]
    return pa.DictionaryArray.from_arrays(pa.array(picks, keys), values)


def table_of(*chunks):
    """A table with a chunk per batch, and a running `id`."""
    d = pa.chunked_array(chunks)
    ids, first = [], 0
    for chunk in chunks:
        ids.append(pa.array(range(first, first + len(chunk)), pa.int64()))
        first += len(chunk)
    return pa.table({"id": pa.chunked_array(ids), "d": d})


def assert_reads_back(uri, table, read_with_us):
    """Through pylance and through us, all rows, some rows, and by a filter."""
    dataset = lance.dataset(uri)
    expected = table["d"].to_pylist()
    assert dataset.to_table()["d"].to_pylist() == expected
    assert dataset.to_table(batch_size=1 << 20)["d"].to_pylist() == expected
    assert dataset.schema.field("d").type == table.schema.field("d").type
    some = range(0, len(expected), 3)
    assert dataset.to_table(filter="id % 3 = 0")["d"].to_pylist() == [expected[i] for i in some]
    assert dataset.take(list(some))["d"].to_pylist() == [expected[i] for i in some]
    assert read_with_us(uri)["d"].to_pylist() == expected
    assert read_with_us(uri, filter="id % 3 = 0")["d"].to_pylist() == [expected[i] for i in some]
    dataset.validate()


@pytest.mark.parametrize("keys", KEYS, ids=str)
@pytest.mark.parametrize("storage", VERSIONS)
def test_batches_with_the_same_words(tmp_path, write_with_us, read_with_us, storage, keys):
    table = table_of(*(encoded(words(0, 100), 500, keys, seed, null=seed > 2) for seed in range(5)))
    write_with_us(table, tmp_path / "d", storage=storage)
    assert_reads_back(tmp_path / "d", table, read_with_us)


@pytest.mark.parametrize("keys", ROOM, ids=str)
@pytest.mark.parametrize("storage", VERSIONS)
def test_as_many_words_as_the_keys_can_count(tmp_path, write_with_us, read_with_us, storage, keys):
    half, all_of_them = ROOM[keys] // 2, ROOM[keys]
    table = table_of(
        encoded(words(0, half), 500, keys),
        encoded(words(half, all_of_them), 500, keys),
        encoded(words(0, all_of_them), 500, keys),
        encoded(words(half, all_of_them), 500, keys),
    )
    write_with_us(table, tmp_path / "d", storage=storage)
    assert_reads_back(tmp_path / "d", table, read_with_us)


@pytest.mark.parametrize("load_bytes", [1, 1 << 20])
@pytest.mark.parametrize("keys", ROOM, ids=str)
@pytest.mark.parametrize("storage", VERSIONS)
def test_more_words_than_the_keys_can_count(tmp_path, offer_to_us, storage, keys, load_bytes):
    room = ROOM[keys]
    table = table_of(encoded(words(0, room // 2 + 1), 500, keys), encoded(words(room // 2 + 1, room + 1), 500, keys))
    done = offer_to_us(table, tmp_path / "d", storage=storage, load_bytes=load_bytes)
    assert done.returncode == 1
    assert 'column "d"' in done.stderr and "more different values" in done.stderr
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("storage", VERSIONS)
def test_each_page_and_file_can_be_read_with_the_next(tmp_path, write_with_us, storage):
    """Whatever is encoded together: readers put the dictionaries of a file behind each other."""
    table = table_of(*(encoded(words(0, 128), 1000, pa.int8(), seed) for seed in range(20)))
    write_with_us(table, tmp_path / "d", storage=storage, load_bytes=1, bytes_in_flight=1)
    dataset = lance.dataset(tmp_path / "d")
    expected = table["d"].to_pylist()
    assert dataset.to_table()["d"].to_pylist() == expected
    assert dataset.to_table(batch_size=1 << 20)["d"].to_pylist() == expected


VALUES = {
    "string": words(0, 40),
    "large_string": pa.array(words(0, 40), pa.large_string()),
    "binary": pa.array([b"\x00", b"", b"\xff\xfe"], pa.binary()),
    "large_binary": pa.array([b"\x00", b"", b"\xff\xfe"], pa.large_binary()),
    "int8": pa.array(range(100), pa.int8()),
    "uint64": pa.array([2**64 - 1, 0, 1], pa.uint64()),
    "float64": pa.array([0.0, -0.0, 1.5, float("inf")]),
    "bool": pa.array([True, False]),
}


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("storage", VERSIONS)
def test_every_type_of_values(tmp_path, write_with_us, read_with_us, storage, values):
    values = VALUES[values] if isinstance(VALUES[values], pa.Array) else pa.array(VALUES[values])
    chunks = []
    for seed in range(100):
        chance = random.Random(seed)
        order = pa.array(chance.sample(range(len(values)), len(values)))
        picks = [None if i % 5 == 1 else i % len(values) for i in range(150)]
        chunks.append(pa.DictionaryArray.from_arrays(pa.array(picks, pa.int8()), values.take(order)))
    table = table_of(*chunks)
    write_with_us(table, tmp_path / "d", storage=storage)
    assert_reads_back(tmp_path / "d", table, read_with_us)


def nested_in(of):
    """A chunk of dictionary values, each several times, in a column of another type."""
    offsets = lambda chunk: pa.array([0, 0, *range(2, len(chunk) + 1, 2)], pa.int32())
    as_map = lambda chunk: pa.MapArray.from_arrays(offsets(chunk), words(0, len(chunk)), chunk)
    return {
        "struct": lambda chunk: pa.StructArray.from_arrays([chunk], ["a"]),
        "list": lambda chunk: pa.ListArray.from_arrays(offsets(chunk), chunk),
        "large_list": lambda chunk: pa.LargeListArray.from_arrays(offsets(chunk).cast(pa.int64()), chunk),
        "map": as_map,
        "struct of list": lambda chunk: pa.StructArray.from_arrays([nested_in("list")(chunk)], ["a"]),
        "list of struct": lambda chunk: pa.ListArray.from_arrays(offsets(chunk), nested_in("struct")(chunk)),
    }[of]


@pytest.mark.parametrize("storage", VERSIONS)
@pytest.mark.parametrize("of", ["struct", "list", "large_list", "map", "struct of list", "list of struct"])
def test_nested_dictionaries(tmp_path, offer_to_us, read_with_us, of, storage):
    keys = pa.int32() if of == "map" else pa.int8()
    chunks = [nested_in(of)(encoded(words(0, 100), 400, keys, seed, null=seed == 1)) for seed in range(5)]
    chunks = [chunk.slice(seed, len(chunk) - 2 * seed) for seed, chunk in enumerate(chunks)]
    table = table_of(*chunks)
    done = offer_to_us(table, tmp_path / "d", storage=storage)
    if of == "map" and storage != "2.2":
        assert done.returncode == 1
        return
    assert done.returncode == 0, done.stderr
    assert_reads_back(tmp_path / "d", table, read_with_us)


@pytest.mark.parametrize("keys", KEYS, ids=str)
def test_keys_inside_maps(tmp_path, offer_to_us, read_with_us, keys):
    """Narrow ones are refused: readers of several files would count beyond what they hold."""
    chunks = [nested_in("map")(encoded(words(first, first + 60), 200, keys)) for first in range(0, 180, 60)]
    done = offer_to_us(table_of(*chunks), tmp_path / "d", storage="2.2")
    if keys.bit_width < 32:
        assert done.returncode == 1
        assert 'column "d"' in done.stderr and "keys of 32 bits" in done.stderr
        assert not (tmp_path / "d").exists()
        return
    assert done.returncode == 0, done.stderr
    assert_reads_back(tmp_path / "d", table_of(*chunks), read_with_us)


@pytest.mark.parametrize("storage", VERSIONS)
def test_nulls_duplicates_unused_and_no_values(tmp_path, write_with_us, read_with_us, storage):
    chunk = lambda keys, values: pa.DictionaryArray.from_arrays(pa.array(keys, pa.int8()), pa.array(values, pa.string()))
    table = table_of(
        chunk([None, None], []),
        chunk([0, 1, None], ["a", None]),
        chunk([2, 1, 0], ["b", "b", "a"]),
        chunk([0, None], [None]),
        chunk([90], words(0, 100)),
        chunk([90], words(50, 150)),
        chunk([0], [""]),
        chunk([None], []),
    )
    for first in (0, 1, 3, 7):
        part = table_of(*table["d"].chunks[first:])
        write_with_us(part, tmp_path / f"d{first}", storage=storage)
        assert_reads_back(tmp_path / f"d{first}", part, read_with_us)


def test_many_batches_with_ever_new_words(tmp_path, write_with_us, read_with_us):
    """30,000 words in all, a few in each batch."""
    table = table_of(*(encoded(words(i, i + 30), 40, pa.int16()) for i in range(0, 30_000, 30)))
    write_with_us(table, tmp_path / "d")
    assert_reads_back(tmp_path / "d", table, read_with_us)


def test_ordered_dictionaries_stay_ordered(tmp_path, write_with_us):
    indices = pa.array([0, 1, 2, 1], pa.int8())
    chunk = pa.DictionaryArray.from_arrays(indices, ["low", "mid", "high"], ordered=True)
    table = pa.table({"d": chunk})
    write_with_us(table, tmp_path / "d")
    pylance_wrote = lance.write_dataset(table, tmp_path / "theirs").to_table()
    read = lance.dataset(tmp_path / "d").to_table()
    assert read["d"].to_pylist() == table["d"].to_pylist()
    assert read.schema == pylance_wrote.schema


class TestLegacy:
    """Format 0.1 has one dictionary for all of a column, no NULL but in strings, and no empty strings."""

    @pytest.fixture
    def uri(self, tmp_path):
        table = pa.table({"id": [1, 2], "name": ["a", None], "d": encoded(["x", "y", "z"], 2 + 1).slice(0, 2)})
        lance.write_dataset(table, tmp_path / "d", data_storage_version="legacy")
        return tmp_path / "d"

    def test_known_words_are_appended(self, uri, write_with_us, read_with_us):
        before = lance.dataset(uri).to_table()
        more = pa.table({"id": [3, 4, 5], "name": [None, "b", "c"], "d": encoded(["z", "y"], 3, seed=1)})
        write_with_us(more, uri, mode="append")
        expected = before.to_pylist() + more.to_pylist()
        assert lance.dataset(uri).to_table().to_pylist() == expected
        assert read_with_us(uri).to_pylist() == expected

    @pytest.mark.parametrize(
        ("column", "more"),
        [
            ("d", {"id": [3], "name": ["c"], "d": encoded(["new"], 1)}),
            ("d", {"id": [3], "name": ["c"], "d": pa.DictionaryArray.from_arrays(pa.array([None], pa.int8()), ["x"])}),
            ("id", {"id": pa.array([None], pa.int64()), "name": ["c"], "d": encoded(["x"], 1)}),
            ("name", {"id": [3], "name": [""], "d": encoded(["x"], 1)}),
        ],
        ids=["an unknown word", "a NULL key", "a NULL number", "an empty string"],
    )
    def test_what_it_cannot_keep_is_refused(self, uri, offer_to_us, column, more):
        before = lance.dataset(uri).to_table()
        done = offer_to_us(pa.table(more), uri, mode="append")
        assert done.returncode == 1
        assert f'column "{column}"' in done.stderr
        assert lance.dataset(uri).to_table() == before

    def test_an_overwrite_leaves_it(self, uri, write_with_us):
        table = pa.table({"id": [None, 1], "d": encoded(["new"], 2)})
        write_with_us(table, uri, mode="overwrite")
        dataset = lance.dataset(uri)
        assert dataset.to_table().to_pylist() == table.to_pylist()
        assert dataset.data_storage_version == "2.2"
