"""Keys of subjects (``key_per: subject``), destroyed with an erasure: under every key that has some of its domain."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.configuration.models import TableConfig
from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.console.exit_codes import Refused
from jobs.erasure.outcome import Unsearched
from jobs.gates.known import today
from jobs.lake import java, subject_key_table
from jobs.named_keys import key_exposure
from jobs.policy import policy_approval
from jobs.spark_app import failures, session
from jobs.subject_keys import as_recorded, whom
from jobs.subject_keys.whom import Leaves
from jobs.subjects.asked import Asked
from privacy_udfs.errors import LakenymError
from privacy_udfs.scope_labels import domain_of

BY_PSEUDONYMS = "ids are given as pseudonyms: give them as sources have them, and the keys of these subjects go"
OF_NO_TABLE = (
    "no table of the catalog uses it any more, so nobody knows of which domain its subjects are, nor how they were "
    "told apart: put the entry of a table under it back into the catalog as it was, and run this again, or "
    "jobs/shred.py destroy; take its 'subject_keys' out of keys.yaml when no copy is under it"
)
OF_NO_DOMAIN = (
    "its subjects are of no domain, and may be those asked for: destroy their keys with jobs/shred.py destroy"
)


def unsearched(conf: Config, asked: Asked) -> list[Unsearched]:
    """What cannot be destroyed by the ids that are given."""
    told = [Unsearched(each.name, f"keys of subjects of {key}", OF_NO_DOMAIN)
             for key, each in _keys(conf) if _domains(each) == {""}]  # fmt: skip
    used = {key for key, _ in _keys(conf)}
    unused = (name for name, key in conf.keys.items() if key.subject_keys is not None and name not in used)
    told += [Unsearched("", f"keys of subjects of {name}", OF_NO_TABLE) for name in unused]
    if asked.held_in is not None:
        told += [Unsearched("", f"keys of subjects of {key}", BY_PSEUDONYMS) for key in names(conf, asked)]
    return told


def names(conf: Config, asked: Asked) -> list[str]:
    """Of the keys that keep keys for subjects of the domain."""
    return list(dict.fromkeys(key for key, table in _keys(conf) if asked.domain in _domains(table)))


@dataclasses.dataclass(frozen=True)
class OfKey:
    """A key whose table has keys of subjects. spark: a session of its own. leaves: theirs."""

    spark: SparkSession
    entry: SubjectKeysEntry
    leaves: Leaves


def found(spark: SparkSession, conf: Config, asked: Asked) -> tuple[OfKey, ...]:
    """Every key of which those of the asked are to be destroyed. Raises `Refused` where a key must not be used, and
    `KeyProblem` where keys may be theirs that nobody can find: before anything is deleted."""
    wanted = [] if asked.held_in is not None else names(conf, asked)
    exposed = key_exposure.refusals(java.application(spark).items(), conf.keys) if wanted else []
    against = [str(each) for name in wanted for each in refused(policy_approval.of_key(conf, name, today()))]
    if exposed or against:
        raise Refused("\n".join([*exposed, *against]))
    steps = [(name, functools.partial(_of_key, spark, conf, name, asked)) for name in wanted]
    return tuple(failures.translated(name, step) for name, step in steps)


def _of_key(spark: SparkSession, conf: Config, name: str, asked: Asked) -> OfKey:
    own = session.for_run(spark)  # what its commits say must not be said of others'
    as_recorded.check(own, conf, name)
    made = OfKey(own, whom.entry_of(conf, name), whom.leaves(conf, name, asked.ids))
    made.leaves.check_all_can_be_found(subject_key_table.held(own, made.entry)[1])
    return made


def counted(keys: Sequence[OfKey]) -> int:
    """How many keys of theirs there are."""

    def of(key: OfKey) -> int:
        return key.leaves.alive(subject_key_table.held(key.spark, key.entry)[1])[0]

    return sum(failures.translated(key.leaves.name, functools.partial(of, key)) for key in keys)


def destroyed(keys: Sequence[OfKey]) -> int:
    """Destroy the keys of those who are asked for; how many there were. Again it is 0. Raises what the first one met
    that met anything, once the others are through."""

    def of(key: OfKey) -> int:
        return subject_key_table.destroy(key.spark, key.entry, key.leaves.punctured)

    many, problems = 0, list[LakenymError]()
    for key in keys:
        try:
            many += failures.translated(key.leaves.name, functools.partial(of, key))
        except LakenymError as error:
            problems.append(error)
    if problems:
        raise problems[0]
    return many


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
