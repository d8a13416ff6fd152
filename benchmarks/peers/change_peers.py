#!/usr/bin/env python3
"""pylance and DuckDB in the comparison of changes; see change_peer.cpp, whose words it takes behind ENGINE."""

import os
import shutil
import sys
from pathlib import Path

from pylance_peer import load, report

FEW = "l_partkey < 2000"
KEY = ("l_orderkey", "l_linenumber")


def charge(batch):
    """The same as Charge() of change_peer.cpp."""
    import pyarrow as pa
    import pyarrow.compute as pc

    price, discount, tax = (
        batch[name].cast(pa.float64()) for name in ("l_extendedprice", "l_discount", "l_tax")
    )
    charges = pc.multiply(pc.multiply(price, pc.subtract(1.0, discount)), pc.add(1.0, tax))
    return pa.record_batch([charges], names=["charge"])


class Pylance:
    def __init__(self, source, dataset):
        import lance

        shutil.copytree(source, dataset, copy_function=os.link)
        self.dataset = lance.dataset(dataset)

    def delete(self):
        self.dataset.delete(FEW)

    def update(self):
        self.dataset.update({"l_quantity": "l_quantity + 1"}, where=FEW)

    def upsert(self, rows):
        self.dataset.merge_insert(list(KEY)).when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def compact(self):
        self.dataset.optimize.compact_files()

    def add_by_sql(self):
        self.dataset.add_columns({"price": "l_extendedprice * (1 - l_discount)"})

    def add_by_function(self):
        import lance
        import pyarrow as pa

        function = lance.batch_udf(output_schema=pa.schema([("charge", pa.float64())]))(charge)
        self.dataset.add_columns(function, read_columns=["l_extendedprice", "l_discount", "l_tax"])


class DuckDb:
    """What it changes is in its file at the end, as is that of the others."""

    def __init__(self, source, place):
        import duckdb

        Path(place).mkdir()
        file = shutil.copy(source, Path(place) / "lineitem.duckdb")
        self.connection = duckdb.connect(str(file))

    def run(self, *statements):
        for statement in (*statements, "CHECKPOINT"):
            self.connection.execute(statement)

    def delete(self):
        self.run(f"DELETE FROM lineitem WHERE {FEW}")

    def update(self):
        self.run(f"UPDATE lineitem SET l_quantity = l_quantity + 1 WHERE {FEW}")

    def upsert(self, rows):
        self.connection.register("source", rows)
        self.run(f"MERGE INTO lineitem USING source USING ({', '.join(KEY)}) WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT")

    def add_by_sql(self):
        self.run(
            "ALTER TABLE lineitem ADD COLUMN price DECIMAL(31, 4)",
            "UPDATE lineitem SET price = l_extendedprice * (1 - l_discount)",
        )


ENGINES = {"pylance": Pylance, "duckdb": DuckDb}


def main():
    engine, change, source, dataset, *rows = sys.argv[1:]
    given = [load(path) for path in rows]
    changed = ENGINES[engine](source, dataset)
    work = getattr(changed, change.replace("-", "_"))
    report(lambda: work(*given) or 0)


if __name__ == "__main__":
    main()
