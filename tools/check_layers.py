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
    Rule("only lance_dataset needs more of Arrow than libarrow",
         ["src"], CPP, r'#include\s+["<]arrow/(acero|compute|dataset|engine)/', ("src/arrow_dataset/",)),
    Rule("lance_dataset uses the public C++ API",
         ["src/arrow_dataset"], CPP, r'#include\s+["<](lance/c|ffi|\.\.)/'),
    Rule("the library never prints",
         ["src"], CPP, r"std::(cout|cerr|clog)|\bf?printf\s*\(|\bputs\s*\("),
    Rule("the library never prints",
         [f"rust/{crate}/src" for crate in ("contain", "lance-engine", "lance-ffi", "tpcgen-ffi")], RUST,
         r"\b(e?print(ln)?|dbg)!"),
    Rule("only rust/lance-engine/src knows the lance crates",
         ["rust"], RUST, r'(?<!")\blance(_(?!ffi\b|engine\b)\w+)?::', ("rust/lance-engine/src/",)),
    Rule("only rust/lance-ffi/src knows lance-engine",
         ["rust"], RUST, r"\blance_engine::", ("rust/lance-ffi/src/",)),
    Rule("lance-engine exports nothing and knows no pointer of a caller",
         ["rust/lance-engine/src"], RUST, r'extern "C"|\bno_mangle\b|\*(const|mut) '),
    Rule("lance-engine is safe but where the system demands more",
         ["rust/lance-engine/src"], RUST, r"\bunsafe\b",
         ("rust/lance-engine/src/local/", "rust/lance-engine/src/runtime.rs")),
    Rule("the shells of Arrow C structs live on the stack",
         ["include", "src", "cli", "examples", "benchmarks", "tests"], CPP,
         r"\bnew\s+(struct\s+)?Arrow(Array|Schema|ArrayStream)\b", ("tests/old_fault/",)),
]

# Their modules know each other in one direction only.
CRATES = ["rust/lance-engine", "rust/lance-ffi"]

USE = re.compile(r"\b(crate|super)((?:::\w+)*)(?:::\{([^;]*)\})?")
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


def uses(path, root):
    """What a file names of its crate, as paths from the root: each with the module that says it."""
    module = path.relative_to(root).with_suffix("").parts
    module = module[:-1] if module[-1] in ("mod", "lib") else module
    text = re.sub(r"//[^\n]*", "", path.read_text()).split("#[cfg(test)]\nmod tests {")[0]
    for start, names, group in USE.findall(text):
        base = () if start == "crate" else module[:-1]
        names = tuple(names.split("::")[1:])
        for name in re.findall(r"(?:^|,)\s*(\w+)", group) or [""]:
            yield module, (*base, *names, name)


def circles():
    """Modules beside each other that use each other, directly or through others."""
    for crate in CRATES:
        root = ROOT / crate / "src"
        knows = {}
        for path in sorted(root.rglob("*.rs")):
            for module, used in uses(path, root):
                depth = next((i for i, (a, b) in enumerate(zip(module, used)) if a != b), None)
                # What is generated has the mirrors, below all bodies, and the shells, above them.
                if depth is None or used[0] == "generated":
                    continue
                one, other = module[: depth + 1], used[: depth + 1]
                stem = root.joinpath(*other)
                if stem.with_suffix(".rs").exists() or stem.is_dir():
                    knows.setdefault(one, set()).add(other)
        for start in knows:
            seen, left = set(), [start]
            while left:
                for other in knows.get(left.pop(), set()) - seen:
                    seen.add(other)
                    left.append(other)
            if start in seen:
                yield f"{crate}/src/{'/'.join(start)}: a module that it uses comes back to it"


def main():
    verdict("every room knows only what it may", [*broken_rules(), *circles(), *undocumented_unsafe()])


if __name__ == "__main__":
    main()
