#!/usr/bin/env python3
"""Compare lance-cpp with pylance, the bare crate and Parquet, and write docs/benchmarks.md.

Every contender does the same work on this machine, in turn with the others; figures are medians over the rounds, and
ratios are medians of the ratios within a round. With names of contests only their sections are written anew. With
--check nothing is written, and a missed bar is a failure.
"""

import argparse
import dataclasses
import os
import platform
import sys
import time

import boundary
import tables
import vectors
from contest import Bar, Contender, Contest, hold

ROOT = tables.ROOT
PAGE = ROOT / "docs/benchmarks.md"
PEERS = ROOT / "build/release/benchmarks"
CORES = os.cpu_count()
OUTPUT = tables.PLACE / "output.lance"
OUTPUTS = tables.PLACE / "outputs"

BEST = {"LANCE_CPU_THREADS": str(CORES)}
# Our programs are linked with tcmalloc; what is loaded before it wins.
LIBC = {"LD_PRELOAD": "libc.so.6"}


def ours(*words, name="lance-cpp", environment=None):
    return Contender(name, (PEERS / "lance_cpp_peer", *words), environment or {})


def both_ours(*words):
    """With the allocator we advise, and with that of glibc."""
    return ours(*words), ours(*words, name="lance-cpp, glibc's malloc", environment=LIBC)


def program(*words, name="lance-cpp"):
    return Contender(name, (tables.LANCE, *words), is_timed_whole=True)


def bare(*words, name="bare crate"):
    return Contender(name, (PEERS / "bare_peer", *words), BEST)


def pylance(*words, name="pylance", environment=None):
    peer = ROOT / "benchmarks/peers/pylance_peer.py"
    return Contender(name, (sys.executable, peer, *words), environment or {})


def both_pylances(*words):
    """As it comes, and at its best setting."""
    return pylance(*words), pylance(*words, name="pylance, best", environment=BEST)


def write_contests(scale):
    table = tables.lineitem_arrow(scale)
    yield Contest(
        f"write lineitem SF {scale}, two producers",
        (
            ours("write", table, OUTPUT, "--lanes", "2"),
            *both_pylances("write", table, OUTPUT),
            bare("write", table, OUTPUT, 24 << 20, 2, name="bare crate, two streams"),
            pylance("write-parquet", table, OUTPUT, name="Parquet"),
        ),
        (Bar("pylance", 1.55), Bar("pylance, best", 1.35), Bar("Parquet", 2.0)),
        OUTPUT,
    )
    if scale > 1:
        return
    yield Contest(
        f"write lineitem SF {scale}, one producer",
        (
            ours("write", table, OUTPUT),
            *both_pylances("write", table, OUTPUT),
            bare("write", table, OUTPUT, 24 << 20, 1),
        ),
        (Bar("pylance", 1.2), Bar("pylance, best", 1.0), Bar("bare crate", 0.98)),
        OUTPUT,
    )


def shape_contests():
    shapes = {
        "write 2,000 columns": tables.integers_arrow(2000, 50_000),
        "write vectors of 768 float32": tables.vectors_arrow(),
        "write long strings": tables.strings_arrow(),
        "write values of 1 MB": tables.blobs_arrow(),
    }
    for title, table in shapes.items():
        contenders = (ours("write", table, OUTPUT, "--lanes", "2"), *both_pylances("write", table, OUTPUT))
        yield Contest(title, contenders, (Bar("pylance", 1.0), Bar("pylance, best", 1.0)), OUTPUT)
    small = ("--batch-rows", "100")
    table = tables.lineitem_arrow()
    contenders = (ours("write", table, OUTPUT, *small), *both_pylances("write", table, OUTPUT, *small))
    yield Contest("write lineitem SF 1 in batches of 100 rows", contenders, (Bar("pylance", 3.0),), OUTPUT)


def generate_contests():
    parquet = ("parquet", "--scale-factor", "1", "--output-dir", OUTPUTS)
    one_by_one = (ROOT / "benchmarks/peers/one_by_one.py", tables.LANCE, PEERS / "lance_cpp_peer", OUTPUTS)
    yield Contest(
        "generate and write TPC-H SF 1, all tables",
        (
            program("tpch", "generate", "--scale", "1", "--output", OUTPUTS),
            Contender("tpchgen-cli, Parquet", (tables.TPCHGEN, *parquet), is_timed_whole=True),
            pylance("generate-tpch", tables.TPCHGEN, OUTPUTS, name="tpchgen-cli, then pylance"),
            Contender("one thread, then one", (sys.executable, *one_by_one, *tables.tpch_arrows())),
        ),
        (
            Bar("tpchgen-cli, Parquet", 1.0),
            Bar("tpchgen-cli, then pylance", 2.0),
            Bar("one thread, then one", 1.7),
        ),
        OUTPUTS,
        "*One thread, then one*: `lance tpch generate --discard --jobs 1`, and then the same tables from memory "
        "through one lane, all on one core.",
    )
    store_sales = ("tpcds", "generate", "--scale", "5", "--tables", "store_sales")
    yield Contest(
        "generate and write TPC-DS store_sales SF 5 (14.4 million rows)",
        (
            program(*store_sales, "--output", OUTPUTS),
            program(*store_sales, "--discard", name="generation alone"),
        ),
        (),
        OUTPUTS,
    )


