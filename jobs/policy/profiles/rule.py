"""A profile is a list of rules: each cites its paragraph, and says of which columns it speaks and what keeps it.

Rules look at what a column's entry states (class and kind), at the facts of its technique, never at its name, and at
its key's entry. What they cannot decide is a miss too, and says what a person has to look at.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Callable
from typing import NamedTuple

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.finding import Level
from jobs.configuration.kinds import KINDS
from jobs.configuration.models import ColumnRule, KeyEntry, TableConfig
from jobs.policy.profiles import named_like
from privacy_udfs.key_providers import CLEAR_AT_REST, scheme_of
from privacy_udfs.strength import Shows
from privacy_udfs.technique import Technique

UNDECIDED = (None, "unknown")
"""Kinds of which nothing is known."""
NOT_DECIDED = "It cannot be decided from the configuration; a person must look"
FITS = {
    "link_code": {"person_key"},
    "postal_code": {"card_pin"},
    "gender": {"moment"},
    "us_state": {"moment"},
    "country": {"moment"},
}
"""What columns of a kind may be named like, and be of that kind all the same: PIN codes of India, gender_at_birth."""
A_DAY_OR_LESS = ("second", "minute", "hour", "day")
MOST_CHARACTERS = 4
"""Of a text: with five, postal codes stay whole."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """A column of a table, or one case of it, as a rule sees it. key: of a rule about keys, the name of one of them."""

    config: Config
    table: TableConfig
    path: ColumnPath
    column: ColumnRule
    today: datetime.date
    key: str = ""

    @property
    def kind(self) -> str | None:
        return self.column.kind

    @property
    def technique(self) -> Technique:
        return self.column.treatment.technique

    @property
    def keys(self) -> list[str]:
        """The names of the keys that treat it, or what stands within it; or seal it in a row that is refused."""
        aside = None if self.table.quarantine is None or removed(self) else self.table.quarantine.key
        named = [*(each.key for each in self.column.treatment.each), aside]
        return [key for key in dict.fromkeys(named) if key is not None]

    @property
    def key_entry(self) -> KeyEntry:
        return self.config.keys[self.key]

    @functools.cached_property
    def named_like(self) -> tuple[str, ...]:
        """The kinds that its name hints at."""
        return named_like.of(self.path)


Test = Callable[[Seen], bool]
Words = Callable[[Seen], str]


class About(NamedTuple):
    """Of which columns a rule speaks. words: for its description."""

    test: Test
    words: str


class Open(NamedTuple):
    """What a rule cannot decide. asks: what a person has to look at."""

    test: Test
    asks: str


# -- facts ------------------------------------------------------------------------------------------------------------


def removed(seen: Seen) -> bool:
    """No value is left, and nothing that tells two apart."""
    return seen.technique.drops_column or (seen.technique.one_result and not _tells_cases_apart(seen))


def _tells_cases_apart(seen: Seen) -> bool:
    """Whether another case of the column has another result, so that the column says which rows fall under which."""
    others = [rule.treatment.technique for rule in seen.table.decisions[str(seen.path.leaf)].cases]
    return seen.technique.one_result and any(each.one_result and each != seen.technique for each in others)


def keyed_code(seen: Seen) -> bool:
    """A code stands in the place of each value, of all its letters and digits, which takes a key to make."""
    return seen.technique.covers and not seen.technique.keeps_characters() and seen.technique.key_size() is not None


def a_part(seen: Seen) -> bool:
    """A part of the value stays, or a coarser one."""
    return seen.technique.shows == Shows.A_PART


def shows_values(seen: Seen) -> bool:
    """Values stay, or nearly so; or nobody says what is left of them."""
    shows = seen.technique.shows
    return shows is None or shows >= Shows.NEARLY_THE_VALUE or (a_part(seen) and _hardly_coarser(seen))


def _hardly_coarser(seen: Seen) -> bool:
    """Dates stay to the day, numbers to the unit, or so much of a text that short ones stay whole."""
    technique = seen.technique
    width, kept = technique.bin_width(), technique.kept_characters()
    return (
        technique.date_unit() in A_DAY_OR_LESS
        or (width is not None and width <= 1)
        or (kept is not None and sum(kept) > MOST_CHARACTERS)
    )


def treated_within(seen: Seen) -> bool:
    return seen.technique.treats_within


def clear_at_rest(seen: Seen) -> bool:
    """The keyset lies unencrypted where it is kept."""
    return any(kek is None and scheme_of(keyset) in CLEAR_AT_REST for keyset, kek in seen.key_entry.places)


def nothing_known(seen: Seen) -> bool:
    """Nobody has said of what kind it is."""
    return seen.kind in UNDECIDED and not removed(seen)


def named_otherwise(*kinds: str) -> Test:
    """Of none of these kinds of a law, as is stated, but named like one of them."""

    def test(seen: Seen) -> bool:
        if seen.kind is None or seen.kind in (*UNDECIDED, *kinds) or removed(seen):
            return False
        return bool({*seen.named_like} & {*kinds} - FITS.get(seen.kind, set()))

    return test


def of_kinds(*kinds: str) -> About:
    """Columns that are stated to be of one of these kinds."""
    assert {*kinds} <= {*KINDS}
    return About(lambda seen: seen.kind in kinds, f"kind {', '.join(f'`{kind}`' for kind in kinds)}")


def all_of(about: About, test: Test, words: str) -> About:
    return About(lambda seen: about.test(seen) and test(seen), f"{about.words}, {words}")


# -- in words ---------------------------------------------------------------------------------------------------------


def what_stays(seen: Seen) -> str:
    """What is left of the values, by the facts of the technique."""
    technique = seen.technique
    name, shows = technique.technique, technique.shows
    if technique.keeps_values:
        return "Its values stay as they are"
    if technique.treats_within:
        return f"By {name} only what is recognized in its texts is replaced"
    if _tells_cases_apart(seen):
        return f"By {name} cases of the column have different results, which say what the rows of each have in common"
    if technique.keeps_characters():
        return f"By {name} letters or digits that 'preserve' names stay in their places"
    if keyed_code(seen):
        return f"By {name} each value is replaced by a code that is derived from it"
    if shows is None or shows > Shows.NEARLY_THE_VALUE:
        return f"Nothing says that {name} hides its values"
    return f"By {name} {'a part of' if shows == Shows.A_PART else 'something near to'} each value stays"


def not_known(seen: Seen) -> str:
    """That a person has to look, and what the column's name suggests."""
    kinds = " or ".join(seen.named_like[:3])
    suggests = f"; its name suggests {kinds}" if kinds else ""
    return f"{NOT_DECIDED} at what the column holds{suggests}"


