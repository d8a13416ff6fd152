"""Contests: the same work by several contenders in turn, round after round, compared within each round."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Contender:
    """A way to do the work: a command that prints its figures as JSON, or one whose whole run is timed."""

    name: str
    command: tuple
    environment: dict = field(default_factory=dict)
    is_timed_whole: bool = False


@dataclass(frozen=True)
class Bar:
    """What is promised: `figure` of the opponent is at least so many times ours."""

    opponent: str
    at_least: float
    figure: str = "seconds"


@dataclass(frozen=True)
class Contest:
    """The first contender is ours. `output` is removed before each run."""

    title: str
    contenders: tuple
    bars: tuple = ()
    output: Path | None = None
    # What is said of it beneath the table.
    remark: str = ""


def remove(path):
    if path is not None and path.is_dir():
        shutil.rmtree(path)
    elif path is not None:
        path.unlink(missing_ok=True)


def disk_mb(path):
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def stacks_of(round):
    """Settings of the C library by which the stacks of threads begin elsewhere in their pages in each round.

    A hot loop whose variables lie across two pages takes twice as long: chance, which made a write 20 % slower.
    """
    return {"GLIBC_TUNABLES": f"glibc.rtld.optional_static_tls={512 + 64 * round}"}


def run(contender, output, round):
    """Run a contender once, and return its figures."""
    remove(output)
    environment = {**os.environ, **stacks_of(round), **contender.environment}
    begin = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in contender.command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    text, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, contender.command))} failed:\n{errors.decode()}")
    figures = {"seconds": time.perf_counter() - begin} if contender.is_timed_whole else json.loads(text)
    if "each" in figures:
        each = sorted(figures.pop("each"))
        figures |= {"p50": statistics.median(each), "p99": each[min(len(each) - 1, len(each) * 99 // 100)]}
    figures["peak_mb"] = usage.ru_maxrss * 1024 / 1e6
    if contender.is_timed_whole:
        figures["cpu"] = usage.ru_utime + usage.ru_stime
    if output is not None and output.exists():
        figures["disk_mb"] = disk_mb(output)
    if "cpu" in figures:
        figures["busy"] = figures["cpu"] / figures["seconds"] / os.cpu_count()
    return figures


@dataclass
class Result:
    """What came of a contest: by contender, the figures of each round."""

    contest: Contest
    rounds: dict

    def median(self, name, figure):
        return statistics.median(figures[figure] for figures in self.rounds[name])

    def ratio(self, opponent, figure):
        """How many times ours the opponent's figure is: the median over the rounds."""
        ours = self.rounds[self.contest.contenders[0].name]
        pairs = zip(ours, self.rounds[opponent], strict=True)
        return statistics.median(theirs[figure] / mine[figure] for mine, theirs in pairs)

    def misses(self):
        return [bar for bar in self.contest.bars if self.ratio(bar.opponent, bar.figure) < bar.at_least]


def hold(contest, rounds):
    """Let all contenders run in turn; the first round warms up and does not count."""
    print(contest.title, file=sys.stderr)
    results = {contender.name: [] for contender in contest.contenders}
    for i in range(rounds + 1):
        for contender in contest.contenders:
            figures = run(contender, contest.output, i)
            if i > 0:
                results[contender.name].append(figures)
    remove(contest.output)
    result = Result(contest, results)
    for name, all_figures in results.items():
        shown = {key: round(statistics.median(f[key] for f in all_figures), 5) for key in all_figures[0]}
        print(f"  {name:24} {shown}", file=sys.stderr)
    return result
