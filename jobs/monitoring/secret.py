"""The key under which profiles hold what they hold of values: digests of categories, and sealed bounds of bins; and by
which a file of them is known to be as it was written."""

from __future__ import annotations

import dataclasses
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.named_keys.key_ring import KeyRing
from jobs.risk_measures import profile
from privacy_udfs import apply, revert
from privacy_udfs.errors import TokenRefused
from privacy_udfs.keys import KeyReference, load_keyset
from privacy_udfs.techniques.keyed_hash import KeyedHash
from privacy_udfs.techniques.randomized_encryption import RandomizedEncryption

SEAL = RandomizedEncryption(associated_data="lakenym monitoring profile")
DOMAIN = "monitoring"
"""What the sub-key of the seal is derived for. Digests are those of `jobs.risk_measures.profile`."""
CODE = KeyedHash(encoding="bigint")
CODES = "monitoring codes of categories"
"""What the sub-key is derived for under which each column's categories have codes of their own."""
MAC = KeyedHash(bits=256, encoding="hex")
WHOLE = "monitoring profile file"
"""What the sub-key is derived for under which a whole file is authenticated."""


@dataclasses.dataclass(frozen=True)
class Secret:
    """hashes: what executors get of the key of digests. seal: of the key of what is sealed. whole: of that by which
    files are known. codes: of that under which profiles have the digests of categories."""

    hashes: KeyReference
    seal: KeyReference
    whole: KeyReference
    codes: KeyReference

    @property
    def check(self) -> str:
        """By which profiles are known that were made with it."""
        return self.hashes.check

    def mac(self, data: Any) -> str:
        """HMAC-SHA-256 of what JSON holds, in one spelling of it."""
        text = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return str(apply(MAC, pa.array([text]), self.whole.resolve())[0])

    def is_mac(self, mac: Any, data: Any) -> bool:
        return hmac.compare_digest(str(mac).encode(errors="replace"), self.mac(data).encode())

    def own_codes(self, table: str, path: str, counts: Mapping[int, int]) -> dict[int, int]:
        """The same counts, each under a code that one column of one table alone has for it: so nobody sees in profiles
        that two columns hold the same, or learns from one that is known what another holds."""
        begin = json.dumps([table, path])
        texts = pa.array([f"{begin}{code}" for code in counts], pa.string())
        codes: pa.Array = apply(CODE, texts, self.codes.resolve())
        return dict(zip(codes.to_pylist(), counts.values(), strict=True))

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
    seal = ring.reference_of(name, SEAL, DOMAIN, hashes.key_id)
    whole = ring.reference_of(name, MAC, WHOLE, hashes.key_id)
    return Secret(hashes, seal, whole, ring.reference_of(name, CODE, CODES, hashes.key_id))
