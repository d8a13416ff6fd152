#!/usr/bin/env python3
"""What follows from the contract in api/*.toml is what tools/generate_api.py makes of it, and nothing else is there."""

from gate import ROOT, verdict
from generate_api import generated

ROOMS = ["rust/lance-ffi/src/generated", "rust/lance-ffi/include/lance/c", "src/ffi/generated", "tests/c_api/generated"]
BY_HAND = {"rust/lance-ffi/include/lance/c/arrow_abi.h"}


def main():
    outputs = dict(generated())
    problems = [f"{path.relative_to(ROOT)} differs: run tools/generate_api.py" for path, text in outputs.items()
                if not path.exists() or path.read_text() != text]
    for room in ROOMS:
        problems += [f"{path.relative_to(ROOT)} is not generated" for path in sorted((ROOT / room).glob("*"))
                     if path not in outputs and str(path.relative_to(ROOT)) not in BY_HAND]
    verdict(f"{len(outputs)} files follow from api/*.toml", problems)


if __name__ == "__main__":
    main()
