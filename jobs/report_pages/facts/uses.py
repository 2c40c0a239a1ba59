"""What a reader may do with a treated table, and may not, by facts of its treatments and what its entry states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from jobs.configuration.models import TableConfig
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import ColumnRecord
from jobs.record.linkage import Linkage
from jobs.report_pages.facts.plain import Missing
from jobs.report_pages.facts.table_facts import Head, Join, Use
from privacy_udfs.strength import Shows

Told = Sequence[ColumnPrivacy]
Sentences = tuple[tuple[str, tuple[str, ...]], ...]
NOT_STATED = "not stated"
SAME_AGAIN = (Shows.EQUALITY, Shows.EQUALITY_AND_A_WAY_BACK, Shows.FORM)


def of_table(name: str, entry: TableConfig, told: Told, links: Linkage | None, head: Head | Missing) -> Use:
    """told: what the table says of its columns; nothing where it is not there. links: of all tables."""
    return Use(
        tuple(_filled(_may(told))), tuple(_may_not(told, head)), tuple(_joins(name, links)), tuple(_stated(entry))
    )


def _may(told: Told) -> Iterator[tuple[str, tuple[str, ...]]]:
    personal = _named(told, lambda each: each.is_raw and each.is_decided and each.class_ != "non_personal")
    plain = _named(told, lambda each: each.is_raw and each.is_decided and each.class_ == "non_personal")
    yield "Use as they stand; nobody changed these values, and they are of no person:", plain
    yield "Use as they stand, with the care that personal data asks for; nobody changed these values:", personal
    yield "Group, count and average in coarser form; single values are not exact:", _showing(told, Shows.A_PART)
    yield (
        "Tell one from another, count, and find the same one again; the values themselves are not there:",
        _showing(told, *SAME_AGAIN),
    )
    yield (
        "Use differences, order or the text around what was replaced; the values themselves are not true:",
        _showing(told, Shows.NEARLY_THE_VALUE),
    )


def _may_not(told: Told, head: Head | Missing) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "Take this table for anonymous. Pseudonymized data is personal data (GDPR, recital 26).", ()
    quasi = _named(told, lambda each: each.class_ == "quasi_identifier" and not _is_empty(each))
    yield from _filled(_dangers(told, quasi))
    if isinstance(head, Head) and head.suppress is not None:
        yield f"Count everybody by it: rows in classes of fewer than {head.suppress} were kept out.", ()
    if isinstance(head, Head) and head.rows:
        yield "Take it for the whole source: only rows that a predicate chooses were treated.", ()


def _dangers(told: Told, quasi: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    left = _named(told, lambda each: each.class_ == "direct_identifier" and each.is_decided and each.leaves_values)
    yield "Use at all before somebody decided about them:", _named(told, lambda each: not each.is_decided)
    yield "Publish, or hand on to whoever may not see names: direct identifiers are left, or may be, in", left
    yield "Look for who somebody is. Together, and with what is known from elsewhere, these could tell:", quasi
    yield "Ask for values to be turned back, but by the way that is set for it; the keys can, of", _reversible(told)
    yield "Count or join by these: equal values look different in each row.", _random(told)
    yield "Read anything from these: they are empty, or one constant.", _named(told, _is_empty)


def _named(told: Told, wanted: Callable[[ColumnPrivacy], bool]) -> tuple[str, ...]:
    return tuple(each.path for each in told if wanted(each))


def _showing(told: Told, *shows: Shows) -> tuple[str, ...]:
    """Columns that are treated so in some of their rows, and show something."""
    return _named(
        told,
        lambda each: (
            not _is_empty(each)
            and any(record.facts.shows in shows and record.facts.deterministic for record in each.records)
        ),
    )


def _is_empty(column: ColumnPrivacy) -> bool:
    return bool(column.records) and all(each.facts.one_result or each.gives_null for each in column.records)


def _random(told: Told) -> tuple[str, ...]:
    return _named(told, lambda each: any(not record.facts.deterministic for record in each.records))


def _reversible(told: Told) -> tuple[str, ...]:
    return _named(told, lambda each: any(_has_way_back(record) for record in each.records))


def _has_way_back(record: ColumnRecord) -> bool:
    return record.key is not None and (record.facts.reversible or record.facts.by_vault)


def _filled(sentences: Iterator[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    return (each for each in sentences if each[1])


def _joins(name: str, links: Linkage | None) -> Iterator[Join]:
    for link in () if links is None else links.links:
        for place in link.columns:
            others = tuple((each.table, each.column) for each in link.columns if each != place)
            if place.table == name and others:
                yield Join(link.domain, place.column, others)


def _stated(entry: TableConfig) -> Iterator[tuple[str, str]]:
    given = entry.processing
    yield "Owner", entry.owner
    yield "Purposes", _listed(given.purposes)
    yield "Legal basis", given.legal_basis or NOT_STATED
    yield "Whose data", _listed(given.data_subjects)
    yield "Recipients", _listed(given.recipients)
    if entry.made_for is not None:
        yield "Made for", f"the {entry.made_for}, and no other"
    transfers = given.transfers
    yield "Transfers", _listed(None if transfers is None else [f"{each.to} ({each.safeguard})" for each in transfers])
    yield "Kept for", entry.retention or NOT_STATED
    yield "To be reviewed by", NOT_STATED if entry.review_by is None else entry.review_by.isoformat()


def _listed(given: Sequence[str] | None) -> str:
    return NOT_STATED if given is None else "; ".join(given) or "none"
