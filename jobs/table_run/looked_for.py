"""Values of other tables that a run looks for in its texts: read once, where they stand, and sent as digests.

The tasks that read a source make keyed digests of its values at once (`privacy_udfs.entities.elsewhere`): what reaches
the driver, and from there the workers that treat texts, are digests, and the pseudonyms of the few values whose column
has another one than the text that stands for them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.configuration import known_elsewhere
from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey
from jobs.configuration.known_elsewhere import Place
from jobs.console.exit_codes import Refused
from jobs.gates.known import Prepared
from jobs.lake.columns import column
from jobs.lake.read import SourceRows
from jobs.risk_measures.report import count as few
from jobs.run_events.events import Report, Warned
from jobs.run_events.risk_words import shown
from privacy_udfs import wording
from privacy_udfs.entities.elsewhere import MOST_VALUES, MOST_WORDS, Listed
from privacy_udfs.entities.known import LEAST, MOST
from privacy_udfs.keys import AnyReference, KeyReference, KeyReferences, List
from privacy_udfs.keysets.delivered_key import DeliveredKey
from privacy_udfs.technique import Technique
from privacy_udfs.techniques._known_elsewhere import told_of

TOLD = "digest binary, first bigint, words int, own string"
VALUE = "value"
Keys = Mapping[ColumnPath, AnyReference]
Asked = tuple[str, tuple[str, ...]]
"""A domain, and the columns whose values are looked for."""


@contextlib.contextmanager
def sent(prepared: Prepared, keys: Keys, report: Report) -> Iterator[tuple[Prepared, Keys]]:
    """The run, which says what it looks for, and its keys with the lists, for as long as it lasts. Raises `Refused`
    where a list is empty, or has too many values."""
    lists: dict[Asked, List] = {}
    said: list[Mapping[str, Any]] = []
    with contextlib.ExitStack() as stack:
        for case in prepared.plan.cases:
            for domain, sought in known_elsewhere.of(case.treatment.technique).items():
                asked, reference = (domain, sought.columns), keys[case.path]
                if asked not in lists:
                    assert isinstance(reference, KeyReferences), "texts have a key for each domain"
                    places = known_elsewhere.places(sought.columns, prepared.conf.tables)
                    one = _One(prepared, domain, places, sought.treatment, reference.by_domain[domain])
                    told = one.told()
                    said.append(one.said(told, report))
                    parcel: Any = prepared.spark.sparkContext.broadcast(Listed.of(told))
                    stack.callback(_forget, parcel.destroy)
                    lists[asked] = parcel
        yield dataclasses.replace(prepared, looked_for=tuple(said)), _with(prepared, keys, lists)


def _forget(destroy: Callable[[], None]) -> None:
    with contextlib.suppress(Py4JError, PySparkException, OSError):  # an application that ended took it along
        destroy()


def _with(prepared: Prepared, keys: Keys, lists: Mapping[Asked, List]) -> Keys:
    found = dict(keys)
    for case in prepared.plan.cases:
        elsewhere, reference = known_elsewhere.of(case.treatment.technique), keys.get(case.path)
        if elsewhere and isinstance(reference, KeyReferences):
            own = {domain: lists[domain, sought.columns] for domain, sought in elsewhere.items()}
            found[case.path] = dataclasses.replace(reference, lists=own)
    return found


@dataclasses.dataclass(frozen=True)
class _One:
    """One list. places: the columns. technique, key: of the domain."""

    prepared: Prepared
    domain: str
    places: Sequence[Place]
    technique: Technique
    key: KeyReference | DeliveredKey

    def told(self) -> pa.Table:
        """What is told of all values, each once."""
        work = functools.partial(_told, wording.mark(), self.technique, self.key, self.domain)
        frames = [
            _values(self.prepared.others[place.table], place.path).mapInArrow(work, TOLD) for place in self.places
        ]
        together = functools.reduce(DataFrame.unionAll, frames).distinct().limit(MOST_VALUES + 1).toArrow()
        if len(together) > MOST_VALUES:
            raise self._refused(
                f"hold more than {MOST_VALUES:,} values, and no more are looked for at once: name fewer columns, or "
                "join the values to the rows that they are about, as a column, and let 'known' name it"
            )
        return together

    def said(self, told: pa.Table, report: Report) -> Mapping[str, Any]:
        """What the commit says of the list; warns of values that are not looked for, and refuses an empty list."""
        is_sought = pc.greater(told["words"], 0)
        sought, left_out = (len(pc.unique(told["digest"].filter(which))) for which in (is_sought, pc.invert(is_sought)))
        why = f"fewer than {LEAST} letters or digits, or more than {MOST} characters or {MOST_WORDS} words"
        if not sought:
            raise self._refused(
                f"hold no value that can be looked for{f', only such of {why}' if left_out else ''}: name the columns "
                "that hold them, or take the domain out of known_elsewhere"
            )
        if left_out:
            what = f"known_elsewhere: {self.domain}: {shown(few(left_out))} values are not looked for: {why}"
            report(Warned(self.prepared.table, what))
        return {
            "domain": self.domain,
            "columns": [str(place) for place in self.places],
            "values": few(sought),
            "not_looked_for": few(left_out),
            "sources": {place.table: _read(self.prepared.others[place.table]) for place in self.places},
        }

    def _refused(self, what: str) -> Refused:
        named = ", ".join(map(str, self.places))
        return Refused(f"{self.prepared.table}: known_elsewhere: {self.domain}: {named} {what}")


def _read(source: SourceRows) -> dict[str, Any]:
    """At which version, and by what the next run would know it again."""
    position = {} if source.position is None else {"position": source.position.as_json()}
    return {"version": source.version, **position}


def _values(source: SourceRows, path: ColumnPath) -> DataFrame:
    """The values of a column, or of what arrays and maps in it hold."""
    rows = source.rows.select(column(path.root).alias(VALUE))
    for step in path.steps[1:]:
        value = F.col(VALUE)
        if isinstance(step, Field):
            chosen = value.getField(step.name)
        elif isinstance(step, Element):
            chosen = F.explode(value)
        else:
            chosen = F.explode(F.map_keys(value) if isinstance(step, MapKey) else F.map_values(value))
        rows = rows.select(chosen.alias(VALUE))
    return rows


def _told(
    mark: str, technique: Technique, key: KeyReference | DeliveredKey, domain: str, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        own = key.resolve()
        for batch in batches:
            yield told_of(batch.column(0), technique, own, domain)
