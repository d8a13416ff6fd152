"""What the program prints of names and values is one line that a terminal shows as it is."""

import lance as pylance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# A terminal would clear its screen, ring, or turn the direction of reading.
HOSTILE = "x\x1b[2J\x07\u202egpj\u2066\u200f\ufeff\u2028y"
SHOWN = r"x\u{1b}[2J\u{7}\u{202e}gpj\u{2066}\u{200f}\u{feff}\u{2028}y"

# Only means something to whoever wrote the engine.
MACHINERY = [
    "External error", "Arrow error", "LanceError(", "bug report", "JoinError", "os error", "Object at location",
    "Execution error", "Schema error", "Error during planning", "SELECT 1 FROM", "Generic ", "Unable to walk dir",
    "Some(", "Field {", "panicked", ".rs:",
]  # fmt: skip


def printable(text):
    return all(line.isprintable() for line in text.split("\n"))


@pytest.fixture
def hostile(tmp_path):
    """A dataset with a hostile column, value and tag."""
    table = pa.table({"id": [1], HOSTILE: [HOSTILE], "s": [{"inner\n" + HOSTILE: HOSTILE}]})
    dataset = pylance.write_dataset(table, str(tmp_path / "d"))
    return dataset


def test_tables_show_escapes(lance, hostile):
    for command in ("head", "query"):
        text = lance(command, "d")
        assert SHOWN[:40] in text and printable(text)
    assert SHOWN in lance("schema", "d") and printable(lance("schema", "d"))
    assert SHOWN in lance("info", "d") and printable(lance("info", "d"))
    assert r"inner\n" + SHOWN in lance("schema", "d")


def test_data_stays_data(lance, hostile):
    assert "\u202egpj" in lance("query", "d", "--format", "csv", "--columns", HOSTILE)
    assert "\u202egpj" in lance("query", "d", "--format", "json")


@pytest.mark.parametrize(
    "args",
    [
        ["head", "d", "--columns", HOSTILE + "x"],
        ["head", "d", "--columns", "s." + HOSTILE],
        ["query", "d", "--filter", f"`{HOSTILE}x` = 1"],
        ["info", "d", "--branch", HOSTILE],
        ["info", "nothing" + HOSTILE.replace("\x1b", "")],
        ["import", HOSTILE + ".parquet", "new.lance"],
        ["import", HOSTILE + ".txt", "new.lance"],
    ],
    ids=lambda args: " ".join(args[:3:2]),
)
def test_errors_show_escapes(lance, hostile, args):
    message = lance.fails(*args, early=False)
    assert "gpj" in message and r"\u{202e}" in message
    assert message.isprintable() and len(message) < 1000


@pytest.mark.parametrize(
    "args",
    [
        ["count", "d", "--filter", f"{HOSTILE} ="],
        ["count", "d", "--filter", f"id = '{HOSTILE}"],
        ["count", "d", "--filter", f"id = '{HOSTILE}'"],
        ["count", "d", "--filter", f"'{HOSTILE}'(id)"],
        ["info", "d", "--tag", HOSTILE],
        ["head", "d", "--columns", HOSTILE * 1000],
    ],
    ids=lambda args: " ".join(args[:3:2]),
)
def test_errors_are_a_line_that_can_be_printed(lance, hostile, args):
    message = lance.fails(*args)
    assert message.isprintable() and len(message) < 1000


def test_usage_errors_show_escapes(lance):
    for args in ([HOSTILE], ["info", "a", HOSTILE], ["info", "a", "--format", HOSTILE]):
        message = lance.fails(*args, code=2)
        assert SHOWN in message and message.isprintable()


def test_progress_shows_escapes(lance, tmp_path):
    pq.write_table(pa.table({"x": [1]}), tmp_path / "in.parquet")
    lance.cwd = tmp_path
    result = lance.run("import", "in.parquet", f"{tmp_path}/\u202egpj.lance")
    assert result.returncode == 0 and r"\u{202e}gpj" in result.stderr + result.stdout
    assert printable(result.stderr) and printable(result.stdout)


def test_fsck_shows_escapes(lance, tmp_path):
    dataset = pylance.write_dataset(pa.table({"x": [1]}), str(tmp_path / "d"))
    (data,) = (tmp_path / "d/data").iterdir()
    data.unlink()
    assert dataset.version == 1
    result = lance.run("fsck", "d")
    assert result.returncode == 1 and printable(result.stdout) and data.name in result.stdout


def test_no_message_speaks_of_machinery(lance, people, tmp_path):
    """Whatever goes wrong; the library's own tests go through more of it."""
    (tmp_path / "file.txt").write_text("x")
    commands = [
        ["head", "file.txt"],
        ["head", "."],
        ["head", "nothing"],
        ["head", people, "--at-version", 7],
        ["head", people, "--tag", "nothing"],
        ["head", people, "--branch", "nothing"],
        ["head", people, "--branch", "../x"],
        ["head", people, "--columns", "nothing"],
        ["head", people, "--columns", "id,id"],
        ["head", people, "--columns", "id.x"],
        ["head", people, "--columns", ""],
        ["take", people, "--rows", 5000],
        ["take", people, "--rows", 1, "--columns", "a.b.c"],
        ["count", people, "--filter", "name"],
        ["count", people, "--filter", "10 / (id - id) = 1"],
        ["count", people, "--filter", "sum(id) = 1"],
        ["count", people, "--filter", "id = :x"],
        ["count", people, "--filter", "cast(id as decimal(99, 2)) = 1"],
        ["count", people, "--filter", "regexp_like(name, '(((')"],
        ["count", people, "--filter", "id in (select 1)"],
        ["info", "s4://x/y"],
        ["info", "x" * 300],
        ["fsck", "file.txt"],
        ["cleanup", "nothing"],
        ["import", "file.txt", "x.lance", "--format", "parquet"],
        ["import", "nothing.parquet", "x.lance"],
        ["import", "people.parquet", "file.txt/x.lance"],
        ["import", "people.parquet", people],
    ]
    for command in commands:
        message = lance.fails(*command, early=False)
        assert not [words for words in MACHINERY if words in message], (command, message)
        assert message.isprintable() and len(message) < 1000, (command, message)
