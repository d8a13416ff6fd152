"""What the tests with engines share: the program, and pylance as the judge of what a dataset has then."""

import json
import os
import subprocess
from pathlib import Path

import lance
import pytest

PROJECT = Path(__file__).resolve().parents[2]
BUILD = PROJECT / "build/release"
LANCE = Path(os.environ.get("LANCE_BIN", BUILD / "bin/lance"))
PROGRAMS = Path(os.environ.get("LANCE_DISTRIBUTED", BUILD / "tests/distributed"))


def outcome(*command, **options):
    """Runs a program."""
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, **options)


def run(*command, **options):
    """Runs a program that must succeed, and returns what it printed."""
    done = outcome(*command, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout}\n{done.stderr}"
    return done.stdout


class Data:
    """Datasets in a directory of their own."""

    def __init__(self, directory):
        self.directory = directory

    def path(self, table):
        return self.directory / f"{table}.lance"

    def expect_whole(self, table, scale, version=1):
        """The rows are those of the whole table, in its order, in so many versions, and nothing else is there."""
        place = self.directory / "whole"
        options = ["--scale", scale, "--tables", table, "--output", place, "--mode", "overwrite"]
        run(LANCE, "tpch", "generate", *options)
        whole = lance.dataset(place / f"{table}.lance").to_table()
        found = lance.dataset(self.path(table))
        assert found.version == version
        assert found.to_table().equals(whole)
        assert json.loads(run(LANCE, "fsck", self.path(table), "--format", "json"))["problems"] == []

    def orphans(self, table):
        report = json.loads(run(LANCE, "fsck", self.path(table), "--format", "json"))
        return report["orphans"] + report["temporary_files"]

    def clean_up(self, table):
        run(LANCE, "cleanup", self.path(table), "--no-writers-active")
        assert self.orphans(table) == 0


@pytest.fixture
def data(tmp_path):
    return Data(tmp_path)
