"""Pseudonyms of one scope are all equal for equal values, and of two scopes none: of 10^4 values, each technique."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import itertools
import re
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs.errors import KeyProblem, ParameterError, TypeRefused, ValueRefused
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.periods import UNITS, name_of, period_key
from privacy_udfs.reversal import Reversal
from privacy_udfs.scope_labels import PERIOD, PERSON, RECORD, RELATIONSHIP, context_of, domain_of, label, scope_of
from privacy_udfs.technique import Key
from privacy_udfs.techniques import parse
from tests.helpers.page_examples import python_example

UTC = datetime.timezone.utc
MANY = 10_000
HASH = {"technique": "keyed_hash"}
SIV = {"technique": "deterministic_encryption"}
FPE = {"technique": "format_preserving_encryption"}
GCM = {"technique": "randomized_encryption"}
KEYSET = Keyset.generate()
VALUES = pa.array([f"{at:016d}" for at in range(MANY)])
DAYS = [datetime.date(2026, 11, 28), datetime.date(2026, 12, 1), datetime.date(2027, 11, 28)]


def of_month(treatment: dict[str, Any], **more: Any) -> Any:
    return parse({**treatment, "period": "month", "period_of": "day", **more})


def treated(treatment: Any, domain: str, dates: pa.Array | None = None, values: pa.Array = VALUES) -> list[Any]:
    technique = parse(treatment)
    found: list[Any] = technique.apply(values, KEYSET.subkey(technique, domain), dates).values.to_pylist()
    return found


@pytest.mark.parametrize("treatment", [HASH, SIV, FPE], ids=["hash", "siv", "fpe"])
def test_no_two_scopes_share_a_pseudonym_and_within_one_all_do(treatment: dict[str, Any]) -> None:
    by_month = of_month(treatment)
    places = [(label("c", "recipient", "lab"), None), (label("c", "purpose", "lab"), None), ("c", None), ("lab", None)]
    places += [(label("c", "recipient", "court"), None)] + [(label("c", "period", "month"), day) for day in DAYS]
    found = []
    for domain, day in places:
        dates = None if day is None else pa.array([day] * MANY)
        technique = treatment if day is None else by_month
        found.append(treated(technique, domain, dates))
        assert found[-1] == treated(technique, domain, dates)
        assert len(set(found[-1])) == MANY
    for one, other in itertools.combinations(found, 2):
        assert not any(a == b for a, b in zip(one, other, strict=True))
        if treatment is not FPE:  # of which values of one domain are all of one small set
            assert not set(one) & set(other)


def test_of_records_no_value_has_a_pseudonym_twice() -> None:
    same = pa.array(["C-1001"] * MANY)
    found = [*treated(GCM, "visit", values=same), *treated(GCM, "visit", values=same)]
    assert len(set(found)) == 2 * MANY


def test_rows_of_one_period_join_by_whatever_says_when_they_are() -> None:
    """Dates, times of clocks, and instants by the clocks of the domain's zone, mixed in one batch and in any order."""
    technique = of_month(HASH, period_zone="America/New_York")
    days = [datetime.date(2026, 1 + at % 12, 1 + at % 28) for at in range(600)]
    values = pa.array([f"C-{at % 7}" for at in range(600)])
    zone = ZoneInfo("America/New_York")
    clocks = [datetime.datetime(day.year, day.month, day.day, 23, 59) for day in days]
    instants = [each.replace(tzinfo=zone).astimezone(UTC) for each in clocks]
    columns = [
        pa.array(days),
        pa.array(clocks, pa.timestamp("us")),
        pa.array(instants, pa.timestamp("us", "UTC")),
        pa.StructArray.from_arrays([values, pa.array(days)], ["other", "day"]),
    ]
    first, *others = [treated(technique, "c", dates, values) for dates in columns]
    assert all(first == other for other in others)
    assert len(set(first)) == len({(value, day.month) for value, day in zip(values.to_pylist(), days, strict=True)})
    order = np.random.default_rng(5).permutation(600)
    mixed = treated(technique, "c", columns[0].take(pa.array(order)), values.take(pa.array(order)))
    assert mixed == [first[at] for at in order]
    parts = [treated(technique, "c", columns[0].slice(at, 7), values.slice(at, 7)) for at in range(0, 600, 7)]
    assert list(itertools.chain(*parts)) == first


