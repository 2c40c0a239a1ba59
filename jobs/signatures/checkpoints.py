"""Checkpoints of a log (C2SP ``tlog-checkpoint``): a signed note that says of which log, how large and with which root.

Its text has the log's origin in the first line, the number of leaves in the second, the root in base64 in the third;
further lines say more, as whoever signs it likes.
"""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Sequence

from jobs.signatures import notes
from jobs.signatures.keys import PublicKey, SigningKey
from jobs.signatures.problem import NotSigned

SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """origin: the log's name. size: the number of its leaves. root: of its tree, 32 bytes. more: further lines."""

    origin: str
    size: int
    root: bytes
    more: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.more)
        return "".join(f"{line}\n" for line in lines)


def sign(checkpoint: Checkpoint, key: SigningKey) -> str:
    """The checkpoint as a signed note."""
    if not all(checkpoint.more) or any("\n" in line for line in (checkpoint.origin, *checkpoint.more)):
        raise NotSigned("a line of a checkpoint is not empty, and one line")
    return notes.sign(checkpoint.text, key)


def opened(note: str, origin: str, trusted: Sequence[PublicKey]) -> Checkpoint:
    """What a checkpoint says. Raises `NotSigned` where no trusted key signed it, or it is of another log."""
    found = parsed(notes.opened(note, trusted).text)
    if found.origin != origin:
        raise NotSigned(f"a checkpoint of another log, {found.origin}")
    return found


def parsed(text: str) -> Checkpoint:
    """What a checkpoint's text says; nobody looks at signatures. Raises `NotSigned`."""
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines) or not SIZE.fullmatch(lines[1]):
        raise NotSigned("no checkpoint: expected an origin, a size and a root, one in each line")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except ValueError:
        root = b""
    if len(root) != 32:
        raise NotSigned("no checkpoint: its root is not 32 bytes in base64")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))
