"""One dataset by every spelling of its path, for this program and for pylance; whatever is no path is an error."""

import os
import subprocess
from urllib.parse import quote

import lance as pylance
import pyarrow.parquet as pq
import pytest
from conftest import make_table, snapshot
from support.figures import figure

ROWS = 1000

NAMES = {
    "plain": "plain",
    "space": "with space",
    "spaces around": " around ",
    "unicode": "ünï-数据-🙂",
    "percent": "%41",
    "percent of nothing": "100%",
    "percent of dots": "%2e%2e",
    "percent of a slash": "a%2Fb",
    "hash": "a#b",
    "question mark": "a?b",
    "plus and ampersand": "a+b&c=d",
    "backslash": "back\\slash",
    "quotes": """it's "it" `it`""",
    "shell": "$(x);|<a>{b}[c]*^!",
    "three dots": "...",
    "tilde": "~nobody",
    "255 bytes": "x" * 255,
    "255 bytes of unicode": "é" * 127 + "x",
}

# Names that look like something else when they stand alone.
AMBIGUOUS = {
    "colon": "a:b",
    "scheme": "s3:",
    "drive": "c:",
    "tilde alone": "~",
    "option": "--help",
}


def spellings(path):
    """Ways to say the same absolute path."""
    parent, name = path.parent, path.name
    yield str(path)
    yield f"{path}/"
    yield f"{parent}//{name}"
    yield f"{parent}/./{name}"
    yield f"{parent}/elsewhere/../{name}"
    yield f"./{name}"
    yield f"../{parent.name}/{name}"
    yield f"file://{quote(str(path))}"
    yield f"file://localhost{quote(str(path))}"
    yield f"FILE://{quote(str(path))}/"


def equals_the_input(dataset):
    return pylance.dataset(dataset).to_table().equals(make_table(ROWS))


@pytest.fixture
def place(tmp_path):
    """A directory that holds nothing else."""
    pq.write_table(make_table(ROWS), tmp_path / "in.parquet")
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_taken_as_it_is(lance, place, name):
    lance.cwd = place
    lance("import", "../in.parquet", name)
    assert os.listdir(place) == [name]
    assert equals_the_input(str(place / name))


@pytest.mark.parametrize("name", (NAMES | AMBIGUOUS).values(), ids=NAMES | AMBIGUOUS)
def test_every_spelling_is_the_same_dataset(lance, place, name):
    lance.cwd = place
    lance("import", "../in.parquet", f"./{name}")
    assert os.listdir(place) == [name]
    for spelling in spellings(place / name):
        assert lance("count", spelling) == f"{ROWS}\n", spelling
    for spelling in (str(place / name), f"file://{quote(str(place / name))}"):
        assert equals_the_input(spelling), spelling


@pytest.mark.parametrize("name", ["unicode", "percent", "hash", "question mark", "backslash"])
def test_a_spelling_writes_where_the_others_read(lance, place, name):
    lance.cwd, name = place, NAMES[name]
    for i, spelling in enumerate(spellings(place / name)):
        lance("import", "../in.parquet", spelling, "--mode", "overwrite")
        assert os.listdir(place) == [name], spelling
        assert pylance.dataset(str(place / name)).version == i + 1, spelling


def test_what_pylance_writes_by_a_path_is_read_by_it(lance, place):
    lance.cwd = place
    for name in (NAMES | AMBIGUOUS).values():
        pylance.write_dataset(make_table(ROWS), str(place / name))
        assert lance("count", f"./{name}") == f"{ROWS}\n", name
    assert sorted(os.listdir(place)) == sorted((NAMES | AMBIGUOUS).values())
    figure("X2", names=len(NAMES | AMBIGUOUS), spellings=len(list(spellings(place))), refused=len(NO_PATHS))


def test_a_symbolic_link_is_what_it_points_to(lance, place):
    lance.cwd = place
    (place / "real").mkdir()
    (place / "link").symlink_to("real")
    lance("import", "../in.parquet", "link/x.lance")
    (place / "alias").symlink_to("real/x.lance")
    for spelling in ("real/x.lance", "link/x.lance", "alias", f"file://{place}/alias"):
        assert lance("count", spelling) == f"{ROWS}\n", spelling
        assert equals_the_input(str(place / spelling) if "://" not in spelling else spelling)
    lance("import", "../in.parquet", "alias", "--mode", "append")
    assert lance("count", "real/x.lance") == f"{2 * ROWS}\n"
    assert (place / "alias").is_symlink() and (place / "link").is_symlink()


def test_a_dangling_link_is_no_dataset(lance, place):
    (place / "link").symlink_to("nowhere")
    message = lance.fails("count", place / "link")
    assert "there is no dataset" in message and "it is a link to what does not exist" in message


