"""Whether subjects are told apart as they were when their values were sealed, as far as records of targets tell."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.configuration.subject_keys_entry import ID, STEPS
from jobs.console.exit_codes import Refused
from jobs.lake.address import Address
from jobs.record.record_reader import all_of, columns_of
from jobs.subject_keys import whom
from privacy_udfs.normalization import of_record

OTHERWISE = (
    "key {}: table {} was treated with another normalization of its subjects than the configuration says now: other "
    "keys than those of whoever is meant would be destroyed. Go back to it, destroy, and change it then"
)


def check(spark: SparkSession, conf: Config, name: str) -> None:
    """Raise `Refused` where a target under the key says other steps before a subject's canonical bytes, and `BadUsage`
    where no table is under it."""
    steps, entry = tuple(whom.technique(conf, name).subject_normalize), whom.entry_of(conf, name)
    for table in conf.tables.values():
        rules = [rule.treatment for rule in table.columns.values()]
        address = Address.of(table.target)
        under = any(each.key == name and each.technique.by_subject_keys() for each in rules)
        if not under or not address.exists(spark):
            continue
        told = [each.parameters for each in all_of(columns_of(address.properties(spark)))]
        if any(of_record(each.get(STEPS, ())) != steps for each in told if each.get(ID) == entry.id):
            raise Refused(OTHERWISE.format(name, table.name))
