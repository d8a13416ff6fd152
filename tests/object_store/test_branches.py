"""Branches in a store live through a cleanup, whichever way the URIs were typed."""

import lance
import pyarrow as pa
import pytest


@pytest.fixture(params=["s3", "azure"])
def store(request, make_store):
    return make_store(request.param)


def spellings(store):
    yield store.uri()
    yield store.uri() + "/"
    if store.name == "azure":
        yield f"abfss://{store.container}@{store.server.account}.dfs.core.windows.net/t.lance"


def test_a_branch_lives_whatever_was_typed(store):
    options = store.server.options

    def write(number):
        lance.write_dataset(pa.table({"id": [number]}), store.uri(), mode="overwrite", storage_options=options)

    def read(uri, branch):
        dataset = lance.dataset(uri, storage_options=options).checkout_version((branch, None))
        return dataset.to_table()["id"].to_pylist()

    uris = list(spellings(store))
    for number, uri in enumerate(uris):
        write(number)
        lance.dataset(uri, storage_options=options).create_branch(f"b{number}", storage_options=options)
    write(100)
    write(200)
    before = len(store.objects())
    for cleaned in uris:
        store.lance("cleanup", cleaned, "--keep", "1", "--older-than", "0s", "--no-writers-active")
        for number, uri in enumerate(uris):
            assert read(uri, f"b{number}") == [number]
        assert read(uris[0], None) == [200]
    # Of the version that no branch began from: its manifest, its transaction and its data.
    assert len(store.objects()) == before - 3
