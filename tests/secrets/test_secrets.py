"""Secrets that were handed over come back nowhere: not in a message, a document, a log or a file."""

import base64
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.figures import figure

import stores

ROOT = Path(__file__).resolve().parents[2]
LANCE = Path(os.environ.get("LANCE_BIN", ROOT / "build/release/bin/lance"))
TELL = Path(os.environ.get("LANCE_TELL_EVERYTHING", ROOT / "build/release/tests/secrets/tell_everything"))

# The most that a program and what it is made of can be made to say; nothing of this machine's own accounts.
LOUD = {"RUST_LOG": "trace", "RUST_BACKTRACE": "full", "RUST_LIB_BACKTRACE": "1"}
STRAY = ("aws_", "azure_", "google_", "object_store_")
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.lower().startswith(STRAY) and not name.lower().endswith("_proxy")
} | LOUD

# Most of the time is spent waiting before another attempt.
AT_ONCE = 32


def leaks(text):
    """The lines that tell a secret, in whatever form."""
    forms = list(stores.forms(stores.CANARY))
    return [line for line in text.splitlines() if any(form in line for form in forms)]


def told_by(command, directory, environment):
    """All that a command prints, and all that it leaves in its directory."""
    done = subprocess.run(command, cwd=directory, env=ENVIRONMENT | environment, capture_output=True, timeout=300)
    assert done.returncode >= 0, (command, done.stderr)
    texts = [done.stdout, done.stderr, *(file.read_bytes() for file in directory.rglob("*") if file.is_file())]
    texts += [str(file).encode() for file in directory.rglob("*")]
    return b"\n".join(texts).decode(errors="replace")


def commands(uri, options):
    """Every way to the store: through the library, and through each kind of command of the program."""
    yield [TELL, uri, ".", *(f"{key}={value}" for key, value in options.items())]
    storage = [word for key, value in options.items() for word in ("--storage-option", f"{key}={value}")]
    for command in ("info", "schema", "head", "count", "versions", "fragments"):
        yield [LANCE, command, uri, *storage]
    yield [LANCE, "take", uri, "0", *storage]
    yield [LANCE, "query", uri, *storage, "--filter", "id = 1", "--at-version", "3"]
    yield [LANCE, "fsck", uri, *storage]
    yield [LANCE, "cleanup", uri, *storage]
    yield [LANCE, "import", "in.parquet", uri, "--mode", "append", *storage]
    yield [LANCE, "tpch", "generate", "--scale", "0.001", "--tables", "region", "--output", uri, *storage]


def commands_by_name(namespace, properties):
    """Every way to a namespace."""
    flags = ["--namespace", namespace]
    flags += [word for key, value in properties.items() for word in ("--property", f"{key}={value}")]
    yield [LANCE, "tables", "list", *flags]
    for command in ("describe", "create", "drop"):
        yield [LANCE, "tables", command, "t", *flags]
    yield [LANCE, "count", "t", *flags]
    yield [LANCE, "import", "in.parquet", "t", *flags]


def cases_by_name(endpoint):
    """Name, namespace and properties."""
    for where, url in (("closed", stores.CLOSED), ("echo", endpoint)):
        for name, uri, options in stores.failing_stores(url):
            properties = {f"storage.{key}": value for key, value in options.items()}
            yield f"{where} {name} by name", f"dir:{uri.rpartition('/')[0]}", properties
        token = {"header.Authorization": f"Bearer {stores.CANARY}", "header.x-api-key": stores.CANARY}
        yield f"{where} rest", f"rest:{url}", token
    yield "rest uri", f"rest:http://user:{stores.CANARY}@127.0.0.1:1", {}
    yield "rest header", f"rest:{stores.CLOSED}", {"header.Authorization": f"{stores.CANARY}\n"}


def cases(endpoint, directory):
    """Name, URI, options and environment."""
    for where, url in (("closed", stores.CLOSED), ("echo", endpoint)):
        for name, uri, options in stores.failing_stores(url):
            yield f"{where} {name}", uri, options, {}
    for name, uri, options in stores.malformed():
        yield name, uri, options, {}
    yield "local", "x.lance", stores.all_secrets(), {}

    uri, options = stores.s3(endpoint)
    secrets = [key for key, value in options.items() if stores.CANARY in value]
    yield "s3 environment", uri, options, {key.upper(): options.pop(key) for key in secrets}
    proxy = {"http_proxy": f"http://user:{stores.CANARY}@127.0.0.1:1"}
    yield "proxy environment", *stores.s3("http://localhost.invalid"), proxy
    file = directory / "service_account.json"
    file.write_text(stores.service_account(endpoint))
    yield "gcs file", *stores.gcs(endpoint, google_service_account=str(file)), {}


def test_nothing_tells_a_secret(tmp_path):
    jobs = []
    with stores.EchoServer() as server, ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [
            (name, command, environment)
            for name, uri, options, environment in cases(server.endpoint, tmp_path)
            for command in commands(uri, options)
        ]
        runs += [
            (name, command, {})
            for name, namespace, properties in cases_by_name(server.endpoint)
            for command in commands_by_name(namespace, properties)
        ]
        for name, command, environment in runs:
            directory = tmp_path / f"run {len(jobs)}"
            directory.mkdir()
            pq.write_table(pa.table({"id": [1, 2, 3]}), directory / "in.parquet")
            jobs.append((name, command, pool.submit(told_by, command, directory, environment)))
        found = {(name, str(command[1]), line[:500]) for name, command, job in jobs for line in leaks(job.result())}
    figure("X1", programs=len(jobs), secrets_sent=server.secrets_seen, hits=len(found))
    assert server.secrets_seen > 0, "no server was told a secret, so that none could repeat one"
    assert not found


@pytest.mark.parametrize("before", ["", "x", "xy", "key="])
def test_a_secret_is_found_in_every_form(before):
    text = f"{before}{stores.CANARY}&more"
    for form in (text, quote(text), base64.b64encode(text.encode()).decode(), json.dumps({"a": text})):
        assert leaks(f"a line\n{form}\n") == [form]
    assert leaks("another text") == []
