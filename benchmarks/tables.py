"""The tables that the contests write and read, made once and kept in build/bench."""

import multiprocessing
import subprocess
import sys
from pathlib import Path

from contest import remove

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build/bench"
LANCE = ROOT / "build/release/bin/lance"
TPCHGEN = ROOT / ".venv/bin/tpchgen-cli"

BATCH_ROWS = 8192


def keep(path, maker):
    """`path`, made by `maker` unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # In a process of its own: what this one has had in memory counts as the peak of all that it starts.
        process = multiprocessing.get_context("fork").Process(target=maker, args=(path,))
        process.start()
        process.join()
        if process.exitcode:
            remove(path)
            sys.exit(f"cannot make {path}")
    return path


def lineitem_dataset(scale=1):
    """Lineitem as a Lance dataset."""

    def make(path):
        words = ["tpch", "generate", "--scale", scale, "--tables", "lineitem", "--output", path.parent]
        subprocess.run([LANCE, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    return keep(PLACE / f"sf{scale}/lineitem.lance", make)


def lineitem_parquet(scale=1):
    def make(path):
        words = ["parquet", "--scale-factor", scale, "--tables", "lineitem", "--output-dir", path.parent]
        subprocess.run([TPCHGEN, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    return keep(PLACE / f"sf{scale}/lineitem.parquet", make)


def write_arrow(path, batches, schema):
    import pyarrow as pa

    # A dataset of ours has encoding hints in its fields, which would make all contenders encode like us.
    schema = pa.schema([pa.field(field.name, field.type, field.nullable) for field in schema])
    # What is decompressed has buffers of its own, aligned as each contender needs them.
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))


def lineitem_arrow(scale=1):
    """Lineitem as an Arrow IPC file."""

    def make(path):
        import lance

        dataset = lance.dataset(str(lineitem_dataset(scale)))
        write_arrow(path, dataset.to_batches(batch_size=BATCH_ROWS), dataset.schema)

    return keep(PLACE / f"sf{scale}/lineitem.arrow", make)


def lineitem_head(rows):
    """The first rows of lineitem as an Arrow IPC file."""

    def make(path):
        import pyarrow as pa

        with pa.OSFile(str(lineitem_arrow())) as file:
            table = pa.ipc.open_file(file).read_all().slice(0, rows)
        write_arrow(path, table.to_batches(max_chunksize=BATCH_ROWS), table.schema)

    return keep(PLACE / f"lineitem_{rows}.arrow", make)


TPCH_TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")


def _with_views(schema):
    """The schema with string views for strings."""
    import pyarrow as pa

    types = [pa.string_view() if pa.types.is_string(field.type) else field.type for field in schema]
    return pa.schema([field.with_type(type_) for field, type_ in zip(schema, types)])


def tpch_datasets():
    """All tables of TPC-H SF 1 as datasets of a directory."""

    def make(path):
        words = ["tpch", "generate", "--scale", 1, "--output", path]
        subprocess.run([LANCE, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    return keep(PLACE / "tpch", make)


def tpch_parquets():
    """The same tables as files of Parquet in a directory."""

    def make(path):
        words = ["parquet", "--scale-factor", "1", "--output-dir", path]
        subprocess.run([TPCHGEN, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    return keep(PLACE / "tpch_parquet", make)


def tpch_queries():
    """The 22 queries as files 01.sql to 22.sql of a directory, as DuckDB's extension has them."""

    def make(path):
        import duckdb
        import duckdb_extension_tpch

        place = Path(duckdb_extension_tpch.__file__).parent
        extension = next(place.glob("extensions/*/tpch.duckdb_extension"))
        with duckdb.connect() as connection:
            connection.execute(f"LOAD '{extension}'")
            queries = connection.execute("SELECT query_nr, query FROM tpch_queries()").fetchall()
        path.mkdir()
        for number, text in queries:
            (path / f"{number:02}.sql").write_text(text)

    return keep(PLACE / "tpch_queries", make)


def tpch_arrows():
    """All tables of TPC-H SF 1 as Arrow IPC files, of the types that the generator makes."""

    def make(path):
        import lance

        dataset = lance.dataset(str(tpch_datasets() / f"{path.stem}.lance"))
        schema = _with_views(dataset.schema)
        batches = (batch.cast(schema) for batch in dataset.to_batches(batch_size=BATCH_ROWS))
        write_arrow(path, batches, schema)

    return [keep(PLACE / "tpch_arrow" / f"{name}.arrow", make) for name in TPCH_TABLES]


def _made_arrow(name, columns):
    def make(path):
        import pyarrow as pa

        table = pa.table(columns())
        write_arrow(path, table.to_batches(max_chunksize=BATCH_ROWS), table.schema)

    return keep(PLACE / f"{name}.arrow", make)


