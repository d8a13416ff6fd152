"""Datasets that earlier releases wrote are read, checked and appended to, here and by pylance."""

import shutil
from pathlib import Path

import lance as pylance
import pyarrow as pa
import pyarrow.feather
import pytest
from support.figures import figure

from conformance import columns

DATASETS = sorted((Path(__file__).parent / "data").glob("*/*.lance"))
ROWS_PER_VERSION = 5


def expected(dataset, names):
    """The rows of the release that a dataset belongs to."""
    return pyarrow.feather.read_table(dataset.parent / "expected.arrow").select(names)


@pytest.fixture(params=DATASETS, ids=lambda dataset: f"{dataset.parent.name}-{dataset.stem}")
def old(request):
    return request.param


@pytest.fixture
def rows(old):
    return expected(old, pylance.dataset(old).schema.names)


def test_every_release_has_every_storage_version():
    names = {dataset.parent.name: set() for dataset in DATASETS}
    for dataset in DATASETS:
        names[dataset.parent.name].add(dataset.stem.removeprefix("types-"))
    assert names and all(versions >= {"2.0", "2.1", "2.2"} for versions in names.values())
    figure("V2", releases=len(names), datasets=len(DATASETS))


def test_no_type_is_missing(old, rows):
    """A dataset that lost its columns would pass the other tests."""
    assert set(rows.column_names) >= {"id", *columns.supported(old.stem.removeprefix("types-"))}


@pytest.mark.parametrize("version", [1, 2])
def test_both_read_every_version(old, rows, version, read_with_us):
    wanted = rows.slice(0, version * ROWS_PER_VERSION)
    columns.assert_equal(read_with_us(old, version=version), wanted)
    columns.assert_equal(pylance.dataset(old, version=version).to_table(), wanted)


def test_a_filter_finds_its_rows(old, rows, read_with_us):
    found = read_with_us(old, filter="id in (2, 7)")
    columns.assert_equal(found, pa.concat_tables([rows.slice(2, 1), rows.slice(7, 1)]))


def test_nothing_is_wrong(old, lance_cli):
    lance_cli("fsck", old, "--deep")


def test_it_can_be_appended_to(old, rows, tmp_path, lance_cli, read_with_us):
    copy = tmp_path / "copy.lance"
    shutil.copytree(old, copy)
    pyarrow.feather.write_feather(rows, tmp_path / "more.arrow")
    lance_cli("import", tmp_path / "more.arrow", copy, "--mode", "append")
    twice = pa.concat_tables([rows, rows])
    columns.assert_equal(read_with_us(copy), twice)
    columns.assert_equal(pylance.dataset(copy).to_table(), twice)
    assert pylance.dataset(copy).data_storage_version == old.stem.removeprefix("types-")
