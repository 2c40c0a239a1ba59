"""The key under which profiles hold what they hold of values: digests of categories, and sealed bounds of bins."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pyarrow as pa

from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.named_keys.key_ring import KeyRing
from jobs.risk_measures import profile
from privacy_udfs import apply, revert
from privacy_udfs.errors import TokenRefused
from privacy_udfs.keys import KeyReference, load_keyset
from privacy_udfs.techniques.randomized_encryption import RandomizedEncryption

SEAL = RandomizedEncryption(associated_data="lakenym monitoring profile")
DOMAIN = "monitoring"
"""What the sub-key of the seal is derived for. Digests are those of `jobs.risk_measures.profile`."""


@dataclasses.dataclass(frozen=True)
class Secret:
    """hashes: what executors get of the key of digests. seal: of the key of what is sealed."""

    hashes: KeyReference
    seal: KeyReference

    @property
    def check(self) -> str:
        """By which profiles are known that were made with it."""
        return self.hashes.check

    def sealed(self, data: Any) -> str:
        return str(apply(SEAL, pa.array([json.dumps(data)]), self.seal.resolve())[0])

    def opened(self, token: str) -> Any:
        """What `sealed` has sealed. Raises `TokenRefused`."""
        text = str(revert(SEAL, pa.array([token]), self.seal.resolve())[0])
        try:
            return json.loads(text)
        except ValueError:
            raise TokenRefused() from None


def of(conf: Config) -> Secret:
    """The key that policy.yaml names for monitoring. Raises `BadUsage` where it names none, or one that cannot be used
    for it; `KeyProblem` where it does not open."""
    name = conf.policy.monitoring.key
    if name is None:
        raise BadUsage("policy.yaml names no key for monitoring: make one, and add monitoring: {key: NAME}")
    hashes = profile.reference(conf, name)
    entry = conf.keys[name]
    ring = KeyRing(conf, {name: load_keyset(entry.keyset, entry.kek, name)})
    return Secret(hashes, ring.reference_of(name, SEAL, DOMAIN, hashes.key_id))
