"""The page of one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.report_pages.drawing import column_tables, evidence, lineage_drawing, page, risk_drawing
from jobs.report_pages.drawing.markup import Content, Markup, between, code, element, joined
from jobs.report_pages.drawing.numbers import count, plural, share
from jobs.report_pages.drawing.page import Section
from jobs.report_pages.drawing.risk_drawing import crowd
from jobs.report_pages.facts.plain import Missing
from jobs.report_pages.facts.table_facts import Column, Head, Join, Measured, TableFacts, Use


def text(facts: TableFacts, index: str) -> str:
    """index: where the page of the lake is."""
    return page.page(f"{facts.name}: what was done to it", _top(facts, index), _sections(facts), facts.made_on)


def _sections(facts: TableFacts) -> list[Section]:
    version = facts.head.version if isinstance(facts.head, Head) else -1
    found = [
        Section("use", "What a reader may and may not do", _use(facts.use, facts)),
        Section("columns", "Columns", column_tables.content(facts.columns)),
        Section("risk", "Risk", risk_drawing.content(facts)),
        Section("drift", "Drift", evidence.drift(facts.drift, version)),
        Section("verified", "Verification", evidence.verified(facts.verified, version)),
        Section("lineage", "Lineage", _lineage(facts)),
        Section("keys", "Key versions", evidence.keys(facts.keys)),
        Section("audit", "Audit log", evidence.audit(facts.audit, "this table")),
        Section("runs", "Runs", evidence.runs(facts.runs)),
        Section("record", "Record", _record(facts)),
    ]
    wants = Section("wants", "What wants somebody", page.warnings(facts.warnings))
    return [wants, *found] if facts.warnings else [*found, wants]


def _lineage(facts: TableFacts) -> Content:
    if isinstance(facts.lineage, Missing):
        return page.missing(facts.lineage)
    return lineage_drawing.content(facts.lineage)


# -- the head ---------------------------------------------------------------------------------------------------------


def _top(facts: TableFacts, index: str) -> Content:
    return [
        element("p", element("a", "The lake", href=index), class_="crumb"),
        element("h1", element("bdi", facts.name)),
        element("p", page.mark(*state(facts))),
        element("p", _summary(facts), class_="lead"),
        page.figures(list(_figures(facts))),
    ]


def state(facts: TableFacts) -> tuple[str, str]:
    """Of a table, in a sign and a word: whether it is there, and what wants somebody."""
    if isinstance(facts.head, Missing):
        is_never = facts.head.why.startswith("the table was never")
        return ("none", "never treated") if is_never else ("alert", "cannot be told of")
    levels = {each.level for each in facts.warnings}
    if "alert" in levels:
        return "alert", "treated; look at it now"
    missed = isinstance(facts.after, Measured) and bool(facts.after.missed)
    if missed or levels:
        return "warn", "treated; misses a bound" if missed else "treated; look at it"
    return "good", "treated"


def _summary(facts: TableFacts) -> str:
    head = facts.head
    if isinstance(head, Missing):
        return f"There is no treated table to tell of: {head.why}. What follows is what the configuration decides."
    when = f" on {head.treated_at}" if head.treated_at else ""
    parts = [f"Version {head.version} of this table was treated{when} under policy {head.policy or 'not stated'}."]
    parts += [_done(facts.columns), _risk(facts)]
    if not head.is_current:
        parts.append("The configuration has changed since; reasons are those of the configuration at hand.")
    return " ".join(filter(None, parts))


def _done(columns: Sequence[Column]) -> str:
    gone = sum(each.type_ is None for each in columns)
    kept = sum(_is_kept(each) for each in columns)
    rest = len(columns) - gone - kept
    return (
        f"Of {plural(len(columns), 'column')}, {rest:,} were treated, {gone:,} left out and {kept:,} kept as they are."
    )


def _is_kept(column: Column) -> bool:
    return column.type_ is not None and all(each.is_raw for each in column.treatments)


def _risk(facts: TableFacts) -> str:
    before, after = facts.before, facts.after
    if not isinstance(after, Measured):
        return ""
    at_risk = _in_words(after)
    was = f" (before: {_in_words(before)})" if isinstance(before, Measured) else ""
    wants = f"; the policy wants k {after.wanted_k:,}" if after.wanted_k is not None else ""
    return (
        f"In it {crowd(after)}{wants}. A share of {at_risk}{was} has a chance to be "
        f"found that is above {after.threshold:.3g}."
    )


def _in_words(found: Measured) -> str:
    return share(found.chances["prosecutor", "at_risk"]).replace("< ", "under ").replace("> ", "over ")


def _figures(facts: TableFacts) -> Iterator[tuple[str, str, str]]:
    after, before = facts.after, facts.before
    if isinstance(after, Measured):
        many = count(after.many)
        yield after.counted, many, f"in {count(after.classes)} classes"
        was = f"before: {before.k:,}" if isinstance(before, Measured) else ""
        yield "k", f"{after.k:,}", was
        risk = share(after.chances["prosecutor", "at_risk"])
        was = f"before: {share(before.chances['prosecutor', 'at_risk'])}" if isinstance(before, Measured) else ""
        yield f"share above {after.threshold:.3g}", risk, was
    there = [each for each in facts.columns if each.type_ is not None]
    yield "columns", f"{len(facts.columns):,}", f"{len(there):,} in the table"
    if isinstance(facts.head, Head):
        yield "version", f"{facts.head.version:,}", facts.head.treated_at
    if facts.keys:
        named = len({each.name for each in facts.keys})
        yield "keys", f"{named:,}", plural(len(facts.keys), "version")


# -- what may be done -------------------------------------------------------------------------------------------------


def _use(use: Use, facts: TableFacts) -> Content:
    not_there = isinstance(facts.head, Missing)
    may = [_sentence(words, names) for words, names in use.may] + [_join(each) for each in use.joins]
    none = "Nothing: it is not there." if not_there else "Nothing that its treatments would speak for."
    return [
        element(
            "div",
            element("div", element("h3", "May"), element("ul", may, class_="may") if may else element("p", none)),
            element("div", element("h3", "May not"), element("ul", _may_not(use), class_="not")),
            class_="two",
        ),
        element("h3", "As its entry states"),
        page.facts(use.stated),
        element("p", _HELP, class_="soft"),
    ]


_HELP = (
    "Derived from the record of the treatment and from the entry of the catalog: help against mistakes, no permission. "
    "Who may read the table at all is said elsewhere."
)


def _may_not(use: Use) -> list[Markup]:
    return [_sentence(words, names) for words, names in use.may_not]


def _sentence(words: str, names: Sequence[str]) -> Markup:
    if not names:
        return element("li", words)
    return element("li", words, " ", element("span", between(map(code, names)), class_="names"))


def _join(found: Join) -> Markup:
    others = between(joined(code(table), " ", code(column)) for table, column in found.others)
    return element("li", "Join by ", code(found.column), f", of domain {found.domain}, with ", others, ".")


# -- the record -------------------------------------------------------------------------------------------------------


def _record(facts: TableFacts) -> Content:
    head = facts.head
    if isinstance(head, Missing):
        return page.missing(head)
    current = "the one at hand" if head.is_current else "another one than the one at hand"
    return [
        page.facts(
            [
                ("Version", f"{head.version:,}"),
                ("Treated", head.treated_at or "not known: the log has no run any more"),
                ("Run", code(head.run_id) if head.run_id else "not known"),
                ("Record (SHA-256)", code(head.record)),
                ("Configuration (SHA-256)", [code(head.config), f": {current}"]),
                ("Policy", head.policy or "not stated"),
                ("Rows of the source", head.rows or "all"),
                ("Small classes", _suppressed(head)),
                ("Software", head.software or "not stated"),
            ]
        ),
        element(
            "p", "Anyone who reads the table can read its record: ", code("SHOW TBLPROPERTIES"), ".", class_="soft"
        ),
    ]


def _suppressed(head: Head) -> str:
    return "kept" if head.suppress is None else f"kept out below {head.suppress}"
