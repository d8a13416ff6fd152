#!/usr/bin/env python3
"""Peak memory of writing lineitem, against the limits the project promises.

Prints a Markdown table and leaves with 1 when a limit is exceeded. Run it with `make bench-memory`; --large
adds scale factor 5, which must need no more than scale factor 1 plus 10 %.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LANCE = ROOT / "build/release/bin/lance"
TPCHGEN = ROOT / ".venv/bin/tpchgen-cli"

WRITE_LIMIT_MB = 128
IMPORT_LIMIT_MB = 300
GROWTH_LIMIT = 1.10


def peak_mb(*command):
    """Run a command, say how long it took, and return its peak resident memory in MB (10^6 bytes)."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(process.args)} failed:\n{output.read().decode()}")
    megabytes = usage.ru_maxrss * 1024 / 1e6
    print(f"{megabytes:8.0f} MB {time.monotonic() - started:6.1f} s  {' '.join(process.args)}", file=sys.stderr)
    return megabytes


def measure(scale, directory):
    """The peaks of generating alone, of generating and writing, and of importing, at one scale factor."""
    generate = [LANCE, "tpch", "generate", "--scale", scale, "--tables", "lineitem"]
    parquet = directory / "lineitem.parquet"
    alone = peak_mb(*generate, "--discard")
    written = peak_mb(*generate, "--output", directory / "generated")
    peak_mb(TPCHGEN, "parquet", "--scale-factor", scale, "--tables", "lineitem", "--output-dir", directory)
    imported = peak_mb(LANCE, "import", parquet, directory / "imported.lance")
    return alone, written, imported


def measure_in_scratch(scale):
    """The same, in a directory of its own."""
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as directory:
        return measure(scale, pathlib.Path(directory))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="also measure scale factor 5 (needs 10 GB of disk)")
    scales = [1, 5] if parser.parse_args().large else [1]

    peaks = {scale: measure_in_scratch(scale) for scale in scales}

    alone, written, imported = peaks[1]
    rows = [
        ("generate SF 1, write nothing", alone, None),
        ("generate SF 1 into Lance", written, alone + WRITE_LIMIT_MB),
        ("import SF 1 from Parquet", imported, IMPORT_LIMIT_MB),
    ]
    if 5 in peaks:
        _, written_large, imported_large = peaks[5]
        rows += [
            ("generate SF 5 into Lance", written_large, written * GROWTH_LIMIT),
            ("import SF 5 from Parquet", imported_large, imported * GROWTH_LIMIT),
        ]

    print("| lineitem | peak | limit | |\n| --- | ---: | ---: | --- |")
    for what, peak, limit in rows:
        verdict = "" if limit is None else "pass" if peak <= limit else "FAIL"
        print(f"| {what} | {peak:.0f} MB | {'' if limit is None else f'{limit:.0f} MB'} | {verdict} |")
    return any(limit is not None and peak > limit for _, peak, limit in rows)


if __name__ == "__main__":
    sys.exit(main())