def import_contests():
    parquet = tables.lineitem_parquet()
    yield Contest(
        "import lineitem SF 1 from Parquet",
        (program("import", parquet, OUTPUT), *both_pylances("import-parquet", parquet, OUTPUT)),
        (Bar("pylance", 1.3),),
        OUTPUT,
    )


def scan_contests():
    dataset = tables.lineitem_dataset()
    columns = ("--columns", "l_orderkey,l_extendedprice,l_discount")
    few = ("--filter", "l_partkey < 200")
    some = ("--filter", "l_partkey < 20000")
    scans = {
        "scan all of lineitem SF 1": ("scan", dataset),
        "scan three columns": ("scan", dataset, *columns),
        "scan 0.1 % by a filter": ("scan", dataset, *few),
        "scan 10 % by a filter": ("scan", dataset, *some),
        "count 10 % by a filter": ("count", dataset, *some),
    }
    bars = (Bar("pylance", 1.5), Bar("pylance, best", 1.1))
    for title, words in scans.items():
        contenders = [*both_ours(*words), *both_pylances(*words)]
        if "--columns" not in words:
            filter_words = [word for word in words if word != "--filter"]
            contenders.append(bare(*filter_words))
        yield Contest(title, tuple(contenders), bars)


def split_contests():
    dataset = tables.lineitem_dataset()
    for title, columns in (
        ("scan all of lineitem SF 1 by two splits", ()),
        ("scan three columns by two splits", ("--columns", "l_orderkey,l_extendedprice,l_discount")),
    ):
        words = ("scan", dataset, *columns)
        yield Contest(
            title,
            (ours(*words, "--splits", "2", name="two splits, a thread each"), ours(*words, name="one scan")),
            (Bar("one scan", 1.0),),
        )


def sql_contests():
    parquet, queries = tables.tpch_parquets(), tables.tpch_queries()

    def other(engine, name):
        peer = ROOT / "benchmarks/peers/sql_peer.py"
        return Contender(name, (sys.executable, peer, engine, parquet, queries))

    yield Contest(
        "the 22 queries of TPC-H SF 1, in one process",
        (
            ours("sql", tables.tpch_datasets(), queries),
            other("datafusion", "DataFusion, Parquet"),
            other("duckdb", "DuckDB, Parquet"),
        ),
        (Bar("DataFusion, Parquet", 1.0),),
        remark="Each query is planned and run once; opening the tables, and starting, are not counted.",
    )


def take_contests():
    dataset = tables.lineitem_dataset()
    for rows, at_most in ((1, 0.6), (100, 0.45), (10_000, 0.6)):
        words = ("take", dataset, "--rows", str(rows), "--repeat", "30" if rows == 10_000 else "200")
        bars = (Bar("pylance", 1 / at_most, "p50"), Bar("pylance", 1.0, "p99"))
        bare_words = ("take", dataset, rows, words[-1])
        contenders = (*both_ours(*words), *both_pylances(*words), bare(*bare_words))
        yield Contest(f"take {rows:,} random rows", contenders, bars)
    words = ("take", dataset, "--rows", "100", "--repeat", "20", "--cold")
    contenders = (ours(*words), *both_pylances(*words))
    yield Contest("take 100 random rows, nothing in the page cache", contenders, (Bar("pylance", 1.0, "p50"),))


def open_contests():
    datasets = {
        "open lineitem": tables.lineitem_dataset(),
        "open 1,000 versions and fragments": tables.many_versions(1000),
    }
    for title, dataset in datasets.items():
        words = ("open", dataset, "--repeat", "100")
        yield Contest(title, (ours(*words), *both_pylances(*words)), (Bar("pylance", 1 / 0.7, "p50"),))


def others(*words, name):
    """Engines that hold all in memory, and databases, for scale."""
    return Contender(name, (sys.executable, ROOT / "benchmarks/peers/search_peers.py", *words), {})


