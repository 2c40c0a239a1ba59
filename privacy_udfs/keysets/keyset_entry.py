"""One key of a keyset: its id, state and type, and the secret that no text of it shows."""

from __future__ import annotations

import dataclasses
from typing import Literal, NoReturn, cast, get_args

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets.key_types import KEY_TYPES, URL, Secret
from privacy_udfs.keysets.tink_proto import MalformedError

Status = Literal["ENABLED", "DISABLED", "DESTROYED"]
Prefix = Literal["TINK", "LEGACY", "RAW", "CRUNCHY"]
MAX_ID = (1 << 32) - 1


class StaysHere:
    """Refuses to be pickled or copied: key material does not travel."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise KeyProblem(f"a {type(self).__name__} never travels: pass a KeyReference")


@dataclasses.dataclass(frozen=True)
class KeysetEntry(StaysHere):
    """One key of a keyset. id: 1 to 2^32 - 1. value: Tink's serialized key, empty once destroyed."""

    id: int
    status: Status
    output_prefix: Prefix
    type_url: str
    value: bytes = dataclasses.field(repr=False)
    material_type: str = "SYMMETRIC"

    @property
    def type(self) -> str:
        """The type's short name (``HkdfPrfKey``); empty for a destroyed key."""
        return self.type_url.rpartition(".")[2]

    def secret(self) -> Secret:
        """What the key holds. Raises `MalformedError`, or `KeyProblem` for a type that is not used here."""
        if not self.type_url.startswith(URL) or self.type not in KEY_TYPES:
            raise KeyProblem(f"key id {self.id}: its type is not one of {', '.join(KEY_TYPES)}")
        return KEY_TYPES[self.type].read(self.value)

    @classmethod
    def generate(cls, type: str, id: int) -> KeysetEntry:
        """A new enabled key of one of `KEY_TYPES`."""
        if type not in KEY_TYPES:
            raise KeyProblem(f"no key of type {type!r} can be made; take one of {', '.join(KEY_TYPES)}")
        made = KEY_TYPES[type]
        return cls(id, "ENABLED", cast(Prefix, made.prefix), URL + type, made.generate(), made.material)


def entry_fault(entry: KeysetEntry) -> str | None:
    """What keeps it from being a key of a keyset, None if nothing does. Holds no byte of it."""
    if not 0 < entry.id <= MAX_ID:
        return "the id of a key is not between 1 and 2^32 - 1"
    if entry.status not in get_args(Status):
        return f"key id {entry.id} has no known status"
    if entry.output_prefix not in get_args(Prefix):
        return f"key id {entry.id} has no known output prefix"
    if entry.status == "DESTROYED":
        return f"key id {entry.id} is destroyed but still holds its key" if entry.value else None
    if not entry.type or not entry.value:
        return f"key id {entry.id} holds no key"
    if entry.type not in KEY_TYPES:
        return None
    try:
        entry.secret()
    except MalformedError as error:
        return f"key id {entry.id}: {error}"
    return None
