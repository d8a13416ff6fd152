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
    """A dataset, and filters whose evaluation uses its indices."""

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
    """A dataset with an index of every kind."""
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
    dataset.create_scalar_index("text", "INVERTED", name="words", replace=False)
    dataset.create_index("vector", "IVF_PQ", num_partitions=2, num_sub_vectors=2)
    filters = (
        "id = 5", "kind = 'kind 2'", "array_has_any(tags, ['t1'])", "contains(text, 'words')",
        "zone > 900", "bloom = 'b77'",
    )  # fmt: skip
    return Exhibit(directory, filters)


def build(program, directory):
    """All exhibits, written by `program` and by pylance."""
    exhibits = [_changed(directory / "changed"), _indexed(directory / "indexed")]
    for version in STORAGE_VERSIONS:
        table = columns.table(version, nulls=True, rows=200)
        exhibits.append(_written_by_us(program, table, directory / f"types-{version}", version))
    for version in ("2.1", "2.2"):
        exhibits.append(_written_by_us(program, _encodings(), directory / f"encodings-{version}", version))
    return exhibits