def integers_arrow(count, rows):
    """So many columns of integers below a million."""

    def columns():
        import numpy as np

        draw = np.random.default_rng(1)
        return {f"c{i}": draw.integers(0, 1_000_000, rows, dtype=np.int64) for i in range(count)}

    return _made_arrow(f"integers_{count}_{rows}", columns)


def vectors_arrow():
    """200,000 vectors of 768 float32."""

    def columns():
        import numpy as np
        import pyarrow as pa

        values = np.random.default_rng(1).random(200_000 * 768, dtype=np.float32)
        return {
            "id": pa.array(range(200_000), pa.int64()),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(values), 768),
        }

    return _made_arrow("vectors", columns)


def strings_arrow():
    """200,000 strings of about 2,000 letters."""

    def columns():
        import random

        draw = random.Random(1)
        words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 12))) for _ in range(5000)]
        return {"id": range(200_000), "text": [" ".join(draw.choices(words, k=250)) for _ in range(200_000)]}

    return _made_arrow("strings", columns)


def blobs_arrow():
    """500 values of 1 MB that do not compress, in one batch."""

    def columns():
        import random

        draw = random.Random(1)
        return {"id": range(500), "blob": [draw.randbytes(1_000_000) for _ in range(500)]}

    return _made_arrow("blobs", columns)


def many_versions(count):
    """A dataset of so many versions, and as many fragments."""

    def make(path):
        import lance
        import pyarrow as pa

        for i in range(count):
            lance.write_dataset(pa.table({"id": [i]}), str(path), mode="append" if i else "create")

    return keep(PLACE / f"versions_{count}.lance", make)


def indexed_lineitem(kind, column):
    """Lineitem with an index of this kind on a column."""

    def make(path):
        import shutil

        import lance

        shutil.copytree(lineitem_dataset(), path)
        parameters = {"with_position": True} if kind == "INVERTED" else {}
        lance.dataset(str(path)).create_scalar_index(column, kind, **parameters)

    return keep(PLACE / f"lineitem_{column}_{kind.lower()}.lance", make)


def lineitem_texts():
    """Lineitem with an index of the words of its comments, as this library builds one."""

    def make(path):
        import shutil

        shutil.copytree(lineitem_dataset(), path)
        words = ["index", "create", path, "l_comment", "--type", "inverted", "--param", "with_position=true"]
        subprocess.run([LANCE, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    return keep(PLACE / "lineitem_texts.lance", make)


def lineitem_duckdb(indexed=None):
    """Lineitem as a DuckDB file, perhaps with an index on a column."""

    def make(path):
        import duckdb

        with duckdb.connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE lineitem AS SELECT * FROM '{lineitem_parquet()}'")
            if indexed:
                connection.execute(f"CREATE INDEX keys ON lineitem ({indexed})")

    return keep(PLACE / f"lineitem{'_' + indexed if indexed else ''}.duckdb", make)


def lineitem_fragments(count):
    """Lineitem in so many fragments."""

    def make(path):
        import lance

        dataset = lance.dataset(str(lineitem_dataset()))
        rows = -(-dataset.count_rows() // count)
        lance.write_dataset(dataset.scanner().to_reader(), str(path), max_rows_per_file=rows, max_rows_per_group=rows)

    return keep(PLACE / f"lineitem_{count}_fragments.lance", make)


def upserted_rows():
    """60,000 rows of lineitem as an Arrow IPC file: every other one with keys that it has not."""

    def make(path):
        import lance
        import pyarrow as pa
        import pyarrow.compute as pc

        dataset = lance.dataset(str(lineitem_dataset()))
        table = dataset.take(range(0, dataset.count_rows(), 100)).slice(0, 60_000)
        is_new = pa.array([i % 2 == 1 for i in range(table.num_rows)])
        keys = table["l_orderkey"]
        keys = pc.if_else(is_new, pc.add(keys, 100_000_000), keys).cast(keys.type)
        table = table.set_column(0, table.schema.field("l_orderkey"), keys)
        write_arrow(path, table.to_batches(max_chunksize=BATCH_ROWS), table.schema)

    return keep(PLACE / "upserted_rows.arrow", make)


def lineitem_tantivy():
    """The comments of lineitem as an index of tantivy."""

    def make(path):
        import lance
        import tantivy

        path.mkdir()
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("row", stored=True)
        builder.add_text_field("l_comment")
        index = tantivy.Index(builder.build(), path=str(path))
        writer = index.writer(heap_size=512 << 20)
        row = 0
        for batch in lance.dataset(str(lineitem_dataset())).to_batches(columns=["l_comment"]):
            for text in batch["l_comment"].to_pylist():
                writer.add_document(tantivy.Document(row=row, l_comment=text))
                row += 1
        writer.commit()
        writer.wait_merging_threads()

    return keep(PLACE / "lineitem.tantivy", make)
