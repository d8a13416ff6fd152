"""Appends from many processes and threads: each is there exactly once, and no version is missing."""

from store import HANGS, SHARE, Fates
from support.figures import figure
from support.scale import pick

PROCESSES, PER_PROCESS = 4, pick(5, 25)
THREADS, PER_THREAD = pick(4, 8), pick(5, 15)


def check(store, fates, appends, **figures):
    found = fates.of_rows(store.ids())
    versions = store.versions()
    dense = versions == [*range(1, appends + 2)]
    lost, duplicated = found["lost"], found["duplicated"]
    figure("C1", store=store.name, **figures, acked=found["acked"], lost=lost, duplicated=duplicated, dense=dense)
    assert (found["acked"], lost, duplicated, dense) == (appends, 0, 0, True), fates


def test_appends_of_several_processes(store):
    store.create()
    loops = [store.start_appends(PER_PROCESS, first=k * PER_PROCESS) for k in range(PROCESSES)]
    fates = Fates()
    for loop in loops:
        fates.add(loop)
    check(store, fates, PROCESSES * PER_PROCESS, processes=PROCESSES, appends_each=PER_PROCESS)


def test_appends_of_several_threads(store):
    store.create()
    fates = Fates().add(store.start_appends(PER_THREAD, THREADS))
    check(store, fates, THREADS * PER_THREAD, threads=THREADS, appends_each=PER_THREAD)


def test_one_transaction_in_two_hands(store):
    """Two commit it at once, or one commits and one discards."""
    store.create()
    rounds = pick(8, 100)
    process = store.start(SHARE, store.uri(), rounds)
    output, errors = process.communicate(timeout=HANGS)
    assert process.returncode == 0, errors
    expected, versions, discards = [], 1, 0
    for line in output.splitlines():
        number, first, second = line.split()
        commits = {outcome for outcome in (first, second) if outcome.startswith("OK:")}
        discards += second == "OK"
        assert len(commits) + (second == "OK") <= 1, line
        if int(number) % 2 == 0:
            assert commits == {first, second}, line
        if commits:
            versions += 1
            assert commits == {f"OK:{versions}"}, line
            expected += range(int(number) * 10, int(number) * 10 + 10)
    assert store.ids() == expected, output
    figure("C3", store=store.name, rounds=rounds, versions=versions - 1, discards=discards)
