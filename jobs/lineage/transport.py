"""Events on their way: added to a file, a line each, or posted to a receiver. No error of it shows a token, what a
receiver answered, or an event."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import stat
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from jobs.configuration.lineage_entry import Lineage, is_this_machine
from jobs.console import shown
from jobs.console.exit_codes import BadUsage

TRIES = 3
PAUSE = 0.2
"""Seconds before a receiver that is busy, or not there, is asked again; then twice as long."""

HINTS: Mapping[int | None, str] = {
    errno.ENOENT: "make its folder, or name another file in 'to'",
    errno.EISDIR: "it is a folder: name a file in 'to'",
    errno.ENXIO: "it is a pipe, a socket or a device: name a file in 'to'",
    errno.ENODEV: "it is a pipe, a socket or a device: name a file in 'to'",
    errno.EACCES: "whoever runs the job may not write there",
    errno.EPERM: "whoever runs the job may not write there",
    errno.EROFS: "it is on a disk that nobody may write to",
    errno.ENOSPC: "its disk is full",
}

Transport = Callable[[Mapping[str, Any]], None]
"""Takes an event, or raises `NotTaken`. Several threads may call it."""


class NotTaken(Exception):
    """An event did not arrive; says why."""


def to(settings: Lineage, environ: Mapping[str, str]) -> Transport:
    """The way of events. Raises `BadUsage` where the token is asked for and not there."""
    parts = urlsplit(settings.to)
    if parts.scheme == "file":
        return _file(unquote(parts.path))
    token = None if settings.token is None else environ.get(settings.token, "").strip()
    if token is not None and not (token and token.isascii() and token.isprintable()):
        raise BadUsage("lineage: the environment variable that 'token' names is not set, or holds no token")
    return _receiver(settings, token)


def _file(path: str) -> Transport:
    lock = threading.Lock()

    def add(event: Mapping[str, Any]) -> None:
        line = f"{shown.as_json(event)}\n".encode()
        try:
            with lock, _opened(path) as file:
                written = os.write(file, line)  # in one piece: another process may add to it too
        except OSError as error:
            raise NotTaken(f"the file cannot be written ({type(error).__name__}){_hint(error)}") from None
        if written != len(line):
            raise NotTaken("the file took a part of the event only: its disk may be full")

    return add


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    """A file to add to. Without O_NONBLOCK a pipe that nobody reads would hold the run up for ever."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o640)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.ENXIO, "no file")
        yield file
    finally:
        os.close(file)


def _hint(error: OSError) -> str:
    return f": {HINTS[error.errno]}" if error.errno in HINTS else ""


def _receiver(settings: Lineage, token: str | None) -> Transport:
    """In a thread of its own, since a receiver that sends a byte now and then would never time out."""

    def post(event: Mapping[str, Any]) -> None:
        body, until = shown.as_json(event).encode(), time.monotonic() + settings.timeout_seconds
        ended: list[str | None] = []
        work = threading.Thread(target=lambda: ended.append(_posted(settings.to, token, body, until)), daemon=True)
        work.start()
        work.join(settings.timeout_seconds)
        why = ended[0] if ended else f"no answer within {settings.timeout_seconds:g} s"
        if why is not None:
            raise NotTaken(why)

    return post


def _posted(uri: str, token: str | None, body: bytes, until: float) -> str | None:
    """Why a receiver did not take an event; None: it did. What may pass is tried again while there is time."""
    why: str | None = "no time was left to send it"
    for again in range(TRIES):
        left = until - time.monotonic()
        pause = PAUSE * again
        if left <= pause:
            break
        time.sleep(pause)
        why, passes = _asked(uri, token, body, left - pause)
        if why is None or not passes:
            break
    return why


def _asked(uri: str, token: str | None, body: bytes, seconds: float) -> tuple[str | None, bool]:
    """Why it was not taken, and whether that may pass."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(uri, body, headers, method="POST")  # noqa: S310 - http and https only, by Lineage
    try:
        with _opener(urlsplit(uri).hostname or "").open(request, timeout=seconds):
            return None, False
    except urllib.error.HTTPError as error:
        return f"the receiver answered with status {error.code}", error.code >= 500 or error.code == 429
    except TimeoutError:
        return "the receiver did not answer in time", False
    except (OSError, http.client.HTTPException) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        name = type(cause).__name__ if isinstance(cause, Exception) else type(error).__name__
        return f"the receiver cannot be reached ({name})", not isinstance(cause, TimeoutError)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Another place is not followed: the token is for the one that was stated."""

    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any,
                         newurl: str) -> None:  # fmt: skip
        return None


def _opener(host: str) -> urllib.request.OpenerDirector:
    """A proxy that the environment names is for what lies beyond this machine."""
    own = [urllib.request.ProxyHandler({})] if is_this_machine(host) else []
    return urllib.request.build_opener(_NoRedirect, *own)
