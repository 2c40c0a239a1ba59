"""What Hadoop's own file systems, those that Spark uses in this session, are set to."""

from __future__ import annotations

from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.columnar.unfit import NotColumnar
from jobs.lake.java import hadoop_path, java_class

_HADOOP = "org.apache.hadoop"

# Spark's build with Hive registers Hive's variant for file:, which differs in how it renames.
_LOCAL = ("org.apache.hadoop.fs.LocalFileSystem", "org.apache.hadoop.hive.ql.io.ProxyLocalFileSystem")
_S3A = ("org.apache.hadoop.fs.s3a.S3AFileSystem",)
_PROVIDERS = "aws.credentials.provider"
_CREDENTIAL_FILES = "hadoop.security.credential.provider.path"


def file_system(spark: SparkSession, uri: str) -> Any:
    """Hadoop's file system of a URI: the one that Spark has open, if it has, whose settings those of today may differ
    from. Raises `NotColumnar` where there is none."""
    try:
        configuration = spark._jsparkSession.sessionState().newHadoopConf()
        return hadoop_path(spark, uri).getFileSystem(configuration)
    except (Py4JError, AttributeError):
        raise NotColumnar("Hadoop's file system cannot be had in this session") from None


def umask_of_local(spark: SparkSession, theirs: Any) -> int:
    """What Hadoop takes away from the rights of a new local file."""
    _must_be(theirs, _LOCAL)
    return int(java_class(spark._jvm, f"{_HADOOP}.fs.permission.FsPermission").getUMask(theirs.getConf()).toShort())


def settings_of_s3a(spark: SparkSession, theirs: Any) -> dict[str, str]:
    """The settings of ``fs.s3a.``, without that prefix, that differ from those which Hadoop comes with, and always the
    credential providers. S3A has put the settings of the bucket among them already."""
    _must_be(theirs, _S3A)
    ours = theirs.getConf()
    if (ours.get(_CREDENTIAL_FILES) or "").strip():
        raise NotColumnar("Hadoop keeps credentials in files of its own (hadoop.security.credential.provider.path)")
    shipped = java_class(spark._jvm, f"{_HADOOP}.conf.Configuration")(False)
    shipped.addResource("core-default.xml")
    named = ours.getPropsWithPrefix("fs.s3a.")  # as written; `get` puts in what a value refers to
    usual = dict(shipped.getPropsWithPrefix("fs.s3a."))
    set_here = [name for name, value in dict(named).items() if usual.get(name) != value or name == _PROVIDERS]
    return {name: str(ours.get(f"fs.s3a.{name}") or "") for name in set_here}


def _must_be(theirs: Any, names: tuple[str, ...]) -> None:
    if theirs.getClass().getName() not in names:
        raise NotColumnar(f"a path is reached by a file system other than Hadoop's {names[0].rpartition('.')[2]}")
