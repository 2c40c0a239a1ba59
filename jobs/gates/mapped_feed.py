"""A change feed of a target whose columns are mapped: what Delta refuses to do to both in one commit."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.configuration.finding import Finding
from jobs.configuration.kept_values import MOST_NAMED
from jobs.gates import growth
from jobs.gates.known import Inspected
from jobs.lake import column_mapping
from jobs.lake.column_mapping import FEED, MODE
from jobs.treatment import layout

CURE = (
    f"state {FEED}: 'false' under the target's properties for one run in full, and 'true' in the next one (the feed "
    "begins with that, and who follows it begins anew)"
)
OUT_OF_REACH = "writes all of it anew outside of Delta's own transaction, which is out of reach here"


def writable(known: Inspected) -> Iterator[Finding]:
    """A new table, or a run in full by which a column goes, or columns begin to be mapped, while a change feed is on:
    Delta refuses it (DELTA_BLOCK_COLUMN_MAPPING_AND_CDC_OPERATION) at the commit, when all is written."""
    there, stated = known.target, known.entry.target
    if known.adds and not growth.starts_anew(known):
        return
    feed = column_mapping.stated(stated.properties, FEED) or column_mapping.stated(there.properties, FEED)
    mode = column_mapping.stated({**layout.column_mapping(stated, known.plan.schema), **stated.properties}, MODE)
    if not column_mapping.has_mapped_feed({FEED: feed, MODE: mode}):
        return
    before = column_mapping.stated(there.properties, MODE)
    gone = list(_gone(known))
    if there.version < 0:
        why = "makes it"
    elif before not in ("name", "id"):
        why = "begins to map its columns"
    elif there.transaction is None:
        why = OUT_OF_REACH
    elif gone:
        more = f" and {len(gone) - MOST_NAMED} more" if len(gone) > MOST_NAMED else ""
        why = f"leaves out {', '.join(map(str, gone[:MOST_NAMED]))}{more}"
    else:
        return
    yield Finding(
        "refuse",
        None,
        f"the target {there.name} is to have a change feed and column mapping ({MODE}), and this run {why}, which "
        f"Delta refuses in one commit: {CURE}",
    )


def _gone(known: Inspected) -> Iterator[ColumnPath]:
    """Columns and fields that the target has, and will have no more."""
    stays = {
        ColumnPath(leaf.path.steps[:at])
        for leaf in known.plan.leaves
        if leaf.output is not None
        for at in range(1, len(leaf.path.steps) + 1)
    }
    yield from (path for path in _fields(known.target.before.schema, ColumnPath(())) if path not in stays)


def _fields(kind: T.DataType, path: ColumnPath) -> Iterator[ColumnPath]:
    if isinstance(kind, T.StructType):
        for field in kind.fields:
            below = path.child(Field(field.name))
            yield below
            yield from _fields(field.dataType, below)
    elif isinstance(kind, T.ArrayType):
        yield from _fields(kind.elementType, path.child(Element()))
    elif isinstance(kind, T.MapType):
        yield from _fields(kind.keyType, path.child(MapKey()))
        yield from _fields(kind.valueType, path.child(MapValue()))
