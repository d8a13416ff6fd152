"""Files that nobody should write: each is imported right, or refused in a line that names it."""

import decimal
import gzip
import json
import os
import random
import struct

import lance as pylance
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from support.scale import pick

# No file of this suite needs more, and none may hang.
LIMITED = ["bash", "-c", """ulimit -v 8000000; ulimit -t 60; exec "$0" "$@" """]


def refused(lance, name, *args):
    """Import a file that cannot be imported, and return what is said about it."""
    message = lance.fails("import", name, "out.lance", *args, early=False, wrapper=LIMITED)
    assert message.startswith(f"{name}: ") and len(message) < 500, message
    assert not (lance.cwd / "out.lance").exists()
    return message.removeprefix(f"{name}: ")


def imported(lance, name, *args):
    """Import a file, and return its rows."""
    result = lance.run("import", name, "out.lance", *args, wrapper=LIMITED)
    assert result.returncode == 0, result.stderr
    return pylance.dataset(str(lance.cwd / "out.lance")).to_table()


class Thrift:
    """As much of Thrift's compact protocol as the footer of a Parquet file needs."""

    @staticmethod
    def varint(n):
        out = b""
        while n > 0x7F:
            out += bytes([n & 0x7F | 0x80])
            n >>= 7
        return out + bytes([n])

    @classmethod
    def number(cls, n):
        return cls.varint(n << 1)

    @classmethod
    def text(cls, text):
        return cls.varint(len(text)) + text

    @classmethod
    def structs(cls, items):
        size = bytes([len(items) << 4 | 12]) if len(items) < 15 else b"\xfc" + cls.varint(len(items))
        return size + b"".join(items)

    @staticmethod
    def struct(*fields):
        """Fields are (id, type, value)."""
        out, last = b"", 0
        for number, kind, value in fields:
            out += bytes([(number - last) << 4 | kind]) + value
            last = number
        return out + b"\0"


def element(name, children=None):
    """A column of int64 or a group."""
    kind = [(1, 5, Thrift.number(2))] if children is None else []
    count = [] if children is None else [(5, 5, Thrift.number(children))]
    return Thrift.struct(*kind, (3, 5, Thrift.number(1)), (4, 8, Thrift.text(name)), *count)


def parquet_without_rows(*elements):
    """A Parquet file of any schema."""
    schema = (2, 9, Thrift.structs(elements))
    footer = Thrift.struct((1, 5, Thrift.number(2)), schema, (3, 6, Thrift.number(0)), (4, 9, Thrift.structs([])))
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


@pytest.mark.parametrize("depth", [5000, 20_000, 100_000])
@pytest.mark.parametrize("brackets", [('{"a":', "}"), ("[", "]")], ids=["objects", "arrays"])
def test_deep_json_is_refused_by_its_line(lance, tmp_path, depth, brackets):
    deep = '{"a":' + brackets[0] * depth + "1" + brackets[1] * depth + "}"
    (tmp_path / "deep.jsonl").write_text('{"a": null}\n' + deep + "\n")
    assert refused(lance, "deep.jsonl") == "line 2: nested more than 64 deep"


def test_brackets_in_strings_are_not_nesting(lance, tmp_path):
    text = '[{"' * 1000 + '\\' * 3
    (tmp_path / "in.jsonl").write_text(json.dumps({"a": text}) + "\n" + json.dumps({"a": '"' + text}) + "\n")
    assert imported(lance, "in.jsonl")["a"].to_pylist() == [text, '"' + text]


@pytest.mark.parametrize("line", ["null", "1", '"text"', "true", '{"a": 1} null', '{"a": 1}, {"a": 2}'])
def test_a_line_that_is_no_object(lance, tmp_path, line):
    (tmp_path / "in.jsonl").write_text('{"a": 1}\n' + line + "\n")
    assert refused(lance, "in.jsonl").startswith("line 2: not an object, but one object a line is expected")


def test_a_json_array_is_told_how_to_become_lines(lance, tmp_path):
    (tmp_path / "in.json").write_text('[{"a": 1}, {"a": 2}]')
    message = refused(lance, "in.json")
    assert message.startswith("line 1: an array, but one object a line is expected") and "jq -c '.[]'" in message


def test_an_object_over_several_lines(lance, tmp_path):
    (tmp_path / "in.json").write_text('{\n  "a": 1\n}\n')
    message = refused(lance, "in.json")
    assert message.startswith("line 1: an object goes on beyond its line") and "jq -c" in message


