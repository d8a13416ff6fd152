#!/usr/bin/env python3
"""lance.h, the C++ ErrorCode and the library agree on every status code and its name.

usage: check_codes.py LIBLANCE_FFI
"""

import ctypes
import re
import sys

from gate import ROOT, verdict


def in_c():
    text = (ROOT / "rust/lance-ffi/include/lance/c/lance.h").read_text()
    enum = re.search(r"typedef int32_t LanceStatusCode;\s*enum \{(.*?)\n\};", text, re.DOTALL).group(1)
    return {int(value): name for name, value in re.findall(r"LANCE_(\w+) = (\d+)", enum)}


def in_cpp():
    text = (ROOT / "include/lance/status.h").read_text()
    enum = re.search(r"enum class ErrorCode : int \{(.*?)\n\};", text, re.DOTALL).group(1)
    return {int(value): name for name, value in re.findall(r"\bk(\w+) = (\d+)", enum)}


def main():
    library = ctypes.CDLL(sys.argv[1])
    library.lance_status_name.restype = ctypes.c_char_p
    c, cpp = in_c(), in_cpp()
    problems = []
    for value in sorted({*c, *cpp, *range(max(c) + 2)}):
        name = c.get(value, "UNKNOWN")
        in_library = library.lance_status_name(value).decode()
        if in_library != name:
            problems.append(f"code {value} is {name} in lance.h, {in_library} in the library")
        if value in c and cpp.get(value, "").upper() != name.replace("_", ""):
            problems.append(f"code {value} is {name} in lance.h, {cpp.get(value)} in status.h")
        if value in cpp and value not in c:
            problems.append(f"code {value} is {cpp[value]} in status.h, not in lance.h")
    verdict(f"{len(c)} status codes agree", problems)


if __name__ == "__main__":
    main()
