"""Servers that misbehave, lists in pages, and headers that must not be told."""

import json
import socket

import pytest
from http_server import Server
from program import Lance

TOKEN = "canary7Q3xW9"


def ours(directory, port):
    return Lance(
        directory, "--namespace", f"rest:http://127.0.0.1:{port}", "--property", f"header.Authorization=Bearer {TOKEN}"
    )


def error(code, text):
    return json.dumps({"code": code, "error": text}).encode()


def hang_up(handler):
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_short(handler):
    handler.send(200, b'{"tables": ["a"', length=100)
    hang_up(handler)


ANSWERS = {
    "500": (lambda it: it.echo(500), "the server answers 500 Internal Server Error"),
    "401": (lambda it: it.echo(401), "the server answers 401 Unauthorized"),
    "404": (lambda it: it.send(404, b""), "the server answers 404 Not Found"),
    "503": (lambda it: it.send(503, b"<html>"), "the server answers 503 Service Unavailable"),
    "an error with the token": (lambda it: it.send(403, error(15, f"{TOKEN} may not")), "permission denied: *** may not"),
    "unauthenticated": (lambda it: it.send(401, error(16, "who?")), "demands other credentials: who?"),
    "an error of its own": (lambda it: it.send(500, error(18, "out of tea")), "out of tea"),
    "a code of the future": (lambda it: it.send(500, error(999, "odd")), "odd"),
    "truncated json": (lambda it: it.send(200, b'{"tables": ["a"'), "answer is not what it should be: EOF"),
    "other json": (lambda it: it.send(200, b'{"tables": 7}'), "answer is not what it should be: invalid type"),
    "a list": (lambda it: it.send(200, b"[]"), "answer is not what it should be"),
    "no json": (lambda it: it.send(200, b"hello"), "answer is not what it should be: expected value"),
    "nothing": (lambda it: it.send(200, b""), "answer is not what it should be: EOF"),
    "not utf-8": (lambda it: it.send(200, b'{"tables": ["\xff"]}'), "answer is not what it should be"),
    "half an answer": (cut_short, "the server broke off in the middle of its answer"),
    "a closed connection": (hang_up, "the server broke off before it had answered"),
    "no http": (lambda it: it.wfile.write(b"220 mail.example ESMTP\r\n\r\n"), "the server broke off before"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_bad_answer_is_told_in_one_line_without_the_token(answer, tmp_path):
    reply, told = ANSWERS[answer]
    with Server(reply) as server:
        message = ours(tmp_path, server.server_port).fails("tables", "list")
        assert any(TOKEN in (headers["authorization"] or "") for _, _, headers, _ in server.asked)
    assert told in message
    assert TOKEN not in message


def test_a_server_that_is_gone_is_told(tmp_path):
    with Server(hang_up) as server:
        port = server.server_port
    message = ours(tmp_path, port).fails("tables", "list")
    assert message.startswith("cannot reach the server: Connection refused")


@pytest.mark.parametrize("location", ["", "s3://user:canary7Q3xW9@bucket/t", "file:relative", None])
def test_a_place_that_cannot_be_is_told(location, tmp_path):
    with Server(lambda it: it.send(200, json.dumps({"location": location}).encode())) as server:
        message = ours(tmp_path, server.server_port).fails("count", "t")
    assert "the namespace " in message and TOKEN not in message


def pages(handler):
    """Tables a to e, two a page."""
    names = "abcde"
    token = handler.server.asked[-1][1].get("page_token", ["0"])[0]
    at = int(token)
    answer = {"tables" if "table" in handler.path else "namespaces": list(names[at : at + 2])}
    if at + 2 < len(names):
        answer["page_token"] = str(at + 2)
    handler.send(200, json.dumps(answer).encode())


def test_lists_are_read_to_their_last_page(tmp_path):
    with Server(pages) as server:
        names = ours(tmp_path, server.server_port).names()
    assert names == [(kind, name) for kind in ("table", "namespace") for name in "abcde"]


def test_a_list_without_an_end_is_told(tmp_path):
    same = json.dumps({"tables": ["a"], "page_token": "x"}).encode()
    with Server(lambda it: it.send(200, same)) as server:
        assert "again and again" in ours(tmp_path, server.server_port).fails("tables", "list")


def test_ids_and_headers_are_sent(tmp_path):
    with Server(lambda it: it.send(200, b'{"tables": [], "namespaces": []}')) as server:
        lance = ours(tmp_path, server.server_port)
        lance("tables", "list", "a.`b.c`", "--property", "header.x-tenant=mine", "--property", "delimiter=|")
        path, query, headers, _ = server.asked[0]
    assert path == "/v1/namespace/a%7Cb.c/table/list"
    assert query["delimiter"] == ["|"]
    assert (headers["x-tenant"], headers["authorization"]) == ("mine", f"Bearer {TOKEN}")
