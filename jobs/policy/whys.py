"""Reasons that give none: ``ok``, ``x``, ``todo``, one text under everything. One line of each a file."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from jobs.configuration.documents import describe
from jobs.configuration.evidence_file import RANK
from jobs.configuration.finding import Finding, Place
from jobs.configuration.models import ColumnRule, TableConfig

_FILLERS = """
    ok okay okey fine good yes yep no none na nil null todo tbd tba fixme fix xxx wip asdf asdfgh qwer qwerty
    qwertz test testing tests foo bar baz foobar abc abcd bla blah blabla lorem ipsum dummy filler placeholder
    text why because reason reasons same ditto dito idem see above as later unknown undecided default needed
    required accepted accept approved approve reviewed checked done keep kept drop redact wie oben siehe weil
    grund geht passt ja nein egal oui non voir ci dessus bien si porque razon ver arriba to do looks all sure given here
"""
FILLERS = frozenset(_FILLERS.split())
FEWEST_LETTERS = 3
FEWEST_ALIKE, FEWEST_OF_ALL = 5, 0.5
NAMED = 3


def of_table(table: TableConfig) -> Iterator[Finding]:
    """What is to be said of the reasons in a table's file."""
    rules = [(path, decision.cases[0]) for path, decision in table.decisions.items()]
    yield from _fillers(table, rules)
    yield from _alike(table, rules)


def plain(text: str) -> str:
    """A text by its words alone: lower case, no marks, one space between."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", folded))


def says_nothing(text: str) -> bool:
    """Whether a reason is none: too short, a filler, one letter again and again."""
    words = plain(text).split()
    letters = [each for word in words for each in word if each.isalpha()]
    # a sign of Chinese, Japanese or Korean says as much as some letters
    weight = sum(2 if ord(each) >= 0x2E80 else 1 for each in letters)
    if weight < FEWEST_LETTERS or (len(set(letters)) == 1 and weight == len(letters)):
        return True
    return all(word in FILLERS or word.isdigit() for word in words)


def _fillers(table: TableConfig, rules: Sequence[tuple[str, ColumnRule]]) -> Iterator[Finding]:
    found = [(path, rule) for path, rule in rules if lacks(path, rule)]
    if found:
        named = ", ".join(path for path, _ in found[:NAMED])
        more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
        columns = "the 'why' of one column says" if len(found) == 1 else f"the 'why' of {len(found):,} columns says"
        message = f"{columns} nothing ({named}{more}): say what the column is for, so that others can judge it"
        yield Place(table.file, found[0][1].line, "columns").says("warn", message)


def lacks(path: str, rule: ColumnRule) -> bool:
    """Whether the reason of a column, or of a case, is none."""
    return says_nothing(rule.why) or _repeats(path, rule)


def _repeats(path: str, rule: ColumnRule) -> bool:
    """Whether the reason is but the column's name, its class or what is done."""
    technique = rule.treatment.technique.technique
    said = {plain(path), plain(path.rpartition(".")[2]), plain(rule.class_), plain(technique)}
    return plain(rule.why) in said


def _alike(table: TableConfig, rules: Sequence[tuple[str, ColumnRule]]) -> Iterator[Finding]:
    if len(rules) < FEWEST_ALIKE:
        return
    text, count = Counter(plain(rule.why) for _, rule in rules).most_common(1)[0]
    alike = [(path, rule) for path, rule in rules if plain(rule.why) == text]
    ways = {(rule.class_, rule.treatment.technique.technique) for _, rule in alike}
    kinds = {_kept_against(table, path, rule) for path, rule in alike} - {None}
    if count > FEWEST_OF_ALL * len(rules) and max(len(ways), len(kinds)) > 1 and not says_nothing(text):
        unlike = f"treated in {len(ways):,} ways" if len(ways) > 1 else f"in which {len(kinds):,} kinds were seen"
        told, (_, first) = f"{count:,} of {len(rules):,} columns, {unlike}", alike[0]
        message = f"{told}, share one 'why', {describe(first.why)}: say of each why it is treated so"
        yield Place(table.file, first.line, "columns").says("warn", message)


def _kept_against(table: TableConfig, path: str, rule: ColumnRule) -> str | None:
    """The kind that was seen in a column that is kept as less, or as another class of its rank; None of others."""
    seen = table.evidence.get(path)
    if seen is None or not seen.is_known or not rule.treatment.technique.keeps_values:
        return None
    is_less = seen.class_ != rule.class_ and RANK[seen.class_] >= RANK[rule.class_]
    return str(seen.kind) if is_less else None