@pytest.mark.parametrize(
    "text",
    ['{"a": "x\n{"a": "y"}\n', '{"a": 1}\n}\n', '{"a": 1,}\n', '{"a": 1, "a": 2}\n', '{"a": 1e400}', '{"a": "\\ud800"}'],
)
def test_json_that_is_not_json(lance, tmp_path, text):
    (tmp_path / "in.jsonl").write_text(text)
    assert refused(lance, "in.jsonl").startswith("line ")


def test_a_group_without_children_is_refused_by_name(lance, tmp_path):
    group = parquet_without_rows(
        element(b"schema", 3), element(b"id"), element(b"nested", 1), element(b"inner", 0), element(b"last")
    )
    (tmp_path / "in.parquet").write_bytes(group)
    assert refused(lance, "in.parquet") == 'column "nested.inner" is a struct without fields, which cannot be stored'


@pytest.mark.parametrize("depth", [62, 98, 20_000])
def test_a_deep_parquet_schema_is_refused(lance, tmp_path, depth):
    elements = [element(b"schema", 1)] + [element(b"g", 1)] * depth + [element(b"x")]
    (tmp_path / "in.parquet").write_bytes(parquet_without_rows(*elements))
    assert "nested" in refused(lance, "in.parquet")


def test_a_name_twice_in_a_parquet_group_is_repaired(lance, tmp_path):
    elements = [element(b"schema", 1), element(b"s", 2), element(b"x"), element(b"x")]
    (tmp_path / "in.parquet").write_bytes(parquet_without_rows(*elements))
    assert imported(lance, "in.parquet").schema.field("s").type == pa.struct([("x", pa.int64()), ("x_1", pa.int64())])


def bytes_as_text(values):
    """A text column of any bytes."""
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())


def test_text_that_is_not_utf8_is_refused_by_column_and_row(lance, tmp_path):
    latin = [b"ok", b"fine", b"Jos\xe9"]
    table = pa.table({"id": [1, 2, 3], "name": bytes_as_text(latin)})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=2)
    with pa.ipc.new_file(tmp_path / "in.arrow", table.schema) as sink:
        sink.write_table(table, max_chunksize=2)
    lines = [b'{"id": %d, "name": "%s"}\n' % (i, name) for i, name in enumerate(latin)]
    (tmp_path / "in.jsonl").write_bytes(b"".join(lines))
    (tmp_path / "in.csv").write_bytes(b"id,name\n" + b"".join(b"1,%s\n" % name for name in latin))
    for name in ("in.parquet", "in.arrow", "in.jsonl", "in.csv"):
        message = refused(lance, name)
        assert message.startswith('column "name": row 3: not UTF-8') and "iconv -f LATIN1" in message, name


def test_nested_text_that_is_not_utf8_is_refused(lance, tmp_path):
    nested = pa.StructArray.from_arrays([pa.ListArray.from_arrays([0, 1, 2], bytes_as_text([b"ok", b"\xff"]))], ["l"])
    with pa.ipc.new_file(tmp_path / "in.arrow", pa.schema([("s", nested.type)])) as sink:
        sink.write_table(pa.table({"s": nested}))
    assert refused(lance, "in.arrow").startswith('column "s": row 2: not UTF-8')


@pytest.mark.parametrize("name,content", [("in.csv", b"id,n\xe9\n1,2\n"), ("in.jsonl", b'{"id":1,"n\xe9":2}\n')])
def test_a_name_that_is_not_utf8_is_refused(lance, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert refused(lance, name).startswith("the name of column 2 is not UTF-8")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_other_encodings_are_told_how_to_become_utf8(lance, tmp_path, encoding, extension):
    text = "a,b\n1,2\n" if extension == "csv" else '{"a": 1}\n'
    (tmp_path / f"in.{extension}").write_bytes(text.encode(encoding))
    message = refused(lance, f"in.{extension}")
    assert encoding[:6].upper() in message and "iconv -f " + encoding[:6].upper() in message


@pytest.mark.parametrize(
    "content,said",
    [
        (b"PAR1\x15\x04", "--format parquet"),
        (b"ARROW1\0\0", "--format arrow"),
        (b"PK\x03\x04..", "ZIP"),
        (b"\xfd7zXZ\0", "xz"),
    ],
)
def test_another_format_in_a_text_file_is_named(lance, tmp_path, content, said):
    (tmp_path / "in.csv").write_bytes(content)
    assert said in refused(lance, "in.csv")


@pytest.mark.parametrize("header", ["PAR1", "ARROW1", "BZh91", "PK"])
def test_a_header_that_begins_like_a_format_is_a_header(lance, tmp_path, header):
    (tmp_path / "in.csv").write_text(f"{header},x\n1,2\n")
    assert imported(lance, "in.csv").to_pydict() == {header: [1], "x": [2]}


def test_a_quote_that_is_never_closed_is_found(lance, tmp_path):
    rows = "".join(f"{i},y\n" for i in range(1000))
    (tmp_path / "in.csv").write_text('a,b\n1,x\n2,"x\n' + rows)
    assert refused(lance, "in.csv") == "line 3: a quote is never closed"


def test_compressed_text_that_is_cut(lance, tmp_path):
    text = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * 7919 % 10007) for i in range(100_000))
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(text)[:-1000])
    refused(lance, "in.csv.gz")


