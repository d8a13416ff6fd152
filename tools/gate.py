"""What the gates share: the project's root, running a command, and the verdict."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def sources(rooms, suffixes):
    """The files with these suffixes in these rooms, relative to the root."""
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path.relative_to(ROOT)


def output_of(*command):
    """The standard output of a command, which must succeed."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def verdict(what, problems):
    """Print the problems and leave with 1, or say what holds."""
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(f"not so ({len(problems)} problems): {what}")
    print(f"ok: {what}")