# -- rules ------------------------------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """One demand of a law or a standard.

    name: as exceptions give it. paragraph: what is cited. demands: in a sentence. about: of which columns. kept: it is
    kept where one of these holds. open: where it cannot be decided, the first that holds says why. found: what a
    column has instead. heals: what would mend it. of_keys: it is asked for each key of a column. of_table: what it
    finds stands at this key of the table's entry.
    """

    name: str
    paragraph: str
    demands: str
    about: About
    heals: str
    kept: tuple[Test, ...] = ()
    open: tuple[Open, ...] = ()
    found: Words = what_stays
    level: Level = "refuse"
    of_keys: bool = False
    of_table: str = ""

    def misses(self, seen: Seen) -> str | None:
        """In a sentence why a column, or its key, does not keep the rule; None where it does."""
        if not self.about.test(seen) or any(test(seen) for test in self.kept):
            return None
        for case in self.open:
            if case.test(seen):
                return f"{NOT_DECIDED} {case.asks}"
        return self.found(seen)


def kept_encrypted(name: str, paragraph: str, demands: str, keys: About) -> Rule:
    """That a key does not lie in the clear: what several laws ask for, each in its words."""
    return Rule(
        name,
        paragraph,
        demands,
        keys,
        "Name under 'kek' what encrypts it, or keep it in a store that encrypts",
        (lambda seen: not clear_at_rest(seen),),
        found=lambda seen: f"The keyset of {seen.key} lies unencrypted where it is kept",
        of_keys=True,
    )


class Profile(NamedTuple):
    """name: as policy.yaml has it. version: changes with what its rules demand. title: what it stands on."""

    name: str
    version: int
    title: str
    rules: tuple[Rule, ...]

    @property
    def stated(self) -> str:
        """As a record holds it."""
        return f"{self.name} {self.version}"
