"""fake-gcs-server, which plays Google Cloud Storage but does not know the uploads of its XML interface."""

import itertools
import json
import shutil
import urllib.parse
import urllib.request

from fault_proxy import Relay
from servers import Server

PROGRAM = shutil.which("fake-gcs-server")
INITIATED = "<InitiateMultipartUploadResult><UploadId>{}</UploadId></InitiateMultipartUploadResult>"
COMPLETED = "<CompleteMultipartUploadResult><ETag>{}</ETag></CompleteMultipartUploadResult>"


def gcs_options(url):
    """Storage options for a server that asks for no credentials."""
    account = {"gcs_base_url": url, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    return {"google_service_account_key": json.dumps(account), "allow_http": "true"}


class Translator(Relay):
    """Makes uploads of the JSON interface, which the server knows, out of those of the XML interface."""

    uploads = {}
    numbers = itertools.count(1)

    def _ask(self, body):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        upload = query.get("uploadId")
        match self.command:
            case "POST" if "uploads" in query:
                upload = f"upload-{next(self.numbers)}"
                self.uploads[upload] = {}
                return 200, {}, INITIATED.format(upload).encode()
            case "PUT" if upload:
                self.uploads[upload][int(query["partNumber"])] = body
                return 200, {"ETag": query["partNumber"]}, b""
            case "POST" if upload:
                parts = self.uploads.pop(upload)
                status, headers, _ = self._store(url.path, b"".join(parts[number] for number in sorted(parts)))
                return status, headers, COMPLETED.format(headers.get("ETag")).encode()
            case "DELETE" if upload:
                self.uploads.pop(upload)
                return 204, {}, b""
            case "PUT":
                return self._store(url.path, body)
        return super()._ask(body)

    def _store(self, path, body):
        bucket, name = path.removeprefix("/").split("/", 1)
        query = {"uploadType": "media", "name": urllib.parse.unquote(name)}
        generation = self.headers.get("x-goog-if-generation-match")
        if generation is not None:
            query["ifGenerationMatch"] = generation
        target = f"/upload/storage/v1/b/{bucket}/o?{urllib.parse.urlencode(query)}"
        headers = {"Host": self.headers["Host"], "Content-Type": "application/octet-stream"}
        status, _, content = self._relay("POST", target, headers, body)
        if status != 200:
            return status, {}, content
        stored = json.loads(content)
        return 200, {"ETag": stored["etag"], "x-goog-generation": stored["generation"]}, b""


class FakeGcs(Server):
    name, scheme, port, relay = "gcs", "gs", 4443, Translator
    command = [
        *(PROGRAM, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)),
        *("-public-host", f"127.0.0.1:{port + 1}"),
    ]

    @property
    def options(self):
        return gcs_options(self.proxy.url)

    def _json(self, path, **request):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", **request)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def create(self, bucket):
        body = json.dumps({"name": bucket}).encode()
        self._json("/storage/v1/b", data=body, headers={"Content-Type": "application/json"})

    def objects(self, bucket):
        listing = self._json(f"/storage/v1/b/{bucket}/o")
        return {item["name"]: int(item["size"]) for item in listing.get("items", [])}

    def shorten(self, bucket, name):
        source = f"/download/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}?alt=media"
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{source}") as answer:
            content = answer.read()
        query = urllib.parse.urlencode({"uploadType": "media", "name": name})
        headers = {"Content-Type": "application/octet-stream"}
        self._json(f"/upload/storage/v1/b/{bucket}/o?{query}", data=content[: len(content) // 2], headers=headers)

    def unfinished(self, bucket):
        return [*Translator.uploads]
