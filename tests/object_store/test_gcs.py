"""Google Cloud Storage. The other tests run there too where fake-gcs-server is installed."""

import pytest
from fake_gcs import PROGRAM, gcs_options
from support.figures import figure


def test_options_reach_the_client(s3):
    # Any server shows where the request goes, and this one knows no such bucket.
    s3.server.proxy.requests.clear()
    options = dict.fromkeys(s3.server.options) | gcs_options(s3.proxy.url)
    assert f"{s3.proxy.url}/nowhere" in s3.fails("count", "gs://nowhere/t.lance", **options)
    assert s3.proxy.requests[0] == "GET /nowhere?list-type=2&prefix=t.lance/_versions/"


def test_a_key_that_is_no_key_is_refused(s3):
    options = dict.fromkeys(s3.server.options) | {"google_service_account_key": "a secret"}
    message = s3.fails("count", "gs://nowhere/t.lance", **options)
    assert "service account" in message and "a secret" not in message


def test_the_server_is_there():
    if PROGRAM is None:
        reason = "fake-gcs-server is not installed"
        for row in ("S1", "S2", "C1", "L2"):
            figure(row, store="gcs", skipped=reason)
        pytest.skip(reason)