# How an index is asked, the same by all contenders that are Lance: so their recall is the same, too.
PROBES = {
    "IVF_PQ": ("--nprobes", "20", "--refine", "4"),
    "IVF_RQ": ("--nprobes", "20"),
    "IVF_HNSW_SQ": ("--nprobes", "4", "--ef", "64"),
}


def vector_contests():
    """One query after the other, two threads, batches, and without an index."""
    at_most = (Bar("pylance", 1 / 0.6, "p50"), Bar("pylance, best", 1 / 0.6, "p50"))
    for rows in (100_000, 1_000_000):
        asked = vectors.queries(rows)
        for kind, probes in PROBES.items():
            words = ("search", vectors.dataset(rows, kind), "--queries", asked, *probes)
            contenders = [ours(*words), *both_pylances(*words), ours(*words, "--scan", name="lance-cpp, a scan each")]
            if kind == "IVF_PQ":
                contenders.append(others("faiss", vectors.numbers(rows), "--queries", asked, *probes, name="faiss, in memory"))
            if kind == "IVF_HNSW_SQ":
                contenders.append(others("hnswlib", vectors.numbers(rows), "--queries", asked, *probes, name="hnswlib, in memory"))
            yield Contest(f"find 10 of {rows:,} vectors through {kind}", tuple(contenders), at_most)
        words = ("search", vectors.dataset(rows), "--queries", asked, "--repeat", "50")
        contenders = (
            ours(*words, "--held-bytes", str(1 << 30)),
            *both_pylances(*words),
            ours(*words, "--scan", name="lance-cpp, a scan each"),
            others("faiss-flat", vectors.numbers(rows), "--queries", asked, "--repeat", "50", name="faiss, in memory"),
        )
        bars = (Bar("pylance", 2.0, "p50"), Bar("pylance, best", 2.0, "p50"))
        yield Contest(f"find 10 of {rows:,} vectors without an index", contenders, bars)
    rows = 1_000_000
    words = ("search", vectors.dataset(rows, "IVF_RQ"), "--queries", vectors.queries(rows), *PROBES["IVF_RQ"])
    yield Contest(
        "1,000 queries through IVF_RQ on two threads",
        (
            ours(*words, "--threads", "2"),
            ours(*words, "--threads", "1", name="lance-cpp, one thread"),
            ours(*words, "--threads", "2", "--gather", "0", name="lance-cpp, gathered"),
            pylance(*words, "--threads", "2"),
        ),
        (Bar("lance-cpp, one thread", 1.9), Bar("pylance", 1.0)),
    )
    for batch in (50, 1000):
        batched = (*words, "--batch", str(batch))
        contenders = (ours(*batched), *both_pylances(*batched))
        bars = (Bar("pylance", 1.0), Bar("pylance, best", 1.0))
        yield Contest(f"1,000 queries through IVF_RQ in batches of {batch:,}", contenders, bars)
    words = ("search", vectors.dataset(rows, "IVF_PQ"), "--queries", vectors.queries(rows), *PROBES["IVF_PQ"])
    words = (*words, "--batch", "1000")
    contenders = (ours(*words), *both_pylances(*words))
    yield Contest("1,000 refined queries through IVF_PQ in one batch", contenders, (Bar("pylance", 1.0),))


def lookup_contests():
    keys = tables.indexed_lineitem("BTREE", "l_orderkey")
    modes = tables.indexed_lineitem("BITMAP", "l_shipmode")
    looks = {
        "look up one key, all columns": (keys, ("--column", "l_orderkey", "--values", "1"), "200"),
        "look up 100 keys, all columns": (keys, ("--column", "l_orderkey", "--values", "100"), "50"),
        "look up a range of 1,000 keys": (keys, ("--column", "l_orderkey", "--range", "1000"), "50"),
        "count through BITMAP": (modes, ("--column", "l_shipmode", "--count"), "100"),
    }
    bars = (Bar("pylance", 1 / 0.6, "p50"), Bar("DuckDB", 1.0, "p50"))
    for title, (dataset, how, repeat) in looks.items():
        words = ("lookup", dataset, *how, "--repeat", repeat)
        duck = others("duckdb", tables.lineitem_duckdb("l_orderkey"), *how, "--repeat", repeat, name="DuckDB")
        yield Contest(title, (ours(*words), *both_pylances(*words), duck), bars)