def test_an_auditor_computes_the_key_of_a_period() -> None:
    """RFC 5869 by hand, for the 32 bytes of one block."""
    technique = of_month(HASH)
    key = KEYSET.subkey(technique, "c@period:month")
    secret = hmac.new(bytes(32), key.material, hashlib.sha256).digest()
    of_period = hmac.new(secret, b"lakenym/1/period/2026-11\x01", hashlib.sha256).digest()
    assert period_key(key, "2026-11").material == of_period
    digest = hmac.new(of_period, b"C-1001", hashlib.sha256).digest()
    expected = base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
    assert treated(technique, "c@period:month", pa.array([DAYS[0]]), pa.array(["C-1001"])) == [expected]


@pytest.mark.parametrize(
    ("unit", "names"),
    [
        ("day", ["2026-11-28", "2026-12-01", "2027-11-28"]),
        ("month", ["2026-11", "2026-12", "2027-11"]),
        ("quarter", ["2026-Q4", "2026-Q4", "2027-Q4"]),
        ("year", ["2026", "2026", "2027"]),
    ],
)
def test_what_periods_are_called(unit: Any, names: list[str]) -> None:
    assert [name_of(day, unit) for day in DAYS] == names
    assert name_of(datetime.date(1, 1, 1), unit)[:4] == "0001"
    keyed = parse({**HASH, "period": unit, "period_of": "day"})
    key = KEYSET.subkey(keyed, "c")
    found = treated(keyed, "c", pa.array(DAYS), pa.array(["a"] * 3))
    assert found == [treated_under(period_key(key, name)) for name in names]


def treated_under(key: Key) -> Any:
    return parse(HASH).apply(pa.array(["a"]), key).values[0].as_py()


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Apia", "Asia/Beirut", "America/Havana", "America/New_York"])
@pytest.mark.parametrize("unit", UNITS)
def test_instants_are_of_the_period_that_clocks_show(zone: str, unit: Any) -> None:
    """Also where midnight is left out or comes twice, or a whole day is left out (Apia, 2011-12-30)."""
    technique = parse({**HASH, "period": unit, "period_of": "at", "period_zone": zone})
    years = [datetime.datetime(2011, 12, 25, tzinfo=UTC), datetime.datetime(2026, 3, 7, tzinfo=UTC)]
    years.append(datetime.datetime(2026, 10, 30, tzinfo=UTC))
    at = [start + datetime.timedelta(minutes=30 * step) for start in years for step in range(480)]
    shown = pa.array([each.astimezone(ZoneInfo(zone)).date() for each in at])
    values = pa.array(["x"] * len(at))
    assert treated(technique, "c", pa.array(at, pa.timestamp("us", "UTC")), values) == treated(
        technique, "c", shown, values
    )


def test_the_ends_of_the_calendar_have_periods() -> None:
    technique = of_month(HASH, period_zone="America/New_York")
    ends = [datetime.datetime(1, 1, 1, tzinfo=UTC), datetime.datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]
    days = pa.array([datetime.date(1, 1, 1), datetime.date(9999, 12, 31)])
    two = pa.array(["a", "a"])
    assert treated(technique, "c", pa.array(ends, pa.timestamp("us", "UTC")), two) == treated(technique, "c", days, two)


@pytest.mark.parametrize("treatment", [HASH, SIV, FPE, {"technique": "substitute", "list": "cities"}])
def test_a_value_without_a_date_is_refused(treatment: dict[str, Any]) -> None:
    values = pa.array(["1234567890", None, "1234567890", "1234567890"])
    dates = pa.array([DAYS[0], None, None, None]).cast(pa.date32())
    outside = pa.concat_arrays([dates.slice(0, 3), pa.array([2_932_897], pa.int32()).view(pa.date32())])
    for given in (dates, outside):
        technique = of_month(treatment, on_refused="null")
        key = KEYSET.subkey(technique, "c")
        found = technique.apply(values, key, given)
        assert (found.treated, found.null, found.refused) == (1, 1, 2)
        assert [each.is_valid for each in found.values] == [True, False, False, False]
    with pytest.raises(ValueRefused, match="2 of 4"):
        of_month(treatment).apply(values, key, dates)


