"""What is asked for: one person, by the ids of a domain; for whom and for which purpose."""

from __future__ import annotations

import dataclasses

import pyarrow as pa

from jobs.configuration.config import Config
from jobs.configuration.models import Policy
from jobs.configuration.reversal_entry import is_person
from jobs.configuration.subject_access_entry import SubjectAccess
from jobs.console.exit_codes import BadUsage, Refused
from jobs.subjects.asked import Asked
from privacy_udfs.keys import Keyset, load_keyset
from privacy_udfs.techniques.keyed_hash import KeyedHash

MOST_IDS = 100
DIGEST = KeyedHash(bits=256, encoding="hex")
LABEL = "{domain}@subject-access"
"""What the key of digests is derived for: no column can have such a label, so no pseudonym is one."""


@dataclasses.dataclass(frozen=True)
class Request:
    """asked: the ids of *one* person, who may have several. actor: who is given the export."""

    asked: Asked
    actor: str
    purpose: str

    def __post_init__(self) -> None:
        if len(self.asked.ids) > MOST_IDS:
            raise BadUsage(f"more than {MOST_IDS} ids: all that are given are those of one person")
        if not self.actor.strip() or not self.purpose.strip():
            raise BadUsage("say who is given it and for which purpose, with --actor and --purpose")
        if not is_person(self.actor):
            raise BadUsage("--actor: expected a name without spaces and '+', of which every character can be seen")

    @property
    def held_in(self) -> str:
        """The column whose pseudonyms the ids are; empty where they are ids as sources hold them."""
        given = self.asked.held_in
        return "" if given is None else f"{given.table}: {given.path}"


@dataclasses.dataclass(frozen=True)
class Digest:
    """By which the ids of a request are known, in hex, and the version of the key that it is under."""

    ids: str
    key_id: int


def rules(policy: Policy) -> SubjectAccess:
    """What the policy says of subject access. Raises `Refused` where it says nothing."""
    if policy.subject_access is None:
        raise Refused("policy.yaml has no 'subject_access': nothing is given out (docs/subject_access.md)")
    return policy.subject_access


def digest(conf: Config, asked: Asked, key_id: int | None = None) -> Digest:
    """HMAC-SHA-256 of the ids, sorted, each with its length before it. key_id: the version; None: the one in force.
    Raises `KeyProblem`."""
    name = rules(conf.policy).key
    keyset: Keyset = load_keyset(conf.keys[name].keyset, conf.keys[name].kek, name)
    key = keyset.subkey(DIGEST, LABEL.format(domain=asked.domain), key_id)
    each = sorted(asked.ids.cast(pa.binary()).to_pylist())
    whole = b"".join(len(one).to_bytes(4, "big") + one for one in each)
    return Digest(str(DIGEST.apply(pa.array([whole], pa.binary()), key).values[0].as_py()), key.id)
