"""Appends from many processes and threads: each is there exactly once, and no version is missing."""

from store import Fates
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
