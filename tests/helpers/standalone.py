"""A Spark cluster of processes, a master and workers; and what it takes to see all that they write, keep and send."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import pyspark

from tests.helpers import processes

SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
SUBMIT = Path(sys.executable).parent / "spark-submit"
DAEMONS = "org.apache.spark.deploy"
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options of Java for processes that end before optimized code pays."""
LONG_LIVED = "-XX:+UseSerialGC"
"""Of one that runs for many minutes."""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """folder: logs, the workers' folders and their executors' local folders all lie below it."""

    folder: Path
    master: str
    web: str
    workers: tuple[psutil.Process, ...]

    def executors(self) -> list[psutil.Process]:
        """Executors and their Python processes, as they are now."""
        return [process for worker in self.workers for process in processes.below(worker)]


@contextlib.contextmanager
def cluster(
    folder: Path, settings: Mapping[str, str], workers: int = 1, cores: int = 2, hosts: Sequence[str] = ()
) -> Iterator[Cluster]:
    """A cluster on the loopback interface; it and all that it started are gone afterwards. hosts: the workers', each
    another one, since Spark begins no second attempt of a task on the host of the first."""
    defaults = properties(folder / "daemons.conf", {"spark.master.rest.enabled": "false", **settings})
    with contextlib.ExitStack() as stack:
        command = [f"{DAEMONS}.master.Master", "--port", "0", "--webui-port", "0"]
        stack.enter_context(_daemon(folder, "master", command, defaults))
        master, address = _addresses(folder / "master.log")
        started = []
        for at in range(workers):
            options = ["--cores", str(cores), "--memory", "2g", "--work-dir", str(folder / f"worker{at}")]
            options += ["--host", hosts[at]] if hosts else []
            command = [f"{DAEMONS}.worker.Worker", *options, "--webui-port", "0", master]
            started.append(stack.enter_context(_daemon(folder, f"worker{at}", command, defaults)))
        wait_for(lambda: _alive(f"{address}/json/") == workers)
        yield Cluster(folder, master, address, tuple(started))


@contextlib.contextmanager
def _daemon(folder: Path, name: str, command: list[str], defaults: Path) -> Iterator[psutil.Process]:
    main, *options = command
    local = folder / "local" / name
    local.mkdir(parents=True)
    own = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_DIRS": str(local)}
    own["SPARK_DAEMON_JAVA_OPTS"] = SHORT_LIVED
    environ = {key: os.environ[key] for key in ("PATH", "HOME", "JAVA_HOME") if key in os.environ}
    whole = [str(SPARK_CLASS), main, "--host", "127.0.0.1", "--properties-file", str(defaults), *options]
    with open(folder / f"{name}.log", "wb") as log:
        process = psutil.Popen(whole, stdout=log, stderr=log, env={**environ, **own}, cwd=folder)
        try:
            yield process
        finally:
            processes.end([*processes.below(process), process])


def properties(path: Path, settings: Mapping[str, str]) -> Path:
    """A file of settings that its owner alone can read: one of them may be the cluster's secret."""
    path.touch(0o600)
    path.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    return path


@contextlib.contextmanager
def submitted(
    script: Path, arguments: list[str], defaults: Path, environ: Mapping[str, str], output: Path
) -> Iterator[psutil.Popen]:
    """A driver that runs as long as the block lasts, or until it ends by itself."""
    command = [str(SUBMIT), "--properties-file", str(defaults), str(script), *arguments]
    with open(output, "wb") as log:
        process = psutil.Popen(command, stdout=log, stderr=log, env={**os.environ, **environ})
        try:
            yield process
        finally:
            if process.poll() is None:
                processes.end([*processes.below(process), process])


def _addresses(log: Path) -> tuple[str, str]:
    """Of a master and of its pages, as it says them: a port that was free a moment ago may be taken by now."""
    patterns = ("'sparkMaster' on port ([0-9]+)", "'MasterUI' on port ([0-9]+)")

    def ports() -> list[str]:
        text = log.read_text(errors="replace")
        return [found[1] for pattern in patterns if (found := re.search(pattern, text))]

    wait_for(lambda: len(ports()) == len(patterns))
    master, pages = ports()  # not its addresses: it may call this machine by any of the machine's names
    return f"spark://127.0.0.1:{master}", f"http://127.0.0.1:{pages}"


def _alive(address: str) -> int:
    try:
        return int(json.loads(fetched(address))["aliveworkers"])
    except (OSError, ValueError):  # it does not listen yet, or has not added this page to its server
        return -1


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return bytes(answer.read())


def wait_for(ready: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


class Keeper:
    """Keeps every file that appears below some folders by a second name, so that it outlasts its deletion."""

    def __init__(self, folders: list[Path], kept: Path) -> None:
        self.folders, self.kept, self.names = folders, kept, dict[Path, Path]()
        kept.mkdir()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self.over.wait(0.02):
            for folder in self.folders:
                self._look(folder)

    def _look(self, folder: Path) -> None:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    self._look(path)
                elif path not in self.names:
                    name = self.kept / f"{len(self.names)}-{entry.name}"
                    os.link(path, name)
                    self.names[path] = name

    def __enter__(self) -> Keeper:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


class Wire:
    """Stands between two addresses, passes bytes both ways and keeps a copy of them."""

    def __init__(self, port: int, listen: str = "127.0.0.2", upstream: str = "127.0.0.1") -> None:
        self.upstream = (upstream, port)
        self.streams: list[bytearray] = []
        self.server = socket.create_server((listen, port))

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                near = self.server.accept()[0]
                far = socket.create_connection(self.upstream)
                for source, sink in ((near, far), (far, near)):
                    self.streams.append(bytearray())
                    passing = (source, sink, self.streams[-1])
                    threading.Thread(target=self._pass, args=passing, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, copy: bytearray) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                copy += piece
                sink.sendall(piece)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
