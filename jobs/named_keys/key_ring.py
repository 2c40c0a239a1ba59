"""The keys a table's treatment needs: opened on the driver to check them, referred to in what Spark ships."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.treatment.treatment_plan import Plan
from privacy_udfs.keys import Key, KeyReference, Keyset, key_check_value, load_keyset


@dataclasses.dataclass(frozen=True)
class KeyRing:
    """The keysets in use, by the names of ``keys.yaml``. Its `repr` shows ids and states only."""

    config: Config
    keysets: Mapping[str, Keyset]

    @property
    def ids(self) -> dict[str, int]:
        """Key name -> id of the version in force: the primary."""
        return {name: keyset.primary.id for name, keyset in self.keysets.items()}

    def references(self, plan: Plan) -> dict[ColumnPath, KeyReference]:
        """What executors get: where each keyed column's key is, which version, what to derive from it, and by which
        check value to know it. Raises `KeyProblem` where a key does not fit."""
        references = {}
        for case in plan.cases:
            name = case.treatment.key
            if name is None or case.key_id is None or case.domain is None:
                continue
            entry = self.config.keys[name]
            what = (case.treatment.technique, case.domain)
            check = key_check_value(self.keysets[name].subkey(*what, case.key_id))
            references[case.path] = KeyReference(name, entry.keyset, entry.kek, case.key_id, *what, check)
        return references

    def subkey(self, reference: KeyReference) -> Key:
        """What a reference resolves to, from the keyset at hand. Raises `KeyProblem` where a key does not fit."""
        return self.keysets[reference.name].subkey(reference.technique, reference.domain, reference.key_id)

    def checks(self, plan: Plan) -> dict[ColumnPath, str]:
        """A check value of each keyed column's sub-key, for the record. Fails where a key does not fit."""
        return {path: ref.check for path, ref in self.references(plan).items()}


def open_for(config: Config, table: TableConfig) -> KeyRing:
    """Open every keyset that the table's columns name. Raises `KeyProblem`."""
    names = sorted({rule.treatment.key for rule in table.columns.values() if rule.treatment.key is not None})
    return KeyRing(config, {name: load_keyset(config.keys[name].keyset, config.keys[name].kek, name) for name in names})
