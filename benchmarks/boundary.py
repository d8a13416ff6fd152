"""What it costs to hand one batch over, as boundary_benchmark.cpp measures it."""

import json
import subprocess


def table(program):
    command = [str(program), "--benchmark_format=json", "--benchmark_repetitions=5"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    runs = [run for run in json.loads(output)["benchmarks"] if run.get("aggregate_name") == "median"]
    yield "### Hand one batch over to the writer\n"
    yield "Export, move, import, check and queue, on the thread of the producer. No data is copied: what is allocated are the"
    yield "structures of the batch. Promised are less than 20 us of CPU for 16 columns of int64, and no allocation that grows"
    yield "with rows. Of text, of 27 bytes on average, every byte is read: it has to be UTF-8.\n"
    yield "| columns of | rows | columns | CPU | wall | allocated |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    for run in runs:
        function, *arguments = run["run_name"].split("/")[:3]
        rows, columns = (argument.split(":")[1] for argument in arguments)
        yield (
            f"| {function.removeprefix('HandOver').lower()} | {int(rows):,} | {columns} | {run['cpu_time']:.1f} us "
            f"| {run['real_time']:.1f} us | {run['bytes_per_batch'] / 1000:.0f} KB |"
        )
    yield ""
