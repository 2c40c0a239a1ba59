"""What policy.yaml says of moving treated tables from one version of a key to the next, and whether it names what is
there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import Field

from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.entry import Entry, Name


class Rotation(Entry):
    """reencrypt: keys of keys.yaml whose columns may be decrypted and encrypted again from the treated table, by who
    may open the key; no value of them is shown to anybody."""

    reencrypt: Annotated[tuple[Name, ...], Field(strict=False)] = ()


def check(rotation: Rotation | None, keys: Collection[str] | None) -> Iterator[Fault]:
    """Every fault. keys: the names of all, also of those at fault; nothing where they could not be read."""
    if rotation is None or not keys:
        return
    for at, name in enumerate(rotation.reencrypt):
        if name not in keys:
            told = f"keys.yaml has no key {name!r}{did_you_mean(name, keys)}"
            yield Fault(POLICY, 0, f"rotation.reencrypt[{at}]", told)
