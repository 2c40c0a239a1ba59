"""Whether the keys in force are those that tables were treated with; else what should join would not, and nobody see.

Two questions before the first write. Is the keyset under a name still the one that the target's record names? And do
other tables of the catalog hold the domain under another version, or another key?
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from jobs.configuration.config import Config
from jobs.named_keys.key_ring import KeyRing
from jobs.record import treatment_record
from jobs.record.column_record import ColumnRecord
from jobs.record.record_reader import Columns, all_of
from jobs.record.treatment_record import Checks
from jobs.treatment.treatment_plan import Case, Plan
from privacy_udfs.errors import ParameterError
from privacy_udfs.keys import Keyset, key_check_value
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import parse

MOST_NAMED = 5


def other_keys(plan: Plan, ring: KeyRing, before: Columns) -> list[str]:
    """Columns whose record names a version of the same key that the keyset does not have, or has with other bytes."""
    pairs = (
        (case, before.get(str(case.path)) or before.get(str(leaf.path))) for leaf in plan.leaves for case in leaf.cases
    )
    found = [each for case, entry in pairs if entry is not None for each in _alike(case, entry)]
    return [_other_key(case, entry) for case, entry in found if _has_other_key(case, ring, entry)]


def _alike(case: Case, entry: ColumnRecord) -> Iterator[tuple[Case, ColumnRecord]]:
    """A case and what the record has of it; of texts also each domain that both have within."""
    yield case, entry
    known = {each.domain: each for each in entry.parts}
    yield from ((part, known[part.domain]) for part in case.parts if part.domain in known)


def _other_key(case: Case, entry: ColumnRecord) -> str:
    return (
        f"{case.path}: key {case.treatment.key!r} (id {entry.key_id}) is not the key that the target's record was made "
        "with; find the right keyset, or give the new key another name"
    )


def _has_other_key(case: Case, ring: KeyRing, entry: ColumnRecord) -> bool:
    key = case.treatment.key
    same = key is not None and (entry.key, entry.technique) == (key, case.name)
    return same and not _is_known(ring.keysets[str(key)], case, entry)


def _is_known(keyset: Keyset, case: Case, entry: ColumnRecord) -> bool:
    """Whether the keyset has the version that the entry names, with the check value that it holds.

    Of a disabled or destroyed version the check value is not asked: its sub-key is not to be had.
    """
    version = next((version for version in keyset.entries if version.id == entry.key_id), None)
    if version is None:
        return False
    closed = {each.id for each in keyset.entries if each.status != "ENABLED"}
    if closed & {*entry.key_ids} or entry.domain is None:
        return True
    if {*entry.key_ids} - {each.id for each in keyset.entries}:
        return False
    subkey = keyset.subkey(_recorded(case.treatment.technique, entry), entry.domain, version.id)
    return key_check_value(subkey) == str(entry.key_check)


def _recorded(technique: Technique, entry: ColumnRecord) -> Technique:
    """The technique as the record has it, for its parameters decide about the sub-key's size."""
    try:
        return parse({**entry.parameters, "technique": technique.technique})
    except ParameterError:  # a long list is in the record by its hash only, or a newer version made it
        return technique


def sharing(config: Config, plan: Plan, together: Collection[str]) -> list[str]:
    """The other tables of the catalog with a domain of the plan, but for those treated ``together`` with it."""
    ours, beside = set(_domains(plan)), frozenset(together)  # of a thousand tables all are asked about all
    return [
        name
        for name, table in config.tables.items()
        if name != plan.table
        and name not in beside
        and any(each.domain in ours for rule in table.columns.values() for each in rule.treatment.each)
    ]


def apart(plan: Plan, key_checks: Checks, records: Mapping[str, Columns]) -> list[str]:
    """Domains of the plan that other tables' records hold under another key. records: of tables that share a domain."""
    ours, found = _domains(plan), dict[tuple[str, str, str], dict[str, None]]()
    recorded = {str(path): entry for path, entry in treatment_record.entries(plan, key_checks).items()}
    entries = {each.domain: each for each in all_of(recorded) if each.key is not None}
    for table, columns in records.items():
        for entry in all_of(columns):
            case = ours.get(str(entry.domain))
            difference = None if case is None else _difference(case, entries[case.domain], entry)
            if case is not None and difference is not None:
                found.setdefault((str(case.domain), *difference), {})[table] = None
    return [_told(*difference, list(tables)) for difference, tables in found.items()]


def _told(domain: str, ours: str, theirs: str, tables: list[str]) -> str:
    listed = ", ".join(tables[:MOST_NAMED]) + (", ..." if len(tables) > MOST_NAMED else "")
    return (
        f"domain {domain}: {ours} is in force, and the record of {listed} names {theirs}: pseudonyms would not join. "
        "Treat these tables in the same run, move them with jobs/rotate_keys.py, or accept it for now with "
        "--accept-other-key-version"
    )


def _difference(case: Case, ours: ColumnRecord, theirs: ColumnRecord) -> tuple[str, str] | None:
    """Our key and theirs in words, where they differ. Another technique joins with ours under no key."""
    differing, technique = ours.differing(theirs), case.treatment.technique
    if "technique" in differing or theirs.key_id is None:
        return None
    if "key" in differing or ours.key_ids != theirs.key_ids:
        return _named(ours), _named(theirs)
    if "key_check" in differing and _recorded(technique, theirs).key_size() == technique.key_size():
        return _named(ours), "another key of that name and id"
    return None


def _named(record: ColumnRecord) -> str:
    return f"key {record.key!r} ({in_words(record.key_ids)})"


def in_words(key_ids: Sequence[int]) -> str:
    """Versions of a key, of layers oldest first."""
    return f"id {key_ids[0]}" if len(key_ids) == 1 else f"in layers, ids {' then '.join(map(str, key_ids))}"


def not_in_force(plan: Plan, ring: KeyRing) -> list[str]:
    """Domains whose last layer is not the version in force: new tables of the key would be under another one."""
    found = {}
    for case in plan.keyed:
        name, layers = case.treatment.key, case.treatment.technique.layer_ids()
        if name is not None and layers and layers[-1] != ring.ids[name]:
            found[case.domain] = ends_otherwise(str(case.domain), name, layers[-1], ring.ids[name])
    return list(found.values())


def ends_otherwise(domain: str, key: str, last: int, in_force: int) -> str:
    return (
        f"domain {domain}: its layers end with version {last} of key {key!r}, and version {in_force} is in force: "
        "promote the last layer (jobs/keys.py promote), or add the version in force to the layers in domains.yaml and "
        "move its tables (docs/layers.md)"
    )


def _domains(plan: Plan) -> dict[str, Case]:
    """Each keyed domain that the plan shares with other tables, and one of its columns, or a case of it."""
    return dict(_shared(plan))


def _shared(plan: Plan) -> Iterator[tuple[str, Case]]:
    for case in plan.keyed:
        if case.treatment.key is not None and case.treatment.domain is not None:
            yield case.treatment.domain, case