def test_what_cannot_say_a_period_is_refused() -> None:
    technique = of_month(HASH)
    one, key = pa.array(["a"]), KEYSET.subkey(technique, "c")
    for dates, why in (
        (None, "needs the array that says when"),
        (pa.array(["2026-11-28"]), "and not string"),
        (pa.array([1]), "and not int64"),
        (pa.array([DAYS[0]] * 2), "1 values but 2 dates"),
        (pa.StructArray.from_arrays([pa.array([DAYS[0]])], ["other"]), "was not given the column"),
    ):
        with pytest.raises(TypeRefused, match=why):
            technique.apply(one, key, dates)
    with pytest.raises(ParameterError, match="period_zone"):
        of_month(HASH, period_zone="Mars")


@pytest.mark.parametrize("treatment", [SIV, FPE], ids=["siv", "fpe"])
def test_by_periods_nothing_is_turned_back(treatment: dict[str, Any]) -> None:
    technique = of_month(treatment)
    key = KEYSET.subkey(technique, "c")
    tokens = technique.apply(pa.array(["1234567890"]), key, pa.array([DAYS[0]])).values
    with pytest.raises(TypeRefused, match="not turned back"):
        technique.revert(tokens, key)
    with pytest.raises(TypeRefused, match="not turned back"):
        Reversal(of=technique, restores=pa.string()).apply(tokens, key)


def test_of_a_relationship_values_are_turned_back_under_its_own_key() -> None:
    domain = label("c", "recipient", "lab")
    tokens = pa.array(treated(SIV, domain))
    back = privacy_udfs.revert(SIV, tokens, KEYSET.subkey(parse(SIV), domain))
    assert back.to_pylist() == VALUES.to_pylist()
    with pytest.raises(privacy_udfs.errors.TokenRefused):
        privacy_udfs.revert(SIV, tokens, KEYSET.subkey(parse(SIV), "c"))


def test_a_key_that_is_used_as_it_is_knows_no_scopes() -> None:
    keyset = Keyset.generate("AesSivKey")
    keyset.subkey(parse(SIV), "c")
    for domain in (label("c", "recipient", "lab"), label("c", "period", "month")):
        with pytest.raises(KeyProblem, match="knows no scopes"):
            keyset.subkey(parse(SIV), domain)


def test_labels_say_what_they_are_of() -> None:
    scopes = {
        "c": PERSON,
        "c@recipient:lab": RELATIONSHIP,
        "c@purpose:lab": RELATIONSHIP,
        "c@period:month": PERIOD,
        "crm.t/a@b:c": PERSON,  # a column's own, of an odd name
    }
    assert {each: scope_of(each) for each in scopes} == scopes
    assert scope_of("c", deterministic=False) == RECORD
    assert [domain_of(each) for each in scopes] == ["c", "c", "c", "c", "crm.t/a@b:c"]
    assert context_of("c@purpose:lab") == ("purpose", "lab")
    assert context_of("crm.t/a@b:c") is None


def test_no_two_scopes_share_an_info() -> None:
    """Of all labels of some names, also of names that look like parts of labels."""
    names = ["a", "b", "period", "recipient", "a.b", "a-b", "month", "1"]
    kinds = ("recipient", "purpose", "period")
    labels = [*names, *(label(*each) for each in itertools.product(names, kinds, names))]
    keys = {KEYSET.subkey(parse(HASH), each).material for each in labels}
    assert len(keys) == len(set(labels)) == len(labels)


def test_the_example_of_the_docs_runs_without_any_package() -> None:
    code, shown = python_example("scopes.md")
    keyset = Keyset.from_json(re.findall(r'json.loads\("""(.*?)"""', code, re.DOTALL)[0])
    by_month = of_month(HASH)
    day, one = pa.array([datetime.date(2026, 11, 28)]), pa.array(["C-1001"])
    expected = [
        parse(HASH).apply(one, keyset.subkey(parse(HASH), "customer")),
        parse(HASH).apply(one, keyset.subkey(parse(HASH), label("customer", "recipient", "research-lab"))),
        parse(HASH).apply(one, keyset.subkey(parse(HASH), label("customer", "purpose", "billing"))),
        by_month.apply(one, keyset.subkey(by_month, label("customer", "period", "month")), day),
    ]
    assert [line.split()[-1] for line in shown] == [each.values[0].as_py() for each in expected]
