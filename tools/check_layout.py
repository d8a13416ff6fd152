#!/usr/bin/env python3
"""The transparent structs of lance.h have the same layout in C and in Rust.

usage: check_layout.py C_PROGRAM RUST_PROGRAM

Both print the lines that tests/c_api/abi_layout.c describes.
"""

import difflib
import re
import sys

from gate import ROOT, output_of, verdict

HEADER = ROOT / "rust/lance-ffi/include/lance/c/lance.h"


def main():
    c_program, rust_program = sys.argv[1:]
    in_c = sorted(output_of(c_program).splitlines())
    in_rust = sorted(output_of(rust_program).splitlines())
    problems = list(difflib.unified_diff(in_c, in_rust, "C", "Rust", lineterm="", n=0))
    printed = {line.split()[0] for line in in_c}
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\n\}", HEADER.read_text(), re.DOTALL):
        fields = re.findall(r"(\w+);", re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL))
        for entry in [name, *(f"{name}.{field}" for field in fields)]:
            if entry not in printed:
                problems.append(f"not printed by abi_layout.c: {entry}")
    verdict(f"{len(in_c)} sizes and offsets agree in C and Rust", problems)


if __name__ == "__main__":
    main()
