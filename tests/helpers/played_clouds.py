"""Services of clouds of which no emulator is to be had, played over HTTP: what they share, and their sign-in.

Each is written from the service's API reference, with real cryptography behind; Google's, Azure's and Tink's own
clients speak to them in the tests, so that what is wrong here is not just wrong twice. As a `Relay`, each counts
requests and fails as asked, answering by itself where a relay would pass the request on.
"""

from __future__ import annotations

import abc
import datetime
import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.helpers.key_servers import Relay

Reply = tuple[int, dict[str, Any]]


class Played(Relay, abc.ABC):
    """A service that answers by itself, and lets nobody in but with the token of a `SignIn`. asked: paths, in turn."""

    TOKEN = "token-of-the-test"
    CONTENT_TYPE = "application/json"

    def __init__(self) -> None:
        super().__init__(0)
        self.asked: list[str] = []

    def _passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        self.asked.append(request.path)
        if request.headers.get("Authorization") != f"Bearer {self.TOKEN}":
            status, answer = self.stranger()
        else:
            status, answer = self.reply(request.command, request.path.partition("?")[0], json.loads(body or b"{}"))
        return status, json.dumps(answer).encode()

    @abc.abstractmethod
    def stranger(self) -> Reply:
        """Told to who has no token."""

    @abc.abstractmethod
    def reply(self, method: str, path: str, body: dict[str, Any]) -> Reply:
        """Told to who has it."""


class SignIn(Relay):
    """Gives out the token that a `Played` lets in: by Google's OAuth, or to Azure's managed identities."""

    CONTENT_TYPE = "application/json"

    def __init__(self) -> None:
        super().__init__(0)
        self.asked: list[str] = []

    def _passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        self.asked.append(request.path)
        until = int(datetime.datetime.now(datetime.timezone.utc).timestamp()) + 3600
        answer = {"access_token": Played.TOKEN, "token_type": "Bearer", "expires_in": 3600, "expires_on": str(until)}
        return 200, json.dumps(answer).encode()
