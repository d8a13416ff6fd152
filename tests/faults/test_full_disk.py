"""A disk that is really full: a small tmpfs, in a mount namespace of its own (row W2)."""

import itertools
import shutil
import subprocess

import pytest

from faults import PROGRAM, run
from operations import OPERATIONS, WRITES
from oracle import Tally
from support.figures import figure
from support.scale import pick

# The namespace takes the disk away when it ends, so what is on it is copied out. A tmpfs of size 0 has no bound at all,
# so a page of it is always in use.
_SCRIPT = """
set -e
disk=$1 free=$2 before=$3 after=$4; shift 4
mount -t tmpfs -o size=1g tmpfs "$disk"
echo x > "$disk/in_use"
[ ! -d "$before" ] || cp -a "$before" "$disk/data.lance"
used=$(df --output=used --block-size=1K "$disk" | tail -1)
mount -o remount,size=$((used + free))k "$disk"
code=0
"$@" || code=$?
[ ! -d "$disk/data.lance" ] || cp -a "$disk/data.lance" "$after"
exit $code
"""
_PAGE = 4096
# A branch knows the place of the dataset that it began from: it cannot be read in a copy.
COPIED = [operation for operation in OPERATIONS if operation.name != "branch"]


@pytest.fixture(scope="module")
def namespace(tmp_path_factory):
    """The command that opens a mount namespace."""
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(tmp_path_factory.mktemp("disk"))]
    for command in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        if subprocess.run([*command, *mount], capture_output=True).returncode == 0:
            return command
    figure("W2", skipped="mounting a tmpfs is not permitted")
    pytest.skip("mounting a tmpfs is not permitted")


@pytest.mark.parametrize("operation", COPIED, ids=lambda operation: operation.name)
def test_a_full_disk_fails_the_write_and_nothing_else(bench, namespace, tmp_path, operation):
    disk = tmp_path / "disk"
    disk.mkdir()
    before, after = bench.undisturbed(operation)
    tally = Tally()
    # From a full disk to one that is just large enough.
    needed = sum(map(len, after.files.values())) - sum(map(len, before.files.values()))
    steps = pick(16 if operation in WRITES else 4, 128)
    step = max(1, needed // (steps * _PAGE)) * _PAGE // 1024
    for free in itertools.count(0, step):
        path = bench.dataset(operation)
        result = tmp_path / "result.lance"
        shutil.rmtree(result, ignore_errors=True)
        words = [disk, free, path, result, PROGRAM, *operation.words(bench, disk / "data.lance")]
        done = run(["-c", _SCRIPT, "full_disk", *words], program=(*namespace, "sh"))
        tally.judge(f"{operation.name}, {free} KiB free", done, result, operation, before, after)
        if done.code == 0:
            break
    figure("W2", disk="full", operation=operation.name, **tally.figures())
    tally.check()
    assert tally.errors > 0
