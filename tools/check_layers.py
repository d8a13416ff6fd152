#!/usr/bin/env python3
"""The rooms of the project know only what they may, and a few rules that no compiler checks.

See ARCHITECTURE.md for the rooms.
"""

import re
from typing import NamedTuple

from gate import ROOT, sources, verdict

CPP = {".h", ".cpp", ".c"}
RUST = {".rs"}


class Rule(NamedTuple):
    why: str
    rooms: list[str]
    suffixes: set[str]
    forbidden: str
    exempt: tuple[str, ...] = ()


RULES = [
    Rule("public headers include std, arrow/ and lance/ only",
         ["include"], CPP, r'#include\s+["<](?!(lance|arrow)/|\w+>)'),
    Rule("the C ABI stays out of the public C++ headers",
         ["include"], CPP, r'#include\s+["<](lance|arrow)/c/'),
    Rule("the program uses the public C++ API",
         ["cli"], CPP, r'#include\s+["<](lance/c|ffi|\.\.)/'),
    Rule("internal headers stay in src/",
         ["cli", "examples", "benchmarks"], CPP, r'#include\s+["<].*_internal\.h'),
    Rule("the library needs Arrow and nothing else",
         ["src"], CPP, r'#include\s+["<](CLI|nlohmann|fmt|parquet|tpcgen)/'),
    Rule("the library never prints",
         ["src"], CPP, r"std::(cout|cerr|clog)|\bf?printf\s*\(|\bputs\s*\("),
    Rule("the library never prints",
         ["rust/lance-ffi/src", "rust/tpcgen-ffi/src"], RUST, r"\b(e?print(ln)?|dbg)!"),
    Rule("only rust/lance-ffi/src knows the lance crates",
         ["rust"], RUST, r"\blance(_(?!ffi)\w+)?::", ("rust/lance-ffi/src/",)),
    Rule("the shells of Arrow C structs live on the stack",
         ["include", "src", "cli", "examples", "benchmarks", "tests"], CPP,
         r"\bnew\s+(struct\s+)?Arrow(Array|Schema|ArrayStream)\b", ("tests/old_fault/",)),
]

UNSAFE = re.compile(r"\bunsafe\s*(\{|impl\b)")


def code_lines(path):
    """The numbered lines of a file, without line comments."""
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        yield number, line.split("//")[0]


def broken_rules():
    for rule in RULES:
        for path in sources(rule.rooms, rule.suffixes):
            if str(path).startswith(rule.exempt):
                continue
            for number, line in code_lines(path):
                if re.search(rule.forbidden, line):
                    yield f"{path}:{number}: {rule.why}: {line.strip()}"


def undocumented_unsafe():
    for path in sources(["rust"], RUST):
        lines = (ROOT / path).read_text().splitlines()
        for number, line in code_lines(path):
            if UNSAFE.search(line) and "SAFETY" not in "".join(lines[max(0, number - 4) : number]):
                yield f"{path}:{number}: no SAFETY comment in the three lines before: {line.strip()}"


def main():
    verdict("every room knows only what it may", [*broken_rules(), *undocumented_unsafe()])


if __name__ == "__main__":
    main()
