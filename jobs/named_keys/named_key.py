"""A named key of ``keys.yaml`` and its keyset: read, created and changed where it is kept, never half."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable

from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from privacy_udfs import key_providers
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset, is_same, read_keyset
from privacy_udfs.keysets import encrypted_keysets


@dataclasses.dataclass(frozen=True)
class NamedKey:
    """name: as in the configuration. keyset, kek: URIs; without a kek the keyset is kept in the clear."""

    name: str
    keyset: str
    kek: str | None = None

    def read(self) -> Keyset:
        """The keyset as it stands. Raises `KeyProblem`."""
        return self._decoded(key_providers.fetch(self.keyset))

    def create(self, type: str) -> Keyset:
        """A new keyset of one key, where there is none yet. Raises `KeyProblem`."""
        keyset = Keyset.generate(type)
        key_providers.create(self.keyset, self._encoded(keyset, self.kek))
        return keyset

    def change(self, step: Callable[[Keyset], Keyset]) -> Keyset:
        """``step`` applied to the keyset that stands, in one step; of two writers one is refused."""
        return self._change(step, self.kek)

    def rewrap(self, kek: str) -> Keyset:
        """The same keyset, encrypted under another key; the configuration must name that key from then on."""
        return self._change(lambda keyset: keyset, kek)

    def copy(self, keyset: str, kek: str | None) -> None:
        """Put the keyset at another place too, encrypted under another key; a copy of before is replaced. Raises
        `KeyProblem`, also where another keyset stands there."""
        if keyset == self.keyset:
            raise BadUsage(f"key {self.name}: the way back opens it at the same place, so there is nothing to copy")
        own = self.read()
        content = self._encoded(own, kek)
        try:
            found = key_providers.fetch(keyset)
        except KeyProblem:
            key_providers.create(keyset, content)
            return
        if not is_same(own, keyset):
            raise KeyProblem(f"key {self.name}: {keyset} holds another keyset, which is not overwritten")
        key_providers.replace(keyset, content, found)

    def _change(self, step: Callable[[Keyset], Keyset], kek: str | None) -> Keyset:
        found = key_providers.fetch(self.keyset)
        keyset = step(self._decoded(found))
        key_providers.replace(self.keyset, self._encoded(keyset, kek), found)
        return keyset

    def _decoded(self, content: bytes) -> Keyset:
        try:
            return read_keyset(self.keyset, content, self.kek)
        except KeyProblem as error:
            problem = str(error)
        raise KeyProblem(f"key {self.name}: {problem}")

    def _encoded(self, keyset: Keyset, kek: str | None) -> bytes:
        """The content to keep; an encrypted one is decrypted again first, lest a keyset be lost to a one-way KEK."""
        if kek is None:
            return keyset.to_json().encode()
        key = key_providers.kek(kek)
        sealed = encrypted_keysets.seal(keyset, key)
        if encrypted_keysets.unseal(sealed, key) != keyset:
            raise KeyProblem(f"key {self.name}: {kek} does not give back what it encrypted; nothing was written")
        return sealed.encode()


def find(conf: Config, name: str) -> NamedKey:
    """The key called ``name``. Raises `BadUsage` with a hint where the configuration has none."""
    entry = conf.keys.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, conf.keys, n=1)
        raise BadUsage(f"keys.yaml has no key {name}{f'; did you mean {near[0]}?' if near else ''}")
    return NamedKey(name, entry.keyset, entry.kek)
