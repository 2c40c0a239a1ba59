"""The list of the erased, as erasures write it: made once, and added to before anything of a subject is deleted."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.lake import erased_list
from jobs.lake.erased_list import ErasedList
from jobs.named_keys import erasure_key
from jobs.spark_app import session


def add(
    spark: SparkSession, conf: Config, domain: str, ids: pa.Array | pa.ChunkedArray | Sequence[str], run_id: str
) -> ErasedList | None:
    """Put subjects on the list, before the first delete; the list with them. Who stands there already is added
    again, for this erasure: by that runs know that what it deleted stays deleted. None where the policy names no list.

    ids: raw, as they stand in sources, of any type that has canonical bytes. Raises `BadUsage`, `SourceProblem`,
    `KeyProblem`, `CommitConflict`: then nothing may be deleted.
    """
    key = erasure_key.of(conf)
    if key is None or key.entry.list is None:
        return None
    values = ids if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array(list(ids), pa.string())
    key.check_own()
    own = session.pinned(spark)  # what is said of a commit there is said of no other one
    return erased_list.add(own, key.entry.list, key.listed(domain, values), run_id, key.spelling(domain))


def check_still(listed: ErasedList) -> None:
    """Raise `SourceProblem` where the list is no longer what became of it since subjects were put on it: what is
    deleted now could come back."""
    now = erased_list.looked(listed.spark, listed.entry)
    erased_list.check_goes_on(now, listed.version, listed.commit)


def make(spark: SparkSession, path: str) -> str:
    """Make an empty list; the lines of policy.yaml that name it. Raises `Refused`, `SourceProblem`."""
    made = erased_list.create(spark, path)
    told = f'{{path: {path!r}, id: "{made}"}}'  # a bare id may look like a number
    return f"erasure:\n  key: (a key of keys.yaml that serves nothing else)\n  list: {told}\n"


def needs_ids(conf: Config, domain: str) -> None:
    """Raise `BadUsage` where an erasure by pseudonyms alone could not say whom to keep out."""
    key = erasure_key.of(conf)
    if key is not None and key.entry.list is not None:
        raise BadUsage(
            f"{domain}: policy.yaml names a list of the erased, and whom it is to keep out is told by ids as the "
            "sources have them, not by pseudonyms: give the ids"
        )
