"""Credentials that expire: those that a namespace gives, and those of a callback."""

import itertools
import json
import os
import re
import subprocess
import time

import lance
import pyarrow as pa
import pytest
from fault_proxy import Relay
from http_server import Server
from program import BUILD, Lance
from servers import Moto

RENEW = os.environ.get("LANCE_RENEW", BUILD / "tests/namespaces/renew")
ROWS = 1000
HOUR = 3600
# Sooner than a minute before which they are renewed, so that they are for each request.
SOON = 5

keys_used = []


class Recorder(Relay):
    """Notes who asks."""

    def _ask(self, body):
        signed = re.search("Credential=([^/]+)/", self.headers.get("Authorization") or "")
        keys_used.extend(signed.groups() if signed else ())
        return super()._ask(body)


class RecordedMoto(Moto):
    relay = Recorder


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    server = RecordedMoto(tmp_path_factory.mktemp("moto") / "server.log")
    server.create("bucket")
    lance.write_dataset(pa.table({"id": range(ROWS)}), "s3://bucket/t.lance", storage_options=server.options)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def forget():
    keys_used.clear()


def vending(moto, lifetime):
    """Answers that have the access key `keyN` in the N-th of them."""
    numbers = itertools.count(1)

    def reply(handler):
        options = moto.options | {
            "aws_access_key_id": f"key{next(numbers)}",
            "expires_at_millis": str(int((time.time() + lifetime) * 1000)),
        }
        answer = {"location": "s3://bucket/t.lance", "storage_options": options}
        handler.send(200, json.dumps(answer).encode())

    return reply


@pytest.mark.parametrize("lifetime", [HOUR, SOON])
def test_credentials_of_a_namespace_are_renewed_before_they_expire(moto, lifetime, tmp_path):
    with Server(vending(moto, lifetime)) as server:
        program = Lance(tmp_path, "--namespace", f"rest:http://127.0.0.1:{server.server_port}")
        assert program("count", "t", "--filter", "id >= 0") == f"{ROWS}\n"
        described = [path for path, *_ in server.asked]
    assert {*described} == {"/v1/table/t/describe"}
    used = {*keys_used}
    if lifetime == HOUR:
        assert (len(described), used) == (1, {"key1"})
    else:
        assert len(described) > 1 and len(used) > 1
        assert used <= {f"key{i + 1}" for i in range(len(described))}


@pytest.mark.parametrize("lifetime", [HOUR, SOON])
def test_credentials_of_a_namespace_serve_a_write(moto, lifetime, tmp_path):
    with Server(vending(moto, lifetime)) as server:
        program = Lance(tmp_path, "--namespace", f"rest:http://127.0.0.1:{server.server_port}")
        before = int(program("count", "t"))
        program.write(pa.table({"id": range(10)}), "t", "append")
        assert program("count", "t") == f"{before + 10}\n"
        # Leave it as it was.
        lance.dataset("s3://bucket/t.lance", storage_options=moto.options, version=1).restore()
    assert all(key.startswith("key") or key == "someone" for key in keys_used)


@pytest.mark.parametrize("lifetime", [HOUR, SOON])
def test_credentials_of_a_callback_are_renewed_before_they_expire(moto, lifetime):
    given = [f"{key}={value}" for key, value in moto.options.items() if "key" not in key]
    result = subprocess.run(
        [RENEW, "s3://bucket/t.lance", str(lifetime), *given], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    rows, calls = map(int, result.stdout.split())
    used = {*keys_used}
    assert rows == ROWS
    if lifetime == HOUR:
        assert (calls, used) == (1, {"key1"})
    else:
        assert calls > 1 and len(used) > 1 and used <= {f"key{i + 1}" for i in range(calls)}
