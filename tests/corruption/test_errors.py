"""Each kind of failure has its code and its words, whichever way a dataset is read."""

import os
import shutil
import subprocess
from pathlib import Path

import lance as pylance
import pyarrow as pa
import pytest

import damage

READ = Path(
    os.environ.get("LANCE_READ_EVERYTHING", damage.ROOT / "build/release/tests/corruption/read_everything")
)

# Files below 64 KiB are read whole, larger ones by ranges: other parts of the engine, with other errors.
SIZES = {"small": 100, "large": 300_000}

# What only means something to whoever wrote the engine.
MACHINERY = [
    "External error",
    "Arrow error",
    "LanceError(",
    "Wrapped error",
    "Cloned error",
    "bug report",
    "JoinError",
    "os error",
    "Object at location",
    "Execution error",
    "not implemented: ",
    "ParserError(",
    "Schema error",
    "Error during planning",
    "Optimizer rule",
    "SELECT 1 FROM t",
    "Generic ",
    "Unable to walk dir",
    "Some(",
    "Field {",
    "Ident {",
    ".rs:",
    "/rustc/",
]


def read(dataset, *arguments):
    """What each step of reading it comes to: its code and message."""
    done = subprocess.run([READ, dataset, *arguments], capture_output=True, text=True, errors="surrogateescape")
    assert done.returncode == 0, (done.returncode, done.stderr)
    steps = {}
    for line in done.stdout.split("\n")[:-1]:
        step, code, message = line.split("\t")
        assert not [words for words in MACHINERY if words in message], (step, message)
        assert len(message) < 500 and message.isprintable(), (step, message)
        if step == "open 1":
            break  # What follows is the first version.
        if code != "OK" or not step.endswith(" open"):
            steps[step.removesuffix(" open")] = (code, message)
    return steps


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """By size, a dataset with rows deleted and a column indexed."""
    datasets = {}
    for name, rows in SIZES.items():
        path = tmp_path_factory.mktemp("errors") / f"{name}.lance"
        ids = range(rows)
        table = pa.table({"id": pa.array(ids), "name": [f"name {i}" for i in ids], "s": [{"inner": i} for i in ids]})
        dataset = pylance.write_dataset(table, str(path))
        dataset.delete("id % 3 = 0")
        dataset.create_scalar_index("id", "BTREE")
        datasets[name] = path
    return datasets


@pytest.fixture(params=SIZES)
def dataset(request, whole, tmp_path):
    return shutil.copytree(whole[request.param], tmp_path / "x.lance")


# The files, and the steps that need them.
FILES = {
    "data/*.lance": ["scan", "take", "take rows", "where name = 'name 5'", "count where name = 'name 5'"],
    "_deletions/*": ["scan", "take", "where name = 'name 5'", "count where name = 'name 5'"],
    "_indices/*/*": ["where id = 5", "count where id = 5"],
}
FILTERS = ["name = 'name 5'", "id = 5"]


def harm(dataset, pattern, change):
    """Change what the pattern finds; None removes it. Returns the names of the files."""
    names = []
    for path in dataset.glob(pattern):
        content = change(path.read_bytes())
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        names.append(path.name)
    assert names
    return names


@pytest.mark.parametrize("pattern", FILES)
def test_a_file_that_is_gone_is_not_found_and_named(dataset, pattern):
    names = harm(dataset, pattern, lambda _: None)
    steps = read(dataset, *FILTERS)
    for step in FILES[pattern]:
        code, message = steps[step]
        assert code == "NOT_FOUND" and any(name in message for name in names), (step, code, message)
    assert steps["open"][0] == steps["check"][0] == "OK"


CUTS = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "without its end": lambda content: content[:-7],
    "something else": lambda content: b"garbage!" * (len(content) // 8 + 1),
}


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("pattern", FILES)
def test_a_damaged_file_is_corrupt_whoever_needs_it(dataset, pattern, how):
    harm(dataset, pattern, CUTS[how])
    steps = read(dataset, *FILTERS)
    for step in FILES[pattern]:
        assert steps[step][0] == "CORRUPT", (step, steps[step])
    assert steps["open"][0] == steps["check"][0] == "OK"


