"""A write that fails or is given up leaves nothing in the store, not even an unfinished upload."""

import re
import signal
import time

import pytest
from fault_proxy import Fault
from store import GIVE_UP, HANGS, LANCE
from support.figures import figure

PART = "PUT .*(partNumber=|comp=block&)"
STEPS = {
    "part": PART,
    "second_part": "PUT .*(partNumber=2|comp=block&)",
    "completion": "(POST .*uploadId=|PUT .*comp=blocklist)",
    "commit": "PUT .*/_versions/",
}


def wait_for(proxy, request, process):
    """Returns when a program has sent such a request, or ended without."""
    deadline = time.monotonic() + HANGS
    while process.poll() is None and not any(re.search(request, sent) for sent in list(proxy.requests)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def check_nothing_is_left(store):
    left, unfinished = store.objects(), store.unfinished()
    versions = [name for name in left if "/_versions/" in name]
    figure(
        "L2",
        store=store.name,
        new_versions=len(versions),
        leftover_files=len(left),
        unfinished_uploads=len(unfinished),
    )
    assert left == {} and unfinished == []


@pytest.mark.parametrize("how", ["abort", "destroy"])
def test_a_writer_given_up(store, how):
    with store.proxy.failing():
        process = store.start(GIVE_UP, store.uri(), how)
        wait_for(store.proxy, PART, process)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert any(re.search(PART, request) for request in store.proxy.requests)
    check_nothing_is_left(store)


# A commit that is refused for good is unknown, and keeps its files: see test_faulty_store.py.
@pytest.mark.parametrize("step", [step for step in STEPS if step != "commit"])
def test_an_upload_that_fails_for_good(store, large, step):
    with store.proxy.failing(Fault("503", STEPS[step])):
        store.fails("import", large, store.uri(), client_max_retries="1", lance_aimd_max_retries="0")
        assert store.proxy.injected["503"] > 0
    check_nothing_is_left(store)


def test_an_upload_whose_abort_needs_a_second_try(s3, large):
    with s3.proxy.failing(Fault("503", STEPS["second_part"]), Fault("503", "DELETE .*uploadId=", times=1)):
        s3.fails("import", large, s3.uri(), client_max_retries="1", lance_aimd_max_retries="0")
    check_nothing_is_left(s3)


def test_an_input_that_breaks_off(store, large, tmp_path):
    damaged = tmp_path / "damaged.parquet"
    # The pages of the second half are overwritten; the footer is intact.
    content = bytearray(large.read_bytes())
    content[len(content) // 2 : len(content) * 9 // 10] = bytes(len(content) * 9 // 10 - len(content) // 2)
    damaged.write_bytes(content)
    store.fails("import", damaged, store.uri(), "--jobs", "1")
    check_nothing_is_left(store)


def test_ctrl_c(store):
    with store.proxy.failing() as proxy:
        command = ["tpch", "generate", "--scale", "1", "--tables", "orders", "--output", store.uri()]
        process = store.start(LANCE, *command)
        wait_for(proxy, PART, process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    check_nothing_is_left(store)
