"""What a dataset holds, and whether that is right after a write that may have failed."""

import collections
import json
import pathlib
from dataclasses import dataclass, field, fields

import lance
import pyarrow as pa
import pytest

from faults import run

# Written after the commit; readers do without it.
_HINT = "_versions/latest_version_hint.json"
# Where no file has changed, there is nothing new to read: of such tries, one in so many is read all the same.
_READ_EVERY = 8
_PROBLEMS_SHOWN = 20


def read_files(path):
    """The contents of every file of a dataset, by name."""
    files = (file for file in path.rglob("*") if not file.is_dir())
    contents = {str(file.relative_to(path)): file.read_bytes() for file in files}
    contents.pop(_HINT, None)
    return contents


def open_versions(path):
    """Every listed version, opened by pylance; none where there is no dataset."""
    if not any(path.glob("_versions/*.manifest")):
        return {}
    versions = [entry["version"] for entry in lance.dataset(str(path)).versions()]
    return {version: lance.dataset(str(path), version=version) for version in versions}


def scan_versions(path):
    """Every listed version, read in full."""
    return {version: dataset.to_table() for version, dataset in open_versions(path).items()}


def interrupted_branches(path):
    """Names of branches of which there is no version: nothing but the name was made."""
    names = {file.stem for file in path.glob("_refs/branches/*.json")}
    return {name for name in names if not any((path / "tree" / name / "_versions").glob("*.manifest"))}


def scan_all(path):
    """Every version of every branch, read in full, and what tags point to."""
    content = scan_versions(path)
    if content:
        dataset = lance.dataset(str(path))
        for name in dataset.branches.list().keys() - interrupted_branches(path):
            for entry in dataset.checkout_version((name, None)).versions():
                version = entry["version"]
                content[name, version] = dataset.checkout_version((name, version)).to_table()
        for name, tag in dataset.tags.list().items():
            content["tag", name] = (tag["branch"], tag["version"])
    return content


def count_unreferenced_files(path):
    """How many files of a dataset no version needs. Each version has one manifest and one transaction file."""
    versions = open_versions(path).values()
    fragments = [fragment for dataset in versions for fragment in dataset.get_fragments()]
    needed = {f"data/{file.path}" for fragment in fragments for file in fragment.data_files()}
    rest = _kinds(read_files(path).keys() - needed)
    rest.subtract({("_versions", ".manifest"): len(versions), ("_transactions", ".txn"): len(versions)})
    return (+rest).total()


# What each kind of index is asked.
_SEARCHES = {
    "INVERTED": ["--text", "5 7", "--column", "text", "-k", "5000"],
    "IVF_PQ": ["--like", "3", "--column", "vec", "--nprobes", "4", "--refine", "100", "-k", "1"],
    "IVF_HNSW_SQ": ["--like", "3", "--column", "vec", "--nprobes", "4", "--refine", "100", "-k", "1"],
}


def _found(path):
    """The indices of the newest version, and the ids of rows that some of them find."""
    listing = run(["index", "list", path, "--format", "json"])
    indices = json.loads(listing.stdout) if listing.code == 0 else []
    facts = ("name", "type", "segments", "rows", "unindexed_rows")
    found = [tuple(index[fact] for fact in facts) for index in indices]
    for index in indices:
        if words := _SEARCHES.get(index["type"]):
            search = run(["search", path, *words, "--columns", "id", "--fast", "--format", "csv"])
            found.append((search.code, *sorted(search.stdout.split())))
    return tuple(found)


