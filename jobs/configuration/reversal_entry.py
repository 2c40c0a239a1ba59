"""What policy.yaml says of the way back: who may approve it, of what, how much and for how long."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from jobs.configuration.entry import PATTERNS, TABLE_PATTERN, Class, Entry, Name, NotBlank
from jobs.configuration.persons import folded
from privacy_udfs.scope_labels import domain_of

PERSON_PATTERN = r"^[^\s+]{1,200}$"
PATTERNS[PERSON_PATTERN] = "a name without spaces and '+', such as ann@example.org"
PUBLIC_KEY_PATTERN = r"^[^\s+]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$"
PATTERNS[PUBLIC_KEY_PATTERN] = "a public key of Ed25519 as name+hash+base64, as approve.py --print-key prints it"
ED25519 = b"\x01"
MOST_ROWS, MOST_HOURS = 1 << 53, 24 * 366


def _seen(name: str) -> str:
    if not is_person(name):
        raise ValueError("expected a name of which every character can be seen")
    return name


def is_person(name: str) -> bool:
    """Whether a name can be one of a person: of one line, without spaces and '+', all of it to be seen."""
    return re.fullmatch(PERSON_PATTERN, name) is not None and name.isprintable()


Person = Annotated[str, Field(pattern=PERSON_PATTERN), AfterValidator(_seen)]
Table = Annotated[str, Field(pattern=TABLE_PATTERN)]
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS)]
Hours = Annotated[int, Field(ge=1, le=MOST_HOURS)]


def _whole(text: str) -> str:
    """A public key whose hash is that of its name and its bytes."""
    name, told, content = text.split("+", 2)
    try:
        key = base64.b64decode(content, validate=True)
    except binascii.Error:
        key = b""
    digest = hashlib.sha256(name.encode() + b"\n" + key).hexdigest()
    if key[:1] != ED25519 or len(key) != 33 or digest[:8] != told:
        raise ValueError("the key, its name and its hash do not belong together: one of them was changed")
    return text


PublicKey = Annotated[str, Field(pattern=PUBLIC_KEY_PATTERN), AfterValidator(_whole)]


class Approver(Entry):
    """A person whose signature counts. tables, domains, classes: what of may be approved; a column must be among each
    of those that are stated, and one of them is."""

    name: Person
    public_key: PublicKey
    tables: Annotated[tuple[Table, ...] | None, Field(strict=False, min_length=1)] = None
    domains: Annotated[tuple[Name, ...] | None, Field(strict=False, min_length=1)] = None
    classes: Annotated[tuple[Class, ...] | None, Field(strict=False, min_length=1)] = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Approver:
        if self.tables is None and self.domains is None and self.classes is None:
            raise ValueError("expected 'tables', 'domains' or 'classes': what this person may approve")
        if self.public_key.partition("+")[0] != self.name:
            raise ValueError("expected a public_key of that name")
        return self

    def may_approve(self, table: str, domain: str | None, class_: str) -> bool:
        stated = ((self.tables, table), (self.domains, domain_of(domain)), (self.classes, class_))
        return all(among is None or each in among for among, each in stated)


def _are_different(approvers: tuple[Approver, ...]) -> tuple[Approver, ...]:
    names = [folded(each.name) for each in approvers]
    keys = [each.public_key.rpartition("+")[2] for each in approvers]
    if len(set(names)) < len(names) or len(set(keys)) < len(keys):
        raise ValueError("two approvers have one name, or one key: then they are one person")
    return approvers


Approvers = Annotated[tuple[Approver, ...], Field(strict=False, min_length=1), AfterValidator(_are_different)]


class BreakGlass(Entry):
    """Who may turn back without an approval, columns of which classes, how many rows, and within how many hours someone
    else has to look at it."""

    actors: Annotated[tuple[Person, ...], Field(strict=False, min_length=1)]
    classes: Annotated[tuple[Class, ...], Field(strict=False, min_length=1)]
    at_most_rows: Rows
    review_within_hours: Hours


class Reversal(Entry):
    """What may be turned back. keys: of keys.yaml. purposes: those that are allowed. at_most_rows: of one run, whatever
    is approved. at_most_hours: how long an approval may count."""

    approvers: Approvers
    keys: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    purposes: Annotated[tuple[NotBlank, ...], Field(strict=False, min_length=1)]
    at_most_rows: Rows
    at_most_hours: Hours
    break_glass: BreakGlass | None = None
