#!/usr/bin/env python3
"""A C header declares exactly the signatures that the Rust code defines.

Every `extern "C"` definition in Rust is written out as a C prototype and compiled together with the header:
equal prototypes may repeat in C, different ones are "conflicting types".

usage: check_signatures.py HEADER RUST_SRC_DIR PREFIX

Functions named PREFIXtesting_* exist in test builds only and stand in no header.
"""

import pathlib
import re
import subprocess
import sys

from gate import verdict

DEFINITION = re.compile(
    r'pub\s+(?:unsafe\s+)?extern\s+"C"\s+fn\s+(\w+)\s*\((.*?)\)\s*(?:->\s*([^{]+?)\s*)?\{', re.DOTALL)

SCALARS = {
    "c_char": "char",
    "c_int": "int",
    "c_void": "void",
    "f64": "double",
    "i32": "int32_t",
    "i64": "int64_t",
    "u32": "uint32_t",
    "u64": "uint64_t",
    "usize": "size_t",
    "FFI_ArrowArray": "struct ArrowArray",
    "FFI_ArrowArrayStream": "struct ArrowArrayStream",
    "FFI_ArrowSchema": "struct ArrowSchema",
}
# Types of our own have one name on both sides; the C compiler refuses one that the header does not have.
OWN = re.compile(r"(Lance|Tpcgen)\w+$")


def to_c(rust):
    """The C spelling of a Rust type."""
    rust = rust.strip()
    for pointer, suffix in (("*const ", " const*"), ("*mut ", "*")):
        if rust.startswith(pointer):
            return to_c(rust.removeprefix(pointer)) + suffix
    name = rust.rsplit("::", 1)[-1]
    if name in SCALARS:
        return SCALARS[name]
    if OWN.match(name):
        return name
    raise ValueError(f"no C type is known for the Rust type `{rust}`")


def prototype(name, arguments, result):
    types = [argument.split(":", 1)[1] for argument in re.split(r",\s*", arguments) if argument.strip()]
    return f"{to_c(result) if result else 'void'} {name}({', '.join(map(to_c, types)) or 'void'});"


def main():
    header, source_dir, prefix = sys.argv[1:]
    code = [f'#include "{pathlib.Path(header).resolve()}"']
    problems = []
    names = set()
    for path in sorted(pathlib.Path(source_dir).rglob("*.rs")):
        text = re.sub(r"//[^\n]*", "", path.read_text())
        for name, arguments, result in DEFINITION.findall(text):
            if not name.startswith(prefix) or name.startswith(f"{prefix}testing_"):
                continue
            names.add(name)
            try:
                code.append(f'#line 1 "{path}: {name}"\n{prototype(name, arguments, result)}')
            except ValueError as error:
                problems.append(f"{path}: {name}: {error}")
    contract = re.sub(r"/\*.*?\*/", "", pathlib.Path(header).read_text(), flags=re.DOTALL)
    declared = set(re.findall(rf"\b({prefix}\w+)\s*\(", contract))
    problems += [f"declared but not defined: {name}" for name in sorted(declared - names)]
    problems += [f"defined but not declared: {name}" for name in sorted(names - declared)]

    compiled = subprocess.run(
        ["gcc", "-std=c11", "-fsyntax-only", "-x", "c", "-"], input="\n".join(code) + "\n", text=True,
        stderr=subprocess.PIPE)
    if compiled.returncode:
        problems.append(compiled.stderr.strip())
    verdict(f"{len(names)} signatures of {pathlib.Path(header).name} agree with Rust", problems)


if __name__ == "__main__":
    main()
