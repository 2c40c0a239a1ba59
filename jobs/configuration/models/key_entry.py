"""The text of keys.yaml: where named keysets are, and never what is in them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jobs.configuration.entry import Entry, KeyId, Uri
from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from privacy_udfs.parameters import IsoDate


class ReversalKey(Entry):
    """Where the way back opens a named keyset: a copy of it, or the same place, and the key that encrypts it there."""

    keyset: Uri
    kek: Uri | None = None


class KeyEntry(Entry):
    """Where a named keyset is. kek: the key that encrypts it. deliver: who resolves it. created: when each version was
    made, by its id, which Tink's keysets do not say. reversal: where it is opened to turn values back; nowhere if left
    out. subject_keys: where a key for each subject stands, for ``key_per: subject``."""

    keyset: Uri
    kek: Uri | None = None
    deliver: Literal["executor", "driver"] = "executor"
    created: dict[KeyId, IsoDate] = Field(default={})
    reversal: ReversalKey | None = None
    subject_keys: SubjectKeysEntry | None = None

    @property
    def places(self) -> tuple[tuple[str, str | None], ...]:
        """Each keyset's address and that of its key-encryption key."""
        back = () if self.reversal is None else ((self.reversal.keyset, self.reversal.kek),)
        return ((self.keyset, self.kek), *back)
