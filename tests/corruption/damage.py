"""Ways to damage a file, and what a reader makes of it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READER = Path(os.environ.get("LANCE_READ_EVERYTHING", ROOT / "build/release/tests/corruption/read_everything"))

# A whole read takes well under a second, or a few with valgrind; who needs so long will never end.
HANG_SECONDS = 300

# Looks into the engine too. Of uninitialised values the optimiser's own branches would be reported.
MEMCHECK = ("valgrind", "--quiet", "--fair-sched=try", "--undef-value-errors=no", "--error-exitcode=9")

LARGEST_BLOCK = 512
# Footers, offsets and descriptions are at the end of most files, where damage goes deepest.
TAIL = 4096


def _place(content, random):
    tail = max(0, len(content) - TAIL)
    return random.randrange(random.choice((0, tail)), len(content))


def _block(content, random, size):
    start = min(_place(content, random), len(content) - size)
    return slice(start, start + size)


def flip(content, random):
    """Change 1 to 8 bytes."""
    damaged = bytearray(content)
    for _ in range(random.randint(1, 8)):
        damaged[_place(content, random)] ^= random.randrange(1, 256)
    return damaged


def truncate(content, random):
    return content[: random.randrange(len(content))]


def zero(content, random):
    damaged = bytearray(content)
    size = random.randint(1, min(LARGEST_BLOCK, len(content)))
    damaged[_block(content, random, size)] = bytes(size)
    return damaged


def swap(content, random):
    damaged = bytearray(content)
    size = random.randint(1, min(LARGEST_BLOCK, len(content)))
    here, there = _block(content, random, size), _block(content, random, size)
    damaged[here], damaged[there] = content[there], content[here]
    return damaged


KINDS = (flip, flip, flip, truncate, zero, swap)


def kind_of(file, dataset):
    """What a file is: its directory, and for an index its name."""
    directory, *_, name = file.relative_to(dataset).parts
    return f"{directory}/{name}" if directory == "_indices" else f"{directory}{file.suffix}"


@dataclass
class Reading:
    """What became of a reader."""

    outcome: str
    report: str

    @property
    def harmless(self):
        return self.outcome in ("clean", "error", "panic")


def read(dataset, filters, wrapper=()):
    """Read all of a dataset, by another command if one is given, and tell the worst that happened."""
    try:
        done = subprocess.run([*wrapper, READER, dataset, *filters], capture_output=True, timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired as expired:
        return Reading("hang", (expired.stdout or b"").decode(errors="replace"))
    report = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode < 0:
        return Reading("out of memory" if "memory allocation of" in report else "signal", report)
    if wrapper and done.returncode == 9:
        return Reading("memory error", report)
    assert done.returncode == 0, report
    # Messages quote what is damaged, so they may hold characters at which splitlines() would split.
    steps = [line.split("\t")[1] for line in done.stdout.decode(errors="replace").rstrip("\n").split("\n")]
    worst = next((step for step in ("INVALID", "PANIC") if step in steps), None)
    if worst is not None:
        return Reading(worst.lower(), report)
    return Reading("clean" if set(steps) == {"OK"} else "error", report)
