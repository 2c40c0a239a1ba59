"""Nanoseconds of one core per value, Arrow to Arrow: each technique beside what else one could do."""

from __future__ import annotations

import dataclasses
import hmac
import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

import privacy_udfs
from privacy_udfs.kernels.hmac import hmac as batch_hmac
from privacy_udfs.kernels.hmac.compiled import fastest
from tests.benchmarks import peers, values
from tests.benchmarks.peers import available, loop
from tests.benchmarks.timing import Times, interleaved
from tests.benchmarks.values import KEY

SLOW = 100  # a peer that takes tens of microseconds for a value gets this part of the values


@dataclasses.dataclass(frozen=True)
class Case:
    """run: takes ``values``; None where what it needs is not installed."""

    name: str
    values: pa.Array
    run: Callable[[pa.Array], Any] | None


@dataclasses.dataclass(frozen=True)
class Group:
    """Cases that do about the same; the first is what the others are compared with."""

    title: str
    cases: list[Case]


@dataclasses.dataclass(frozen=True)
class Row:
    """per_value: seconds of one core, by turn; None: not installed."""

    name: str
    count: int
    per_value: Times | None


def measured(group: Group, turns: int) -> list[Row]:
    """Every case of a group, in turns."""
    runs = {case.name: _bound(case) for case in group.cases if case.run is not None}
    times = interleaved(runs, turns)
    return [Row(case.name, len(case.values), _divided(times.get(case.name), len(case.values))) for case in group.cases]


def _bound(case: Case) -> Callable[[], Any]:
    assert case.run is not None
    run = case.run
    return lambda: run(case.values)


def _divided(times: Times | None, count: int) -> Times | None:
    return None if times is None else Times(tuple(turn / count for turn in times.turns))


def ours(treatment: dict[str, Any], key: bytes | None = None, with_subject: pa.Array | None = None) -> Any:
    """A technique through the one door that the job uses too."""
    technique = privacy_udfs.parse(treatment)
    return lambda array: technique.apply(array, key, with_subject)


def keyed(algorithm: str, size: int, **more: Any) -> Any:
    return ours({"technique": "keyed_hash", "algorithm": algorithm, **more}, KEY[:size])


def without_extra(run: Callable[[pa.Array], Any]) -> Callable[[pa.Array], Any]:
    """``run`` as it is where the extra ``fast`` is not installed."""

    def plainly(array: pa.Array) -> Any:
        enough, batch_hmac.ENOUGH = batch_hmac.ENOUGH, len(array) + 1
        try:
            return run(array)
        finally:
            batch_hmac.ENOUGH = enough

    return plainly


def with_extra(name: str, run: Callable[[pa.Array], Any]) -> Callable[[pa.Array], Any] | None:
    return run if fastest(name) else None


def groups(count: int) -> Iterator[Group]:
    """All that is measured, with ``count`` values each."""
    emails = values.emails(count)
    yield Group("Keyed hashing, all values distinct", hashing(emails))
    yield Group(f"Keyed hashing, {values.DISTINCT} distinct values", hashing(values.repeated(emails)))
    yield Group("Encodings of AES-CMAC", encodings(emails))
    yield Group("Deterministic encryption (AES-SIV), base64", deterministic(emails))
    yield Group("Randomized encryption (AES-256-GCM)", randomized(emails))
    yield Group("Format-preserving encryption (FF1), 16 digits", format_preserving(values.card_numbers(count)))
    yield from others(count)


def hashing(array: pa.Array) -> list[Case]:
    sha256, sha512 = keyed("HMAC-SHA-256", 32), keyed("HMAC-SHA-512", 64)
    return [
        Case("hand-written `hmac.new` loop", array, loop(peers.hmac_hex)),
        Case("`cryptography` CMAC per value", array, loop(peers.crypto_cmac)),
        _peer("Tink MAC per value", array, "tink", peers.tink_mac),
        _peer("Presidio hash operator", array, "presidio_anonymizer", peers.presidio_hash),
        Case("**AES-CMAC**", array, keyed("AES-CMAC", 32)),
        Case("**HMAC-SHA-256**", array, without_extra(sha256)),
        Case("**HMAC-SHA-256, extra `fast`**", array, with_extra("sha256", sha256)),
        Case("**HMAC-SHA-512**", array, without_extra(sha512)),
        Case("**HMAC-SHA-512, extra `fast`**", array, with_extra("sha512", sha512)),
    ]