@pytest.mark.parametrize("command", ["head", "count", "schema", "versions", "fragments", "fsck", "cleanup"])
def test_what_is_no_dataset_is_told(lance, place, unchanged, command):
    (place / "empty").mkdir()
    unchanged.watch()
    assert "in.parquet is a file, not a dataset; `lance import`" in lance.fails(command, "in.parquet")
    assert "empty is a directory, but no dataset" in lance.fails(command, place / "empty")
    assert "in.parquet is a file" in lance.fails(command, "in.parquet/x.lance")
    assert "there is no dataset at nothing" in lance.fails(command, "nothing")
    assert "uri is empty" in lance.fails(command, "")


@pytest.mark.parametrize("mode", ["create", "append", "overwrite"])
def test_nothing_is_written_over_a_file(lance, place, unchanged, mode):
    (place / "file").write_text("precious")
    unchanged.watch()
    message = lance.fails("import", "in.parquet", place / "file/x.lance", "--mode", mode, early=False)
    assert "place/file is a file" in message or "no dataset to append to" in message
    generate = ["tpch", "generate", "--scale", 0.001, "--tables", "region", "--output", place / "file"]
    message = lance.fails(*generate, "--mode", mode, early=False)
    assert "place/file is a file" in message or "no dataset to append to" in message
    assert "is a file" in lance.fails("import", "in.parquet", place / "file", "--mode", mode, code=2)


def test_the_current_directory_may_be_a_dataset(lance, place):
    lance.cwd = place
    lance("import", "../in.parquet", ".")
    assert lance("count", "../place") == lance("count", ".") == f"{ROWS}\n"
    assert equals_the_input(str(place))


def test_a_tilde_is_the_home_directory(lance, place, monkeypatch):
    """As it is for pylance, also where a shell leaves it as it is."""
    monkeypatch.setenv("HOME", str(place))
    lance("import", "in.parquet", "~/x.lance")
    assert os.listdir(place) == ["x.lance"]
    assert lance("count", "~/x.lance") == f"{ROWS}\n"
    assert equals_the_input("~/x.lance")


NO_PATHS = {
    "": "empty",
    "/": "root of the file system",
    "//": "root of the file system",
    "file:": "root of the file system",
    "file://": "root of the file system",
    "file:///": "root of the file system",
    "file:x.lance": "begins with file:///",
    "file://elsewhere/x.lance": "begins with file:///",
    "file:///tmp/a?b": "%3F",
    "file:///tmp/a#b": "%23",
    "file:///tmp/%ff": "not UTF-8",
    "a:b": "scheme",
    "x" * 256: "File name too long",
    "new\nline": "illegal character",
    "bell\a": "illegal character",
    "in.parquet": "is a file",
    "in.parquet/x.lance": "in.parquet is a file",
}


@pytest.mark.parametrize("path", NO_PATHS, ids=lambda path: repr(path[:20]))
def test_what_is_no_path_is_an_error_that_says_why(lance, place, unchanged, path):
    unchanged.watch()
    assert NO_PATHS[path] in lance.fails("count", path)
    # That the last argument is a file is a mistake on the command line.
    code = 2 if path == "in.parquet" else 1
    assert NO_PATHS[path] in lance.fails("import", "in.parquet", path, early=False, code=code)


@pytest.mark.parametrize("argument", [b"\xff", b"a\xffb.lance", b"file:///\xff"])
def test_a_path_that_is_not_utf8_is_an_error(lance, place, unchanged, argument):
    unchanged.watch()
    assert "not UTF-8" in lance.fails("count", os.fsdecode(argument))
    assert "not UTF-8" in lance.fails("import", "in.parquet", os.fsdecode(argument), early=False)


def read_only(directory):
    """What to run a command with, so that it finds the directory read-only; None where that is not possible."""
    if os.geteuid() != 0:
        directory.chmod(0o555)
        return []
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    wrapper = ["unshare", "--mount", "sh", "-c", script, str(directory)]
    return wrapper if subprocess.run([*wrapper, "true"], capture_output=True).returncode == 0 else None


def test_a_read_only_directory_is_read_and_not_written(lance, place, unchanged):
    lance("import", "in.parquet", place / "x.lance")
    wrapper = read_only(place)
    if wrapper is None:
        figure("X2", read_only="skipped:_mounting_is_not_permitted")
        pytest.skip("mounting is not permitted")
    unchanged.watch()
    try:
        for command in (["count"], ["info"], ["versions"], ["query", "--format", "csv"]):
            result = lance.run(command[0], place / "x.lance", *command[1:], wrapper=wrapper)
            assert result.returncode == 0, result.stderr
        for mode in ("append", "overwrite"):
            message = lance.fails(
                "import", "in.parquet", place / "x.lance", "--mode", mode, early=False, wrapper=wrapper
            )
            assert "Read-only file system" in message or "Permission denied" in message
        message = lance.fails("import", "in.parquet", place / "new.lance", early=False, wrapper=wrapper)
        assert "Read-only file system" in message or "Permission denied" in message
    finally:
        place.chmod(0o755)
