"""A store that keeps less than it was sent: the write fails before its commit and leaves nothing."""

import re

import pytest
from fault_proxy import Fault
from support.figures import figure


@pytest.fixture(params=["single", "multipart"])
def upload(request, small, large):
    """An input, and the request that carries its data or a part of it."""
    return {
        "single": ("single", small, "PUT .*/data/"),
        "multipart": ("multipart", large, "PUT .*(partNumber=2|comp=block&)"),
    }[request.param]


def append(store, small, source, fault):
    """Append while there is a fault; return the error, and the figures, which are all 0."""
    store.lance("import", small, store.uri())
    before = store.objects()
    with store.proxy.failing(fault):
        message = store.fails("import", source, store.uri(), "--mode", "append")
        assert store.proxy.injected[fault.kind] == 1
    left = [*{*store.objects()} - {*before}, *store.unfinished()]
    assert store.ids() == [*range(1000)]
    return message, {"committed": len(store.versions()) - 1, "leftover_files": len(left)}


def test_a_body_that_is_cut_off_is_never_committed(store, small, upload):
    name, source, request = upload
    message, figures = append(store, small, source, Fault("truncated", request, times=1))
    figure("S2", store=store.name, truncated=name, **figures)
    assert not any(figures.values())
    # With Azure the signature holds the length, so it is the store that notices.
    expected = "AuthorizationFailure" if store.name == "azure" else r"data file .* has \d+ of \d+ bytes"
    assert re.search(expected, message)


def test_a_file_that_the_store_shortened_is_never_committed(store, small):
    def shorten(path):
        store.server.shorten(store.container, path.split(f"/{store.container}/")[1])

    message, figures = append(store, small, small, Fault("spoiled", "PUT .*/data/", times=1, spoil=shorten))
    figure("S2", store=store.name, shortened="single", **figures)
    assert not any(figures.values())
    kept, sent = map(int, re.search(r"has (\d+) of (\d+) bytes", message).groups())
    assert kept == sent // 2
