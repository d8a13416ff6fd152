"""The program, and where a namespace is."""

import json
import os
import pathlib
import subprocess

import pyarrow.parquet as pq

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build/release"
PROGRAM = os.environ.get("LANCE_BIN", BUILD / "bin/lance")


class Lance:
    """The program, with a namespace."""

    def __init__(self, directory, *namespace):
        self.directory = directory
        self.namespace = namespace

    def run(self, *args):
        command = [PROGRAM, *args, *self.namespace]
        return subprocess.run(command, cwd=self.directory, capture_output=True, text=True, timeout=300)

    def __call__(self, *args):
        """What it prints."""
        result = self.run(*args)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def json(self, *args):
        return json.loads(self(*args, "--format", "json"))

    def fails(self, *args):
        """The message, in one line."""
        result = self.run(*args)
        assert result.returncode == 1, (result.returncode, result.stderr)
        (line,) = result.stderr.splitlines()
        return line.removeprefix("lance: error: ")

    def read(self, name):
        lines = self("query", name, "--format", "json").splitlines()
        return [json.loads(line) for line in lines]

    def write(self, table, name, mode="create"):
        pq.write_table(table, self.directory / "input.parquet")
        self("import", "input.parquet", name, "--mode", mode)

    def names(self, *args):
        return [(entry["kind"], entry["name"]) for entry in self.json("tables", "list", *args)]
