"""Object stores that are not there or answer nothing but "no", and secrets for them."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

# Told apart from all else, and unchanged by most ways of quoting.
CANARY = "canary7Q3xW9"

# Nobody listens there. Listing is tried several times all the same, which takes seconds.
CLOSED = "http://127.0.0.1:1"
IMPATIENT = {"client_max_retries": "0", "client_retry_timeout": "1", "timeout": "5 s", "allow_http": "true"}


def forms(secret):
    """The secret, and what it looks like in the encodings that requests and messages use."""
    raw = secret.encode()
    yield secret
    yield quote(secret, safe="")
    for shift in range(3):  # Base64 depends on what stands before; the first and last characters on neighbours.
        yield base64.b64encode(b"\0" * shift + raw).decode()[4 if shift else 0 : -4]


class Echo(BaseHTTPRequestHandler):
    """Refuses every request and repeats all of it, as helpful servers and proxies do."""

    def refuse(self):
        length = int(self.headers.get("content-length") or 0)
        request = f"{self.requestline}\n{self.headers}\n".encode() + self.rfile.read(length)
        self.server.secrets_seen += CANARY.encode() in request
        answer = b"<Error><Code>AccessDenied</Code><Message>" + request + b"</Message></Error>"
        self.send_response(403)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = refuse

    def log_message(self, *arguments):
        pass


class EchoServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Echo)
        self.secrets_seen = 0
        self.endpoint = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()


def service_account(endpoint, **changes):
    return json.dumps(
        {
            "private_key": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
            "private_key_id": CANARY,
            "client_email": "somebody@example.com",
            "client_id": "1",
            "token_uri": f"{endpoint}/token",
            "gcs_base_url": endpoint,
            **changes,
        }
    )


def s3(endpoint, **options):
    return "s3://bucket/x.lance", {
        "aws_access_key_id": f"AKIA{CANARY}",
        "aws_secret_access_key": f"secret/{CANARY}",
        "aws_session_token": f"token+{CANARY}==",
        "aws_region": "us-east-1",
        "aws_endpoint": endpoint,
        **IMPATIENT,
        **options,
    }


def azure(endpoint, **options):
    return "az://container/x.lance", {
        "azure_storage_account_name": "account",
        "azure_endpoint": endpoint,
        **IMPATIENT,
        **options,
    }


def gcs(endpoint, **options):
    return "gs://bucket/x.lance", {**IMPATIENT, **options}


def failing_stores(endpoint):
    """Name, URI and options of stores at an endpoint that lets nobody in; all credentials are well-formed."""
    key = base64.b64encode(f"key {CANARY} of an account".encode()).decode()
    service_key = service_account(endpoint, disable_oauth=True)
    yield "s3", *s3(endpoint)
    yield "s3 with headers", *s3(endpoint, **{"headers.authorization": f"Bearer {CANARY}"})
    yield "azure key", *azure(endpoint, azure_storage_account_key=key)
    yield "azure sas", *azure(endpoint, azure_storage_sas_token=f"sv=2024-01-01&sp=rw&sig={CANARY}%3D")
    yield "azure token", *azure(endpoint, azure_storage_token=CANARY)
    client = {"azure_client_id": "id", "azure_tenant_id": "tenant", "azure_authority_host": endpoint}
    yield "azure client", *azure(endpoint, azure_client_secret=CANARY, **client)
    yield "gcs without oauth", *gcs(endpoint, google_service_account_key=service_key)


def all_secrets():
    """Every option that holds a secret, of all stores together."""
    return {key: value for _, _, options in failing_stores(CLOSED) for key, value in options.items() if CANARY in value}


def malformed():
    """Name, URI and options that cannot work, for another reason each."""
    bad = f"{CANARY}\nnot a \x01 header"
    yield "s3 token", *s3(CLOSED, aws_session_token=bad)
    yield "s3 header", *s3(CLOSED, **{"headers.authorization": bad})
    yield "s3 proxy", *s3(CLOSED, proxy_url=f"http://user:{CANARY}@127.0.0.1:1/")
    yield "s3 bad proxy", *s3(CLOSED, proxy_url=f"::{CANARY}")
    yield "s3 endpoint", *s3(f"http://user:{CANARY}@127.0.0.1:1")
    yield "s3 bad endpoint", *s3(f"{CANARY}:// ?")
    yield "s3 unknown option", *s3(CLOSED, aws_secret_acess_key=CANARY)
    yield "s3 customer key", *s3(CLOSED, aws_sse_customer_key_base64=CANARY)
    yield "azure key", *azure(CLOSED, azure_storage_account_key=f"{CANARY} is not base64!")
    yield "azure sas", *azure(CLOSED, azure_storage_sas_token=f"{CANARY}")
    yield "azure sas escapes", *azure(CLOSED, azure_storage_sas_token=f"sig=%ff{CANARY}&%%")
    yield "azure token", *azure(CLOSED, azure_storage_token=bad)
    yield "gcs no json", *gcs(CLOSED, google_service_account_key=CANARY)
    yield "gcs cut json", *gcs(CLOSED, google_service_account_key=service_account(CLOSED)[:-5])
    yield "gcs wrong type", *gcs(CLOSED, google_service_account_key=service_account(CLOSED, client_email=[CANARY]))
    yield "gcs bad key", *gcs(CLOSED, google_service_account_key=service_account(CLOSED))
    yield "gcs token", *gcs(CLOSED, google_storage_token=bad)
    for uri in (
        f"s3://user:{CANARY}@bucket/x.lance",
        f"s3://bucket/x.lance?X-Amz-Signature={CANARY}",
        f"az://container/x.lance?sv=1&sig={CANARY}",
        f"abfss://user:{CANARY}@account.dfs.core.windows.net/x.lance?sig={CANARY}",
        f"gs://user:{CANARY}@bucket/x.lance",
        f"https://user:{CANARY}@127.0.0.1:1/x.lance?sig={CANARY}#{CANARY}",
        f"foo://user:{CANARY}@host/x.lance?sig={CANARY}",
    ):
        scheme = uri.partition(":")[0]
        store = {"s3": s3, "az": azure, "abfss": azure}.get(scheme, gcs)
        yield f"uri {uri.replace(CANARY, '***')}", uri, store(CLOSED)[1]
