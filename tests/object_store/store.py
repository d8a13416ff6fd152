"""A container on a server, and the programs that work there."""

import json
import os
import pathlib
import subprocess
from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from servers import Server

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build/release"
LANCE = os.environ.get("LANCE_BIN", BUILD / "bin/lance")
APPEND_LOOP = os.environ.get("LANCE_APPEND_LOOP", BUILD / "tests/object_store/append_loop")
SHARE = os.environ.get("LANCE_SHARE", BUILD / "tests/object_store/share")
GIVE_UP = os.environ.get("LANCE_GIVE_UP", BUILD / "tests/object_store/give_up")

ROWS_PER_BATCH = 10  # of append_loop
HANGS = 600  # no program takes so many seconds unless it hangs


@dataclass
class Fates:
    """What append_loop said about its batches."""

    acked: list = field(default_factory=list)
    unknown: dict = field(default_factory=dict)
    refused: dict = field(default_factory=dict)

    def add(self, process):
        """Wait for a loop and take what it says."""
        output, errors = process.communicate(timeout=HANGS)
        assert process.returncode == 0, errors
        for line in output.splitlines():
            fate, batch, *message = line.split(" ", 2)
            if fate == "acked":
                self.acked.append(int(batch))
            else:
                getattr(self, fate)[int(batch)] = " ".join(message)
        return self

    def of_rows(self, ids):
        """Compare with the rows that are there; return the figures, which are all 0 but for the counts."""
        rows = Counter(ids)
        batches = {identity // ROWS_PER_BATCH for identity in rows}
        whole = {batch for batch in batches if all(rows[batch * ROWS_PER_BATCH + i] for i in range(ROWS_PER_BATCH))}
        return {
            "acked": len(self.acked),
            "unknown": len(self.unknown),
            "refused": len(self.refused),
            "lost": len({*self.acked} - whole),
            "duplicated": sum(count - 1 for count in rows.values()),
            "partial": len(batches - whole),
            "unacknowledged": len(batches - {*self.acked} - {*self.unknown}),
        }


@dataclass
class Store:
    """A new container, and what programs do there."""

    server: Server
    container: str
    directory: pathlib.Path

    @property
    def name(self):
        return self.server.name

    @property
    def proxy(self):
        return self.server.proxy

    def uri(self, name="t.lance"):
        return f"{self.server.scheme}://{self.container}/{name}"

    def options(self, changes):
        options = self.server.options | changes
        return [f"{key}={value}" for key, value in options.items() if value is not None]

    def start(self, program, *arguments, **changes):
        """Start a program. Storage options come last on its command line; `changes` change them, None drops one."""
        options = self.options(changes)
        if program == LANCE:
            options = [f"--storage-option={option}" for option in options]
        return subprocess.Popen(
            [str(argument) for argument in (program, *arguments, *options)],
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_appends(self, batches, threads=1, first=0, **changes):
        return self.start(APPEND_LOOP, self.uri(), threads, batches, first, **changes)

    def lance(self, *arguments, **changes):
        """Run `lance`, expect success, and return what it printed."""
        process = self.start(LANCE, *arguments, **changes)
        output, errors = process.communicate(timeout=HANGS)
        assert process.returncode == 0, errors
        return output

    def fails(self, *arguments, **changes):
        """Run `lance`, expect an error, and return its message."""
        process = self.start(LANCE, *arguments, **changes)
        output, errors = process.communicate(timeout=HANGS)
        assert process.returncode == 1, (process.returncode, output, errors)
        return errors.splitlines()[-1].removeprefix("lance: error: ")

    def create(self):
        """Make the dataset that append_loop appends to."""
        schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
        pq.write_table(schema.empty_table(), self.directory / "empty.parquet")
        self.lance("import", "empty.parquet", self.uri())

    def versions(self):
        return [entry["version"] for entry in json.loads(self.lance("versions", self.uri(), "--format", "json"))]

    def ids(self):
        """The column `id`, read from the data files."""
        lines = self.lance("query", self.uri(), "--columns", "id", "--format", "csv").split()
        return [int(line) for line in lines[1:]]

    def objects(self):
        """All objects of the container and their sizes."""
        return self.server.objects(self.container)

    def unfinished(self):
        """The uploads that were begun and never ended."""
        return self.server.unfinished(self.container)
