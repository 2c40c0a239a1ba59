"""The keys a table's treatment needs: opened on the driver to check them, referred to in what Spark ships."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.treatment.treatment_plan import Case, Plan
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Key, KeyReference, KeyReferences, Keyset, key_check_value, load_keyset
from privacy_udfs.technique import Technique


@dataclasses.dataclass(frozen=True)
class KeyRing:
    """The keysets in use, by the names of ``keys.yaml``. Its `repr` shows ids and states only."""

    config: Config
    keysets: Mapping[str, Keyset]

    @property
    def ids(self) -> dict[str, int]:
        """Key name -> id of the version in force: the primary."""
        return {name: keyset.primary.id for name, keyset in self.keysets.items()}

    def references(self, plan: Plan) -> dict[ColumnPath, KeyReference | KeyReferences]:
        """What executors get: where each keyed column's key is, which version, what to derive from it, and by which
        check value to know it; of texts that for each domain. Raises `KeyProblem` where a key does not fit."""
        references: dict[ColumnPath, KeyReference | KeyReferences] = {}
        for case in plan.cases:
            keyed = {str(each.domain): found for each in case.each if (found := self._reference(each)) is not None}
            if case.parts and keyed:
                references[case.path] = KeyReferences(keyed)
            elif keyed:
                references[case.path] = keyed[str(case.domain)]
        return references

    def _reference(self, case: Case) -> KeyReference | None:
        name = case.treatment.key
        if name is None or case.key_id is None or case.domain is None:
            return None
        entry = self.config.keys[name]
        what = (case.treatment.technique, case.domain)
        check = key_check_value(self.keysets[name].subkey(*what, case.key_id))
        return KeyReference(name, entry.keyset, entry.kek, case.key_id, *what, check)

    def reference_of(self, name: str, technique: Technique, domain: str, key_id: int | None = None) -> KeyReference:
        """What executors get of a key that treats no column. key_id: the version; None: the one in force."""
        entry, key = self.config.keys[name], self.keysets[name].subkey(technique, domain, key_id)
        return KeyReference(name, entry.keyset, entry.kek, key.id, technique, domain, key_check_value(key))

    def subkey(self, reference: KeyReference) -> Key:
        """What a reference resolves to, from the keyset at hand. Raises `KeyProblem` where a key does not fit."""
        return self.keysets[reference.name].subkey(reference.technique, reference.domain, reference.key_id)

    def checks(self, plan: Plan) -> dict[ColumnPath, str | Mapping[str, str]]:
        """A check value of each keyed column's sub-key, of texts one for each domain, for the record. Fails where a key
        does not fit."""
        return {path: _check(reference) for path, reference in self.references(plan).items()}


def _check(reference: KeyReference | KeyReferences) -> str | Mapping[str, str]:
    if isinstance(reference, KeyReference):
        return reference.check
    return {domain: each.check for domain, each in reference.by_domain.items()}


def open_for(config: Config, table: TableConfig) -> KeyRing:
    """Open every keyset that the table's columns, or its quarantine, name. Raises `KeyProblem`."""
    used = {each.key for rule in table.columns.values() for each in rule.treatment.each if each.key is not None}
    names = sorted(used if table.quarantine is None else {*used, table.quarantine.key})
    ring = KeyRing(config, {name: load_keyset(config.keys[name].keyset, config.keys[name].kek, name) for name in names})
    if table.quarantine is not None:
        _check_apart(ring, table.quarantine.key, used)
    return ring


def _check_apart(ring: KeyRing, name: str, others: Iterable[str]) -> None:
    """Two names, or two files, may hold one key."""
    own = ring.keysets[name].primary.value
    for other in sorted(others):
        if any(entry.value == own for entry in ring.keysets[other].entries):
            raise KeyProblem(f"key {name} of the quarantine is key {other} again, under another name: make one anew")
