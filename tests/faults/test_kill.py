"""kill -9 at random moments: what was acknowledged stays, the rest is whole or absent, cleanup removes it (row W1)."""

import os
import random
import shutil
import signal
import subprocess
from dataclasses import dataclass

import lance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faults import PROGRAM, run, timed
from operations import clean_up
from oracle import count_unreferenced_files, open_versions, scan_versions
from support.figures import figure
from support.scale import pick

KILLS = pick(15, 500)
TABLES = ["orders", "lineitem"]
SCALE = "0.1"
PARTS = 4
# The more parts a table has, the longer it takes to read.
MOST_PARTS = 3


def generate(directory, part, tables=TABLES):
    words = ["tpch", "generate", "--scale", SCALE, "--parts", PARTS, "--part", part]
    return [*words, "--output", directory, "--tables", ",".join(tables)]


def dataset(directory, table):
    return directory / f"{table}.lance"


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The rows of each part of each table."""
    content = {}
    for part in range(1, PARTS + 1):
        directory = tmp_path_factory.mktemp("part")
        assert run(generate(directory, part)).code == 0
        content |= {(table, part): lance.dataset(str(dataset(directory, table))).to_table() for table in TABLES}
    return content


@pytest.fixture(scope="module")
def inputs(rows, tmp_path_factory):
    """The same as files to import."""
    directory = tmp_path_factory.mktemp("inputs")
    files = {key: directory / f"{key[0]}-{key[1]}.parquet" for key in rows}
    for key, file in files.items():
        pq.write_table(rows[key], file)
    return files


@dataclass
class Harm:
    """What went wrong, for the figures; all of it must be 0."""

    unreadable: int = 0
    lost_rows: int = 0
    partial: int = 0
    leftover_files: int = 0


class Table:
    """A dataset, and the parts of a table that it must hold."""

    def __init__(self, directory, name, rows, harm):
        self.name = name
        self.path = dataset(directory, name)
        self.parts = []
        self._rows = rows
        self._harm = harm

    def settle(self, after, acknowledged):
        """See what a write has come to. Tells whether it is there, although nobody said so."""
        try:
            versions = open_versions(self.path)
            found = versions[max(versions)].to_table() if versions else None
        except Exception:  # pylance raises many kinds
            self._harm.unreadable += 1
            return False
        if found == self._content(after):
            self.parts = after
            return not acknowledged
        if acknowledged or found != self._content(self.parts):
            self._harm.partial += 1
            expected = sum(len(self._rows[self.name, part]) for part in self.parts)
            self._harm.lost_rows += max(0, expected - (len(found) if found else 0))
        return False

    def clean_up(self):
        clean_up(self.path)
        self._harm.leftover_files += count_unreferenced_files(self.path)
        # Cleanup took nothing that is needed.
        self.settle(self.parts, acknowledged=True)

    def _content(self, parts):
        return pa.concat_tables([self._rows[self.name, part] for part in parts]) if parts else None


def kill_after(words, delay):
    """Start the program and kill it; its exit code, which is 0 if it was faster."""
    command = [PROGRAM, *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return process.wait(delay)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def test_a_killed_write_is_whole_or_absent(rows, inputs, tmp_path):
    seed = int(os.environ.get("LANCE_TEST_SEED", random.SystemRandom().randrange(2**32)))
    draw = random.Random(seed)
    harm, kills, finished, landed = Harm(), 0, 0, 0
    new = tmp_path / "new"
    lasting = Table(tmp_path, "lineitem", rows, harm)

    def load(mode, part):
        return ["import", inputs["lineitem", part], lasting.path, "--mode", mode]

    lasting.parts = [1, 2]
    assert run(load("create", 1)).code == 0
    durations = {
        "generate": timed(generate(tmp_path / "timed", 1)),
        "append": timed(load("append", 2)),
        "overwrite": timed(["import", inputs["lineitem", 1], tmp_path / "timed.lance"]),
    }
    while kills < KILLS:
        mode, part = draw.choice(list(durations)), draw.randint(1, PARTS)
        if mode == "append" and len(lasting.parts) >= MOST_PARTS:
            mode = "overwrite"
        if mode == "generate":
            words, after = generate(new, part), [part]
            tables = [Table(new, name, rows, harm) for name in TABLES]
        else:
            words, after = load(mode, part), [*(lasting.parts if mode == "append" else []), part]
            tables = [lasting]
        code = kill_after(words, draw.uniform(0, durations[mode]))
        assert code in (0, -signal.SIGKILL)
        kills, finished = kills + (code != 0), finished + (code == 0)
        for table in tables:
            landed += table.settle(after, acknowledged=code == 0)
        # What a crash left of a new table is in nobody's way.
        if absent := [table for table in tables if not table.parts]:
            assert run(generate(new, part, [table.name for table in absent])).code == 0
        for table in tables:
            if table in absent:
                table.settle(after, acknowledged=True)
            table.clean_up()
        shutil.rmtree(new, ignore_errors=True)
    versions = len(scan_versions(lasting.path))
    figure("W1", seed=seed, kills=kills, finished=finished, landed=landed, versions=versions, **vars(harm))
    assert harm == Harm()
