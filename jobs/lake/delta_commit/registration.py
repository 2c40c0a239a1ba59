"""A new table made known to the session's catalog, after the commit."""

from __future__ import annotations

from typing import Any

from jobs.lake.delta_commit.catalog_entry import FIELDS
from jobs.lake.delta_commit.scala import DELTA, argument, java, java_class, java_session, none, scala_object, seq, some
from jobs.lake.delta_commit.transaction import Transaction


def register(begun: Transaction, described: Any) -> None:
    """A new name is made known to the catalog; of a known one its copy of the schema is mended. As Delta's command."""
    if begun.name is None:
        return
    jvm, session = java(begun.spark), java_session(begun.spark)
    nothing, existing = none(jvm), some(jvm, begun.existing)
    # without partition columns, as Delta enters a new table: with them the catalog refuses the next change of the entry
    entry = described.copy(*[argument({6: seq(jvm, [])}, described, "copy", at) for at in range(1, FIELDS + 1)])
    command = java_class(jvm, f"{DELTA}.commands.CreateDeltaTableCommand")(
        described,
        existing,
        jvm.org.apache.spark.sql.SaveMode.Overwrite,
        nothing,
        scala_object(jvm, f"{DELTA}.commands.TableCreationModes$CreateOrReplace"),
        False,
        seq(jvm, []),
        nothing,
        False,
        nothing,
    )
    snapshot = begun.log.update(False, nothing, existing)
    command.updateCatalog(session, entry, snapshot, nothing, False, nothing)


def is_known(begun: Transaction) -> bool:
    """Whether the catalog still has the table that it had, at the same place."""
    if begun.existing is None:
        return False
    catalog = java_session(begun.spark).sessionState().catalog()
    known = catalog.tableExists(begun.name)
    return bool(known and catalog.getTableMetadata(begun.name).location().equals(begun.existing.location()))