@dataclass(frozen=True)
class State:
    """A dataset at rest: its files, the rows of each version, tags, what the program reads and its indices find."""

    files: dict
    versions: dict
    printed: tuple
    # Whether rows are where they are by rule, and not by chance.
    ordered: bool = True
    indices: tuple = ()

    @staticmethod
    def of(path, files=None, ordered=True):
        rows = run(["query", path, "--columns", "id", "--format", "csv"])
        listing = run(["versions", path, "--format", "json"])
        check = run(["fsck", path]).code
        if check == 1 and interrupted_branches(path):
            check = 0  # It tells of the name that has no branch.
        printed = (rows.code, rows.stdout, listing.code, listing.stdout.count('"version"'), check)
        return State(files or read_files(path), scan_all(path), printed, ordered, _found(path))

    def reads_like(self, other):
        if self.indices != other.indices:
            return False
        if self.ordered and other.ordered:
            return self.versions == other.versions and self.printed == other.printed
        return self._in_order() == other._in_order()

    def _in_order(self):
        code, text, *rest = self.printed
        versions = {name: rows.sort_by("id") if isinstance(rows, pa.Table) else rows for name, rows in self.versions.items()}
        return versions, (code, sorted(text.splitlines()), *rest)

    def last(self):
        """The newest version of the main branch, or 0."""
        return max((version for version in self.versions if isinstance(version, int)), default=0)

    def or_reserved(self, operation, found):
        """This one, or where `found` is so, this one with one more version that changes nothing."""
        last = self.last()
        if not operation.reserves or found.last() != last + 1:
            return self
        rows, text, listing, count, check = self.printed
        files = self.files | {"_versions/reserved.manifest": b"", "_transactions/reserved.txn": b""}
        versions = self.versions | {last + 1: self.versions[last]}
        reserved = State(files, versions, (rows, text, listing, count + 1, check), self.ordered, self.indices)
        return reserved if found.reads_like(reserved) else self

    def leftovers(self, expected):
        """How many files there are beyond the expected ones, by kind: a new file has a name of its own.

        Temporary names have endings of their own.
        """
        return (_kinds(self.files) - _kinds(expected.files)).total()


def _kinds(files):
    paths = map(pathlib.PurePath, files)
    return collections.Counter((path.parts[0], path.suffix) for path in paths)


@dataclass
class Tally:
    """Outcomes of many tries, and what was wrong with any of them."""

    points: int = 0
    errors: int = 0
    acknowledged: int = 0
    unknown: int = 0
    unreadable: int = 0
    leftovers: int = 0
    excused_leftovers: int = 0
    problems: list = field(default_factory=list)

    def __add__(self, other):
        return Tally(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def figures(self):
        return {name: value for name, value in vars(self).items() if name != "problems"}

    def check(self):
        """Fail if anything was wrong."""
        shown = self.problems[:_PROBLEMS_SHOWN]
        if shown:
            pytest.fail("\n".join([f"{len(self.problems)} of {self.points} tries", *shown]), pytrace=False)

    def judge(self, what, done, path, operation, before, after, may_leave_files=False):
        """Judge one try: it succeeded and did all, or it failed and did nothing.

        The outcome of a commit can be unknown, or a version that was made cannot be opened. Then the program says
        so, and the dataset is in either state.
        """
        self.points += 1
        failed = done.code != 0
        problems = [] if not failed or _is_one_clear_error(done) else ["not one clear error"]
        self.errors += failed
        self.acknowledged += not failed
        files = read_files(path)
        if not failed or files != before.files or self.points % _READ_EVERY == 0:
            problems += self._judge_dataset(done, path, files, operation, before, after, may_leave_files)
        self.problems += [f"{what}: {why}; exit code {done.code}, {done.stderr!r}" for why in problems]

    def _judge_dataset(self, done, path, files, operation, before, after, may_leave_files):
        try:
            state = State.of(path, files)
        except Exception as error:  # pylance raises many kinds
            self.unreadable += 1
            return [f"unreadable: {error}"]
        unknown = done.code != 0 and may_have_landed(done.stderr)
        self.unknown += unknown
        landed = done.code == 0 or (unknown and state.reads_like(after))
        expected = after if landed else before.or_reserved(operation, state)
        leftovers = state.leftovers(expected)
        # Those of a commit that may have landed must stay.
        excused = may_leave_files or (unknown and not landed)
        if excused:
            self.excused_leftovers += leftovers
        else:
            self.leftovers += leftovers
        problems = []
        if not state.reads_like(expected):
            self.unreadable += 1
            problems.append("acknowledged, but reads otherwise" if landed else "the old version has changed")
        if not landed and not before.files.items() <= files.items():
            problems.append("an old file has changed")
        if leftovers and not excused:
            problems.append(f"files are left: {sorted(files.keys() - before.files.keys())}")
        return problems


def may_have_landed(message):
    """Whether an error says that the commit is there, or may be."""
    return "unknown" in message or "was made" in message


def _is_one_clear_error(done):
    lines = [line for line in done.stderr.splitlines() if "error" in line]
    return done.code == 1 and len(lines) == 1 and lines[0].startswith("lance: error: ")


def outcome(path, operation, before, after):
    """What an interrupted write has come to: "old", "new", "partial" or "unreadable"."""
    try:
        state = State.of(path)
    except Exception:  # pylance raises many kinds
        return "unreadable"
    if state.reads_like(after):
        return "new"
    return "old" if state.reads_like(before.or_reserved(operation, state)) else "partial"
