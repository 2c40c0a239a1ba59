"""Reasons that give none: ``ok``, ``x``, ``todo``, one text under everything. One line of each a file."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from jobs.configuration.documents import describe
from jobs.configuration.finding import Finding, Place
from jobs.configuration.models import ColumnRule, TableConfig
from jobs.policy import held

_FILLERS = """
    ok okay okey fine good yes yep no none na nil null todo tbd tba fixme fix xxx wip asdf asdfgh qwer qwerty
    qwertz test testing tests foo bar baz foobar abc abcd bla blah blabla lorem ipsum dummy filler placeholder
    text why because reason reasons same ditto dito idem see above as later unknown undecided default needed
    required accepted accept approved approve reviewed checked done keep kept drop redact wie oben siehe weil
    grund geht passt ja nein egal oui non voir ci dessus bien si porque razon ver arriba to do looks all sure given here
    whatever lgtm valid xyz idk dunno tbc pending idea it is as proposed by the tool value for now ticket business need
    personal keeping because the an of this that be was we i our in on column columns field fields data stays stay
    leave left so alles gut klar keine angabe angaben kein sonstiges standard nichts rien aucun aucune nada ninguno
    ninguna bueno そのまま はい なし いいえ 不明 无 是 好 没有 да нет хорошо так
"""
_NOT_SO = """
    not false alarm positive wrong incorrect mistake mistaken error right inventory harmless fine safe really true
    person persons people never nobody does doesn isn falsch irrtum fehler stimmt nicht keine person personen
    personenbezogen faux erreur falso error equivocado
"""
FILLERS = frozenset(_FILLERS.split())
_GLUE = """
    the of an for by in on it is this that to its our from with column columns field fields value values data contents
    keep kept keeping drop dropped as so
"""
GLUE = frozenset(_GLUE.split())
"""Words around a column's name that add nothing to it."""
DENIALS = FILLERS | frozenset(_NOT_SO.split())
"""Words that say that the inventory is wrong, and not what the values are."""
_ROWS = "qwertyuiop qwertzuiop azertyuiop asdfghjkl qsdfghjklm zxcvbnm yxcvbnm abcdefghijklmnopqrstuvwxyz"
ROWS = tuple(_ROWS.split())
"""Letters one beside the other, on keyboards and in the alphabet."""
FEWEST_LETTERS = 3
FEWEST_ALIKE, FEWEST_OF_ALL = 5, 0.5


def of_table(table: TableConfig) -> Iterator[Finding]:
    """What is to be said of the reasons in a table's file."""
    rules = [(path, decision.cases[0]) for path, decision in table.decisions.items()]
    yield from _fillers(table, rules)
    yield from _alike(table, rules)


def plain(text: str) -> str:
    """A text by its words alone: lower case, no marks, one space between."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", folded))


def says_nothing(text: str, empty: Collection[str] = FILLERS) -> bool:
    """Whether a reason is none: too short, a filler, one letter again and again, a row of keys. empty: words that say
    nothing."""
    words = plain(text).split()
    letters = [each for word in words for each in word if each.isalpha()]
    # a sign of Chinese, Japanese or Korean says as much as some letters
    weight = sum(2 if ord(each) >= 0x2E80 else 1 for each in letters)
    if weight < FEWEST_LETTERS or (len(set(letters)) == 1 and weight == len(letters)):
        return True
    return all(word in empty or word.isdigit() or _is_typed_at_random(word) for word in words)


def _is_typed_at_random(word: str) -> bool:
    """``aaa``, ``hjkl``."""
    return len(word) >= FEWEST_LETTERS and word.isascii() and (len(set(word)) == 1 or any(word in row for row in ROWS))


def overrules_nothing(text: str) -> bool:
    """Whether words that overrule the inventory say at most that it is wrong."""
    return says_nothing(text, DENIALS)


def is_overruled(rule: ColumnRule) -> bool:
    """Whether it is said why the inventory is wrong, in words that are not those of ``why``."""
    text = rule.evidence_overruled
    return text is not None and not overrules_nothing(text) and not same(text, rule.why)


def same(one: str, other: str) -> bool:
    """Whether two texts have the same words."""
    return plain(one) == plain(other)


def without_numbers(text: str) -> str:
    """A text to compare: counting the columns in it makes no reason of each."""
    return re.sub(r"\d+", "", plain(text)).replace(" ", "")


def _fillers(table: TableConfig, rules: Sequence[tuple[str, ColumnRule]]) -> Iterator[Finding]:
    found = [(path, rule) for path, rule in rules if lacks(path, rule)]
    if found:
        named = held.named([path for path, _ in found])
        columns = "the 'why' of one column says" if len(found) == 1 else f"the 'why' of {len(found):,} columns says"
        message = f"{columns} nothing ({named}): say what the column is for, so that others can judge it"
        yield Place(table.file, found[0][1].line, "columns").says("warn", message)


def lacks(path: str, rule: ColumnRule) -> bool:
    """Whether the reason of a column, or of a case, is none."""
    return says_nothing(rule.why) or _repeats(path, rule)


def _repeats(path: str, rule: ColumnRule) -> bool:
    """Whether the reason is but the column's name, its class, its kind or what is done."""
    technique = rule.treatment.technique.technique
    said = " ".join((plain(path), plain(rule.class_), plain(rule.kind or ""), plain(technique))).split()
    joined = {plain(path).replace(" ", ""), plain(path.rpartition(".")[2])}
    return all(word in GLUE or word in said or word in joined for word in plain(rule.why).split())


def _alike(table: TableConfig, rules: Sequence[tuple[str, ColumnRule]]) -> Iterator[Finding]:
    """One text under most columns that are treated in several ways, seen as several kinds, or kept as they are."""
    if len(rules) < FEWEST_ALIKE:
        return
    text, count = Counter(without_numbers(rule.why) for _, rule in rules).most_common(1)[0]
    alike = [(path, rule) for path, rule in rules if without_numbers(rule.why) == text]
    ways = {(rule.class_, rule.treatment.technique.technique) for _, rule in alike}
    kinds = {_kept_against(table, path, rule) for path, rule in alike} - {None}
    kept = sum(rule.treatment.technique.keeps_values for _, rule in alike)
    is_told = max(len(ways), len(kinds)) > 1 or kept >= FEWEST_ALIKE
    if count > FEWEST_OF_ALL * len(rules) and is_told and not says_nothing(alike[0][1].why):
        unlike = f"in which {len(kinds):,} kinds were seen" if len(kinds) > 1 else "all kept as they are"
        unlike = f"treated in {len(ways):,} ways" if len(ways) > 1 else unlike
        told, (_, first) = f"{count:,} of {len(rules):,} columns, {unlike}", alike[0]
        message = f"{told}, share one 'why', {describe(first.why)}: say of each why it is treated so"
        yield Place(table.file, first.line, "columns").says("warn", message)


def _kept_against(table: TableConfig, path: str, rule: ColumnRule) -> str | None:
    """The kind that was seen in a column that is kept as less, or as another class of its rank; None of others."""
    seen = held.seen_of(table, table.decisions[path].path)
    is_kept = rule.treatment.technique.keeps_values
    return str(seen.kind) if seen is not None and is_kept and held.differ(rule, seen) else None