def text_contests():
    """Each through the index that it built. Ours has a segment for each core."""
    theirs = tables.indexed_lineitem("INVERTED", "l_comment")
    asked = {
        "find one word": "sauternes",
        "find two words": "sauternes warhorses",
        "find three words": "sauternes warhorses notornis",
        "find a phrase": '"final deposits"',
        "find one frequent word": "packages",
        "find two frequent words": "furiously packages",
        "find three frequent words": "furiously packages deposits",
    }
    for title, text in asked.items():
        asking = ("--column", "l_comment", "--text", text, "--repeat", "100")
        tantivy = others("tantivy", tables.lineitem_tantivy(), "--text", text, "--repeat", "100", name="tantivy")
        bars = (Bar("pylance", 1 / 0.7, "p50"),)
        contenders = (
            ours("text", tables.lineitem_texts(), *asking),
            ours("text", theirs, *asking, name="lance-cpp, pylance's index"),
            *both_pylances("text", theirs, *asking),
            tantivy,
        )
        yield Contest(f"{title} in 6 million texts", contenders, bars)


def vector_index_contests(rows):
    for kind in PROBES:
        partitions = vectors.parameters(rows, kind)
        words = ("index", vectors.dataset(rows), OUTPUT, "--column", "vector", "--type", kind)
        words = (*words, *(f"--{key.replace('_', '-')}={value}" for key, value in partitions.items()))
        bars = (Bar("pylance", 1.0), Bar("pylance, best", 1.0))
        yield Contest(f"index {rows:,} vectors, {kind}", (*both_ours(*words), *both_pylances(*words)), bars, OUTPUT)


def index_contests():
    yield from vector_index_contests(100_000)
    for kind, column in (("BTREE", "l_orderkey"), ("INVERTED", "l_comment")):
        words = ("index", tables.lineitem_dataset(), OUTPUT, "--column", column, "--type", kind)
        bars = (Bar("pylance", 1.0), Bar("pylance, best", 1.0))
        yield Contest(f"index {column} of lineitem SF 1, {kind}", (*both_ours(*words), *both_pylances(*words)), bars, OUTPUT)


def change_contests():
    """One change of lineitem, on a copy of it."""
    whole, duck = tables.lineitem_dataset(), tables.lineitem_duckdb()
    rows = tables.upserted_rows()
    changes = {
        "delete 1 % of lineitem SF 1": ("delete", whole),
        "update 1 % of lineitem SF 1": ("update", whole),
        "upsert 60,000 rows, half of them new": ("upsert", whole, rows),
        "compact 101 fragments of lineitem SF 1": ("compact", tables.lineitem_fragments(101)),
        "add a column by SQL": ("add-by-sql", whole),
        "add a column by a function over batches": ("add-by-function", whole),
    }
    peer = ROOT / "benchmarks/peers/change_peers.py"
    for title, (change, source, *given) in changes.items():
        mine = (PEERS / "change_peer", change, source, OUTPUT, *given)
        theirs = (sys.executable, peer, "pylance", change, source, OUTPUT, *given)
        contenders = [
            Contender("lance-cpp", mine),
            Contender("pylance", theirs),
            Contender("pylance, best", theirs, BEST),
        ]
        bars = [Bar("pylance", 1.0), Bar("pylance, best", 1.0)]
        if change == "add-by-function":
            contenders.append(Contender("a scan and a write", (mine[0], "scan-and-write", *mine[2:])))
            bars.append(Bar("a scan and a write", 1.0))
        elif change != "compact":
            words = (sys.executable, peer, "duckdb", change, duck, OUTPUT, *given)
            contenders.append(Contender("DuckDB, its own table", words))
        yield Contest(title, tuple(contenders), tuple(bars), OUTPUT)


def start_contests():
    """The whole life of a process."""
    count = ("count", tables.lineitem_dataset())
    yield Contest("start `lance --version` (promised: 30 ms)", (program("--version"),))
    theirs = dataclasses.replace(pylance(*count), is_timed_whole=True)
    yield Contest("start `lance count` (promised: 60 ms)", (program(*count), theirs))


CONTESTS = {
    "write": lambda: write_contests(1),
    "write-large": lambda: write_contests(5),
    "shapes": shape_contests,
    "generate": generate_contests,
    "import": import_contests,
    "scan": scan_contests,
    "split": split_contests,
    "sql": sql_contests,
    "take": take_contests,
    "open": open_contests,
    "search": vector_contests,
    "lookup": lookup_contests,
    "text": text_contests,
    "index": index_contests,
    "index-large": lambda: vector_index_contests(1_000_000),
    "change": change_contests,
    "start": start_contests,
}


def shown(value, figure):
    if figure in ("p50", "p99") or value < 0.1:
        return f"{value * 1000:,.2f} ms"
    return f"{value:.2f} s"


