"""No argument ends the program by a signal: it works, or it says in one line why not."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import pytest
from conftest import PROGRAM, Lance, make_table
from support.figures import figure
from support.scale import pick, some
from test_usage import COMMANDS

AT_ONCE = 16

# Of any length the operating system lets through.
LONG = 120_000

TEXTS = [
    b"",
    b" ",
    b"-",
    b"--",
    b"---",
    b"--=",
    b"=",
    b"=x",
    b"-x",
    b"-" * 1000,
    b"%s%n%x",
    b"{}{0}{:>9999999}",
    b"\\",
    b"'\"`$(:)",
    b"\x01\x1b[31m\x07\x7f",
    b"\n\r\t",
    b"\xff\xfe",
    b"\xc3",
    "\u202etxt.\u0000".encode()[:-1],
    "🙂".encode() * 100,
    b"x" * LONG,
    b"./" * 1000,
    b"*",
    b"[",
    b"@/etc/passwd",
]

NUMBERS = [
    b"-1",
    b"-0",
    b"+1",
    b"1e3",
    b"1e999",
    b"nan",
    b"inf",
    b"0x10",
    b"1_000",
    b"1,000",
    b" 1",
    b"1 ",
    "٣".encode(),
    b"4294967296",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9" * 400,
    b"0" * 1000 + b"1",
    b"1.5",
    b"1e-400",
]

# What each command needs before an option can be looked at.
POSITIONALS = {
    ("tpch", "generate"): ["--output", "out", "--scale", "0.001", "--tables", "region"],
    ("tpcds", "generate"): ["--output", "out", "--scale", "0.001", "--tables", "reason"],
    ("import",): ["in.parquet", "out.lance"],
    ("take",): ["people.lance", "--rows", "1"],
}

TEXT_OPTIONS = {
    "--tag": ["info", "query"],
    "--branch": ["info"],
    "--storage-option": ["info", "import"],
    "--format": ["query", "import"],
    "--columns": ["query", "head"],
    "--filter": ["query", "count"],
    "--select": ["query"],
    "--aggregate": ["query"],
    "--order-by": ["query"],
    "--delimiter": ["import"],
    "--data-storage-version": ["import"],
    "--mode": ["import"],
    "--profile": ["import"],
    "--tables": ["tpch generate"],
}

NUMBER_OPTIONS = {
    "--at-version": ["info", "count"],
    "--rows": ["take", "head"],
    "--limit": ["query"],
    "--fragment": ["query"],
    "--offset": ["query"],
    "--block-size": ["import"],
    "--batch-rows": ["import"],
    "--jobs": ["import"],
    "--scale": ["tpch generate"],
    "--part": ["tpch generate"],
    "--parts": ["tpch generate"],
}


def chain(begin, part, end=""):
    """As much of it as a command line can hold."""
    return begin + part * ((LONG - len(begin) - len(end)) // len(part)) + end


def nest(begin, inner, end):
    times = (LONG - len(inner)) // (len(begin) + len(end))
    return begin * times + inner + end * times


FILTERS = {
    "sum": chain("id = 1", " + 1"),
    "product": chain("id = id", "*id"),
    "equals": chain("true", " = true"),
    "is null": chain("id", " is null"),
    "is true": chain("id = 1", " is true"),
    "concatenation": chain("'a'", "||'a'", " = 'a'"),
    "cast": chain("id", "::int", " = 1"),
    "subscript": chain("id", "[1]", " = 1"),
    "between": chain("id between 1 and 2", " between true and true"),
    "like": chain("name like 'a'", " like 'a'"),
    "in": chain("id in (1)", " in (true)"),
    "fields": chain("id", ".a", " = 1"),
    "bits": chain("id = 1", "|1"),
    "minus": chain("id = ", "- ", "1"),
    "not": chain("", "not ", "true"),
    "or": chain("id = 1", " or id = 2"),
    "and": chain("id = 1", " and id > 2"),
    "mixed": chain("id = 1", " or id > 2 and not id < 3"),
    "list": chain("id in (1", ",2", ")"),
    "parentheses": nest("(", "id = 1", ")"),
    "functions": "id = " + nest("abs(", "1", ")")[:-10],
    "nested casts": nest("cast(", "id", " as bigint)") + " = 1",
    "few nested casts": "cast(" * 45 + "id" + " as bigint)" * 45 + " = 1",
    "cases": "id = " + nest("case when true then ", "1", " end")[:-10],
    "arrays": "id = " + nest("[", "1", "]")[:-10],
    "unclosed": "(" * LONG,
    "closed": ")" * LONG,
    "quotes": "'" * LONG,
    "long name": "x" * LONG,
    "long text": f"name = '{'x' * (LONG - 10)}'",
    "comment": "/*" * (LONG // 2),
    "placeholder": "id = ?",
    "numbered placeholder": "id = $1",
    "subquery": "id = (select max(id) from people)",
    "aggregate": "sum(id) = 1",
    "window": "row_number() over () = 1",
    "statement": "id = 1; drop table people",
    "division by zero": "id / 0 = 1",
    "remainder of zero": "id % 0 = 1",
    "least number": "-9223372036854775808 - 1 = id",
    "great number": "9" * 1000 + " = id",
    "bad pattern": "regexp_like(name, '(((')",
    "endless text": "repeat('a', 9223372036854775807) = name",
    "endless range": "array_length(range(0, 9223372036854775807)) = id",
    "stride of zero": "array_slice([1], 1, 2, 0) = [1]",
    "bins of zero": "date_bin(interval '0 seconds', now(), now()) = now()",
    "bad character": "chr(1114112) = name",
    "bad escape": "name like '%' escape '%%'",
}


exit_codes = []


@pytest.fixture(scope="module", autouse=True)
def figures():
    yield
    figure("F2", command_lines=len(exit_codes), filters=len(FILTERS), signals=sum(code < 0 for code in exit_codes))


def run(directory, command, arguments):
    """Run a command and return its exit code and message, having checked that these are well-formed."""
    words = [str(PROGRAM), *command.split(), *arguments]
    done = subprocess.run(words, cwd=directory, capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
    exit_codes.append(done.returncode)
    shown = (words[1:3], [word[:60] for word in arguments], done.returncode, done.stderr[-300:])
    assert done.returncode in (0, 1, 2), shown  # A signal is negative.
    if done.returncode != 0:
        message = done.stderr.split(b"\n")[-2]
        assert message.startswith(b"lance: error: ") and done.stderr.endswith(b"\n"), shown
        assert message.decode().isprintable() and len(message) < 4000, shown
        assert b"panicked" not in message, shown
    return done.returncode


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    directory = tmp_path_factory.mktemp("arguments")
    pq.write_table(make_table(10), directory / "in.parquet")
    Lance(directory)("import", "in.parquet", "people.lance")
    return directory


def needs(command):
    return POSITIONALS.get(tuple(command.split()), ["people.lance"])


def test_any_text_in_place_of_a_path(tmp_path):
    lines = [(" ".join(command), [text] * n) for command in COMMANDS for text in TEXTS for n in pick([1], [1, 2])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(run, tmp_path, *line) for line in some(lines, 300)]:
            done.result()


@pytest.mark.parametrize("option", TEXT_OPTIONS | NUMBER_OPTIONS)
def test_any_value_of_an_option(place, option):
    likely = TEXTS if option in TEXT_OPTIONS else NUMBERS
    commands = (TEXT_OPTIONS | NUMBER_OPTIONS)[option]
    for i, value in enumerate(pick(likely, [*TEXTS, *NUMBERS])):
        forms = [option, value], [f"{option}=".encode() + value]
        for command in pick(commands[:1], commands):
            for form in pick([forms[i % 2]], forms):
                run(place, command, [*needs(command), *form])


@pytest.mark.parametrize("name", FILTERS)
def test_any_filter(place, name):
    run(place, "count", ["people.lance", "--filter", FILTERS[name]])


@pytest.mark.parametrize("name", FILTERS)
def test_any_expression(place, name):
    run(place, "query", ["people.lance", "--select", FILTERS[name], "--limit", "1"])


def test_too_many_arguments(tmp_path):
    assert run(tmp_path, "info", ["x"] * 20_000) == 2
    assert run(tmp_path, "count", ["--storage-option", "a=b"] * 10_000 + ["x"]) == 1
    assert run(tmp_path, "x" * 100, []) == 2