@pytest.mark.parametrize("at", [0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("pattern", ["data/*.lance", "_deletions/*"])
def test_wrong_bytes_are_values_or_corrupt(dataset, pattern, at):
    def change(content):
        begin = int(len(content) * at)
        return content[:begin] + b"\xff" * 64 + content[begin + 64 :]

    harm(dataset, pattern, change)
    codes = {step: code for step, (code, _) in read(dataset, *FILTERS).items()}
    assert set(codes.values()) <= {"OK", "CORRUPT", "INVALID"}, codes


@pytest.mark.parametrize("how", CUTS)
def test_a_damaged_manifest_is_corrupt(dataset, how):
    harm(dataset, "_versions/*.manifest", CUTS[how])
    steps = read(dataset)
    assert steps["open"][0] == "CORRUPT", steps["open"]
    assert steps["check"][0] == "OK"


def test_a_manifest_that_sends_the_reader_beyond_its_end_is_corrupt(dataset):
    harm(dataset, "_versions/*.manifest", lambda content: b"\xff" * 256 + content[256:])
    assert read(dataset)["open"][0] == "CORRUPT"


def test_a_dataset_that_is_missing_is_not_found_by_anyone(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("missing", "file", "empty", "link", "file/below", "missing/below"):
        steps = read(tmp_path / name)
        assert steps["open"][0] == steps["check"][0] == "DATASET_NOT_FOUND", (name, steps)
        assert name in steps["open"][1], steps


UNKNOWN_COLUMNS = {
    "nme": "name",
    "NAME_": "name",
    "nothing": None,
    "s.iner": "s.inner",
    "s.nothing.deeper": None,
    "name.x": None,
    "`na me`": "name",
}


@pytest.mark.parametrize("column", UNKNOWN_COLUMNS)
def test_an_unknown_column_is_told_with_the_nearest_names(whole, column):
    nearest = UNKNOWN_COLUMNS[column]
    steps = read(whole["small"], f"column={column}", f"{column} = 1", f"id > 1 and {column} is null")
    failed = {step: outcome for step, outcome in steps.items() if column in step}
    ways = ["scan", "take", "take rows", "where", "count where"]
    assert all(any(step.startswith(f"{way} ") for step in failed) for way in ways), failed
    for step, (code, message) in failed.items():
        assert code == "FIELD_NOT_FOUND", (step, code, message)
        assert nearest is None or f'"{nearest}"' in message, (step, message)


BAD_FILTERS = [
    "this is no SQL",
    "id =",
    "id = 'a",
    "id",
    "1",
    "nosuch(id) = 1",
    "id + 'a' = 1",
    "id = 99999999999999999999999",
    "name like 1",
    "id in (select 1)",
    "sum(id) = 1",
    "count(*) > 1",
    "row_number() over () = 1",
    "regexp_like(name, '(((')",
    "id between 1",
    "power(id) = 1",
    "abs(name) = 1",
    "s = 1",
    "case when id then 1 end",
    "cast(id as foo) = 1",
    "extract(foo from now()) = 1",
    "id = interval '1 x'",
    "name = date 'abc'",
    "exists (select 1)",
    "id = 1 " + "or nosuch(id) = 2 " * 1000,
]


def test_a_bad_filter_is_an_invalid_argument(whole):
    steps = read(whole["small"], *BAD_FILTERS)
    for filter in BAD_FILTERS:
        for step in (f"where {filter}", f"count where {filter}"):
            assert steps[step][0] == "INVALID_ARGUMENT", (step, steps[step])


def test_a_value_that_a_filter_cannot_take_fails_the_same_way_everywhere(whole):
    filters = ["10 / (id - id) = 1", "cast(name as int) = 1"]
    steps = read(whole["large"], *filters)
    for filter in filters:
        for step in (f"where {filter}", f"count where {filter}"):
            assert steps[step][0] == "EXECUTION", (step, steps[step])
