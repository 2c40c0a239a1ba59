"""S3A's settings as Arrow's: each is taken as S3A takes it, or the run is not columnar."""

from __future__ import annotations

import dataclasses
import os
import pickle
from pathlib import Path

import pytest

from jobs.columnar import s3
from jobs.columnar.file_systems import Access
from jobs.columnar.unfit import NotColumnar

S3A = "org.apache.hadoop.fs.s3a."
SDK = "software.amazon.awssdk.auth.credentials."
USUAL = f"""
    {S3A}TemporaryAWSCredentialsProvider,
    {S3A}SimpleAWSCredentialsProvider,
    {SDK}EnvironmentVariableCredentialsProvider,
    {S3A}auth.IAMInstanceCredentialsProvider
"""
SECRET = "canary-77aa"
KEYS = {"access.key": "AKIA", "secret.key": SECRET}
HERE = {"aws.credentials.provider": USUAL, "endpoint": "http://127.0.0.1:9000", **KEYS}
NO_KEYS = {"aws.credentials.provider": USUAL, "endpoint.region": "eu-west-1"}


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of AWS is set on this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_keys_and_a_server_of_the_house() -> None:
    made = s3.bucket("lake", {**HERE, "path.style.access": "true"})
    assert (made.endpoint, made.scheme, made.by_path, made.region) == ("127.0.0.1:9000", "http", True, "us-east-1")
    assert made.keys == ("AKIA", SECRET, "")


def test_a_session_token_is_of_the_temporary_provider_only() -> None:
    token = {**HERE, "session.token": "passing"}
    simple = {**token, "aws.credentials.provider": f"{S3A}SimpleAWSCredentialsProvider"}
    assert s3.bucket("lake", token).keys == ("AKIA", SECRET, "passing")
    assert s3.bucket("lake", simple).keys == ("AKIA", SECRET, "")


@pytest.mark.parametrize(
    ("endpoint", "ssl", "scheme", "host"),
    [
        ("minio:9000", "true", "https", "minio:9000"),
        ("minio:9000", "FALSE", "http", "minio:9000"),
        ("http://minio:9000/", "true", "http", "minio:9000"),
        ("https://minio", "false", "https", "minio"),
    ],
)
def test_the_endpoint(endpoint: str, ssl: str, scheme: str, host: str) -> None:
    made = s3.bucket("lake", {**HERE, "endpoint": endpoint, "connection.ssl.enabled": ssl})
    assert (made.scheme, made.endpoint) == (scheme, host)


@pytest.mark.parametrize(
    ("settings", "region", "endpoint"),
    [
        ({"endpoint": "s3.eu-central-1.amazonaws.com"}, "eu-central-1", "s3.eu-central-1.amazonaws.com"),
        ({"endpoint": "s3.amazonaws.com", "endpoint.region": "eu-west-2"}, "eu-west-2", None),
        ({"endpoint": "", "endpoint.region": "eu-west-2"}, "eu-west-2", None),
    ],
)
def test_the_region(settings: dict[str, str], region: str, endpoint: str | None) -> None:
    made = s3.bucket("lake", {**HERE, **settings})
    assert (made.region, made.endpoint) == (region, endpoint)


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint": ""},
        {"endpoint": "s3.amazonaws.com"},
        {"endpoint": "bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"},
        {"endpoint": "http://a/b"},
        {"encryption.algorithm": "SSE-KMS"},
        {"encryption.key": SECRET},
        {"server-side-encryption-algorithm": "SSE-C"},
        {"requester.pays.enabled": "true"},
        {"proxy.host": "proxy"},
        {"fs.s3a.secret.key": SECRET},
        {"accesspoint.arn": "arn"},
        {"acl.default": "PublicRead"},
        {"create.storage.class": "glacier"},
        {"delegation.token.binding": "x"},
        {"something.of.tomorrow": SECRET},
        {"aws.credentials.provider": "org.example.Own"},
        {"aws.credentials.provider": f"{S3A}auth.AssumedRoleCredentialProvider"},
        {"aws.credentials.provider": f"{SDK}EnvironmentVariableCredentialsProvider, {S3A}SimpleAWSCredentialsProvider"},
        {"aws.credentials.provider": f"{S3A}SimpleAWSCredentialsProvider", "secret.key": ""},
    ],
)
def test_what_arrow_would_do_otherwise_is_refused_without_a_value(settings: dict[str, str]) -> None:
    with pytest.raises(NotColumnar) as caught:
        s3.bucket("lake", {**HERE, **settings})
    assert SECRET not in str(caught.value)


def test_what_has_no_weight_and_other_buckets_are_passed_by() -> None:
    more = {"threads.max": "7", "vectored.read.min.seek.size": "128K", "bucket.other.endpoint": "elsewhere"}
    assert s3.bucket("lake", {**HERE, **more}) == s3.bucket("lake", HERE)


def test_a_secret_is_shown_nowhere_and_travels() -> None:
    access = Access(buckets=(s3.bucket("lake", HERE),))
    assert SECRET not in f"{access!r} {access} {access.buckets[0]}"
    assert pickle.loads(pickle.dumps(access)) == access


def test_the_machines_own_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    made = s3.bucket("lake", NO_KEYS)
    assert made.keys is None
    assert made.chain == {"environment", "machine"}
    assert s3.opened(made).region == "eu-west-1"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert s3.opened(made).region == "eu-west-1"
    with pytest.raises(NotColumnar, match="from the environment"):
        s3.opened(dataclasses.replace(made, chain=frozenset({"machine"})))


def test_credentials_that_arrow_alone_would_find(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = dataclasses.replace(s3.bucket("lake", NO_KEYS), endpoint="127.0.0.1:9")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
    with pytest.raises(NotColumnar, match="from the web identity"):
        s3.opened(made)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\n")
    with pytest.raises(NotColumnar, match="from the profile"):
        s3.opened(made)


def test_a_server_that_arrow_alone_would_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere")
    with pytest.raises(NotColumnar, match="another server"):
        s3.opened(s3.bucket("lake", {**HERE, "endpoint": "", "endpoint.region": "eu-west-1"}))
    assert s3.opened(s3.bucket("lake", HERE)).region == "us-east-1"
