"""Keys of a search: the very versions that the records name, opened on the driver where a run opens them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import java
from jobs.named_keys import key_exposure
from jobs.record.column_record import ColumnRecord
from jobs.subjects.asked import CannotSearch
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Key, KeyReference, Keyset, key_check_value, load_keyset
from privacy_udfs.technique import Technique


@dataclasses.dataclass
class Keys:
    """Each keyset is opened once. Its `repr` shows names only."""

    conf: Config
    _keysets: dict[str, Keyset] = dataclasses.field(default_factory=dict, repr=False)

    def keyset(self, name: str) -> Keyset:
        """Raises `CannotSearch` where keys.yaml does not have it, `KeyProblem` where it does not open."""
        if name not in self.conf.keys:
            raise CannotSearch(f"keys.yaml has no key {name} any more")
        if name not in self._keysets:
            entry = self.conf.keys[name]
            self._keysets[name] = load_keyset(entry.keyset, entry.kek, name)
        return self._keysets[name]

    def of(self, record: ColumnRecord, technique: Technique) -> Key | None:
        """The key that a column was treated with; None of a technique without. Raises `CannotSearch`."""
        if technique.key_size() is None:
            return None
        name, domain = str(record.key), str(record.domain)
        keyset = self.keyset(name)
        try:
            key = keyset.subkey(technique, domain, record.key_id)
        except KeyProblem as error:
            raise CannotSearch(f"key {name}: {error}") from None
        if key_check_value(key) != record.key_check:
            raise CannotSearch(f"key {name} (id {record.key_id}) is not the key that it was treated with")
        return key

    def reference(self, record: ColumnRecord, technique: Technique) -> KeyReference:
        """What executors get of it. Raises as `of`."""
        key, entry = self.of(record, technique), self.conf.keys[str(record.key)]
        assert key is not None
        what = (key.id, technique, str(record.domain), key_check_value(key))
        return KeyReference(str(record.key), entry.keyset, entry.kek, *what)


def opened(spark: SparkSession, conf: Config) -> Keys:
    """Raises `Refused` where settings of the application give keys away."""
    exposed = key_exposure.refusals(java.application(spark).items(), conf.keys)
    if exposed:
        raise Refused("\n".join(exposed))
    return Keys(conf)


References = Mapping[str, KeyReference]
"""By the label of a place."""
