"""Help, versions, and mistakes on the command line."""

import pytest
import re

COMMANDS = [
    ["tpch"],
    ["tpch", "generate"],
    ["tpcds"],
    ["tpcds", "generate"],
    ["import"],
    ["info"],
    ["schema"],
    ["tables"],
    ["tables", "list"],
    ["tables", "describe"],
    ["tables", "create"],
    ["tables", "drop"],
    ["head"],
    ["count"],
    ["query"],
    ["sql"],
    ["take"],
    ["search"],
    ["versions"],
    ["fragments"],
    ["index"],
    ["index", "create"],
    ["index", "list"],
    ["index", "stats"],
    ["index", "optimize"],
    ["index", "prewarm"],
    ["index", "drop"],
    ["fsck"],
    ["cleanup"],
]

GROUPS = [["tpch"], ["tpcds"], ["tables"], ["index"]]


def test_without_arguments_it_prints_help(lance):
    text = lance()
    assert text == lance("--help")
    for command in COMMANDS:
        assert re.search(rf"^  {command[0]} ", text, re.MULTILINE), command
    assert "Examples:" in text


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(lance, command):
    text = lance(*command, "--help")
    assert f"Usage: lance {' '.join(command)}" in text
    assert command in GROUPS or "Examples:\n  lance " in text


def test_version_names_all_versions(lance):
    assert re.fullmatch(r"lance-cpp \d+\.\d+\.\d+ \(Lance 14\.0\.2, Arrow C\+\+ \d+\.\d+\.\d+\)\n", lance("--version"))


