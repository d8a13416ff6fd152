"""Spark reads what we wrote, and we read its table. Run by `make test-spark`."""

import json

import lance
import pytest
from conftest import LANCE, PROJECT, run
from pyspark.sql import SparkSession

JARS = PROJECT / "build/distributed/spark/ivy/jars"


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    warehouse = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", ",".join(str(jar) for jar in sorted(JARS.glob("*.jar"))))
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.catalog.tables", "org.lance.spark.LanceNamespaceSparkCatalog")
        .config("spark.sql.catalog.tables.impl", "dir")
        .config("spark.sql.catalog.tables.root", str(warehouse))
        .config("spark.sql.warehouse.dir", str(warehouse / "spark-warehouse"))
        .getOrCreate()
    )
    session.warehouse = warehouse
    yield session
    session.stop()


def rows_of(frame, key):
    return [tuple(row) for row in frame.orderBy(*key).collect()]


@pytest.mark.parametrize("table,key", [("orders", ["o_orderkey"]), ("lineitem", ["l_orderkey", "l_linenumber"])])
def test_spark_reads_what_we_wrote(spark, table, key):
    run(LANCE, "tpch", "generate", "--scale", 0.01, "--tables", table, "--output", spark.warehouse)
    found = spark.table(f"tables.{table}")
    expected = lance.dataset(spark.warehouse / f"{table}.lance").to_table().sort_by([(name, "ascending") for name in key])
    assert found.columns == expected.column_names
    assert rows_of(found, key) == [tuple(row.values()) for row in expected.to_pylist()]
    # Parts that several workers have made are no different.
    commit_parts(spark.warehouse, table)
    assert spark.table(f"tables.parts_{table}").count() == expected.num_rows


def commit_parts(directory, table):
    """The same table, written in three parts and committed once."""
    place = directory / "parts"
    files = []
    for part in (1, 2, 3):
        options = ["--scale", 0.01, "--tables", table, "--output", place, "--parts", 3, "--part", part]
        files.append(directory / f"{table}{part}.json")
        files[-1].write_text(run(LANCE, "tpch", "generate", *options, "--uncommitted", "--id", "job"))
    run(LANCE, "commit", place / f"{table}.lance", *files)
    (place / f"{table}.lance").rename(directory / f"parts_{table}.lance")


def test_we_read_its_table(spark, tmp_path):
    spark.sql("create table tables.made (id bigint not null, name string, price double)")
    spark.sql("insert into tables.made values (1, 'one', 0.5), (2, null, 2.0), (3, 'drei', null)")
    spark.sql("insert into tables.made select id + 10, concat(name, '!'), price from tables.made")
    (made,) = spark.warehouse.glob("made*.lance")
    assert run(LANCE, "count", made).strip() == "6"
    lines = run(LANCE, "sql", "select * from made order by id", "--data", f"made={made}", "--format", "json").splitlines()
    rows = [tuple(json.loads(line).values()) for line in lines]
    first = [(1, "one", 0.5), (2, None, 2.0), (3, "drei", None)]
    assert rows == [*first, (11, "one!", 0.5), (12, None, 2.0), (13, "drei!", None)]
    # And add to it.
    more = tmp_path / "more.csv"
    more.write_text("id,name,price\n20,zwanzig,20\n")
    run(LANCE, "import", more, made, "--mode", "append")
    assert spark.sql("select sum(id) from tables.made").collect()[0][0] == 1 + 2 + 3 + 11 + 12 + 13 + 20
