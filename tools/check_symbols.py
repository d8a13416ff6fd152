#!/usr/bin/env python3
"""The shared libraries export exactly what their headers promise, under the right SONAME, and bring nothing that
quarrels with what else is in a process: no allocator, no OpenSSL.

usage: check_symbols.py SOVERSION LIBLANCE_FFI LIBTPCGEN_FFI LIBLANCE_CPP [LIBLANCE_DATASET]
"""

import re
import sys

from gate import ROOT, output_of, verdict

HEADER = ROOT / "rust/lance-ffi/include/lance/c/lance.h"
# The C++ libraries, each with one of its functions.
CPP = {"liblance_cpp": "lance::v0::Dataset::Open", "liblance_dataset": "lance::v0::MakeArrowDataset"}


def exported(library, *options):
    lines = output_of("nm", "--dynamic", "--defined-only", *options, library).splitlines()
    return {line.split(" ", 2)[2] for line in lines}


def declared():
    text = output_of("gcc", "-E", "-P", str(HEADER))
    return set(re.findall(r"\b(lance_\w+)\s*\(", text))


def foreign(library):
    """Allocators inside, and TLS libraries beside."""
    symbols = {line.split()[-1] for line in output_of("nm", library).splitlines()}
    yield from sorted(name for name in symbols if re.match(r"(mi_|_?(rjem_)?je_)\w*malloc", name))
    yield from re.findall(r"NEEDED.*\[(lib(?:ssl|crypto)\b.*)\]", output_of("readelf", "--dynamic", library))


def soname(library):
    match = re.search(r"SONAME.*\[(.+)\]", output_of("readelf", "--dynamic", library))
    return match.group(1) if match else None


def main():
    soversion, ffi, tpcgen, *cpp = sys.argv[1:]
    named = {"liblance_ffi": ffi, **dict(zip(CPP, cpp))}
    problems = []

    functions, symbols = declared(), exported(ffi)
    problems += [f"declared in lance.h, not exported: {name}" for name in sorted(functions - symbols)]
    problems += [f"exported, not declared in lance.h: {name}" for name in sorted(symbols - functions)]

    ours = re.compile(r"((typeinfo|typeinfo name|vtable) for )?lance::")
    for name, library in zip(CPP, cpp):
        symbols = exported(library, "--demangle")
        problems += [f"exported by {name}, not ours: {symbol}" for symbol in sorted(symbols) if not ours.match(symbol)]
        if not any(CPP[name] in symbol for symbol in symbols):
            problems.append(f"{name} does not export {CPP[name]}")

    for name, library in named.items():
        if soname(library) != f"{name}.so.{soversion}":
            problems.append(f"{library} has the SONAME {soname(library)}, not {name}.so.{soversion}")

    not_ours = [name for name in exported(tpcgen) if not name.startswith("tpcgen_")]
    problems += [f"exported by libtpcgen_ffi, not ours: {name}" for name in sorted(not_ours)]

    for library in (ffi, tpcgen, *cpp):
        problems += [f"{library} has {name}" for name in foreign(library)]

    verdict(f"{len(functions)} C functions and the lance namespace are all that is exported", problems)


if __name__ == "__main__":
    main()
