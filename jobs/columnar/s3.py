"""A bucket of S3 as Arrow opens it, by the settings of Hadoop's S3A: all that are set must be understood."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow.fs as pafs

from jobs.columnar.unfit import NotColumnar

_TAKEN = {"access.key", "secret.key", "session.token", "aws.credentials.provider", "endpoint", "endpoint.region"}
_TAKEN |= {"path.style.access", "connection.ssl.enabled"}
_OF_NO_WEIGHT = re.compile(
    r"connection\..*|socket\..*|threads\..*|retry\..*|attempts\.maximum|max\.total\.tasks|executor\.capacity|multipart\..*"
    r"|fast\.upload\..*|block\.size|buffer\.dir|readahead\.range|paging\.maximum|user\.agent\.prefix|committer\..*|audit\..*"
    r"|vectored\..*|input\.stream\..*|experimental\.input\..*|prefetch\..*|analytics\.accelerator\..*|impl(\.disable\.cache)?"
    r"|downgrade\.syncable\.exceptions|directory\.marker\..*|performance\.flags|list\.version|multiobjectdelete\.enable"
)
"""How fast, in what pieces and how often S3A asks; none says which object, as whom, or what is stored with it."""

_KEYS = "org.apache.hadoop.fs.s3a."
_SDK = "software.amazon.awssdk.auth.credentials."
_CHAIN = {
    "com.amazonaws.auth.EnvironmentVariableCredentialsProvider": {"environment"},
    f"{_SDK}EnvironmentVariableCredentialsProvider": {"environment"},
    f"{_KEYS}auth.IAMInstanceCredentialsProvider": {"machine"},
    "com.amazonaws.auth.InstanceProfileCredentialsProvider": {"machine"},
    f"{_SDK}InstanceProfileCredentialsProvider": {"machine"},
    f"{_SDK}DefaultCredentialsProvider": {"environment", "web identity", "machine"},
}
"""Where the platform's own credentials may come from, by the class that S3A is told. Of S3A's 3.5, and what it takes
the names of older ones for."""

_AWS = re.compile(r"s3[.-](?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")


@dataclasses.dataclass(frozen=True)
class Bucket:
    """How to open one bucket.

    endpoint: None is AWS's own of the region. keys: access key, secret key, session token or empty; shown by no repr.
    chain: without keys, where credentials may come from on the machine that opens it. anonymous: without any.
    """

    name: str
    region: str
    endpoint: str | None = None
    scheme: str = "https"
    by_path: bool = False
    keys: tuple[str, str, str] | None = dataclasses.field(default=None, repr=False)
    chain: frozenset[str] = frozenset()
    anonymous: bool = False


def bucket(name: str, settings: Mapping[str, str]) -> Bucket:
    """The bucket by S3A's settings for it. Pure.

    settings: those of ``fs.s3a.`` without that prefix which differ from Hadoop's own, and always the credential
    providers; settings of this one bucket are already among them, as S3A does it. Raises `NotColumnar` for a setting
    that is not taken here: its name is told, never its value.
    """
    given = {key: value.strip() for key, value in settings.items() if not key.startswith("bucket.") and value.strip()}
    for key in sorted(given):
        if key not in _TAKEN and not _OF_NO_WEIGHT.fullmatch(key):
            raise NotColumnar(f"fs.s3a.{key} is set, which only Spark's own access to S3 follows")
    scheme, endpoint = _endpoint(given)
    made = Bucket(name, _region(given), endpoint, scheme, _flag(given, "path.style.access", False))
    return _with_credentials(made, given)


def _endpoint(given: Mapping[str, str]) -> tuple[str, str | None]:
    """http or https, and the host with its port; no host where it is the one that AWS has for all regions."""
    told = given.get("endpoint", "")
    scheme, mark, host = told.rpartition("://")
    if not mark:
        scheme = "https" if _flag(given, "connection.ssl.enabled", True) else "http"
    host = host.rstrip("/")
    if scheme not in ("http", "https") or re.search(r"[/@?#\s]", host):
        raise NotColumnar("fs.s3a.endpoint is more than a host and a port")
    return scheme, None if host in ("", "s3.amazonaws.com") else host


def _region(given: Mapping[str, str]) -> str:
    """The region that requests are signed for. A wrong one is refused by S3; it leads to no other object."""
    host = given.get("endpoint", "").rpartition("://")[2].rstrip("/")
    aws = _AWS.fullmatch(host)
    if "endpoint.region" in given:
        return given["endpoint.region"]
    if host in ("", "s3.amazonaws.com") or (host.endswith((".amazonaws.com", ".amazonaws.com.cn")) and not aws):
        raise NotColumnar("the region of S3 is not set (fs.s3a.endpoint.region)")
    return aws["region"] if aws else "us-east-1"


def _flag(given: Mapping[str, str], name: str, default: bool) -> bool:
    """A yes or no as Hadoop reads it: what is neither is the default."""
    return {"true": True, "false": False}.get(given.get(name, "").lower(), default)


def _with_credentials(made: Bucket, given: Mapping[str, str]) -> Bucket:
    """S3A asks its providers in their order; the first that has credentials is taken, and so here."""
    access, secret, token = (given.get(name, "") for name in ("access.key", "secret.key", "session.token"))
    chain: set[str] = set()
    for provider in filter(None, re.split(r"[\s,]+", given.get("aws.credentials.provider", ""))):
        if provider in (f"{_KEYS}TemporaryAWSCredentialsProvider", f"{_KEYS}SimpleAWSCredentialsProvider"):
            whole = bool(access and secret and (token or "Simple" in provider))
            if whole and not chain:
                return dataclasses.replace(made, keys=(access, secret, token if "Temporary" in provider else ""))
            if whole:
                raise NotColumnar("S3 is asked with the platform's credentials first and with keys of Hadoop's after")
        elif provider == f"{_KEYS}AnonymousAWSCredentialsProvider" and not chain:
            return dataclasses.replace(made, anonymous=True)
        elif provider in _CHAIN:
            chain |= _CHAIN[provider]
        else:
            raise NotColumnar("fs.s3a.aws.credentials.provider names a class that only Spark's own access to S3 knows")
    if not chain:
        raise NotColumnar("S3 has no credentials among Hadoop's settings")
    return dataclasses.replace(made, chain=frozenset(chain))


def opened(of: Bucket) -> pafs.S3FileSystem:
    """Arrow's file system for a bucket; one for all its files in this process. Nothing is asked of S3 yet.

    Raises `NotColumnar` where this machine has settings for AWS that Arrow follows and S3A does not.
    """
    _like_spark(of)
    return _opened(of)


@functools.lru_cache(maxsize=32)
def _opened(of: Bucket) -> pafs.S3FileSystem:
    access, secret, token = of.keys or (None, None, None)
    return pafs.S3FileSystem(
        access_key=access,
        secret_key=secret,
        session_token=token or None,
        anonymous=of.anonymous,
        region=of.region,
        scheme=of.scheme,
        endpoint_override=of.endpoint,
        force_virtual_addressing=of.endpoint is not None and not of.by_path,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=5),  # as often as S3A
        allow_bucket_creation=False,
        allow_bucket_deletion=False,
    )


def _like_spark(of: Bucket) -> None:
    """Arrow also looks into AWS's profiles, and lets the environment name another server."""
    profile = _profile()
    if of.endpoint is None and (profile or any(name.startswith("AWS_ENDPOINT_URL") for name in os.environ)):
        raise NotColumnar("this machine has settings of AWS that may name another server of S3 (set fs.s3a.endpoint)")
    if of.keys is not None or of.anonymous:
        return
    by_environment = all(os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    by_token = bool(os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"))
    found = "environment" if by_environment else "profile" if profile else "web identity" if by_token else "machine"
    if found not in of.chain:
        raise NotColumnar(f"Arrow would take credentials of S3 from the {found}, which Spark's settings do not name")


def _profile() -> bool:
    """Whether this machine has a profile of AWS."""
    files = (("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))
    there = (Path(os.environ.get(name) or Path(usual).expanduser()).exists() for name, usual in files)
    return any(there) or bool(os.environ.get("AWS_PROFILE"))
