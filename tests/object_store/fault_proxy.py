"""An HTTP server between a client and an object store that makes trouble when told to.

It relays every request, except those that a fault picks. Which ones that are is drawn from a seed, in the order
in which requests arrive.
"""

import contextlib
import http.client
import random
import re
import socket
import struct
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>injected</Message></Error>"


@dataclass
class Fault:
    """What happens to which requests.

    kind        one of:
                "503", "429"    the store is not asked, the answer is this status
                "reset"         the store is not asked, the connection is reset
                "silence"       the store is not asked, and there is no answer while the fault lasts
                "lost answer"   the store does it, then the connection is reset
                "late error"    the store does it, then the answer is 500
                "truncated"     the store gets the first half of the body
                "spoiled"       the store does it, then `spoil` is called with the path, then comes the answer
                "slow"          the store gets the request after some seconds, even if the client has gone
    match       a regular expression over "METHOD /path?query"; every request by default
    since       as `match`: the first request that fits it begins the fault
    share       of those that match, the share that fails
    times       after so many it stops
    """

    kind: str
    match: str = ""
    since: str = ""
    share: float = 1.0
    times: float = float("inf")
    seconds: float = 0.0
    spoil: Callable[[str], None] | None = None
    over: threading.Event = field(default_factory=threading.Event, repr=False)
    passed_on: threading.Event = field(default_factory=threading.Event, repr=False)

    def see(self, request):
        if self.since and re.search(self.since, request):
            self.since = ""

    def picks(self, request, random):
        fits = not self.since and self.times > 0 and re.search(self.match, request)
        return fits and random.random() < self.share


class FaultProxy:
    """Listens on `port` and relays to the port `upstream`, by a subclass of Relay if the two speak differently."""

    def __init__(self, port, upstream, relay, seed=1):
        self.url = f"http://127.0.0.1:{port}"
        self.upstream = upstream
        self.injected = Counter()
        self.requests = []
        self._random = random.Random(seed)
        self._faults = []
        self._lock = threading.Lock()
        self.create_only = threading.Lock()
        self._server = _Server(("127.0.0.1", port), relay)
        self._server.proxy = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @contextlib.contextmanager
    def failing(self, *faults):
        """Inject faults as long as the context lasts. The first that picks a request wins."""
        self.injected.clear()
        self.requests.clear()
        self._faults = faults
        try:
            yield self
        finally:
            self._faults = ()
            for fault in faults:
                fault.over.set()

    def pick(self, request):
        """The fault for a request, or None."""
        with self._lock:
            self.requests.append(request)
            for fault in self._faults:
                fault.see(request)
            for fault in self._faults:
                if fault.picks(request, self._random):
                    fault.times -= 1
                    self.injected[fault.kind] += 1
                    return fault
        return None

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def shutdown_request(self, request):
        # Without the base class's orderly shutdown, which would hide a reset.
        self.close_request(request)


class Relay(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.proxy.pick(f"{self.command} {urllib.parse.unquote(self.path)}")
        match fault and fault.kind:
            case None:
                self._answer(*self._ask(body))
            case "503" | "429":
                self._answer(int(fault.kind), {"Content-Type": "application/xml"}, BUSY)
            case "reset":
                self._hang_up()
            case "silence":
                fault.over.wait()
                self._hang_up()
            case "lost answer":
                self._ask(body)
                self._hang_up()
            case "late error":
                self._ask(body)
                self._answer(500, {"Content-Type": "application/xml"}, BUSY)
            case "truncated":
                self._answer(*self._ask(body[: len(body) // 2]))
            case "spoiled":
                answer = self._ask(body)
                fault.spoil(urllib.parse.unquote(self.path.split("?")[0]))
                self._answer(*answer)
            case "slow":
                time.sleep(fault.seconds)
                answer = self._ask(body)
                fault.passed_on.set()
                self._answer(*answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    def _ask(self, body):
        return self._relay(self.command, self.path, self.headers, body)

    def _relay(self, method, path, headers, body):
        """Ask the store; return the status, headers and body of the answer."""
        # Moto looks whether an object exists and stores it in two steps, a real store in one.
        create_only = headers.get("If-None-Match") == "*"
        with self.server.proxy.create_only if create_only else contextlib.nullcontext():
            upstream = http.client.HTTPConnection("127.0.0.1", self.server.proxy.upstream)
            upstream.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in HOP_BY_HOP:
                    upstream.putheader(name, value)
            if body or method in ("PUT", "POST"):
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            content = answer.read()
            upstream.close()
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        if method == "HEAD" and "Content-Length" in answer.headers:
            kept["Content-Length"] = answer.headers["Content-Length"]
        return answer.status, kept, content

    def _answer(self, status, headers, content):
        try:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
        except ConnectionError:
            self.close_connection = True

    def _hang_up(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format, *arguments):
        pass
