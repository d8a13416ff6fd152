#!/usr/bin/env python3
"""Prints the directory of the package ray[cpp], which has include/ and lib/."""

from pathlib import Path

import ray

print(Path(ray.__file__).parent / "cpp")
