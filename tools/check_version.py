#!/usr/bin/env python3
"""Cargo, CMake, the library itself and the documents tell the same version, and Cargo pins the engine the library names.

usage: check_version.py CMAKE_VERSION LIBLANCE_FFI
"""

import ctypes
import re
import sys
import tomllib

from gate import ROOT, verdict


def text_of(function):
    function.restype = ctypes.c_char_p
    return function().decode()


def main():
    cmake_version, library_path = sys.argv[1:]
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    header = (ROOT / "rust/lance-ffi/include/lance/c/base.h").read_text()
    library = ctypes.CDLL(library_path)

    version = workspace["package"]["version"]
    minor = version.rpartition(".")[0]
    readme, changelog = ((ROOT / name).read_text() for name in ("README.md", "CHANGELOG.md"))
    engine = next(package["version"] for package in locked if package["name"] == "lance")
    facts = [
        ("version in CMake", cmake_version, version),
        ("lance_version()", text_of(library.lance_version), version),
        ("lance_engine_version()", text_of(library.lance_engine_version), engine),
        ("find_package in README.md", re.search(r"find_package\(LanceCpp (\S+)", readme).group(1), minor),
        ("newest section of CHANGELOG.md", re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE).group(1), version),
        ("pinned engine", workspace["dependencies"]["lance"]["version"], f"={engine}"),
        ("lance_abi_version()", str(library.lance_abi_version()),
         re.search(r"LANCE_ABI_VERSION (\d+)", header).group(1)),
    ]
    problems = [f"{what} is {found}, expected {expected}" for what, found, expected in facts if found != expected]
    verdict(f"version {version}, engine {engine} everywhere", problems)


if __name__ == "__main__":
    main()