def table_of(result):
    """One contest for people."""
    names = [contender.name for contender in result.contest.contenders]
    first = result.rounds[names[0]][0]
    figures = [figure for figure in ("seconds", "p50", "p99") if figure in first]
    others = {"busy": ("cores busy", "{:.0%}"), "peak_mb": ("peak memory", "{:,.0f} MB")}
    others |= {"disk_mb": ("on disk", "{:,.0f} MB"), "recall": ("recall@10", "{:.3f}")}
    others = {figure: what for figure, what in others.items() if figure in first}
    bars = {(bar.opponent, bar.figure): bar for bar in result.contest.bars}
    yield f"### {result.contest.title[0].upper()}{result.contest.title[1:]}\n"
    titles = [*figures, *(title for title, _ in others.values()), "times ours", "promised"]
    yield f"| contender | {' | '.join(titles)} |"
    yield "| --- |" + " ---: |" * len(titles)
    for i, name in enumerate(names):
        cells = [name, *(shown(result.median(name, figure), figure) for figure in figures)]
        for figure, (_, form) in others.items():
            has = figure in result.rounds[name][0]
            cells.append(form.format(result.median(name, figure)) if has else "")
        ratios, promised = ["-"], ["-"]
        if i > 0:
            ratios = [f"{result.ratio(name, figure):.2f}" for figure in figures]
            promised = [f"{bars[name, f].at_least:.2f}" if (name, f) in bars else "-" for f in figures]
        yield "| " + " | ".join([*cells, " / ".join(ratios), " / ".join(promised)]) + " |"
    yield ""
    if result.contest.remark:
        yield result.contest.remark + "\n"


def page(results):
    import plots

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield "<!-- Written by `make bench`; do not edit. -->"
    yield "# Benchmarks\n"
    yield f"Measured on {time.strftime('%Y-%m-%d')}, on {CORES} cores of {platform.machine()} with {memory:.0f} GiB of"
    yield f"memory. Each figure is the median of {LEAST_ROUNDS} rounds or more in which all contenders ran in turn; *times ours*"
    yield "is the median of the ratios within a round, above 1 where lance-cpp needs less. *Promised* is what it must be."
    yield "*Cores busy* is said of the measured part, or of the whole process where a program is measured; peak memory is"
    yield "that of the process, with the table where one is written from memory. pylance is measured as it comes, and at its"
    yield "best setting: as many CPU threads as there are cores. lance-cpp comes with its own defaults, which differ from"
    yield "pylance's in pages and in dictionaries that it does not try (`WriteOptions::encoding_profile`).\n"
    yield "What is behind the figures, and how costs grow, is in [performance.md](performance.md).\n"
    yield f"![times ours]({plots.ratios(results)})\n"
    for result in results:
        yield from table_of(result)
    yield from boundary.table(PEERS / "boundary_benchmark")


HEADING = "### "
# Of which a median that is written down is made.
LEAST_ROUNDS = 5


def sections_of(text):
    """The page's sections by their headings; what is before the first is under None."""
    sections, heading = {None: []}, None
    for line in text.split("\n"):
        if line.startswith(HEADING):
            heading = line
        sections.setdefault(heading, []).append(line)
    return sections


def renew(text, results):
    """The page with the sections of these contests as they are now."""
    sections = sections_of(text)
    for result in results:
        lines = list(table_of(result))
        sections[lines[0].rstrip()] = "\n".join(lines).split("\n")
    return "\n".join(line for lines in sections.values() for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contests", nargs="*", metavar="CONTEST", help=f"of {', '.join(CONTESTS)}; default: all")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.rounds < LEAST_ROUNDS and not arguments.check:
        parser.error(f"what is written down takes {LEAST_ROUNDS} rounds; with --check nothing is written")
    chosen = arguments.contests or list(CONTESTS)
    results = [hold(contest, arguments.rounds) for name in chosen for contest in CONTESTS[name]()]
    if not arguments.check and not arguments.contests:
        PAGE.write_text("\n".join(page(results)))
    elif not arguments.check and PAGE.exists():
        PAGE.write_text(renew(PAGE.read_text(), results))
    misses = [(result, bar) for result in results for bar in result.misses()]
    for result, bar in misses:
        ratio = result.ratio(bar.opponent, bar.figure)
        print(f"{result.contest.title}: {bar.opponent} {bar.figure} is {ratio:.2f} times ours, not {bar.at_least:.2f}")
    return arguments.check and bool(misses)


if __name__ == "__main__":
    sys.exit(main())