@pytest.mark.parametrize(
    "args,message",
    [
        (["imprt"], 'unknown command "imprt"; did you mean "import"?'),
        (["nothing"], 'unknown command "nothing"; there are tpch, tpcds, import, info,'),
        (["tpch", "generat"], 'unknown command "generat"; did you mean "generate"?'),
        (["tpch"], "see `lance tpch --help`"),
        (["tpch", "generate"], "--output is required; see `lance tpch generate --help`"),
        (["info"], "DATASET is required; see `lance info --help`"),
        (["info", "a", "b"], "not expected: b"),
        (["info", "a", "--bogus"], "not expected: --bogus"),
        (["info", "a", "--format", "xml"], "--format: xml not in {json,table}"),
        (["info", "a", "--at-version", "x"], "--at-version"),
        (["info", "a", "--at-version", "-1"], "--at-version"),
        (["info", "a", "--tag", "t", "--at-version", "1"], "--at-version"),
        (["info", "a", "--storage-option", "novalue"], "KEY=VALUE"),
        (["take", "a"], "one of --rows, --row-id, --address, --range and --sample is required"),
        (["take", "a", "--rows", "1", "--sample", "1"], "give only one of --rows, --row-id, --address, --range and --sample"),
        (["take", "a", "--seed", "1"], "--seed requires --sample"),
        (["take", "a", "--sample", "-1"], "--sample: -1 is not a number of 0 or more"),
        (["take", "a", "--range", "1..x"], "--range: 1..x is no range; one looks like 10..20"),
        (["take", "a", "--range", "0..2,3"], "--range: 3 is no range"),
        (["take", "a", "--range", "5..4"], "--range: 5..4 is no range"),
        (["take", "a", "--range", "0..18446744073709551616"], "--range: 0..18446744073709551616 is no range"),
        (["take", "a", "--address", "x"], "--address"),
        (["take", "a", "--rows", "1,x"], "--rows"),
        (["take", "a", "--rows", "1,-1"], "--rows: -1 is not a number of 0 or more"),
        (["query", "a", "--limit", "-3"], "--limit: -3 is not a number of 0 or more"),
        (["head", "a", "-n", "1.5"], "--rows = 1.5"),
        (["search", "a"], "one of --like, --vector and --text is required"),
        (["search", "a", "--like", "1", "--vector", "[1]"], "--like: it does not go with --vector"),
        (["search", "a", "--like", "1", "--phrase"], "--phrase requires --text"),
        (["search", "a", "--text", "b", "--phrase", "--fuzzy", "1"], "--phrase"),
        (["search", "a", "--text", "b", "--fuzzy", "17"], "--fuzzy"),
        (["search", "a", "--text", "b", "--column", "c", "--text-column", "c"], "--text-column: "),
        (["search", "a", "--text", "b", "--like", "1", "--explain"], "--text: two searches have no plan in common"),
        (["search", "a", "--like", "1", "-k", "0"], "-k: 0 is not a number of 1 or more"),
        (["search", "a", "--like", "1", "--metric", "manhattan"], "--metric: manhattan not in {cosine,dot,hamming,l2}"),
        (["search", "a", "--like", "1", "--nprobes", "0"], "--nprobes: 0 is not a number of 1 or more"),
        (["search", "a", "--like", "1", "--effort", "1.5"], "--effort"),
        (["search", "a", "--like", "1", "--postfilter"], "--postfilter requires --filter"),
        (["search", "a", "--like", "1", "--fast", "--no-index"], "--no-index"),
        (["sql"], "QUERY: give a query, - for standard input, or --file"),
        (["sql", "select 1", "-f", "a"], "QUERY: give a query"),
        (["sql", "select 1", "--format", "xml"], "--format: xml not in {arrow,csv,json,parquet,table}"),
        (["sql", "select $a", "--param", "a"], "--param: a parameter must look like NAME=VALUE"),
        (["sql", "select 1", "--limit", "-1"], "--limit: -1 is not a number of 0 or more"),
        (["sql", "select 1", "--explain", "--analyze"], "--analyze"),
        (["sql", "select 1", "--memory", "x"], "--memory"),
        (["sql", "select 1", "--jobs", "0"], "--jobs"),
        (["import"], "PATHS"),
        (["import", "a"], "name at least one input, then the dataset"),
        (["import", "a", "b", "--batch-rows", "0"], "--batch-rows: 0 is not a number of 1 or more"),
        (["import", "a", "b", "--delimiter", "ab"], "--delimiter"),
        (["import", "a", "b", "--jobs", "0"], "--jobs"),
        (["import", "a", "b", "--mode", "replace"], "--mode: replace not in {append,create,overwrite}"),
        (["import", "a", "b", "--profile", "fast"], "fast not in {engine,read,size}"),
        (["import", "a", "b", "--data-storage-version", "9.9"], "9.9 not in {2.0,2.1,2.2,2.3,stable,next}"),
        (["info", "a", "--storage-option", "=value"], "KEY=VALUE"),
        (["info", "a", "--namespace", "elsewhere"], "dir:PATH or rest:URL"),
        (["info", "a", "--namespace", "s3:bucket"], "dir:PATH or rest:URL"),
        (["info", "a", "--property", "a=b"], "--property requires --namespace"),
        (["info", "a", "--namespace", "dir:x", "--property", "novalue"], "KEY=VALUE"),
        (["tables"], "see `lance tables --help`"),
        (["tables", "list"], "--namespace is required"),
        (["tables", "drop", "--namespace", "dir:x"], "TABLE is required"),
        (["index"], "see `lance index --help`"),
        (["index", "create", "a"], "COLUMN is required"),
        (["index", "create", "a", "b"], "--type is required"),
        (["index", "create", "a", "b", "--type", "ivf_pg"], 'unknown kind of index "ivf_pg"; did you mean "ivf_pq"?'),
        (["index", "create", "a", "b", "--type", "btree", "--param", "x"], "KEY=VALUE"),
        (["index", "drop", "a"], "NAME is required"),
        (["index", "optimize", "a", "--merge", "-1"], "--merge: -1 is not a number of 0 or more"),
        (["cleanup", "a", "--older-than", "-5d"], "--older-than"),
        (["cleanup", "a", "--older-than", "5"], "--older-than"),
        (["cleanup", "a", "--older-than", "5 parsecs"], "--older-than"),
        (["cleanup", "a", "--keep", "0"], "--keep: 0 is not a number of 1 or more"),
        (["cleanup", "a", "--no-writers-active", "--orphans-older-than", "1d"], "--orphans-older-than"),
        (["fsck", "a", "--at-version", "0"], "--at-version: 0 is not a number of 1 or more"),
        (["query", "a", "--limit", "99999999999999999999"], "--limit: 99999999999999999999 is too large"),
        (["take", "a", "--rows", "1,18446744073709551616"], "--rows: 18446744073709551616 is too large"),
        (["info", "a", "--at-version", "99999999999999999999"], "--at-version: 99999999999999999999 is too large"),
        (["import", "a", "b", "--batch-rows", "4294967296"], "--batch-rows = 4294967296"),
        (["tpch", "generate", "--output", "o", "--scale", "big"], "--scale"),
        (["tpch", "generate", "--output", "o", "--scale", "-1"], "scale factor -1 is not in 0.001..100000"),
        (["tpch", "generate", "--output", "o", "--scale", "0"], "scale factor 0 is not in 0.001..100000"),
        (["tpch", "generate", "--output", "o", "--scale", "1e9"], "scale factor 1000000000 is not in"),
        (["tpch", "generate", "--output", "o", "--scale", "nan"], "scale factor NaN is not in"),
        (["tpch", "generate", "--output", "o", "--tables", "regoin"], 'unknown table "regoin"; did you mean "region"?'),
        (["tpch", "generate", "--output", "o", "--tables", "nothing"], 'unknown table "nothing"; there are nation, '),
        (["tpcds", "generate", "--output", "o", "--tables", "item,item"], 'table "item" is named twice'),
        (["tpch", "generate", "--output", "o", "--parts", "2"], "--parts requires --part"),
        (["tpch", "generate", "--output", "o", "--part", "2"], "--part requires --parts"),
        (["tpch", "generate", "--output", "o", "--parts", "2", "--part", "3"], "there is no part 3 of 2"),
        (["tpch", "generate", "--output", "o", "--id", "job"], "--id requires --uncommitted"),
        (["tpch", "generate", "--discard", "--uncommitted"], "--discard excludes --uncommitted"),
        (["import", "a", "b", "--id", "job"], "--id requires --uncommitted"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_explained(lance, unchanged, args, message):
    unchanged.watch()
    assert message in lance.fails(*args, code=2)