@pytest.mark.parametrize("extension", ["parquet", "csv", "jsonl", "arrow"])
def test_what_is_no_file_is_refused(lance, tmp_path, extension):
    name = f"in.{extension}"
    os.mkfifo(tmp_path / name)
    assert "is not a file" in refused(lance, name)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert "is a directory" in refused(lance, name)
    (tmp_path / name).rmdir()
    (tmp_path / name).write_bytes(b"")
    refused(lance, name)


def parquet_bytes(table, **options):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def test_an_encrypted_parquet_file(lance, tmp_path):
    content = parquet_bytes(pa.table({"a": [1]}))
    (tmp_path / "in.parquet").write_bytes(content[:-4] + b"PARE")
    assert "encrypted" in refused(lance, "in.parquet")


def places_of_row_count(content, rows):
    """Where the footer of a Parquet file with a row group of two columns tells how many rows there are: of the file, of
    the chunks, and of the row group."""
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    places = []
    while (place := content.find(Thrift.number(rows), places[-1] + 1 if places else footer)) >= 0:
        places.append(place)
    assert len(places) >= 4
    return places[0], places[1:-1], places[-1]


@pytest.mark.parametrize("wrong", [12_344, 12_346])
@pytest.mark.parametrize("in_file,in_chunks,in_group", [(1, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1)])
def test_a_footer_that_counts_other_rows_than_there_are(lance, tmp_path, wrong, in_file, in_chunks, in_group):
    table = pa.table({"a": range(12_345), "b": [str(i) for i in range(12_345)]})
    content = bytearray(parquet_bytes(table, write_statistics=False, store_schema=False))
    of_file, of_chunks, of_group = places_of_row_count(bytes(content), 12_345)
    patched = [of_file] * in_file + of_chunks * in_chunks + [of_group] * in_group
    for place in patched:
        content[place : place + 3] = Thrift.number(wrong).ljust(3, b"\0")
    (tmp_path / "in.parquet").write_bytes(content)
    assert "rows" in refused(lance, "in.parquet")


REPEATED = "repetitive text " * 65_536


@pytest.mark.parametrize("encoding", ["PLAIN_DICTIONARY", "DELTA_BYTE_ARRAY"])
def test_a_small_file_of_gigabytes_of_text_takes_little_memory(lance, tmp_path, encoding):
    """A megabyte of text a row, which the file holds once."""
    hundred = pa.array([REPEATED] * 100)
    dictionary = encoding == "PLAIN_DICTIONARY"
    pq.write_table(
        pa.table({"i": range(2000), "s": pa.chunked_array([hundred] * 20)}),
        tmp_path / "in.parquet",
        use_dictionary=["s"] if dictionary else False,
        column_encoding=None if dictionary else {"s": encoding},
        dictionary_pagesize_limit=4 << 20,
        compression="zstd",
    )
    assert pq.ParquetFile(tmp_path / "in.parquet").num_row_groups == 1
    report = json.loads(lance("import", "in.parquet", "out.lance", "--report", "json"))["total"]
    assert report["rows"] == 2000 and report["peak_memory_bytes"] < 400 << 20
    dataset = pylance.dataset(str(tmp_path / "out.lance"))
    assert dataset.take([0, 1999])["s"].to_pylist() == [REPEATED] * 2


