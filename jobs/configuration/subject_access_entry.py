"""What policy.yaml says of subject access: who may approve it, of what, for what, how much and for how long."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated

from pydantic import Field

from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.entry import Entry, Name, NotBlank
from jobs.configuration.reversal_entry import Approvers, Hours, Rows


class SubjectAccess(Entry):
    """What a person may be given of themselves (`jobs/subject.py`). approvers: as those of ``reversal``. key: of
    keys.yaml: under it the ids of a request have the digest by which approvals and the audit log know them, which
    nobody without it can guess them by. at_most_rows: of one export. at_most_hours: how long an approval may count."""

    approvers: Approvers
    key: Name
    purposes: Annotated[tuple[NotBlank, ...], Field(strict=False, min_length=1)]
    at_most_rows: Rows
    at_most_hours: Hours


def check(
    stated: SubjectAccess | None, keys: Collection[str] | None, tables: Collection[str], domains: Collection[str]
) -> Iterator[Fault]:
    """Every fault. keys: the names of all, also of those at fault; nothing where they could not be read."""
    if stated is None:
        return
    if keys:
        yield from _missing("keys.yaml has no key", "key", (stated.key,), keys)
    for at, approver in enumerate(stated.approvers):
        place = f"approvers[{at}]"
        yield from _missing("the catalog has no table", f"{place}.tables", approver.tables or (), tables)
        yield from _missing("domains.yaml has no domain", f"{place}.domains", approver.domains or (), domains)


def _missing(what: str, where: str, names: Sequence[str], known: Collection[str]) -> Iterator[Fault]:
    for name in names:
        if name not in known:
            yield Fault(POLICY, 0, f"subject_access.{where}", f"{what} {name!r}{did_you_mean(name, known)}")
