"""How Delta writes the files of a commit: what it does besides takes a small table longer than all the rest.

In the local file system Hadoop starts a process of the system for each right that it gives and for each name that it
looks at when it renames (``chmod``, ``readlink``), twenty for one commit; this way it is six. And where Java's time
zone is not UTC, Delta reads the whole log once more after each commit, to see whether times before 1883 are told alike.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping

from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.session_settings import held

Settings = Mapping[str, tuple[str | None, str]]
"""Setting -> what it is where nobody chose, and what writes the same in less time."""
ANEW: Settings = {
    # what is compared are the files as their commits name them, and of those before none stays
    "spark.databricks.delta.allFilesInCrc.verificationMode.forceOnNonUTC.enabled": (None, "false"),
}
LOCAL: Settings = {
    # the file of the version's checksum is looked at once when it is renamed
    "spark.sql.streaming.checkpointFileManagerClass": (
        None,
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager",
    ),
}
BARE: Settings = {
    # without a checksum of Hadoop's own beside the commit's file, which Delta does not ask for
    "fs.AbstractFileSystem.file.impl": (
        "org.apache.hadoop.fs.local.LocalFs",
        "org.apache.hadoop.fs.local.RawLocalFs",
    ),
}
OF_HADOOP = re.compile(r"\..*\.crc")
"""Its own checksum of a file, which stands beside it: the file is held against it whenever it is read."""
OF_COMMIT = re.compile(r"\.(\d{20})\.(json|crc|checkpoint\.parquet)\.crc")


@contextlib.contextmanager
def quickly_written(begun: Transaction, anew: bool = False) -> Iterator[None]:
    """As long as a block lasts, the session writes a table's log that way. What someone chose stays. anew: no file that
    was part of the table stays."""
    with held(begun.spark, _unchosen(begun, anew)):
        yield


def _unchosen(begun: Transaction, anew: bool) -> dict[str, str]:
    known, settings = begun.log.newDeltaHadoopConf(), dict(ANEW) if anew else {}
    if begun.location.startswith("file:"):
        settings |= {**LOCAL, **({} if _may_be_held_against(begun) else BARE)}
    return {name: quick for name, (usual, quick) in settings.items() if known.get(name) == usual}


def _may_be_held_against(begun: Transaction) -> bool:
    """Whether a checksum of Hadoop's is there of what the commit may write, which would then stay as it is: of a commit
    that was taken away by hand, or of the file that names the last checkpoint."""
    try:
        names = os.listdir(f"{begun.location.removeprefix('file:')}/_delta_log")
    except OSError:
        return True
    return any(OF_HADOOP.fullmatch(name) and not _is_of_past(name, begun.version) for name in names)


def _is_of_past(name: str, version: int) -> bool:
    found = OF_COMMIT.fullmatch(name)
    return found is not None and int(found[1]) <= version
