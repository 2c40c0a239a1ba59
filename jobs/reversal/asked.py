"""What somebody asks to have turned back, and which rows that is of."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Literal, get_args

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.reversal_entry import is_person
from jobs.console import file_errors
from jobs.console.exit_codes import BadUsage

Form = Literal["clear", "masked"]
FORMS: tuple[str, ...] = get_args(Form)
LONGEST_FILE = 1 << 28


@dataclasses.dataclass(frozen=True)
class Rows:
    """Which rows: all those of a condition over the treated table, or those whose first column is one of some tokens.
    content: of the file that holds them, one a line, where it is at hand. tokens_sha256: its hash, which is never
    believed where the content is there."""

    where: str | None = None
    tokens_sha256: str | None = None
    content: bytes | None = dataclasses.field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.content is not None:
            digest = hashlib.sha256(self.content).hexdigest()
            if self.tokens_sha256 not in (None, digest):
                raise BadUsage("the tokens are others than those of the hash")
            object.__setattr__(self, "tokens_sha256", digest)
        if (self.where is None) == (self.tokens_sha256 is None):
            raise BadUsage("say which rows, by --where or by --tokens: one of the two")

    @property
    def tokens(self) -> tuple[str, ...]:
        """Each once. Raises `UnicodeDecodeError`."""
        lines = (line.removesuffix("\r") for line in (self.content or b"").decode("utf-8-sig").split("\n"))
        return tuple(dict.fromkeys(line for line in lines if line))

    @property
    def sha256(self) -> str:
        """By which the audit log tells them: a condition may hold what is no business of who reads the log."""
        return self.tokens_sha256 or hashlib.sha256(str(self.where).encode()).hexdigest()


def of_tokens(path: Path) -> Rows:
    """Rows by a file of tokens, one a line. Raises `BadUsage`."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
        found = Rows(content=content)
        tokens = found.tokens
    except (OSError, ValueError) as error:
        raise BadUsage(f"{path} cannot be read as text: {file_errors.why(error)}") from None
    if not tokens or len(content) > LONGEST_FILE:
        raise BadUsage(f"{path} holds no tokens, or more than {LONGEST_FILE} bytes of them: one a line")
    return found


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked for. columns: leaf columns to turn back, by their paths. beside: columns of the treated table that
    are given as they stand there. actor: who is to see it, by their own word. reason: of a run without an approval."""

    table: str
    columns: tuple[str, ...]
    rows: Rows
    actor: str
    purpose: str
    form: Form = "clear"
    beside: tuple[str, ...] = ()
    break_glass: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.columns:
            raise BadUsage("name the columns to turn back with --columns")
        if self.form not in FORMS:
            raise BadUsage(f"form: expected one of {', '.join(FORMS)}")
        if not self.actor.strip() or not self.purpose.strip():
            raise BadUsage("say who asks and for which purpose, with --actor and --purpose")
        if not is_person(self.actor):
            raise BadUsage("--actor: expected a name without spaces and '+', of which every character can be seen")
        if self.break_glass and not self.reason.strip():
            raise BadUsage("--break-glass asks for a --reason, which somebody else will read")
        if self.reason and not self.break_glass:
            raise BadUsage("--reason goes with --break-glass; what is approved has a purpose")
        names = (*self.columns, *self.beside)
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise BadUsage(f"{', '.join(sorted(twice))}: named twice")


def listed(text: str | None) -> tuple[str, ...]:
    """The paths of columns in a list with commas, in their normal form. Raises `ColumnPathError`."""
    return tuple(str(ColumnPath.parse(name.strip())) for name in (text or "").split(",") if name.strip())
