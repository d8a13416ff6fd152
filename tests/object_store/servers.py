"""The servers that stand in for object stores, each behind a proxy, and what the tests ask them directly."""

import functools
import pathlib
import socket
import subprocess
import sys
import time

import boto3
from azure.storage.blob import BlobServiceClient
from fault_proxy import FaultProxy, Relay

AZURITE = pathlib.Path(sys.prefix) / "node/node_modules/.bin/azurite-blob"


class Server:
    """A server process. Its ports are free: the network is the test run's own."""

    relay = Relay

    def __init__(self, log):
        with open(log, "wb") as output:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.command[0]} does not start: {pathlib.Path(log).read_text()}")
            time.sleep(0.05)
        self.proxy = FaultProxy(self.port + 1, self.port, relay=self.relay)

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        self.proxy.close()
        self._process.terminate()
        self._process.wait()


class Moto(Server):
    """S3. Buckets list what is in them and what was never finished."""

    name, scheme, port = "s3", "s3", 5000
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]

    @property
    def options(self):
        return {
            "aws_endpoint": self.proxy.url,
            "aws_access_key_id": "someone",
            "aws_secret_access_key": "a secret",
            "aws_region": "us-east-1",
            "allow_http": "true",
        }

    @functools.cached_property
    def _client(self):
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="someone",
            aws_secret_access_key="a secret",
        )

    def create(self, bucket):
        self._client.create_bucket(Bucket=bucket)

    def objects(self, bucket):
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}

    def unfinished(self, bucket):
        uploads = self._client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return [upload["Key"] for upload in uploads]

    def shorten(self, bucket, name):
        """Drop the second half of an object."""
        content = self._client.get_object(Bucket=bucket, Key=name)["Body"].read()
        self._client.put_object(Bucket=bucket, Key=name, Body=content[: len(content) // 2])


class Azurite(Server):
    """Azure Blob Storage. The account and its key are the ones that every emulator has."""

    name, scheme, port = "azure", "az", 10000
    account = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    command = [
        *("node", str(AZURITE), f"--blobPort={port}"),
        *("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"),
    ]

    @property
    def options(self):
        return {
            "azure_storage_endpoint": f"{self.proxy.url}/{self.account}",
            "account_name": self.account,
            "account_key": self.key,
            "allow_http": "true",
        }

    @functools.cached_property
    def _client(self):
        return BlobServiceClient(f"http://127.0.0.1:{self.port}/{self.account}", credential=self.key)

    def create(self, container):
        self._client.create_container(container)

    def objects(self, container):
        return {blob.name: blob.size for blob in self._client.get_container_client(container).list_blobs()}

    def unfinished(self, container):
        # Azure drops blocks that were never put together after a week; no client can.
        return []

    def shorten(self, container, name):
        blob = self._client.get_blob_client(container, name)
        content = blob.download_blob().readall()
        blob.upload_blob(content[: len(content) // 2], overwrite=True)
