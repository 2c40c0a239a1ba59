"""A leaf of the log: what was done, as one JSON text (RFC 8785), whose bytes are what the tree holds.

Every leaf has ``v``, ``kind``, ``time`` (UTC, to the microsecond), ``actor``, ``table``, ``run_id``, ``outcome`` and
``software``, empty where there is nothing to say, and in ``body`` what its kind has. No value of a table, no key.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from jobs.audit_log.kinds import KINDS
from jobs.audit_log.kinds import Kind as Kind  # whoever writes leaves names their kind
from jobs.lake.audit_table import DERIVED
from privacy_udfs.errors import FAILED, LakenymError

VERSION = 1
ENDS = ("run_committed", "run_unchanged", "run_refused", "run_failed", "run_unknown")
"""How a run that was started ends. ``run_unknown`` is told by others, and the run itself may say better later."""


class MalformedLeaf(LakenymError, ValueError):
    """A text is no leaf, or no state: no run wrote it."""

    exit_code: ClassVar[int] = FAILED

    def __init__(self, what: str) -> None:
        super().__init__(f"a row of the audit log is none that a run writes ({what}): see jobs/audit.py verify")


@dataclasses.dataclass(frozen=True)
class Leaf:
    """A leaf as data. outcome: in one word, for whoever filters."""

    kind: Kind
    time: str
    actor: str
    software: str
    table: str = ""
    run_id: str = ""
    outcome: str = ""
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def text(self) -> str:
        return canonical({"v": VERSION, **dataclasses.asdict(self)})

    @property
    def text_sha256(self) -> str:
        """Of its text's UTF-8, in hex."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    @classmethod
    def parse(cls, text: str) -> Leaf:
        """Raises `MalformedLeaf`."""
        try:
            told = json.loads(text, parse_float=_no_number, parse_constant=_no_number)
            version, body = told.pop("v"), told.pop("body")
            found = cls(**told, body=body)
            for value in told.values():
                str.encode(value)  # texts alone, and such as can be shown
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise MalformedLeaf("no leaf") from None
        if version != VERSION or found.kind not in KINDS or not isinstance(found.body, Mapping):
            raise MalformedLeaf("no leaf of a kind that is known")
        if not is_time(found.time):
            raise MalformedLeaf("no leaf: its time is none")
        return found

    @property
    def derived(self) -> dict[str, str]:
        """What the columns beside it say."""
        return {name: getattr(self, name) for name in DERIVED}


FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def now() -> str:
    """The time in UTC, as texts of it sort."""
    return text_of(datetime.datetime.now(datetime.timezone.utc))


def text_of(time: datetime.datetime) -> str:
    """A time in UTC."""
    return time.strftime(FORMAT)


def is_time(text: str) -> bool:
    """Whether a text is a time in the one spelling that `now` has, so that texts sort as times do."""
    try:
        return text_of(datetime.datetime.strptime(text, FORMAT)) == text
    except ValueError:
        return False


def _no_number(spelled: str) -> Any:
    """What `canonical` has no spelling for."""
    raise MalformedLeaf("a number with a fraction")


def canonical(data: Any) -> str:
    """RFC 8785 of data without fractions, which are spelled in too many ways: `plain` makes them texts."""
    if isinstance(data, float):
        raise MalformedLeaf("a number with a fraction")
    if isinstance(data, Mapping):
        names = sorted(data, key=lambda name: str(name).encode("utf-16-be"))
        return "{" + ",".join(f"{_text(name)}:{canonical(data[name])}" for name in names) + "}"
    if isinstance(data, list | tuple):
        return "[" + ",".join(map(canonical, data)) + "]"
    return _text(data)


def _text(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def plain(data: Any) -> Any:
    """The same without fractions."""
    if isinstance(data, float):
        return repr(data)
    if isinstance(data, Mapping):
        return {str(name): plain(value) for name, value in data.items()}
    return [plain(each) for each in data] if isinstance(data, list | tuple) else data
