"""All TPC-H queries by `lance sql` have DuckDB's answers over Parquet of the same rows.

The queries' texts come from DuckDB's extension.
"""

import duckdb
import lance
import pyarrow.parquet as pq
import pytest

from conftest import LANCE, run
from duck import assert_same_answer, tpch_extension

SCALES = ["0.01", "0.1"]
QUERIES = range(1, 23)


@pytest.fixture(scope="module", params=SCALES)
def tables(request, tmp_path_factory):
    """A directory of datasets, and DuckDB over Parquet of the same rows."""
    directory = tmp_path_factory.mktemp(f"tpch{request.param}")
    run(LANCE, "tpch", "generate", "--scale", request.param, "--output", directory)
    connection = duckdb.connect()
    connection.execute(f"LOAD '{tpch_extension()}'")
    for dataset in directory.glob("*.lance"):
        file = dataset.with_suffix(".parquet")
        pq.write_table(lance.dataset(str(dataset)).to_table(), file)
        connection.execute(f"CREATE VIEW {dataset.stem} AS SELECT * FROM read_parquet('{file}')")
    yield directory, connection
    connection.close()


@pytest.mark.parametrize("number", QUERIES)
def test_query_has_the_answer_of_duckdb(tables, number):
    directory, connection = tables
    [text] = connection.execute("SELECT query FROM tpch_queries() WHERE query_nr = ?", [number]).fetchone()
    assert_same_answer(text, directory, connection)
