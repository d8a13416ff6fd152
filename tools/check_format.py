#!/usr/bin/env python3
"""C++, C and Rust sources are formatted; with --fix, format them."""

import subprocess
import sys

from gate import ROOT, sources, verdict

ROOMS = ["include", "src", "cli", "examples", "benchmarks", "tests", "rust"]


def main():
    fix = sys.argv[1:] == ["--fix"]
    clang_format = [str(ROOT / ".venv/bin/clang-format"), *(["-i"] if fix else ["--dry-run", "-Werror"])]
    cargo_fmt = ["cargo", "fmt", "--all", *([] if fix else ["--check"])]
    files = [str(path) for path in sources(ROOMS, {".h", ".cpp", ".c"})]
    commands = {"clang-format": [*clang_format, *files], "cargo fmt": cargo_fmt}
    problems = [
        f"{name} reports the differences above; `make format` repairs them"
        for name, command in commands.items()
        if subprocess.run(command, cwd=ROOT).returncode
    ]
    verdict(f"{len(files)} C++ and C files and the Rust workspace are formatted", problems)


if __name__ == "__main__":
    main()
