"""Which file systems Arrow reaches, and with whose settings: as Spark's, or the path is not columnar."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.fs as pafs
from pyspark.sql import SparkSession

from jobs.columnar import hadoop, s3
from jobs.columnar.unfit import NotColumnar

_URI = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(//(?P<store>[^/]*))?(?P<path>/.*)?", re.DOTALL)
S3 = ("s3a", "s3")
"""Two names of one store. A bucket of another one may be called alike."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclasses.dataclass(frozen=True)
class Access:
    """How tasks open files. It can be pickled, and shows no secret.

    A URI is as Hadoop spells it, with nothing encoded: what stands after the store is the path, or the key of the
    object, to the letter. Errors of Arrow quote paths, which may hold values, so none of their text is passed on: what
    cannot be opened, listed or deleted is `NotColumnar`. What fails on an opened file is an error of Arrow's.

    The pickle goes to executors in a task's closure. Keys of S3 that stand in Spark's settings for Hadoop are in it:
    Spark sends those settings to the same executors, in a broadcast, by the same way. Executors cannot look them up
    again, for in Python they have no session. Credentials of the platform are not in it; each machine asks for its own.

    umask: what Hadoop takes away from a new file's rights. buckets: those of S3 that were asked for, by name.
    """

    umask: int = 0o022
    buckets: tuple[s3.Bucket, ...] = ()

    def open(self, uri: str) -> tuple[pafs.FileSystem, str]:
        """The file system of a URI, and the path of the file in it."""
        scheme, store, path = parted(uri)
        if scheme == "file":
            return pafs.LocalFileSystem(), path
        for bucket in self.buckets:
            if scheme in S3 and bucket.name == store:
                return s3.opened(bucket), store + path
        raise NotColumnar(f"files of {scheme}: are outside the places that the run was planned with")

    def open_input(self, uri: str) -> pa.NativeFile:
        """A file to read, at any place in it."""
        store, path = self.open(uri)
        with _no_text("read a file"):
            return store.open_input_file(path)

    @contextlib.contextmanager
    def open_output(self, uri: str) -> Iterator[pa.NativeFile]:
        """A new file to write, with its folders. It is whole after the block, and gone when the block failed.

        Where the process dies meanwhile a local file stays behind in part, and in S3 the parts of an upload that no
        listing of objects shows: the bucket's rule for such uploads removes them.
        """
        store, path = self.open(uri)
        with _no_text("write a file"):
            sink = _created(store, path, self.umask)
        try:
            yield sink
            with _no_text("write a file"):
                sink.close()
        except BaseException:
            with contextlib.suppress(OSError, pa.ArrowException):
                sink.close()  # or the collection of garbage does, later, and an object comes to be after its deletion
            with contextlib.suppress(NotColumnar):
                self.delete(uri)
            raise

    def delete(self, uri: str) -> None:
        """Delete a file; one that is not there is no error. In S3 its folder gets a marker, as S3A gives it one too."""
        store, path = self.open(uri)
        with _no_text("delete a file"), contextlib.suppress(FileNotFoundError):
            store.delete_file(path)

    def list_names(self, uri: str) -> list[str]:
        """The names of the files of a folder, sorted, without folders; none where there is no such folder."""
        store, path = self.open(uri)
        with _no_text("list a folder"):
            found = store.get_file_info(pafs.FileSelector(path, allow_not_found=True))
        return sorted(each.base_name for each in found if each.type == pafs.FileType.File)

    def below(self, uri: str) -> list[str]:
        """The files in a folder and in all its folders, by their URIs; none where there is no such folder."""
        store, path = self.open(uri)
        with _no_text("list a folder"):
            found = store.get_file_info(pafs.FileSelector(path, recursive=True, allow_not_found=True))
        base = path.rstrip("/")
        files = [each.path for each in found if each.type == pafs.FileType.File and each.path.startswith(f"{base}/")]
        return sorted(uri.rstrip("/") + file.removeprefix(base) for file in files)


def parted(uri: str) -> tuple[str, str, str]:
    """Scheme, store (host, bucket) and path, which starts with a slash or is empty. Nothing is decoded.

    Raises `NotColumnar` for a URI that Hadoop does not spell so: it leaves no empty part, no dots and no final slash.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        raise NotColumnar("a path is not spelled as Hadoop spells it")
    path = found["path"] or ""
    if path != "/" and any(part in ("", ".", "..") for part in path.split("/")[1:]):
        raise NotColumnar("a path has empty parts or dots")
    if found["scheme"] == "file" and (found["store"] or not path):
        raise NotColumnar("a path of file: names a host or no file")
    if found["scheme"] in S3 and not _BUCKET.fullmatch(found["store"] or ""):
        raise NotColumnar("a path in S3 names more than a bucket")  # keys, say, so its text is not told
    return found["scheme"], found["store"] or "", path


def access(spark: SparkSession, uris: Iterable[str]) -> Access:
    """Access to places by their URIs. Raises `NotColumnar` where one is of a file system that Arrow does not reach, or
    not by the settings that Spark has for it."""
    made = Access()
    for uri in sorted(set(uris)):
        scheme, store, _ = parted(uri)
        if scheme not in ("file", *S3):
            raise NotColumnar(f"files of {scheme}: are reached by Spark only")
        theirs = hadoop.file_system(spark, uri)
        if scheme == "file":
            made = dataclasses.replace(made, umask=hadoop.umask_of_local(spark, theirs))
        elif all(bucket.name != store for bucket in made.buckets):
            made = dataclasses.replace(
                made, buckets=(*made.buckets, s3.bucket(store, hadoop.settings_of_s3a(spark, theirs)))
            )
        _reached(made, uri)
    return made


def _reached(made: Access, uri: str) -> None:
    """A first question, on the driver: what Arrow does not reach it is not asked for by a thousand tasks."""
    store, path = made.open(uri)
    with _no_text("reach a place of the run"):
        store.get_file_info(path)


def _created(store: pafs.FileSystem, path: str, umask: int) -> pa.NativeFile:
    if not isinstance(store, pafs.LocalFileSystem):
        return store.open_output_stream(path)  # an object store has no folders: none is made, not even a marker
    store.create_dir(os.path.dirname(path), recursive=True)
    sink = store.open_output_stream(path)
    os.chmod(path, 0o666 & ~umask)  # as Hadoop, which heeds its own setting and not the process's
    return sink


@contextlib.contextmanager
def _no_text(deed: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, pa.ArrowException):
        raise NotColumnar(f"Arrow could not {deed}") from None