def encodings(array: pa.Array) -> list[Case]:
    names = ("base64url", "hex", "uuid", "bigint")
    return [Case(f"**{name}**", array, keyed("AES-CMAC", 32, encoding=name)) for name in names]


def deterministic(array: pa.Array) -> list[Case]:
    return [
        Case("`cryptography` AESSIV per value", array, loop(peers.crypto_siv())),
        _peer("Tink DAEAD per value", array, "tink", peers.tink_siv),
        Case("**deterministic_encryption**", array, ours({"technique": "deterministic_encryption"}, KEY)),
    ]


def randomized(array: pa.Array) -> list[Case]:
    return [
        Case("`cryptography` AESGCM per value", array, loop(peers.crypto_gcm())),
        _peer("Tink AEAD per value", array, "tink", peers.tink_gcm),
        Case("**randomized_encryption**", array, ours({"technique": "randomized_encryption"}, KEY[:32])),
    ]


def format_preserving(array: pa.Array) -> list[Case]:
    some = array.slice(0, max(len(array) // SLOW, 1))
    treatment = {"technique": "format_preserving_encryption"}
    return [
        _peer("libffx per value", some, "ffx", peers.ffx_ff1),
        Case("**format_preserving_encryption**", array, ours(treatment, KEY[:32])),
    ]


def _peer(name: str, array: pa.Array, package: str, make: Callable[[], peers.PerValue]) -> Case:
    function = available(package, make)
    return Case(name, array, None if function is None else loop(function))


def others(count: int) -> Iterator[Group]:
    """Techniques that no package offers for whole arrays, each beside a loop that does as little as it can."""
    emails, dates, amounts, codes = (
        make(count) for make in (values.emails, values.dates, values.amounts, values.codes)
    )
    text = {"first": "Ann", "second": "Bo", "third": "Cy"}
    tree = [[f"{n:04d}", f"{n // 100:02d}**", f"{n // 1000}***"] for n in range(10_000)]
    parents = {row[0]: row[1] for row in tree}
    yield beside("mask", emails, lambda v: "*" * (len(v) - 4) + v[-4:], {"keep_end": 4})
    yield beside("truncate", emails, lambda v: v[:2], {"keep": 2})
    yield beside("redact", emails, lambda v: "gone", {"value": "gone"})
    yield beside("generalize_date", dates, lambda v: v.replace(month=1, day=1), {"unit": "year"})
    yield beside("generalize_number", amounts, lambda v: f"[{v // 10 * 10}, {v // 10 * 10 + 10})", {"width": 10})
    yield beside("generalize_hierarchy", codes, lambda v: parents[v], {"levels": tree, "level": 1})
    network = lambda v: str(ipaddress.ip_network(f"{v}/24", strict=False).network_address)  # noqa: E731 - as its kin
    yield beside("truncate_ip", values.addresses(count), network, {})
    yield beside("coarsen_location", values.points(count), lambda v: round(v, 2), {"decimals": 2})
    yield beside("substitute", emails, lambda v: text[_pick(v)], {"values": list(text.values())}, KEY[:32])
    subject = dates.cast(pa.int32())
    yield beside("add_noise", amounts, lambda v: v + _unit(v), {"scale": 1.0}, KEY[:32], subject)
    yield beside(
        "date_shift", dates, lambda v: v.fromordinal(v.toordinal() + _days(v)), {"max_days": 30}, KEY[:32], subject
    )


def beside(
    technique: str,
    array: pa.Array,
    by_hand: peers.PerValue,
    parameters: dict[str, Any],
    key: bytes | None = None,
    subject: pa.Array | None = None,
) -> Group:
    run = ours({"technique": technique, **parameters}, key, subject)
    return Group(technique, [Case("hand-written loop", array, loop(by_hand)), Case(f"**{technique}**", array, run)])


def _number(value: Any) -> int:
    return int.from_bytes(hmac.digest(KEY[:32], str(value).encode(), "sha256")[:8], "big")


def _pick(value: str) -> str:
    return ("first", "second", "third")[_number(value) % 3]


def _unit(value: Any) -> float:
    return _number(value) / 2**64 - 0.5


def _days(value: Any) -> int:
    return _number(value) % 61 - 30
