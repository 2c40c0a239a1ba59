"""The two jars of Delta Lake, in this environment's Spark: fetched once, used only with the digest written here."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from jobs.setup.java_runtime import SetupProblem, package_folder


class Jar(NamedTuple):
    """A jar by its Maven coordinates, with the digest it must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


# Two jars suffice. ``--packages`` would bring 33, an old Hadoop among them.
JARS = (
    Jar(
        "io.delta", "delta-spark_4.2_2.13", "4.4.0", "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead"
    ),
    Jar("io.delta", "delta-storage", "4.4.0", "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc"),
)


def ensure_jars(folder: Path, java: str, jars: tuple[Jar, ...] = JARS) -> list[str]:
    """Have every jar in ``folder`` with its digest, and no other version of it. Returns the files fetched.

    Raises `SetupProblem` when one cannot be had, is not what it should be, and `OSError`; then nothing of it is
    left in ``folder``.
    """
    missing = [jar for jar in jars if not is_whole(folder / jar.file, jar)]
    for jar in jars:
        for other in folder.glob(f"{jar.artifact}-[0-9]*.jar"):
            if jar in missing or other.name != jar.file:
                other.unlink()
    if not missing:  # the folder may be one that nobody writes to
        return []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
        fetch(missing, Path(scratch), java)
        for jar in missing:
            fetched = Path(scratch) / jar.file
            if not fetched.is_file():
                raise SetupProblem(unavailable(jar, folder))
            if not is_whole(fetched, jar):
                raise SetupProblem(f"{jar.file} does not have the SHA-256 {jar.sha256}: it is not used")
            fetched.replace(folder / jar.file)  # same file system: all or nothing
    return [jar.file for jar in missing]


def is_whole(file: Path, jar: Jar) -> bool:
    """Whether the file is there with the jar's digest."""
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == jar.sha256


def fetch(jars: Sequence[Jar], scratch: Path, java: str) -> None:
    """Have the jars in ``scratch``, as far as they can be had: all by one call of Maven where there is one (whose
    settings name the mirrors), and what it did not bring by Spark's own Ivy, one by one."""
    if jars:
        print(f"Fetching {', '.join(jar.file for jar in jars)}", flush=True)
    if jars and shutil.which("mvn"):
        run(with_maven(jars, scratch), scratch)
    for jar in jars:
        if not (scratch / jar.file).is_file() and not run(with_ivy(jar, scratch, java), scratch):
            return


def run(command: list[str], scratch: Path) -> bool:
    """Whether a command did its work; if not, the end of what it said is shown."""
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        print(f"{Path(command[0]).name} could not fetch it:\n{(done.stdout + done.stderr)[-2000:]}", file=sys.stderr)
    return done.returncode == 0


def with_maven(jars: Sequence[Jar], scratch: Path) -> list[str]:
    """Maven's command line; it finds its Java, its mirrors and its proxies by itself. It copies several jars only
    as the dependencies of a project, here without theirs."""
    alone = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    listed = "".join(
        f"<dependency><groupId>{jar.group}</groupId><artifactId>{jar.artifact}</artifactId>"
        f"<version>{jar.version}</version>{alone}</dependency>"
        for jar in jars
    )
    project = (
        "<modelVersion>4.0.0</modelVersion><groupId>jars</groupId><artifactId>jars</artifactId><version>1</version>"
    )
    (scratch / "pom.xml").write_text(f"<project>{project}<dependencies>{listed}</dependencies></project>")
    return ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={scratch}"]


def with_ivy(jar: Jar, scratch: Path, java: str) -> list[str]:
    """Ivy's command line; IVY_SETTINGS may name a settings file with the mirrors of the house."""
    ivy = next((package_folder("pyspark") / "jars").glob("ivy-*.jar"))
    settings = ["-settings", os.environ["IVY_SETTINGS"]] if os.environ.get("IVY_SETTINGS") else []
    which = ["-notransitive", "-dependency", jar.group, jar.artifact, jar.version]
    where = ["-cache", str(scratch / "ivy"), "-retrieve", f"{scratch}/[artifact]-[revision].[ext]"]
    jvm = [java, *proxies(), *trust(scratch), "-cp", str(ivy)]
    return [*jvm, "org.apache.ivy.Main", *settings, *which, *where, "-types", "jar"]


def proxies() -> list[str]:
    """The proxies that pip goes through, as a JVM wants to hear of them."""
    given = {scheme: urllib.parse.urlsplit(url) for scheme, url in urllib.request.getproxies().items()}
    return [
        f"-D{scheme}.proxy{part}={value}"
        for scheme in ("http", "https")
        if scheme in given
        for part, value in (("Host", given[scheme].hostname), ("Port", given[scheme].port))
        if value
    ]


def trust(scratch: Path) -> list[str]:
    """The certificates that Python trusts, as a fetched JVM knows none of the house; nothing where it has no file."""
    file = ssl.get_default_verify_paths().cafile
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some old roots have odd serial numbers
            found = x509.load_pem_x509_certificates(Path(file or "").read_bytes())
    except (OSError, ValueError):
        return []
    store, password = scratch / "trusted.p12", "changeit"  # what is public needs no secret; the format needs one
    entries = [pkcs12.PKCS12Certificate(one, str(number).encode()) for number, one in enumerate(found)]
    store.write_bytes(pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(password.encode())))
    settings = {"trustStore": store, "trustStoreType": "PKCS12", "trustStorePassword": password}
    return [f"-Djavax.net.ssl.{key}={value}" for key, value in settings.items()]


def unavailable(jar: Jar, folder: Path) -> str:
    return (
        f"{jar.group}:{jar.artifact}:{jar.version} could not be fetched by Maven or Ivy.\n"
        "Behind a mirror: name it in Maven's settings.xml, or in an Ivy settings file that IVY_SETTINGS names.\n"
        f"Without a network: put {jar.file} (SHA-256 {jar.sha256})\ninto {folder} and run the command again."
    )
