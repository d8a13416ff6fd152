#!/usr/bin/env python3
"""Every C function that takes a pointer and can fail is called with NULL by tests/c_api/null_arguments_test.c."""

import re

from gate import ROOT, output_of, verdict

HEADER = ROOT / "rust/lance-ffi/include/lance/c/lance.h"
TEST = ROOT / "tests/c_api/null_arguments_test.c"


def main():
    header = output_of("gcc", "-E", "-P", str(HEADER))
    functions = re.findall(r"LanceStatusCode\s+(lance_\w+)\([^;]*LanceError\s*\*\*\s*error\);", header)
    test = TEST.read_text()
    problems = [f"{TEST.relative_to(ROOT)}: does not call {name}" for name in functions if f"{name}," not in test]
    verdict(f"{len(functions)} C functions are tested with NULL", problems)


if __name__ == "__main__":
    main()
