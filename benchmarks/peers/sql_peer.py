#!/usr/bin/env python3
"""DataFusion and DuckDB in the comparison: all queries of a directory over files of Parquet, and as JSON how long these
took. See lance_cpp_peer.cpp."""

import argparse
from pathlib import Path

from pylance_peer import report


def datafusion(files):
    import datafusion

    context = datafusion.SessionContext()
    for file in files:
        context.register_parquet(file.stem, str(file))
    return lambda text: sum(batch.num_rows for batch in context.sql(text).collect())


def duckdb(files):
    import duckdb

    connection = duckdb.connect()
    for file in files:
        connection.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM read_parquet('{file}')")
    return lambda text: connection.execute(text).arrow().read_all().num_rows


ENGINES = {"datafusion": datafusion, "duckdb": duckdb}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("tables", type=Path)
    parser.add_argument("queries", type=Path)
    arguments = parser.parse_args()
    run = ENGINES[arguments.engine](sorted(arguments.tables.glob("*.parquet")))
    texts = [file.read_text() for file in sorted(arguments.queries.glob("*.sql"))]
    report(lambda: sum(run(text) for text in texts))


if __name__ == "__main__":
    main()
