#!/usr/bin/env python3
"""Adds the datasets of a release to the golden files: run it once for each release, from its own build, and commit
what it made.

usage: add_release.py

Makes tests/compat/data/VERSION with a dataset for each storage version: all types, in two versions, the second
appended to the first; and expected.arrow, the rows of all of them. Files of earlier releases are never changed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.feather

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
from conformance import columns  # noqa: E402

LANCE = Path(os.environ.get("LANCE_BIN", ROOT / "build/release/bin/lance"))
DATA = ROOT / "tests/compat/data"

STORAGE_VERSIONS = ["2.0", "2.1", "2.2"]
ROWS_PER_VERSION = 5


def product_version():
    text = subprocess.run([LANCE, "--version"], check=True, capture_output=True, text=True).stdout
    return text.split()[1]


def main():
    release = DATA / product_version()
    release.mkdir(parents=True)
    table = columns.table("2.2", nulls=True, rows=2 * ROWS_PER_VERSION)
    pyarrow.feather.write_feather(table, release / "expected.arrow", compression="zstd")
    for storage_version in STORAGE_VERSIONS:
        storable = table.select(["id", *columns.supported(storage_version)])
        for mode, start in (("create", 0), ("append", ROWS_PER_VERSION)):
            with tempfile.TemporaryDirectory() as directory:
                source = f"{directory}/rows.arrow"
                pyarrow.feather.write_feather(storable.slice(start, ROWS_PER_VERSION), source)
                target = release / f"types-{storage_version}.lance"
                command = [LANCE, "import", source, target, "--mode", mode]
                subprocess.run([*command, "--data-storage-version", storage_version], check=True)


if __name__ == "__main__":
    main()