def test_one_batch_of_more_than_2_gib_of_text(lance, tmp_path):
    values = pa.array([REPEATED] * 2100, pa.large_string())
    with pa.ipc.new_file(
        tmp_path / "in.arrow", pa.schema([("s", pa.large_string())]), options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as sink:
        sink.write_batch(pa.record_batch({"s": values}))
    del values
    assert json.loads(lance("import", "in.arrow", "out.lance", "--report", "json"))["total"]["rows"] == 2100
    dataset = pylance.dataset(str(tmp_path / "out.lance"))
    assert dataset.take([2099])["s"].to_pylist() == [REPEATED]


@pytest.mark.parametrize("kind", pick(["dictionary"], ["dictionary", "large"]))
def test_more_than_2_gib_of_text_can_be_appended_as_another_type(lance, tmp_path, kind):
    """The dataset's type holds 2 GiB in an array; a batch of the file has more."""
    if kind == "dictionary":
        texts = pa.DictionaryArray.from_arrays(pa.array([0] * 2100, pa.int32()), pa.array([REPEATED]))
    else:
        texts = pa.array([REPEATED] * 2100, pa.large_string())
    pylance.write_dataset(pa.table({"s": ["first"]}), str(tmp_path / "out.lance"))
    batch = pa.record_batch({"s": texts})
    with pa.ipc.new_file(
        tmp_path / "in.arrow", batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as sink:
        sink.write_batch(batch)
    del batch, texts
    report = json.loads(lance("import", "in.arrow", "out.lance", "--mode", "append", "--report", "json"))["total"]
    assert report["rows"] == 2100 and (kind == "large" or report["peak_memory_bytes"] < 512 << 20)
    assert pylance.dataset(str(tmp_path / "out.lance")).take([0, 2100])["s"].to_pylist() == ["first", REPEATED]


UNSTORABLE = {
    "union": pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
    "runs": pa.RunEndEncodedArray.from_arrays([1, 2], [1, 2]),
    "list_view": pa.array([[1], [2, 3]], pa.list_view(pa.int64())),
    "interval": pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
    "no_items": pa.array([[], []], pa.list_(pa.int32(), 0)),
    "no_fields": pa.array([{}, {}], pa.struct([])),
}


@pytest.mark.parametrize("kind", UNSTORABLE)
def test_a_type_that_cannot_be_stored_is_refused_or_kept(lance, tmp_path, kind):
    table = pa.table({"x": UNSTORABLE[kind], "y": [1, 2]})
    with pa.ipc.new_file(tmp_path / "in.arrow", table.schema) as sink:
        sink.write_table(table)
    result = lance.run("import", "in.arrow", "out.lance", wrapper=LIMITED)
    if result.returncode == 0:
        assert pylance.dataset(str(tmp_path / "out.lance")).to_table().to_pylist() == table.to_pylist()
    else:
        assert result.returncode == 1
        assert result.stderr.splitlines()[-1].startswith("lance: error: in.arrow: ")


@pytest.mark.parametrize("deltas", [True, False], ids=["delta", "replaced"])
def test_dictionaries_that_change_between_batches(lance, tmp_path, deltas):
    words = [["a", "b"], ["a", "b", "c"] if deltas else ["x", "y", "z"]]
    keys = [[0, 1, 0], [2, 0, None]]
    batches = [
        pa.record_batch({"d": pa.DictionaryArray.from_arrays(pa.array(key, pa.int8()), pa.array(word))})
        for key, word in zip(keys, words)
    ]
    with pa.ipc.new_stream(
        tmp_path / "in.arrows", batches[0].schema, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
    ) as sink:
        for batch in batches:
            sink.write_batch(batch)
    expected = [word[k] if k is not None else None for key, word in zip(keys, words) for k in key]
    assert imported(lance, "in.arrows")["d"].to_pylist() == expected


def test_each_byte_of_an_arrow_schema_may_be_wrong(lance, tmp_path):
    table = pa.table({"a": pa.array([1, 2], pa.int32()), "d": pa.array(["x", "y"]).dictionary_encode()})
    content = arrow_bytes(table, pa.ipc.new_stream)
    for place in range(4, content.index(b"a\0\0\0") + 4):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        survives(lance, tmp_path, "in.arrows", bytes(changed))


def all_types(rows):
    """A table with what each format can hold."""
    numbers = range(rows)
    maybe = lambda value, i: None if i % 5 == 4 else value  # noqa: E731
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "small": pa.array([maybe(i % 100, i) for i in numbers], pa.int8()),
            "text": pa.array([maybe(f"text {i}" * (i % 4), i) for i in numbers]),
            "word": pa.array([maybe(f"word {i % 3}", i) for i in numbers]).dictionary_encode(),
            "value": pa.array([maybe(i / 3, i) for i in numbers], pa.float32()),
            "flag": pa.array([maybe(i % 2 == 0, i) for i in numbers]),
            "price": pa.array([maybe(decimal.Decimal(i) / 4, i) for i in numbers], pa.decimal128(12, 2)),
            "at": pa.array([maybe(i * 1_000_003, i) for i in numbers], pa.timestamp("us")),
            "day": pa.array([maybe(i, i) for i in numbers], pa.date32()),
            "raw": pa.array([maybe(bytes([i % 256]) * 3, i) for i in numbers], pa.binary(3)),
            "list": pa.array([maybe([i, None, 2], i) for i in numbers], pa.list_(pa.int32())),
            "vector": pa.array([[i, 0.5] for i in numbers], pa.list_(pa.float32(), 2)),
            "struct": pa.array([maybe({"a": i, "b": [f"{i}"]}, i) for i in numbers]),
            "map": pa.array([maybe([(f"{i}", i)], i) for i in numbers], pa.map_(pa.string(), pa.int64())),
        }
    )


