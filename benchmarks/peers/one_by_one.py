#!/usr/bin/env python3
"""Generation on one thread, and then the writing of the same tables on one: what working side by side is measured by.

usage: one_by_one.py LANCE LANCE_CPP_PEER OUTPUT TABLE.arrow...
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def output_of(*command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE).stdout


def main():
    lance, peer, output, *arrows = sys.argv[1:]
    os.sched_setaffinity(0, {0})
    begin = time.perf_counter()
    output_of(lance, "tpch", "generate", "--scale", "1", "--discard", "--jobs", "1")
    seconds = time.perf_counter() - begin
    for arrow in arrows:
        dataset = Path(output) / f"{Path(arrow).stem}.lance"
        seconds += json.loads(output_of(peer, "--cpu-threads", "1", "write", arrow, dataset))["seconds"]
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
