"""`treat_entities`: what is recognized within a text is replaced where it stands; the rest of the text stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator

from privacy_udfs import entities
from privacy_udfs.entities import KINDS, Found, Kind, Places, Span, known, national_id, phone, presidio
from privacy_udfs.entities.elsewhere import Search
from privacy_udfs.entities.words import together
from privacy_udfs.errors import KeyProblem, TypeRefused
from privacy_udfs.kernels.arrays import well_formed
from privacy_udfs.parameters import Later
from privacy_udfs.strength import LESS_IS_STRONGER, NOT_COMPARABLE, Shows, Strength, larger_set
from privacy_udfs.technique import Key, Keys, Technique, TextTechnique, Treated, narrow, plain, plain_type
from privacy_udfs.techniques._known_elsewhere import digests_of
from privacy_udfs.techniques._replacements import (
    Elsewhere,
    Pseudonym,
    Replacement,
    known_misfit,
    order_of_elsewhere,
    order_of_replacements,
)

ColumnName = Annotated[str, Field(min_length=1)]
PresidioName = Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]*$")]
DomainName = Annotated[str, Field(min_length=1)]
KNOWN, ELSEWHERE, PRESIDIO = "known ", "elsewhere ", "presidio "
"""Begin the kind of a value that is known from another column of the row, whose path follows, of one that is known from
other tables, whose domain follows, and of one that Presidio finds, whose name for it follows."""


AT_ONCE = 1 << 16
"""Texts that are looked through for known values together."""


class TreatEntities(TextTechnique):
    """Replace what is recognized within each text, where it stands; every other character stays. Text to text.

    entities: what is looked for, and what stands in its place: `Pseudonym`: the pseudonym of a domain, the same that a
    column of the domain has for the value, after the domain's own ``normalize``; ``redact``: the kind in brackets,
    ``[email]``, as also where a domain gives null.

    ================  ==================================================================================================
    kind              found where
    ================  ==================================================================================================
    ``email``         something stands around an ``@`` as RFC 5321 has it, of any script
    ``iban``          country, length of that country and check digits fit (ISO 13616)
    ``payment_card``  12 to 19 digits are of an issuer's range and pass Luhn
    ``national_id``   the check digits, or the notation, of a country of ``countries`` fit (python-stdnum)
    ``phone``         a number with a country code is valid, or one without in one of ``regions`` (libphonenumber)
    ``ip``, ``mac``   an address of version 4 or 6, of 48 or 64 bits
    ================  ==================================================================================================

    Of finds that overlap the longest counts, of equals the leftmost. regions, countries: ISO 3166 codes.
    ``national_id`` and ``phone`` take the extra ``inventory``, on executors too.

    known: other columns of the same row, of text or whole numbers, and what stands in the place of their values: as
    for entities, but a pseudonym is the one of the column's own value, however the text writes it: capitals, accents,
    width, hyphens, apostrophes and blanks make no difference. Whole words; of fewer than three letters or digits (two
    where letters are syllables), or of more than 200 characters, none is looked for. At one place a known
    value counts before other kinds. ``redact``: the column's path in brackets. The columns come as the subject: a
    struct array whose fields have the names in ``known``.

    known_elsewhere: domains with a key, and of each the columns of other tables, or of this one, whose values are
    looked for in every text: what a row's own columns do not hold. They come with the keys, as digests
    (`Keys.listed`), so that no list of them lies with the workers. A value is found where a text writes it as the
    column does, after the domain's ``normalize``; from its first letter or digit to its last, in whole words, runs of
    blanks being one blank; of the same lengths as ``known``, and of at most 63 words. What stands in its place is the
    pseudonym that the column has. At one place such a value counts after those of the row.

    presidio: what else is found by patterns and check digits of Presidio, by its names (``US_PASSPORT``), with at least
    ``presidio_score`` without words around it; a valid check counts 1. Takes the package
    ``presidio-analyzer``, on executors too, in ``presidio_version``; another version stops the run.

    Null in, null out; empty: see `TextTechnique`. Refused values: texts that are not well-formed UTF-8, and those that
    hold a value that its domain refuses. Keys: `Keys`, one for each domain of a technique with a key.

    Does not protect: **what is not recognized stays in clear**: names, streets, dates, whatever is misspelt, spoken of,
    or written with words. A person is told by what a text says, too. Weaker than `redact` or `drop`, and stronger than
    `keep` only. By chance a number that is none of these is replaced as well: one of ten numbers of a card's range
    passes Luhn. Pseudonyms stand without any mark; one made of digits may be found again when a text is treated twice.
    """

    technique: Literal["treat_entities"] = "treat_entities"
    entities: Annotated[dict[Kind, Replacement], Field(min_length=1), Strength(order_of_replacements)]
    known: Annotated[dict[ColumnName, Replacement], Later(), Strength(order_of_replacements)] = Field(default={})
    known_elsewhere: Annotated[dict[DomainName, Elsewhere], Later(), Strength(order_of_elsewhere)] = Field(default={})
    presidio: Annotated[dict[PresidioName, Replacement], Later(), Strength(order_of_replacements)] = Field(default={})
    presidio_version: Annotated[str | None, Later(), NOT_COMPARABLE] = None
    presidio_score: Annotated[float, Field(ge=0, le=1), Later(), LESS_IS_STRONGER] = 0.4
    regions: Annotated[Annotated[tuple[str, ...], Field(strict=False)], Strength(larger_set)] = ()
    countries: Annotated[Annotated[tuple[str, ...], Field(strict=False)], Strength(larger_set)] = ()

    comes_out = "the text, what was recognized in it replaced by pseudonyms of its domains"
    standard = "RFC 5321, ISO 13616, ISO/IEC 7812"
    shows = Shows.NEARLY_THE_VALUE
    treats_within = True
    costly = True

    @field_validator("regions")
    @classmethod
    def _known_regions(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        return _all_of(regions, phone.REGIONS)

    @field_validator("countries")
    @classmethod
    def _known_countries(cls, countries: tuple[str, ...]) -> tuple[str, ...]:
        return _all_of(countries, national_id.COUNTRIES)

    @model_validator(mode="after")
    def _parameters_fit(self) -> TreatEntities:
        several = {
            each.domain for each in self.pseudonyms() for other in self.pseudonyms()
            if each.domain == other.domain and each.treatment != other.treatment
        }  # fmt: skip
        faults = [
            (bool(several), "entities: one domain has two treatments"),
            *(
                (name != each.domain, f"known_elsewhere: {name} stands for another domain")
                for name, each in self.known_elsewhere.items()
            ),
            (
                "national_id" in self.entities and not self.countries,
                "national_id needs countries: those whose numbers to find",
            ),
            ("national_id" not in self.entities and bool(self.countries), "countries goes with national_id only"),
            ("phone" not in self.entities and bool(self.regions), "regions goes with phone only"),
            (
                bool(self.presidio) is (self.presidio_version is None),
                "presidio and presidio_version go together: the version of presidio-analyzer that finds these",
            ),
            *((name in presidio.NETWORK, f"presidio: {name} asks the network") for name in self.presidio),
            *(
                (True, f"presidio: {name} is found without: name {presidio.NOT_TAKEN[name]} under entities")
                for name in self.presidio
                if name in presidio.NOT_TAKEN
            ),
        ]
        if any(wrong for wrong, _ in faults):
            raise ValueError("; ".join(fault for wrong, fault in faults if wrong))
        return self

    def pseudonyms(self) -> list[Pseudonym]:
        """The pseudonyms that it gives, those of one domain perhaps more than once."""
        of_others = self.known_elsewhere.values()
        given = [*self.entities.values(), *self.known.values(), *of_others, *self.presidio.values()]
        return [each for each in given if isinstance(each, Pseudonym)]

    def _replaced(self) -> dict[str, Replacement]:
        """By kind; of two that are found at one place the first counts."""
        of_row: dict[str, Replacement] = {KNOWN + name: each for name, each in self.known.items()}
        others: dict[str, Replacement] = {ELSEWHERE + name: each for name, each in self.known_elsewhere.items()}
        own: dict[str, Replacement] = {kind: self.entities[kind] for kind in KINDS if kind in self.entities}
        return {**of_row, **others, **own, **{PRESIDIO + name: each for name, each in self.presidio.items()}}

    def domains(self) -> dict[str, Technique]:
        """The domains of its pseudonyms, each once, and what each does."""
        return {each.domain: each.treatment for each in self.pseudonyms()}

    def beside(self) -> tuple[str, ...]:
        return tuple(self.known)

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return pa.string() if pa.types.is_string(values) else self.refuse_type(values, "text")

    def _checked_key(self, key: Key | bytes | None) -> Key | None:
        keyed = {domain: each for domain, each in self.domains().items() if each.key_size() is not None}
        if not keyed:
            return super()._checked_key(key)
        if not isinstance(key, Keys):
            raise KeyProblem(f"{self.technique} needs a key for each of its domains: {', '.join(keyed)}")
        missing = [domain for domain in self.known_elsewhere if domain not in key.listed]
        if missing:
            raise KeyProblem(f"{self.technique} needs the values to look for of {', '.join(missing)}: none were sent")
        keys = {domain: _key_of(domain, each, key) for domain, each in keyed.items()}
        return Keys(by_domain=keys, listed={domain: key.listed[domain] for domain in self.known_elsewhere})

    def _checked_subject(self, subject: pa.Array | pa.ChunkedArray | None, length: int) -> pa.Array | None:
        if not self.known:
            return None
        row = None if subject is None else plain(subject)
        if row is None or not pa.types.is_struct(row.type) or any(row.type.get_field_index(n) < 0 for n in self.known):
            raise TypeRefused(f"{self.technique} needs the row's {', '.join(self.known)}: a struct array of them")
        if len(row) != length:
            raise TypeRefused(f"{self.technique}: {length} values but {len(row)} rows of known values")
        columns = dict(zip((field.name for field in row.type), row.flatten(), strict=True))
        return pa.StructArray.from_arrays([self._known_column(name, columns[name]) for name in self.known], self.known)

    def _known_column(self, name: str, values: pa.Array) -> pa.Array:
        fault = known_misfit(self.known[name], plain_type(values.type))
        if fault is not None:
            raise TypeRefused(f"{self.technique}: known: {name}: {fault}")
        return narrow(plain(values))

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        values, malformed = well_formed(values)
        row = {} if subject is None else dict(zip(map(_known, self.known), subject.flatten(), strict=True))
        kinds = [kind for kind in KINDS if kind in self.entities]
        searches = self._searches(key)
        also = self._also(values, row, searches)
        found = entities.find(values, kinds, self._places(), also, list(self._replaced()))
        if not found.rows:
            return Treated(values, malformed)
        words = self._words(found, row, key, searches)
        texts = [_rewritten(number, text, found.spans[number], words) for number, text in enumerate(found.texts)]
        refused = [at for at, text in zip(found.rows, texts, strict=True) if text is None]
        rows = pa.array(found.rows)
        rewritten = pc.replace_with_mask(values, _at(rows, len(values)), pa.array(texts, pa.string()))
        pseudonyms = {kind for kind, each in self._replaced().items() if isinstance(each, Pseudonym)}
        within = sum(span.kind in pseudonyms and not span.is_rest for spans in found.spans for span in spans)
        return Treated(rewritten, _either(malformed, refused, len(values)), within)

    def _searches(self, key: Key | None) -> dict[str, Search]:
        """By kind what looks for values of other tables."""
        if not isinstance(key, Keys):
            return {}
        return {
            ELSEWHERE + domain: Search(
                key.listed[domain], digests_of(each.treatment, key.by_domain[domain], each.domain)
            )
            for domain, each in self.known_elsewhere.items()
        }

    def _also(
        self, values: pa.StringArray, row: Mapping[str, pa.Array], searches: Mapping[str, Search]
    ) -> dict[int, list[Span]]:
        """By row what is found of known values, and by Presidio."""
        if not row and not searches and not self.presidio:
            return {}
        found: dict[int, list[Span]] = {}
        for start in range(0, len(values), AT_ONCE):  # elements of lists may be many, and each is an object of Python's
            part = {kind: each.slice(start, AT_ONCE) for kind, each in row.items()}
            spans_of = self._also_of(values.slice(start, AT_ONCE).to_pylist(), part, searches)
            found |= {start + at: spans for at, spans in spans_of.items()}
        return found

    def _also_of(
        self, texts: list[str | None], row: Mapping[str, pa.Array], searches: Mapping[str, Search]
    ) -> dict[int, list[Span]]:
        own = {kind: _as_text(each).to_pylist() for kind, each in row.items()}
        found = known.rows(texts, own) if own else {}
        for kind, search in searches.items():
            for at, places in search.rows(texts).items():
                found.setdefault(at, []).extend(Span(*place, kind) for place in places)
        if self.presidio:
            names, version = list(self.presidio), str(self.presidio_version)
            for at, spans in presidio.rows(texts, names, version, self.presidio_score).items():
                found.setdefault(at, []).extend(span._replace(kind=PRESIDIO + span.kind) for span in spans)
        return found

    def _places(self) -> Places:
        return Places(self.regions, self.countries)

    def _words(
        self, found: Found, row: Mapping[str, pa.Array], key: Key | None, searches: Mapping[str, Search]
    ) -> Words:
        """By kind what each find becomes; None where its domain refuses it."""
        finds: dict[str, dict[Any, None]] = {}
        for number, (text, spans) in enumerate(zip(found.texts, found.spans, strict=True)):
            for span in (each for each in spans if not each.is_rest):
                finds.setdefault(span.kind, {})[_find(number, text, span)] = None
        words: Words = {}
        for kind, each in finds.items():
            keys = list(each)
            if kind in searches:
                becoming = self._becoming_of_others(kind, [together(text) for text in keys], key, searches[kind])
            elif kind in row:
                becoming = self._becoming(kind, row[kind].take(pa.array([found.rows[at] for at in keys])), key)
            else:
                becoming = self._becoming(kind, pa.array(keys), key)
            words[kind] = dict(zip(keys, becoming, strict=True))
        return words

    def _becoming_of_others(self, kind: str, said: list[str], key: Key | None, search: Search) -> list[str | None]:
        """Of values of other tables: what their column has, where that is another than for what the text says."""
        becoming = self._becoming(kind, pa.array(said, pa.string()), key)
        return [word if own is None else own for word, own in zip(becoming, search.own(said), strict=True)]

    def _becoming(self, kind: str, values: pa.Array, key: Key | None) -> list[str | None]:
        replacement = self._replaced()[kind]
        if not isinstance(replacement, Pseudonym):
            return [_marker(kind)] * len(values)
        technique = replacement.treatment
        own = key.by_domain.get(replacement.domain) if isinstance(key, Keys) else None
        treated = technique.treat(narrow(technique.prepared(values)), own, None)
        texts: list[str | None] = treated.values.cast(pa.string()).fill_null(_marker(kind)).to_pylist()
        if treated.refused is None or technique.on_refused == "null":
            return texts
        refused = pc.fill_null(treated.refused, False).to_pylist()
        return [None if no else text for text, no in zip(texts, refused, strict=True)]


Words: TypeAlias = dict[str, dict[str | int, str | None]]
"""By kind, and by `_find`."""


def _find(number: int, text: str, span: Span) -> str | int:
    """What a find becomes goes by what is found; of a known value by whose text it is."""
    return number if span.kind.startswith(KNOWN) else text[span.start : span.end]


def _known(name: str) -> str:
    return KNOWN + name


def _as_text(values: pa.Array) -> pa.StringArray:
    """Known values as they are looked for; malformed ones are not."""
    return well_formed(values.cast(pa.string()))[0]


def _all_of(given: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    if not set(given) <= set(known):
        raise ValueError(f"expected codes of {', '.join(known)}")
    return given


def _key_of(domain: str, technique: Technique, keys: Keys) -> Key:
    try:
        key = technique._checked_key(keys.by_domain.get(domain))
    except KeyProblem as error:
        raise KeyProblem(f"domain {domain}: {error}") from None
    assert key is not None
    return key


def _marker(kind: str) -> str:
    return f"[{kind.removeprefix(ELSEWHERE).removeprefix(KNOWN).removeprefix(PRESIDIO)}]"


def _rewritten(number: int, text: str, spans: list[Span], words: Words) -> str | None:
    """The text with each find replaced, and what is left of others by their kind; None where one find is refused."""
    pieces, at = [], 0
    for span in spans:
        found = text[span.start : span.end]
        word = _without(found, span.kind) if span.is_rest else words[span.kind][_find(number, text, span)]
        if word is None:
            return None
        pieces += [text[at : span.start], word]
        at = span.end
    return "".join([*pieces, text[at:]])


def _without(rest: str, kind: str) -> str:
    """What is left of a find, with the marks at its ends, and its kind in the place of the letters and digits."""
    said = [at for at, character in enumerate(rest) if character.isalnum()]
    return f"{rest[: said[0]]}{_marker(kind)}{rest[said[-1] + 1 :]}" if said else rest


def _at(rows: pa.Array, length: int) -> pa.BooleanArray:
    return pc.is_in(pa.array(range(length), rows.type), rows)


def _either(malformed: pa.BooleanArray | None, refused: list[int], length: int) -> pa.BooleanArray | None:
    if not refused:
        return malformed
    also = _at(pa.array(refused), length)
    return also if malformed is None else pc.or_(malformed, also)
