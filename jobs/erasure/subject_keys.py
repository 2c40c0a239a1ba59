"""Keys of subjects (``key_per: subject``), destroyed with an erasure: under every key that has some of its domain."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.erasure.outcome import Unsearched
from jobs.lake import subject_key_table
from jobs.spark_app import failures, session
from jobs.subject_keys import whom
from jobs.subjects.asked import Asked
from privacy_udfs.kernels.text import canonical
from privacy_udfs.scope_labels import domain_of

BY_PSEUDONYMS = "ids are given as pseudonyms: give them as sources have them, and the keys of these subjects go"
OF_NO_DOMAIN = (
    "its subjects are of no domain, and may be those asked for: destroy their keys with jobs/shred.py destroy"
)


def unsearched(conf: Config, asked: Asked) -> list[Unsearched]:
    """What cannot be destroyed by the ids that are given."""
    found = [Unsearched(each.name, f"keys of subjects of {key}", OF_NO_DOMAIN)
             for key, each in _keys(conf) if _domains(each) == {""}]  # fmt: skip
    if asked.held_in is not None:
        found += [Unsearched("", f"keys of subjects of {key}", BY_PSEUDONYMS) for key in names(conf, asked)]
    return found


def names(conf: Config, asked: Asked) -> list[str]:
    """Of the keys that keep keys for subjects of the domain."""
    return list(dict.fromkeys(key for key, table in _keys(conf) if asked.domain in _domains(table)))


def destroyed(spark: SparkSession, conf: Config, asked: Asked) -> int:
    """Destroy the keys of those who are asked for; how many there were. Again it is 0."""
    if asked.held_in is not None:
        return 0
    ids = [each.decode() for each in canonical(asked.ids, ()).to_pylist() if each is not None]
    steps = [(name, functools.partial(_of_key, spark, conf, name, ids)) for name in names(conf, asked)]
    return sum(failures.translated(name, step) for name, step in steps)


def _of_key(spark: SparkSession, conf: Config, name: str, ids: list[str]) -> int:
    own = session.for_run(spark)  # what its commits say must not be said of others'
    return subject_key_table.destroy(own, whom.entry_of(conf, name), whom.lookups(own, conf, name, ids))


def _keys(conf: Config) -> Iterator[tuple[str, TableConfig]]:
    """Each key with keys of subjects, and a table that has columns under them."""
    for table in conf.tables.values():
        rules = [rule.treatment for decision in table.decisions.values() for rule in decision.named.values()]
        for key in dict.fromkeys(each.key for each in rules if each.technique.by_subject_keys()):
            if key is not None:
                yield key, table


def _domains(table: TableConfig) -> set[str]:
    """Of the column that says whose a row is; the empty text where it is of none."""
    told = (decision.named.items() for decision in table.decisions.values())
    found = {domain_of(rule.treatment.domain) or "" for each in told for path, rule in each
             if str(path.leaf) == str(table.subject)}  # fmt: skip
    return found or {""}
