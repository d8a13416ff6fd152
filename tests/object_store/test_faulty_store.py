"""A store that fails now and then, or for good: nothing acknowledged is lost, and nothing is there twice."""

import re
import time
from urllib.parse import unquote

import pytest
from fault_proxy import Fault
from store import Fates
from support.figures import figure
from support.scale import is_long, pick

MANIFEST = "PUT .*/_versions/"
APPENDS, THREADS = pick(40, 200), 5

# By request: a fifth fails. A push mixes the kinds, a long run gives each all of the share.
KINDS = {
    "503": [Fault("503", share=0.2)],
    "429": [Fault("429", share=0.2)],
    "reset": [Fault("reset", share=0.2)],
    "slow": [Fault("slow", share=0.2, seconds=0.2)],
    "lost_answer": [Fault("lost answer", MANIFEST, share=0.2)],
    "late_error": [Fault("late error", MANIFEST, share=0.2)],
}
MIXED = [
    Fault("lost answer", MANIFEST, share=0.2),
    Fault("late error", MANIFEST, share=0.1),
    Fault("503", share=0.08),
    Fault("429", share=0.04),
    Fault("reset", share=0.04),
    Fault("slow", share=0.04, seconds=0.2),
]

# One round of tries for each request, which ends soon.
IMPATIENT = {"client_max_retries": "1", "client_retry_timeout": "2", "lance_aimd_max_retries": "0"}
# The engine lists six times, each time with all tries; a second more for each pause.
LIST_TRIES, LONGEST_LISTING = 6 * 2, 6 * (2 + 1)
TRIED = re.compile(r"in [\d.]+m?s, after 1 retries, max_retries: 1, retry_timeout: 2s")


def check(store, fates):
    """Compare what was said with what is there; return the figures."""
    found = fates.of_rows(store.ids())
    assert [found[name] for name in ("lost", "duplicated", "partial", "unacknowledged")] == [0] * 4, found
    return found


@pytest.mark.parametrize("kind", KINDS if is_long() else ["mixed"])
def test_appends_while_a_fifth_of_the_requests_fails(store, kind):
    store.create()
    faults = KINDS.get(kind, MIXED)
    with store.proxy.failing(*faults):
        fates = Fates().add(store.start_appends(APPENDS // THREADS, THREADS))
        injected = store.proxy.injected.total()
    found = check(store, fates)
    figure("S1", store=store.name, kind=kind, appends=APPENDS, injected=injected, **found)
    assert injected > 0
    assert found["acked"] + found["unknown"] + found["refused"] == APPENDS
    assert store.versions() == [*range(1, len(store.versions()) + 1)]
    # The engine does not repeat a commit whose connection broke, and some listings not as often as the rest.
    assert all("/_versions/" in unquote(message) for message in fates.refused.values()), fates.refused


def test_an_outage_is_an_error_that_names_what_was_tried(store, small):
    store.lance("import", small, store.uri())
    before = store.objects()
    with store.proxy.failing(Fault("503")):
        begin = time.monotonic()
        message = store.fails("import", small, store.uri(), "--mode", "append", **IMPATIENT)
        seconds = time.monotonic() - begin
        tries = len(store.proxy.requests)
    figure("S1", store=store.name, outage="all", tries=tries, seconds=f"{seconds:.1f}")
    assert TRIED.search(message)
    assert tries == LIST_TRIES
    assert seconds <= LONGEST_LISTING
    assert store.objects() == before


@pytest.mark.parametrize("kind", ["503", "reset", "silence"])
def test_an_outage_for_writes_leaves_the_version_as_it_was(store, small, kind):
    store.lance("import", small, store.uri())
    before = store.objects()
    with store.proxy.failing(Fault(kind, "^(PUT|POST)")):
        message = store.fails("import", small, store.uri(), "--mode", "append", **IMPATIENT, timeout="1s")
    assert TRIED.search(message) and "/data/" in unquote(message)
    assert store.objects() == before
    assert store.versions() == [1]


def test_an_outage_in_the_middle_ends_the_acknowledgements(store):
    store.create()
    loop = store.start_appends(8, **IMPATIENT)
    first = [loop.stdout.readline() for _ in range(2)]
    with store.proxy.failing(Fault("503", "^(PUT|POST)")):
        fates = Fates(acked=[0, 1]).add(loop)
    assert first == ["acked 0\n", "acked 1\n"]
    check(store, fates)
    assert max(fates.acked) < min(fates.refused)


def test_a_commit_whose_answers_are_lost_is_unknown_and_keeps_its_files(store):
    store.create()
    with store.proxy.failing(Fault("lost answer", MANIFEST, times=1), Fault("503", since=MANIFEST)):
        fates = Fates().add(store.start_appends(1, **IMPATIENT))
    assert list(fates.unknown) == [0], fates
    # It did land, and so it must be readable.
    assert store.ids() == [*range(10)]


def test_a_manifest_that_arrives_after_its_writer_gave_up_does_no_harm(store):
    store.create()
    late = Fault("slow", MANIFEST, times=1, seconds=2)
    with store.proxy.failing(late):
        fates = Fates().add(store.start_appends(1, **IMPATIENT, timeout="1s"))
    assert late.passed_on.wait(60)
    # Whether it is a version now or not: what is there can be read, and was not said to have failed.
    check(store, fates)
