#!/usr/bin/env python3
"""The transparent structs of lance.h have the same layout and the same initial values in C and in Rust, and no padding,
which a later field would find filled with whatever old callers have there.

usage: check_layout.py C_PROGRAM RUST_PROGRAM

Both print the lines that tests/c_api/abi_layout.c describes.
"""

import difflib
import re
import sys

from gate import ROOT, output_of, verdict

HEADER = ROOT / "rust/lance-ffi/include/lance/c/lance.h"


def structs_of(header):
    """The names of all structs, each with those of its fields."""
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\n\}", header, re.DOTALL):
        yield name, re.findall(r"(\w+);", re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL))


def main():
    c_program, rust_program = sys.argv[1:]
    in_c = sorted(output_of(c_program).splitlines())
    in_rust = sorted(output_of(rust_program).splitlines())
    problems = list(difflib.unified_diff(in_c, in_rust, "C", "Rust", lineterm="", n=0))
    printed = {name: values for name, *values in map(str.split, in_c)}
    header = HEADER.read_text()
    initialised = set(re.findall(r"#define LANCE_\w+_INIT[\s\\]*\{sizeof\((\w+)\)", header))
    for name, fields in structs_of(header):
        missing = [entry for entry in (name, *(f"{name}.{field}" for field in fields)) if entry not in printed]
        if missing:
            problems += [f"not printed by abi_layout.c: {entry}" for entry in missing]
            continue
        size = int(printed[name][0])
        end = 0
        for field in fields:
            offset, length, _ = printed[f"{name}.{field}"]
            if int(offset) != end:
                problems.append(f"{name} has padding before {field}: declare it")
            end = int(offset) + int(length)
        if end != size:
            problems.append(f"{name} has padding at its end: declare it")
        if name in initialised and int.from_bytes(bytes.fromhex(printed[f"{name}.struct_size"][2]), "little") != size:
            problems.append(f"abi_layout.c does not print the values of the INIT macro of {name}")
    verdict(f"{len(in_c)} sizes, offsets and initial values agree in C and Rust", problems)


if __name__ == "__main__":
    main()
