"""What Presidio's recognizers of patterns find: passports, licences, numbers of many countries. Takes the package
``presidio-analyzer``, in the one version that is stated, on executors too.

Of Presidio only patterns and check digits are used: no model of language, no words around a find, nothing that asks the
network. Its own loop passes over a pattern that takes too long in a text; here that ends the run, since what a pattern
did not read nobody can call clean. Its patterns are not ours: none is promised to be linear.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import inspect
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from privacy_udfs.entities.spans import Span
from privacy_udfs.errors import UnexpectedFailure

PACKAGE = "presidio-analyzer"
NOT_TAKEN = {
    **{"EMAIL_ADDRESS": "email", "IBAN_CODE": "iban", "CREDIT_CARD": "payment_card", "PHONE_NUMBER": "phone"},
    **{"IP_ADDRESS": "ip", "MAC_ADDRESS": "mac"},
}
"""What is found without Presidio, and as which kind. (Its recognizers of addresses fetch a list from the network, and
one writes what it read into its log.)"""
NETWORK = ("URL", "DOMAIN_NAME")
LONGEST = 10.0
"""Seconds that a pattern may take in one text."""


class Rule(NamedTuple):
    """pattern: compiled by `regex`. recognizer: whose checks decide about a match."""

    pattern: Any
    score: float
    recognizer: Any


def find(text: str, entity: str, version: str, least: float) -> Iterator[Span]:
    """Where something of Presidio's ``entity`` stands with at least that score. Raises `UnexpectedFailure` where the
    package is missing or of another version, or knows no such entity, or where a pattern takes too long."""
    try:
        for rule in _rules(entity, version):
            for match in rule.pattern.finditer(text, timeout=LONGEST):
                if match[0] and _score(rule, match[0]) >= least:
                    yield Span(match.start(), match.end(), entity)
    except TimeoutError:
        raise UnexpectedFailure(f"presidio: {entity} takes more than {LONGEST:g} s in one text: leave it out") from None


def rows(texts: Sequence[str | None], entities: Sequence[str], version: str, least: float) -> dict[int, list[Span]]:
    """By row what stands in its text; only rows with a find."""
    found = {
        row: [span for entity in entities for span in find(text, entity, version, least)]
        for row, text in enumerate(texts)
        if text
    }
    return {row: spans for row, spans in found.items() if spans}


def _score(rule: Rule, match: str) -> float:
    """As Presidio has it: a check decides, where there is one. One that fails at what its own pattern let pass (a digit
    of another script) decides nothing."""
    try:
        valid = rule.recognizer.validate_result(match)
        if valid is False or rule.recognizer.invalidate_result(match):
            return -1.0
    except Exception:  # of code that is not ours, whatever it raises
        return rule.score
    return 1.0 if valid else rule.score


@functools.lru_cache
def _rules(entity: str, version: str) -> tuple[Rule, ...]:
    _check(version)
    compiled = importlib.import_module("regex").compile  # Presidio's own, which knows a time limit
    module: Any = importlib.import_module("presidio_analyzer")
    predefined: Any = importlib.import_module("presidio_analyzer.predefined_recognizers")
    classes: list[Any] = [
        each
        for _, each in inspect.getmembers(predefined, inspect.isclass)
        if issubclass(each, module.PatternRecognizer) and each is not module.PatternRecognizer
    ]
    recognizers = [made for made in (each() for each in classes) if entity in made.supported_entities]
    if not recognizers:
        raise UnexpectedFailure(f"presidio: {PACKAGE} {version} has no pattern for {entity}")
    return tuple(
        Rule(compiled(each.regex, flags=made.global_regex_flags), each.score, made)
        for made in recognizers
        for each in made.patterns
    )


def _check(version: str) -> None:
    try:
        found = importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise UnexpectedFailure(
            f"{PACKAGE} is not installed: pip install presidio-analyzer, on the executors too"
        ) from None
    if found != version:
        raise UnexpectedFailure(
            f"{PACKAGE} is {found} here, and the treatment states {version}: another version finds other things"
        )
