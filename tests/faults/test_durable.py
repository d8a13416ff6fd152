"""With --durable every file is on the disk before it gets its name, and the name before the next step (row W3)."""

import itertools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from faults import PROGRAM, run_with_io_fault
from operations import WRITES
from support.figures import figure

_WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2"}
_SYNCS = {"fsync", "fdatasync"}
_NAMINGS = {"link", "linkat", "rename", "renameat", "renameat2"}
_MAKINGS = {"mkdir", "mkdirat"}
_TRACED = ",".join(_WRITES | _SYNCS | _NAMINGS | _MAKINGS)
# The last file of a commit is a hint that readers do without; it and its directory are synced, too.
_SYNCS_OF_THE_HINT = 2


@dataclass(frozen=True)
class Call:
    """A system call that succeeded, with the places in the log where it began and ended."""

    name: str
    paths: list
    begin: int
    end: int


def parse_trace(lines):
    """The calls of a log of `strace -f -y`, where another thread may come in between the halves of a call."""
    pending, calls = {}, []
    for number, line in enumerate(lines):
        thread, text = line.split(maxsplit=1)
        if text.endswith("<unfinished ...>\n"):
            pending[thread] = number, text.removesuffix("<unfinished ...>\n")
            continue
        begin = number
        if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
            begin, first_half = pending.pop(thread)
            text = first_half + resumed[1]
        if match := re.match(r"(\w+)\((.*)\)\s+= (\d+)", text):
            # A descriptor is followed by <its path>; a path that is an argument is in quotes. Data is not shown.
            paths = [one or other for one, other in re.findall(r'\d<([^>]+)>|"([^"]+)"', match[2])]
            calls.append(Call(match[1], paths, begin, number))
    return calls


class Log:
    """Questions about the order of calls."""

    def __init__(self, calls):
        self.calls = calls

    def find(self, names, path):
        return [call for call in self.calls if call.name in names and call.paths and call.paths[-1] == path]

    def synced(self, path, after, before):
        """Whether the file or directory was synced in this span."""
        return any(after < call.begin and call.end < before for call in self.find(_SYNCS, str(path)))


def _unsynced(log, dataset, commit):
    """Files and directories that were not safely on the disk when the next step was taken."""
    end = log.calls[-1].end + 1
    for path in sorted(dataset.rglob("*")):
        namings = log.find(_NAMINGS, str(path))
        if path.is_dir() or path.name == "latest_version_hint.json" or not namings:
            continue
        naming = namings[-1]
        staging = naming.paths[-2]
        last_write = max(call.end for call in log.find(_WRITES, staging))
        if not log.synced(staging, last_write, naming.begin):
            yield f"{path} was named before it was synced"
        if not log.synced(path.parent, naming.end, end if naming is commit else commit.begin):
            yield f"the directory of {path} was not synced in time"
    for made in (call for call in log.calls if call.name in _MAKINGS):
        directory = os.path.dirname(made.paths[-1])
        if not log.synced(directory, made.end, commit.begin):
            yield f"{directory} was not synced after {made.paths[-1]} was made"


@pytest.fixture(scope="module")
def strace(tmp_path_factory):
    log = tmp_path_factory.mktemp("strace") / "log"
    command = ["strace", "-f", "-y", "-s", "0", "-e", f"trace={_TRACED}", "-o", str(log)]
    if shutil.which("strace") is None or subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        figure("W3", skipped="strace is not permitted or not installed")
        pytest.skip("strace is not permitted or not installed")
    return command, log


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.name)
def test_a_durable_write_syncs_files_and_directories_in_order(bench, strace, operation):
    command, trace = strace
    path = bench.dataset(operation)
    if not operation.on_existing:
        # The directory above is new, too.
        path = path.parent / "new" / path.name
    old = set(path.rglob("*"))
    words = [*operation.words(bench, path), "--durable"]
    subprocess.run([*command, PROGRAM, *map(str, words)], check=True, capture_output=True)
    log = Log(parse_trace(trace.read_text().splitlines(keepends=True)))

    new = [file for file in path.rglob("*") if file.is_file() and file not in old and file.suffix != ".json"]
    kinds = sorted({file.parent.name for file in new})
    assert kinds == ["_transactions", "_versions", "data"]
    direct = [file for file in new if not log.find(_NAMINGS, str(file))]
    assert direct == [], "written under their final names"
    commit = max(
        (log.find(_NAMINGS, str(file))[-1] for file in new if file.suffix == ".manifest"), key=lambda c: c.end
    )
    problems = list(_unsynced(log, path, commit))
    figure("W3", operation=operation.name, files=len(new), not_synced=len(problems))
    assert problems == []


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.name)
def test_a_version_that_may_not_be_on_the_disk_is_not_acknowledged(bench, operation):
    # How many there are differs from run to run: of two lanes, one makes the directory.
    for nth in itertools.count(1):
        path = bench.dataset(operation)
        done = run_with_io_fault([*operation.words(bench, path), "--durable"], path, "sync", nth, mode="from")
        if done.code == 0 and done.fired <= _SYNCS_OF_THE_HINT:
            break
        assert done.code == 1, f"{done.fired} syncs failed, the {nth}. and all later ones; first {done.where}"
    assert nth > 1
