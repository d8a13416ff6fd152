"""Whatever is wrong with a file of a dataset, reading it ends with values or with an error."""

import collections
import os
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.figures import figure
from support.scale import pick

import damage
import gallery

PROGRAM = Path(os.environ.get("LANCE_BIN", damage.ROOT / "build/release/bin/lance"))
MUTANTS = pick(push=150, long=10_000)
MEMCHECKED = pick(push=2, long=60)
WORKERS = os.cpu_count()


@pytest.fixture(scope="module")
def exhibits(tmp_path_factory):
    return gallery.build(PROGRAM, tmp_path_factory.mktemp("gallery"))


def test_the_gallery_is_whole(exhibits):
    """Otherwise the damage would not be to blame."""
    for exhibit in exhibits:
        reading = damage.read(exhibit.path, exhibit.filters)
        assert reading.outcome == "clean", (exhibit.path.name, reading.report)


def test_the_gallery_has_every_kind_of_file(exhibits):
    kinds = {damage.kind_of(file, exhibit.path) for exhibit in exhibits for file in exhibit.files}
    assert {"data.lance", "_versions.manifest", "_transactions.txn", "_deletions.arrow", "_deletions.bin"} <= kinds
    assert len([kind for kind in kinds if kind.startswith("_indices/")]) >= 10


def damage_and_read(worker, mutants, wrapper, exhibits, directory):
    """Damages one file after the other in a copy of the gallery; the copies that do harm are kept."""
    chance = random.Random(worker)
    files = collections.defaultdict(list)
    for exhibit in exhibits:
        copy = gallery.Exhibit(directory / str(worker) / exhibit.path.name, exhibit.filters)
        shutil.copytree(exhibit.path, copy.path)
        for file in copy.files:
            files[exhibit.path.name, damage.kind_of(file, copy.path)].append((copy, file))
    outcomes = collections.Counter()
    for mutant in range(worker, mutants, WORKERS):
        exhibit, file = chance.choice(files[chance.choice(sorted(files))])
        how = chance.choice(damage.KINDS)
        whole = file.read_bytes()
        file.write_bytes(how(whole, chance))
        reading = damage.read(exhibit.path, exhibit.filters, wrapper)
        outcomes[reading.outcome] += 1
        if not reading.harmless:
            kept = directory / "kept" / f"{mutant} {reading.outcome}"
            shutil.copytree(exhibit.path, kept / exhibit.path.name)
            (kept / "report").write_text(f"{how.__name__} {file.relative_to(directory)}\n{reading.report}")
        file.write_bytes(whole)
    return outcomes


def read_mutants(mutants, wrapper, exhibits, directory):
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = [
            pool.submit(damage_and_read, worker, mutants, wrapper, exhibits, directory) for worker in range(WORKERS)
        ]
        outcomes = sum((job.result() for job in jobs), collections.Counter())
    assert outcomes.total() == mutants
    return outcomes


def test_damage_never_ends_a_process(exhibits, tmp_path):
    outcomes = read_mutants(MUTANTS, (), exhibits, tmp_path)
    figure(
        "F1",
        mutants=MUTANTS,
        errors=outcomes["error"],
        panics=outcomes["panic"],
        clean=outcomes["clean"],
        ill_formed=outcomes["invalid"],
        out_of_memory=outcomes["out of memory"],
        signals=outcomes["signal"],
        hangs=outcomes["hang"],
    )
    bad = outcomes["signal"] + outcomes["hang"] + outcomes["invalid"]
    assert bad == 0, f"the damaged datasets are in {tmp_path}/kept"


def test_damage_is_never_followed_out_of_a_buffer(exhibits, tmp_path):
    outcomes = read_mutants(MEMCHECKED, damage.MEMCHECK, exhibits, tmp_path)
    figure("F1", with_valgrind=MEMCHECKED, memory_errors=outcomes["memory error"])
    assert outcomes["memory error"] == 0, f"the damaged datasets are in {tmp_path}/kept"


def losses(file):
    """What can be left of a file, None being nothing, when its loss is one."""
    directory = file.parent.name
    newest = min(file.parent.glob("*.manifest"), default=None)  # Names count down.
    content = file.read_bytes()
    if directory == "_transactions" or file.name == "latest_version_hint.json":
        return  # Nobody needs them to read.
    # A deleted tag looks the same, and so does an old version that was cleaned up.
    if "_refs" not in file.parts and (directory != "_versions" or file == newest):
        yield None
    for length in {0, len(content) // 2, len(content) - 1} - {len(content)}:
        yield content[:length]


def fsck(dataset):
    done = subprocess.run([PROGRAM, "fsck", dataset], capture_output=True, text=True)
    assert done.returncode in (0, 1), (done.returncode, done.stderr)
    return "sound" if done.returncode == 0 else "damaged"


def lose_and_check(exhibit, directory):
    """The files of a dataset whose loss was looked for, and those where it was not found."""
    copy = gallery.Exhibit(directory / exhibit.path.name)
    shutil.copytree(exhibit.path, copy.path)
    tried, overlooked = 0, []
    for file in copy.files:
        whole = file.read_bytes()
        for left in losses(file):
            if left is None:
                file.unlink()
            else:
                file.write_bytes(left)
            tried += 1
            if fsck(copy.path) == "sound":
                overlooked.append((str(file.relative_to(directory)), None if left is None else len(left)))
            file.write_bytes(whole)
    return tried, overlooked


def test_fsck_finds_every_loss_and_nothing_else(exhibits, tmp_path):
    assert {fsck(exhibit.path) for exhibit in exhibits} == {"sound"}
    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(lambda exhibit: lose_and_check(exhibit, tmp_path), exhibits))
    tried = sum(tried for tried, _ in results)
    overlooked = [loss for _, losses in results for loss in losses]
    figure("F1", losses=tried, overlooked=len(overlooked))
    assert not overlooked


@pytest.mark.parametrize(
    "outcome, script",
    [
        ("clean", "printf 'open\\tOK\\t\\n'"),
        ("error", "printf 'open\\tOK\\t\\nscan\\tIO\\tno\\n'"),
        ("panic", "printf 'open\\tPANIC\\tno\\nscan\\tIO\\tno\\n'"),
        ("invalid", "printf 'scan\\tINVALID\\tno\\nscan\\tPANIC\\t\\n'"),
        ("signal", "printf 'open\\tOK\\t\\n'; kill -SEGV $$"),
        ("out of memory", "echo memory allocation of 9 bytes failed >&2; kill -ABRT $$"),
        ("hang", "exec sleep 60"),
    ],
)
def test_every_end_of_a_reader_is_told_apart(tmp_path, monkeypatch, outcome, script):
    reader = tmp_path / "reader"
    reader.write_text(f"#!/bin/sh\n{script}\n")
    reader.chmod(0o755)
    monkeypatch.setattr(damage, "READER", reader)
    monkeypatch.setattr(damage, "HANG_SECONDS", 1 if outcome == "hang" else 60)
    assert damage.read(tmp_path, ()).outcome == outcome
