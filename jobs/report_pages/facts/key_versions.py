"""Versions of keys that tables name, with state and age. No key material: ids, states and days only."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator

from jobs.configuration.config import Config
from jobs.record.column_record import ColumnRecord
from jobs.report_pages.facts.evidence_facts import KeyVersion
from privacy_udfs.errors import LakenymError
from privacy_udfs.keys import Keyset, load_keyset

UNKNOWN = "unknown"


def of_records(conf: Config, records: Iterable[ColumnRecord], today: datetime.date) -> tuple[KeyVersion, ...]:
    """All versions of the keys that are named, with how many columns, or domains within texts, name each."""
    uses = Counter((each.key, key_id) for each in records if each.key is not None for key_id in each.key_ids)
    names = sorted({name for name, _ in uses})
    return tuple(version for name in names for version in _of_key(conf, name, uses, today))


def _of_key(conf: Config, name: str, uses: Counter[tuple[str, int]], today: datetime.date) -> Iterator[KeyVersion]:
    keyset = _opened(conf, name)
    known = {} if keyset is None else {each.id: each.status.lower() for each in keyset.entries}
    named = {key_id: UNKNOWN for key, key_id in sorted(uses) if key == name}
    for key_id, state in {**named, **known}.items():
        created = conf.keys[name].created.get(str(key_id)) if name in conf.keys else None
        yield KeyVersion(
            name,
            key_id,
            state,
            None if keyset is None else key_id == keyset.primary_id,
            "" if created is None else created.isoformat(),
            None if created is None else (today - created).days,
            uses[name, key_id],
        )


def _opened(conf: Config, name: str) -> Keyset | None:
    """None where it cannot be opened, or the configuration names it no more."""
    entry = conf.keys.get(name)
    try:
        return None if entry is None else load_keyset(entry.keyset, entry.kek, name)
    except LakenymError:
        return None
