"""A sub-key that comes from the driver, for clusters whose executors reach no key provider."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Protocol

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets.key_derivation import checked
from privacy_udfs.technique import Key

SubkeyName = tuple[str, int, str, str]
"""The key's name, the id of its version, the technique, the domain."""


class Parcel(Protocol):
    """What carries sub-keys to executors, beside the query and not in it: in Spark, a broadcast variable."""

    @property
    def value(self) -> Mapping[SubkeyName, Key]:
        """All that it carries, where it has arrived."""


@dataclasses.dataclass(frozen=True)
class DeliveredKey:
    """Which sub-key a column uses, and the parcel it comes in. Like a `KeyReference` it holds no key itself, and the
    check value of what it expects.

    Whoever reads the parcel on its way has the sub-key: what carries it must be encrypted (docs/keys.md).
    """

    name: str
    key_id: int
    technique: str
    domain: str
    check: str
    parcel: Parcel = dataclasses.field(repr=False)

    @property
    def subkey_name(self) -> SubkeyName:
        """Under which the parcel has it."""
        return (self.name, self.key_id, self.technique, self.domain)

    def resolve(self) -> Key:
        """The sub-key, for as long as the run lasts that sent it. Raises `KeyProblem` where another one came."""
        try:
            return checked(self.parcel.value[self.subkey_name], self.check)
        except KeyProblem as error:
            problem = str(error)
        raise KeyProblem(f"key {self.name}: {problem}")
