"""What it costs to hand one batch over, as boundary_benchmark.cpp measures it."""

import json
import subprocess


def table(program):
    command = [str(program), "--benchmark_format=json", "--benchmark_repetitions=5"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    runs = [run for run in json.loads(output)["benchmarks"] if run.get("aggregate_name") == "median"]
    yield "### Hand one batch of int64 over to the writer\n"
    yield "Export, move, import and queue, on the thread of the producer. No data is copied: what is allocated are the"
    yield "structures of the batch. Promised are less than 20 us of CPU for 16 columns, and no allocation that grows with rows.\n"
    yield "| rows | columns | CPU | wall | allocated |\n| ---: | ---: | ---: | ---: | ---: |"
    for run in runs:
        rows, columns = (part.split(":")[1] for part in run["run_name"].split("/")[1:3])
        yield (
            f"| {int(rows):,} | {columns} | {run['cpu_time']:.1f} us | {run['real_time']:.1f} us "
            f"| {run['bytes_per_batch'] / 1000:.0f} KB |"
        )
    yield ""
