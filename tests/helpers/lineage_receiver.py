"""A receiver of OpenLineage events in a process of its own, as Marquez's end point is: it checks what it gets, answers
201, and keeps the body and the headers. Other paths than ``/api/v1/lineage`` misbehave: see `Handler`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from tests.helpers.places import ROOT


class Handler(BaseHTTPRequestHandler):
    """``/api/v1/lineage``: as it should be. ``/status/503``: answers so. ``/twice``: 503, and the second time well.
    ``/slow``: not within 30 s, and keeps nothing. ``/drip``: a byte of the answer a second. ``/elsewhere``: a
    redirection to the first."""

    kept: ClassVar[Path]
    lock: ClassVar[threading.Lock] = threading.Lock()
    seen: ClassVar[dict[str, int]] = {}

    def do_POST(self) -> None:
        from tests.helpers import open_lineage

        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            self.seen[self.path] = times = self.seen.get(self.path, 0) + 1
        status = 201
        if self.path.startswith("/status/"):
            status = int(self.path.rpartition("/")[2])
        elif self.path == "/twice" and times == 1:
            status = 503
        elif self.path == "/slow":
            time.sleep(30)
            return  # nobody waits any more: kept, it would be found among the events of a later test
        elif self.path == "/drip":
            with contextlib.suppress(OSError):
                for sign in b"HTTP/1.1 201 Created\r\n" * 5:
                    self.wfile.write(bytes([sign]))
                    self.wfile.flush()
                    time.sleep(1)
            return
        elif self.path == "/elsewhere":
            status = 307
        event = json.loads(body)
        faults = open_lineage.faults(event)
        told = {"path": self.path, "status": status, "authorization": self.headers.get("Authorization")}
        with self.lock, self.kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**told, "faults": faults, "event": event}) + "\n")
        self.send_response(422 if faults else status)
        if status == 307:
            self.send_header("Location", "/api/v1/lineage")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told."""


@dataclasses.dataclass(frozen=True)
class Receiver:
    """One that runs. uri: without a path."""

    uri: str
    kept: Path

    def got(self) -> list[dict[str, Any]]:
        lines = self.kept.read_text(encoding="utf-8").splitlines() if self.kept.exists() else []
        return [json.loads(line) for line in lines]

    def events(self) -> list[dict[str, Any]]:
        return [each["event"] for each in self.got()]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Receiver]:
    kept = folder / "received.jsonl"
    command = [sys.executable, "-m", "tests.helpers.lineage_receiver", str(kept)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Receiver(f"http://127.0.0.1:{int(process.stdout.readline())}", kept)
        assert process.stdin is not None
        process.stdin.close()  # which ends it, and so does the end of the tests
        process.wait(10)


def main() -> None:
    Handler.kept = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
