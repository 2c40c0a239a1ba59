"""What older versions of a table's quarantine hold of rows that left it: sealed, and readable for who has the key."""

from __future__ import annotations

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.lake import delta_commit, old_versions, quarantine_table
from jobs.lake.address import Address
from jobs.lake.delta_commit import Transaction
from jobs.lake.old_versions import OldVersions
from jobs.lake.problems import SourceProblem
from jobs.lake.remains import Remains
from jobs.retention.aged import Aged
from jobs.run_events.events import Report, Warned


def remains(spark: SparkSession, one: Aged, report: Report) -> tuple[Remains, ...]:
    """Until when: by the quarantine's own retention of files. Warns where VACUUM would take those of another table."""
    try:
        looked = _looked(spark, one)
    except SourceProblem as error:
        return (Remains("unknown", 1, None, str(error)),)
    if looked is None:
        return ()
    if looked[2].strangers:
        report(Warned(one.name, f"its quarantine: {looked[2].strangers} {old_versions.STRANGERS}"))
    return looked[2].of_files


def vacuumed(spark: SparkSession, one: Aged) -> Exception | None:
    """Take away what may go by now. Nothing where that cannot be told: `remains` says why. What Spark raised, which is
    the caller's to raise."""
    try:
        looked = _looked(spark, one)
        if looked is not None and looked[2].has_files_due() and not looked[2].strangers:
            old_versions.vacuumed(spark, looked[0])
    except SourceProblem:
        return None
    except (PySparkException, Py4JError) as error:
        return error
    return None


def _looked(spark: SparkSession, one: Aged) -> tuple[Address, Transaction, OldVersions] | None:
    if one.entry.quarantine is None:
        return None
    address = Address.of(one.entry.quarantine)
    if quarantine_table.inspected(spark, address).id is None:
        return None
    begun = delta_commit.begin(spark, address.path, address.sql)
    if begun is None or begun.version < 0:
        return None
    return address, begun, old_versions.looked(begun, delta_commit.kept(begun))
