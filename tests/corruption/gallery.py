"""Small datasets that hold every kind of file: data files of each format and encoding, and all that surrounds them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import lance as pylance
import pyarrow as pa
import pyarrow.feather

from conformance import columns

STORAGE_VERSIONS = ["2.0", "2.1", "2.2"]


@dataclass
class Exhibit:
    """A dataset, and filters and searches that use its indices, as read_everything takes them."""

    path: Path
    filters: tuple[str, ...] = ("id < 20",)

    @property
    def files(self):
        return sorted(path for path in self.path.rglob("*") if path.is_file())


def _encoded(name, array, **hints):
    metadata = {f"lance-encoding:{key.replace('_', '-')}": value for key, value in hints.items()}
    return pa.field(name, array.type, metadata=metadata), array


def _encodings(rows=3000):
    """Columns stored in ways that a few rows of a type do not show."""
    words = pa.array([f"https://example.com/{i * 7919 % 1000}/page" for i in range(rows)])
    reals = pa.array([i / 7 for i in range(rows)], pa.float32())
    vectors = pa.array([[(i + j) / 8 for j in range(8)] for i in range(rows)], pa.list_(pa.float32(), 8))
    fields = [
        _encoded("id", pa.array(range(rows), pa.int64())),
        _encoded("bit_packed", pa.array([i % 13 for i in range(rows)], pa.uint32())),
        _encoded("runs", pa.array([i // 500 for i in range(rows)], pa.int64()), rle_threshold="0.9"),
        _encoded("repeated", pa.array([f"category {i % 5}" for i in range(rows)]), dict_divisor="2"),
        _encoded("fsst", words, compression="fsst"),
        _encoded("zstd", words, compression="zstd"),
        _encoded("lz4", words, compression="lz4"),
        _encoded("split", reals, compression="zstd", bss="on"),
        _encoded("full_zip", words, structural_encoding="fullzip"),
        _encoded("vectors", vectors),
        _encoded("large", pa.array([bytes([i % 256]) * 3000 if i % 100 == 0 else b"" for i in range(rows)])),
        _encoded("lists", pa.array([[j if j % 3 else None for j in range(i % 9)] for i in range(rows)])),
    ]
    return pa.table([array for _, array in fields], schema=pa.schema([field for field, _ in fields]))


def _written_by_us(program, table, directory, storage_version):
    """A version of `table`, and another of it twice."""
    source = directory.with_name(f"{directory.name}.arrow")
    pyarrow.feather.write_feather(table, source, compression="uncompressed")
    for mode in ("create", "append"):
        command = [program, "import", source, directory, "--mode", mode]
        subprocess.run([*command, "--data-storage-version", storage_version], check=True, capture_output=True)
    return Exhibit(directory)


def _changed(directory):
    """A dataset with a history, deletions in both of their formats, and row ids that outlive a rewrite."""
    rows = range(12000)
    table = pa.table({"id": rows, "name": [f"n{i % 100}" for i in rows]})
    dataset = pylance.write_dataset(table, directory, max_rows_per_file=11500, enable_stable_row_ids=True)
    dataset.delete("id = 7")
    dataset.delete("id > 600 and id % 2 = 0")  # So many in a fragment that they become a bitmap.
    dataset.update({"name": "'updated'"}, where="id between 100 and 150")
    dataset.tags.create("tagged", 2)
    pylance.dataset(directory).create_branch("branched")
    return Exhibit(directory, ("id < 20", "name = 'updated'"))


def _indexed(directory):
    """A dataset with an index of every kind that pylance has a name for."""
    rows = range(1000)
    table = pa.table(
        {
            "id": rows,
            "kind": [f"kind {i % 4}" for i in rows],
            "tags": [[f"t{i % 3}", f"t{i % 5}"] for i in rows],
            "text": [f"the words of row {i} and {i % 10}" for i in rows],
            "zone": pa.array(rows, pa.int32()),
            "bloom": [f"b{i}" for i in rows],
            "vector": pa.array([[(i * j % 17) / 4 for j in range(8)] for i in rows], pa.list_(pa.float32(), 8)),
        }
    )
    dataset = pylance.write_dataset(table, directory)
    kinds = {
        "id": "BTREE", "kind": "BITMAP", "tags": "LABEL_LIST", "text": "NGRAM",
        "zone": "ZONEMAP", "bloom": "BLOOMFILTER",
    }  # fmt: skip
    for column, kind in kinds.items():
        dataset.create_scalar_index(column, kind)
    dataset.create_scalar_index("text", "INVERTED", name="words", replace=False, with_position=True)
    dataset.create_index("vector", "IVF_PQ", num_partitions=2, num_sub_vectors=2)
    filters = (
        "id = 5", "kind = 'kind 2'", "array_has_any(tags, ['t1'])", "contains(text, 'words')",
        "zone > 900", "bloom = 'b77'", "words=text", "near=vector",
    )  # fmt: skip
    return Exhibit(directory, filters)


def _searched(program, directory):
    """A dataset with the other kinds of indices, made by us."""
    rows = range(1000)
    point = pa.struct([("x", pa.float64()), ("y", pa.float64())])
    kinds = ["ivf_flat", "ivf_sq", "ivf_pq", "ivf_rq", "ivf_hnsw_flat", "ivf_hnsw_sq", "ivf_hnsw_pq"]
    vectors = pa.array([[((i + 1) * (j + 3) % 19) / 4 for j in range(8)] for i in rows], pa.list_(pa.float32(), 8))
    texts = [f"the words of row {i} and {i % 10}" for i in rows]
    columns = {
        pa.field("id", pa.int64()): pa.array(rows),
        pa.field("words", pa.string()): texts,
        pa.field("parts", pa.string()): texts,
        pa.field("shingles", pa.string()): texts,
        pa.field("doc", pa.json_()): pa.ExtensionArray.from_storage(pa.json_(), pa.array([f'{{"n": {i % 7}}}' for i in rows])),
        pa.field("point", point, metadata={"ARROW:extension:name": "geoarrow.point"}): [{"x": i, "y": -i} for i in rows],
        **{pa.field(kind, vectors.type): vectors for kind in kinds},
    }
    arrays = [pa.array(values, field.type) if isinstance(values, list) else values for field, values in columns.items()]
    pylance.write_dataset(pa.table(arrays, schema=pa.schema([*columns])), directory, data_storage_version="2.2")
    few = ["--param", "num_partitions=2"]
    indices = {
        "words": ["inverted", "--param", "with_position=true"],
        "parts": ["fm"],
        "shingles": ["minhash"],
        "doc": ["json", "--param", "path=n"],
        "point": ["rtree"],
        **{kind: [kind, *few] for kind in kinds},
        "ivf_pq": ["ivf_pq", *few, "--param", "num_sub_vectors=2"],
        "ivf_hnsw_pq": ["ivf_hnsw_pq", *few, "--param", "num_sub_vectors=2"],
    }
    for column, words in indices.items():
        subprocess.run([program, "index", "create", directory, column, "--type", *words], check=True)
    filters = (
        "contains(parts, 'row 7')",
        "json_get_int(doc, 'n') = 3",
        "st_intersects(point, st_geomfromtext('POLYGON((0 0, 50 0, 50 -50, 0 -50, 0 0))'))",
        "words=words",
        "similar=shingles",
        *(f"near={kind}" for kind in kinds),
    )
    return Exhibit(directory, filters)


def build(program, directory):
    """All exhibits, written by `program` and by pylance."""
    exhibits = [
        _changed(directory / "changed"),
        _indexed(directory / "indexed"),
        _searched(program, directory / "searched"),
    ]
    for version in STORAGE_VERSIONS:
        table = columns.table(version, nulls=True, rows=200)
        exhibits.append(_written_by_us(program, table, directory / f"types-{version}", version))
    for version in ("2.1", "2.2"):
        exhibits.append(_written_by_us(program, _encodings(), directory / f"encodings-{version}", version))
    return exhibits
