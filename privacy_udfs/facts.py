"""What is so of a technique, stated once, in its own class: for whoever plans, compares, records or looks for drift.

A technique that states nothing is treated the careful way: it shows its values, cannot be compared with another, may
make two values equal, cannot be turned back and uses no algorithm that a policy could approve.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel

from privacy_udfs.strength import Shows


class Overruled(NamedTuple):
    """What counts in place of a parameter as it is stated, and why."""

    value: Any
    why: str


class Facts(BaseModel):
    """Base of `privacy_udfs.technique.Technique`: its facts and their defaults."""

    comes_out: ClassVar[str] = ""
    """In a line of Markdown what becomes of a value, for the table of techniques."""
    standard: ClassVar[str] = ""
    """What a reader can look up: the standard of the algorithm, or of the results."""
    word: ClassVar[str | None] = None
    """What the technique's bare name says as a treatment; None: it has to be written with ``technique``."""

    deterministic: ClassVar[bool] = True
    """Equal values (and subjects, and keys) always give equal results."""
    reversible: ClassVar[bool] = False
    of_canonical: ClassVar[bool] = False
    """By themselves the canonical bytes of a value give what the value gives, once ``normalize`` is done: so a bridge
    that has them (`privacy_udfs.bridging`) leads from one key to the next."""
    by_vault: ClassVar[bool] = False
    """Results stand in a vault that a run keeps, and the way back goes through it: what the technique gives by itself
    are tickets, by which the run finds them. Only a domain with a vault has such a technique."""
    authenticates: ClassVar[bool] = False
    """The way back refuses whatever is no result of it under its key: a result that was changed does not come out as
    another value."""
    injective: ClassVar[bool] = False
    """Different values give different results, but for what is normalized and for bits that are cut off: fit for keys
    of maps. (A map in which two keys become equal stops the run.)"""
    one_result: ClassVar[bool] = False
    """All values give one result: nothing is left to join on, or to tell people apart by."""

    keeps_values: ClassVar[bool] = False
    """Nothing is done to values, whatever their type: the column counts as raw."""
    treats_within: ClassVar[bool] = False
    """Only what is recognized within a value is treated: the rest of it stays as it is."""
    keeps_type: ClassVar[bool] = False
    """Results have the column's own type, whatever that is."""
    drops_column: ClassVar[bool] = False
    """The column is not in the target."""
    whole_subtree: ClassVar[bool] = False
    """A struct, an array or a map is treated as one value, with all that is in it."""

    shows: ClassVar[Shows | None] = None
    """What is learnt from results; None: the technique cannot be compared with another."""
    covers: ClassVar[bool] = False
    """Nothing of a direct identifier is left, whatever a column turns out to hold."""
    unrecognizable: ClassVar[bool] = False
    """Results look like values of no kind: where a scan knows one, something else stands there."""
    scatters: ClassVar[bool] = False
    """Results are as good as random, so the least and the greatest of a file say nothing about what else it holds."""

    needs_subject: ClassVar[bool] = False
    costly: ClassVar[bool] = False
    """A value costs enough that looking for repeats in a batch pays."""
    algorithms: ClassVar[tuple[str, ...]] = ()
    """The cryptographic algorithms that it can use, as a policy names them."""
    key_types: ClassVar[tuple[str, ...]] = ()
    """The types of Tink's keys that it uses as they are; a master key serves every technique with a key."""

    def algorithm_in_use(self) -> str | None:
        """The one of `algorithms` that is used with these parameters; None where there is none, or where a technique
        with several does not say."""
        return self.algorithms[0] if len(self.algorithms) == 1 else None

    def key_misfit(self, key_type: str, hash_name: str | None, prefix: str) -> str | None:
        """Why a key of one of `key_types`, by its hash function and output prefix, is none for these parameters; None
        where it is one."""
        return None

    def layer_ids(self) -> tuple[int, ...]:
        """The versions of its key that a value passes through one after the other, oldest first: what the first one
        gives is treated under the next, so that a table can be moved to a new version without its source. Empty where a
        value is treated once, under the version in force."""
        return ()

    def by_subject_keys(self) -> bool:
        """Whether each value is under the key of its row's subject. What these are computed of stands in a table, of
        which a run and the way back give what there is along with the key."""
        return False

    @classmethod
    def subject_keys_in(cls, parameters: Mapping[str, Any]) -> str | None:
        """The id of the table of keys of subjects, by parameters as in a record; None where there is none."""
        return None

    def beside(self) -> tuple[str, ...]:
        """The other columns of a row that its result depends on, by their paths, but for the subject."""
        return ()

    def masks(self) -> bool:
        """Whether it protects every value as a whole: for lineage. Not so of one that leaves values as they are, or the
        rest of a text as it is, or may leave one whole, or does not say what it shows; nor where no column is left."""
        is_open = self.keeps_values or self.treats_within or self.shows is None or self.shows is Shows.THE_VALUE
        return not (is_open or self.drops_column or self.may_stay_whole())

    def may_stay_whole(self) -> bool:
        """Whether with these parameters a value can come out as it went in, or all of it but some characters, and by
        more than chance."""
        return False

    def gives_null(self) -> bool:
        """Whether every result is null, of the column's own type."""
        return False

    def own_words(self) -> tuple[str, ...]:
        """The texts that its parameters put into results: entries of a list, labels, a constant. They may look like
        values of a table, and are none."""
        return ()

    def result_pattern(self) -> str | None:
        """An RE2 pattern that every result matches, as text; None where results have no shape of their own."""
        return None

    # -- what no result tells more of than; None: that is not known, or there is no such bound ----------------------

    def kept_characters(self) -> tuple[int, int] | None:
        """How many letters and digits of a text stay at most: at its start, and at its end; none between."""
        return None

    def keeps_characters(self) -> bool:
        """Whether letters or digits may stay in their places, though what `covers` replaces the others."""
        return False

    def zip3_areas(self) -> tuple[str, ...] | None:
        """Of US postal codes the first three digits stay, and ``000`` in place of these."""
        return None

    def date_unit(self) -> str | None:
        """The unit of `privacy_udfs.kernels.numbers.Unit` that dates are coarsened to."""
        return None

    def oldest_date(self) -> datetime.date | None:
        """The date whose unit earlier ones share."""
        return None

    def top_number(self) -> Decimal | None:
        """The number from which on all share one result."""
        return None

    def bin_width(self) -> Decimal | None:
        """How far apart the ends of the bins are that numbers come into; of several widths the largest."""
        return None

    def hash_bits(self) -> int | None:
        """Of a technique that hashes the whole value: how many bits of the hash its results hold."""
        return None

    @classmethod
    def layers_in(cls, parameters: Mapping[str, Any]) -> tuple[int, ...]:
        """`layer_ids` of parameters as in a record."""
        return ()

    @classmethod
    def overruled(cls, parameters: Mapping[str, Any]) -> Mapping[str, Overruled]:
        """Parameters, as objects or as in a record, that others of them make void: by name, what counts instead."""
        return {}