def arrow_bytes(table, new_sink, **options):
    sink = pa.BufferOutputStream()
    with new_sink(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=80)
    return sink.getvalue().to_pybytes()


def csv_bytes(table):
    nested = ["raw", "list", "vector", "struct", "map"]
    sink = pa.BufferOutputStream()
    pa.csv.write_csv(table.drop_columns(nested), sink)
    return sink.getvalue().to_pybytes()


def json_bytes(table):
    lines = (json.dumps(row, default=str) + "\n" for row in table.drop_columns(["map"]).to_pylist())
    return "".join(lines).encode()


TYPES = all_types(200)
SOUND = {
    "in.parquet": parquet_bytes(TYPES, row_group_size=80),
    "plain.parquet": parquet_bytes(
        TYPES, row_group_size=80, use_dictionary=False, compression="none", data_page_version="2.0"
    ),
    "old.parquet": parquet_bytes(TYPES, use_deprecated_int96_timestamps=True, compression="zstd", store_schema=False),
    "in.arrow": arrow_bytes(TYPES, pa.ipc.new_file),
    "in.arrows": arrow_bytes(TYPES, pa.ipc.new_stream),
    "packed.arrow": arrow_bytes(TYPES, pa.ipc.new_file, compression="lz4"),
    "in.csv": csv_bytes(TYPES),
    "in.jsonl": json_bytes(TYPES),
    "in.csv.gz": gzip.compress(csv_bytes(TYPES), mtime=0),
}


def damage(content, chance):
    """Damage a file in one of the ways that disks, networks and people do."""
    content = bytearray(content)
    at = chance.randrange(len(content))
    match chance.randrange(6):
        case 0:
            return content[:at]
        case 1:
            del content[at : at + chance.randrange(1, 64)]
        case 2:
            content[at : at + 8] = chance.choice([b"\xff" * 8, bytes(8), b"\xff" * 7 + b"\x7f", b"\0\0\0\x80\0\0\0\0"])
        case 3:
            content[at:at] = content[at // 2 : at // 2 + chance.randrange(1, 200)]
        case _:
            # The metadata is small and at the end, and of the most interest.
            if chance.random() < 0.5:
                at = len(content) - 1 - chance.randrange(min(len(content), 4096))
            for _ in range(chance.randrange(1, 4)):
                content[(at + chance.randrange(16)) % len(content)] = chance.randrange(256)
    return content


def survives(lance, tmp_path, name, content):
    """Import a file: what comes out can be read, or the message names the file."""
    (tmp_path / name).write_bytes(content)
    out = tmp_path / "out.lance"
    result = lance.run("import", name, "out.lance", "--mode", "overwrite", "--report", "json", wrapper=LIMITED)
    assert result.returncode in (0, 1), (result.returncode, result.stderr)
    if result.returncode == 0:
        assert pylance.dataset(str(out)).to_table().num_rows == json.loads(result.stdout)["total"]["rows"]
        return True
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"lance: error: {name}: ") and len(last) < 800, last
    return False


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_file_of_all_types(lance, tmp_path, name):
    assert survives(lance, tmp_path, name, SOUND[name])


@pytest.mark.parametrize("name", SOUND)
def test_a_damaged_file_is_imported_or_named(lance, tmp_path, name):
    chance = random.Random(f"damage {name}")
    outcomes = set()
    for number in range(pick(60, 700)):
        content = bytes(damage(SOUND[name], chance))
        try:
            outcomes.add(survives(lance, tmp_path, name, content))
        except AssertionError as failure:
            raise AssertionError(f"damage number {number}: {failure}") from failure
    assert False in outcomes
