"""The receipt of an erasure: what it says, what it does not, and that no byte of it can be changed."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.audit_log import erasure_rows
from jobs.audit_log.leaves import Leaf
from jobs.configuration import config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.erasure import commitment, killed, receipt
from jobs.erasure.outcome import Earlier, Erased, TableErased, Unsearched
from jobs.lake.remains import Remains
from jobs.named_keys import erasure_key
from jobs.named_keys.erasure_key import ErasureKey
from jobs.signatures import envelopes
from jobs.signatures.keys import SigningKey
from jobs.signatures.problem import NotSigned
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import create_file
from tests.helpers import erased_lists, lakes

SIGNER, OTHER = SigningKey("lake.example.org", bytes(range(32))), SigningKey("lake.example.org", bytes(32))
IDS = pa.array(["C-1", "C-2 ", "C-3", "C-1"])
RUN = "9d1f6c9c-7c5f-4f6c-8a53-0d5b9b3d1a77"
DAY = datetime.date(2026, 12, 6)
WHY = "older versions of the table are kept that long"
OUTCOME = Erased(
    RUN,
    datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.timezone.utc),
    "customer",
    3,
    False,
    (TableErased("crm.t", "file:/lake/treated/t", 4, 5, 7, 0, 2, (Remains("data_file", 2, DAY, WHY),)),),
    (Remains("source", 1, None, "delete it there"),),
    (Unsearched("crm.u", "note", "texts are not searched"),),
    earlier=(Earlier("killed-1", "crm.t", "file:/lake/treated/t", 3, 4, "< 10", 12, 1),),
)


@pytest.fixture
def key(lake: Path) -> ErasureKey:
    lakes.write_conf(lake, lakes.table("t", lake, {"id": {"domain": "customer"}}))
    found = erasure_key.of(erased_lists.stated(lake, None))
    assert found is not None
    return found


@pytest.fixture
def text(key: ErasureKey) -> str:
    return receipt.written(OUTCOME, commitment.of(key, "customer", RUN, IDS), ("ab" * 16, 3), SIGNER)


def test_it_says_what_was_done_and_names_nobody(text: str, key: ErasureKey) -> None:
    found = receipt.opened(text, [SIGNER.public])
    assert found.outcome == OUTCOME
    assert (found.list_id, found.list_version, found.signed_by) == ("ab" * 16, 3, str(SIGNER.public))
    payload = base64.b64decode(json.loads(text)["receipt"]["payload"]).decode()
    for each in ("C-1", "C-2", "C-3"):
        for spelled in (each, hashlib.sha256(each.encode()).hexdigest()[:32], base64.b64encode(each.encode()).decode()):
            assert spelled not in text
            assert spelled not in payload


def test_any_other_tool_opens_it(text: str) -> None:
    """DSSE and in-toto, by hand."""
    told = json.loads(text)["receipt"]
    body = base64.b64decode(told["payload"])
    kind = told["payloadType"].encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)
    assert SIGNER.public.has_signed(signed, base64.b64decode(told["signatures"][0]["sig"]))
    statement = json.loads(body)
    assert (statement["_type"], statement["predicateType"]) == ("https://in-toto.io/Statement/v1", receipt.PREDICATE)
    level = [hashlib.sha256(b"\0" + bytes.fromhex(each)).digest() for each in json.loads(text)["leaves"]]
    left = hashlib.sha256(b"\1" + level[0] + level[1]).digest()
    root = hashlib.sha256(b"\1" + left + level[2]).hexdigest()
    assert statement["subject"] == [{"name": f"lakenym erasure {RUN}", "digest": {"sha256": root}}]


def test_who_has_the_key_tells_who_was_among_them(text: str, key: ErasureKey) -> None:
    found = receipt.opened(text, [SIGNER.public])
    who = found.commitment
    assert commitment.among(key, who, "customer", RUN, pa.array(["C-2", " C-1", "C-9"])) == (2, 3), "as it is spelled"
    assert commitment.among(key, who, "customer", "another run", pa.array(["C-2"])) == (0, 1)
    with pytest.raises(Refused, match="not enabled any more"):
        commitment.among(key, dataclasses.replace(who, key_id=1), "customer", RUN, pa.array(["C-2"]))
    with pytest.raises(BadUsage, match="1 are null"):
        commitment.of(key, "customer", RUN, pa.array(["C-2", None]))


def test_two_receipts_share_no_leaf_and_none_is_a_code_of_the_list(key: ErasureKey) -> None:
    one, other = (commitment.of(key, "customer", run, IDS) for run in (RUN, "another"))
    listed = {code.hex() for _, _, code in key.listed("customer", IDS)}
    assert len({*one.leaves, *other.leaves, *listed}) == 9
    assert one.same == other.same, "the very same subjects"
    assert commitment.of(key, "customer", RUN, pa.array(["C-1", "C-2"])).same != one.same


def test_an_erasure_is_closed_by_a_later_one_of_the_same_subjects(key: ErasureKey) -> None:
    """Without a key by as many of the same domain; after a rotation by what ``same`` was under the version before."""
    assert commitment.sames(key, "customer", IDS) == [commitment.of(key, "customer", RUN, IDS).same]

    def told(run: str, end: str, same: str | None = None, subjects: int = 3, **more: object) -> list[Leaf]:
        body = {"domain": "customer", "same": same or run}
        began = Leaf("erasure", "2026-11-28", "", "", "", run, "began", {**body, "subjects": subjects, **more})
        return [began, Leaf("erasure", "2026-11-28", "", "", "", run, end, body)]

    def left(*rows: list[Leaf]) -> list[str]:
        return [each.run_id for each in erasure_rows.standing([leaf for some in rows for leaf in some])]

    assert left(told("a", "waits"), told("b", "done")) == ["b"]
    assert left(told("a", "waits"), told("b", "waits")) == ["a", "b"]
    assert left(told("a", "waits"), told("b", "done", subjects=2)) == ["a", "b"], "these are others"
    assert left(told("a", "waits", "old"), told("b", "done", "new")) == ["a", "b"], "by the key these are others"
    assert left(told("a", "waits", "old"), told("b", "done", "new", sames=["new", "old"])) == ["b"]


def test_what_a_killed_erasure_took_out_is_told_by_one_receipt() -> None:
    """By the next of the very same subjects; nothing of others, nor of a table that was left alone."""

    def row(run: str, outcome: str, table: str = "", same: str = "s", **body: object) -> Leaf:
        return Leaf("erasure", "2026-11-28", "", "", table, run, outcome, {"domain": "customer", "same": same, **body})

    def erased(run: str, table: str, after: int, before: int = 3) -> Leaf:
        more = {"rows": "< 10", "elements": 0, "files": 1}
        return row(run, "erased", table, location="file:/t", before=before, version=after, **more)

    dead = [row("a", "began"), erased("a", "t", 4), erased("a", "u", 3)]
    others = [row("b", "began", same="other"), erased("b", "t", 5, 4)]
    ended = [row("c", "began"), erased("c", "t", 7, 6), row("c", "waits")]
    runs = killed.unfinished([*dead, *others, *ended], ["s"], "customer", 1)
    assert set(runs) == {"a"}
    (found,) = killed.untold([*dead, *others], runs)
    assert found == Earlier("a", "t", "file:/t", 3, 4, "< 10", 0, 1)
    assert killed.untold([*dead, *ended], runs) == [found], "no receipt told of it"
    goes_on = [*dead, row("d", "began"), erased("d", "v", 9, 8)]
    assert killed.untold(goes_on, runs) == [found], "the one that goes on was not killed"
    told = [*goes_on, row("d", "waits", also=killed.also([found]))]
    assert killed.untold(told, runs) == []
    assert killed.untold([*told, erased("a", "t", 9, 8)], runs) != [], "it was slow, and went on"


def test_another_key_finds_nobody(text: str, lake: Path) -> None:
    (lake / "keys" / "erasure.json").unlink()
    create_file(lake / "keys" / "erasure.json")
    other = erasure_key.of(config.load(lake / "conf"))
    assert other is not None
    found = receipt.opened(text, [SIGNER.public])
    who = dataclasses.replace(found.commitment, key_id=other.id)
    assert commitment.among(other, who, "customer", RUN, IDS) == (0, 3)


def test_a_key_that_serves_as_it_is_is_refused(lake: Path, key: ErasureKey) -> None:
    (lake / "keys" / "erasure.json").unlink()
    create_file(lake / "keys" / "erasure.json", "HmacKey")
    other = erasure_key.of(config.load(lake / "conf"))
    assert other is not None
    with pytest.raises(KeyProblem, match="expected a keyset of HkdfPrfKey"):
        commitment.of(other, "customer", RUN, IDS)


def _payload(change: Callable[[dict[str, Any]], object], key: SigningKey | None = None) -> Callable[[Any], object]:
    """A change of what is signed; with a key signed anew."""

    def changed(told: dict[str, Any]) -> None:
        envelope = told["receipt"]
        body = json.loads(base64.b64decode(envelope["payload"]))
        change(body["predicate"])
        text = json.dumps(body, ensure_ascii=False, sort_keys=True)
        envelope["payload"] = base64.b64encode(text.encode()).decode()
        if key is not None:
            told["receipt"] = envelopes.sign(text, key)

    return changed


def _leaves(told: dict[str, Any], *leaves: str) -> None:
    told["leaves"] = list(leaves)


TAMPERED: Mapping[str, Callable[[dict[str, Any]], object]] = {
    "fewer rows": _payload(lambda said: said["tables"][0].update(rows_deleted=1)),
    "another version": _payload(lambda said: said["tables"][0].update(after=9)),
    "a table less": _payload(lambda said: said["tables"].clear()),
    "nothing remains": _payload(lambda said: said.update(remains=[])),
    "a later day": _payload(lambda said: said["tables"][0]["remains"][0].update(until="2030-01-01")),
    "everywhere searched": _payload(lambda said: said.update(unsearched=[])),
    "nothing earlier": _payload(lambda said: said.pop("earlier")),
    "another domain": _payload(lambda said: said.update(domain="other")),
    "another moment": _payload(lambda said: said.update(moment="2020-01-01T00:00:00Z")),
    "another root": _payload(lambda said: said["subjects"].update(root="0" * 64)),
    "a leaf less": lambda told: told["leaves"].pop(),
    "a leaf more": lambda told: told["leaves"].append("f" * 32),
    "a leaf twice": lambda told: _leaves(told, told["leaves"][0], *told["leaves"]),
    "leaves in another order": lambda told: told["leaves"].reverse(),
    "another leaf": lambda told: _leaves(told, "0" * 32, *told["leaves"][1:]),
    "signed by another key": _payload(lambda said: said.update(forced=True), OTHER),
    "another key's name": lambda told: told["receipt"]["signatures"][0].update(keyid=str(OTHER.public)),
    "another kind of payload": lambda told: told["receipt"].update(payloadType="application/json"),
    "no signature": lambda told: told["receipt"].update(signatures=[]),
    "a signature more": lambda told: told["receipt"]["signatures"].append({"keyid": "x", "sig": ""}),
    "something beside": lambda told: told.update(note="checked"),
    "another statement of that key": lambda told: told.update(
        receipt=envelopes.sign(envelopes.statement({}, "urn:lakenym:run:v1", {}), SIGNER)
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_changed_is_refused(text: str, how: str) -> None:
    told = json.loads(text)
    TAMPERED[how](told)
    with pytest.raises(NotSigned):
        receipt.opened(json.dumps(told, indent=1, ensure_ascii=False) + "\n", [SIGNER.public])


def test_a_change_of_any_one_byte_is_refused(text: str) -> None:
    draw = random.Random(7)
    for _ in range(300):
        at = draw.randrange(len(text))
        other = draw.choice([each for each in 'aZ0+/=\n {}"\u00e4' if each != text[at]])
        for changed in (text[:at] + other + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + other + text[at:]):
            with pytest.raises(NotSigned):
                receipt.opened(changed, [SIGNER.public])
    with pytest.raises(NotSigned):
        receipt.opened(text, [])
    with pytest.raises(NotSigned):
        receipt.opened("[" * 100_000, [SIGNER.public])


def test_a_receipt_of_nobody_and_one_of_many_can_be_opened(key: ErasureKey) -> None:
    many = pa.array([str(number) for number in range(5000)])
    for ids, number in ((pa.array([], pa.string()), 0), (many, 5000)):
        outcome = dataclasses.replace(OUTCOME, subjects=number)
        text = receipt.written(outcome, commitment.of(key, "customer", RUN, ids), None, SIGNER)
        assert receipt.opened(text, [SIGNER.public]).outcome == outcome
