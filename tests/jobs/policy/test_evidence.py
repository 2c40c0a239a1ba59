"""What the inventory saw against what the catalog says, and reasons that give none. No Spark."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs import check
from jobs.configuration import config, evidence_file
from jobs.configuration.config import ConfigError
from jobs.configuration.evidence_file import Seen
from jobs.configuration.kinds import KINDS
from jobs.detection.kind import CLASS_OF
from jobs.drafting import report
from jobs.gates import configuration_gates, gate, run_gates
from jobs.gates.known import Configured
from jobs.policy import evidence_rules, whys
from jobs.starting import conf_files
from tests.helpers.lakes import write_conf

MAIL = {"kind": "email", "class": "direct_identifier", "by": "content", "seen": "2026-11-28",
        "reasons": ["98% of the values are e-mail addresses"], "evidence": {"match": {"email": 0.98}}}  # fmt: skip
FEMALE = {"kind": "gender", "class": "quasi_identifier", "by": "name", "seen": "2026-11-28"}
UNKNOWN = {"kind": "unknown", "class": "undecided", "by": "content", "seen": "2026-11-28"}


def rule(class_: str, treatment: Any, why: str = "asked for by the shop", **more: Any) -> dict[str, Any]:
    return {"class": class_, "treatment": treatment, "why": why, **more}


def told(lake: Path, columns: dict[str, Any], seen: dict[str, Any], *more: str) -> tuple[int, list[str]]:
    entry = {"table": "t", "owner": "me", "source": {"path": "/raw", "format": "delta"}, "target": {"path": "/t"}}
    conf = write_conf(lake, {**entry, "columns": columns})
    (conf / "evidence").mkdir()
    seen = {**dict.fromkeys(columns, UNKNOWN), **seen}
    (conf / "evidence" / "t.json").write_text(json.dumps({"table": "t", "columns": seen}))
    assert config.load(conf).tables["t"].evidence.keys() == seen.keys()
    found = check.run(config.load(conf))
    lines = [str(each) for each in found if each.place is not None and each.place.file.startswith("catalog")]
    return check.main(["--conf", str(conf), *more]), lines


def test_a_direct_identifier_that_is_kept_as_something_less_is_refused(lake: Path) -> None:
    code, (line,) = told(lake, {"email": rule("non_personal", "keep")}, {"email": MAIL})
    assert code == 1
    assert "refused: columns.email: class non_personal, keep, and the inventory of 2026-11-28 saw email" in line
    assert line.endswith(
        "(direct_identifier): 98% of the values are e-mail addresses: mend the class and the treatment, or say in "
        "'evidence_overruled' why the inventory is wrong"
    )


@pytest.mark.parametrize(
    ("column", "seen"),
    [
        (rule("quasi_identifier", "redact"), MAIL),
        (rule("sensitive", "redact"), FEMALE),
        (rule("sensitive", {"technique": "mask", "keep_end": 2}), FEMALE),
        (rule("non_personal", "keep"), FEMALE),
        (rule("non_personal", "drop"), FEMALE),
    ],
)
def test_other_disagreement_is_warned_of_and_strict_fails(lake: Path, column: Any, seen: Any) -> None:
    code, (line,) = told(lake, {"a": column}, {"a": seen}, "--strict")
    assert "warning: columns.a: class" in line
    assert code == 1


MASK_OF_NOTHING = {"technique": "mask", "preserve": "abcdefghijklmnopqrstuvwxyz.@0123456789"}


@pytest.mark.parametrize(
    "treatment", [MASK_OF_NOTHING, {"technique": "mask", "keep_end": 4}, {"technique": "truncate", "keep": 2}]
)
def test_one_that_is_treated_as_the_policy_treats_none_is_refused_too(lake: Path, treatment: Any) -> None:
    """Such a mask leaves every character of an address as it is. The policy is the one that `init` begins with."""
    told(lake, {"a": rule("quasi_identifier", treatment)}, {"a": MAIL})
    template = (conf_files.TEMPLATES / "policy.yaml").read_text().replace("VERSION", "2026-11")
    (lake / "conf" / "policy.yaml").write_text(template)
    (line,) = [each for each in lines_of(lake / "conf") if "evidence_overruled" in each]
    assert "refused: columns.a: class quasi_identifier, " in line


@pytest.mark.parametrize(
    ("column", "seen"),
    [
        (rule("direct_identifier", "redact"), MAIL),
        (rule("quasi_identifier", "keep"), FEMALE),
        (rule("non_personal", "keep"), UNKNOWN),
        (rule("non_personal", "keep", evidence_overruled="the mailboxes of our own shops"), MAIL),
    ],
)
def test_what_agrees_or_is_overruled_for_a_reason_passes(lake: Path, column: Any, seen: Any) -> None:
    assert told(lake, {"a": column}, {"a": seen, "gone": MAIL}, "--strict") == (0, [])


@pytest.mark.parametrize(
    ("overruled", "lacking"),
    [
        *((text, "says nothing") for text in ("ok", "not personal", "false alarm", "it is wrong", "mistake")),
        ("Asked for, by the shop!", "only repeats 'why'"),
    ],
)
def test_overruling_needs_a_reason_of_its_own(lake: Path, overruled: str, lacking: str) -> None:
    code, (line,) = told(lake, {"a": rule("non_personal", "keep", evidence_overruled=overruled)}, {"a": MAIL})
    assert code == 1
    assert f"'evidence_overruled' {lacking}: say what the values are instead" in line


SEEN: dict[str, dict[str, Any]] = {
    "email": MAIL,
    "ssn": {**MAIL, "kind": "national_id"},
    "note": {**MAIL, "kind": "free_text_person"},
    "sex": FEMALE,
    "zip": {**FEMALE, "kind": "postal_code"},
}


def test_one_sentence_that_overrules_the_inventory_of_many_columns_is_warned_of(lake: Path) -> None:
    """Else one command over the whole file would let all of it through."""
    text = "needed for the analysis"
    columns = {name: rule("non_personal", "keep", text, evidence_overruled=f"These are of shops, {at}!")
               for at, name in enumerate(SEEN)}  # fmt: skip
    code, (whys_line, line) = told(lake, columns, SEEN, "--strict")
    assert "5 of 5 columns, in which 5 kinds were seen, share one 'why', 'needed for the analysis'" in whys_line
    assert "warning: columns: 5 columns (email, ssn, note and 2 more) share one 'evidence_overruled', 'These" in line
    assert line.endswith("say of each what its values are instead of email, free_text_person, gender")
    assert code == 1


@pytest.mark.parametrize(
    ("kinds", "overruled", "lines"),
    [
        (["email"] * 4, ["the mailboxes of our shops"] * 4, 0),
        (["email"] * 5, ["the mailboxes of our shops"] * 5, 1),
        (["email", "ssn"], ["of our own shops"] * 2, 0),
        (["email", "ssn", "zip"], ["of our own shops"] * 3, 1),
        (["email", "ssn", "zip"], ["mailboxes of shops", "numbers of pumps", "codes of shelves"], 0),
    ],
)
def test_few_columns_or_others_words_may_overrule_it(
    lake: Path, kinds: list[str], overruled: list[str], lines: int
) -> None:
    columns = {f"c{at}": rule("non_personal", "keep", f"reason {'abcde'[at] * 3} of its own", evidence_overruled=text)
               for at, text in enumerate(overruled)}  # fmt: skip
    seen = {f"c{at}": SEEN[kind] for at, kind in enumerate(kinds)}
    assert len(told(lake, columns, seen)[1]) == lines


def test_each_case_of_a_column_is_held_against_it(lake: Path) -> None:
    cases = [{"rows": "eu", "treatment": "redact"}, {"rows": "not eu", "treatment": "keep"}]
    column = {"class": "non_personal", "why": "asked for by the shop", "when": cases}
    _, lines = told(lake, {"a": column, "eu": rule("non_personal", "keep")}, {"a": MAIL})
    assert [line.split(": ")[1:3] for line in lines] == [
        ["warning", "columns.`a{when 1}`"],
        ["refused", "columns.`a{when 2}`"],
    ]


@pytest.mark.parametrize(
    ("columns", "seen", "wanted"),
    [
        ({"p:$.user.email": "keep"}, "p", "refused: columns.`p:$.user.email`: p:$.user.email: less than"),
        ({"p:$.user.email": "keep", "p:$": "keep"}, "p", "refused: columns.`p:$`: p:$.user.email, p:$: less than"),
        ({"p:$.a": "drop", "p:$.b": "keep"}, "p", "refused: columns.`p:$.b`: p:$.a, p:$.b: less than"),
        ({"p:$.a": "drop"}, "p", "warning: columns.`p:$.a`: p:$.a: less than"),
        (
            {"who.contact.mail": "keep"},
            "who.contact",
            "refused: columns.`who.contact.mail`: who.contact.mail: less than",
        ),
        ({"tags[]": "keep"}, "tags", "refused: columns.`tags[]`: tags[]: less than"),
        ({"p": "keep"}, "p:$.user.email", "refused: columns.p: p: less than"),
        ({"ab": "keep"}, "a", ""),
        ({"who.mail": "keep"}, "who.mailbox", ""),
    ],
)
def test_a_place_is_held_against_what_was_seen_in_all_of_its_column(
    lake: Path, columns: dict[str, str], seen: str, wanted: str
) -> None:
    """The inventory looks at the text of a JSON column, whose places are decided one by one."""
    decided = {name: rule("non_personal", treatment, f"for the {name} report") for name, treatment in columns.items()}
    conf = house(lake, {"t": {"columns": {seen: MAIL, "z": UNKNOWN}}}, {"table": "t", "columns": decided})
    found = [line for line in lines_of(conf) if "no evidence" not in line]
    assert [wanted in line for line in found] == [True] * bool(wanted)
    assert bool(wanted) or lines_of(conf), "then there is no evidence of it"


def test_beside_a_place_that_is_what_was_seen_others_that_are_kept_are_warned_of_until_it_is_said(lake: Path) -> None:
    found, kept = rule("direct_identifier", "redact"), rule("non_personal", "keep")
    columns = {"p:$.mail": found, "p:$.n": kept, "p:$.m": rule("non_personal", "drop"), "p:$.k": kept}
    conf = house(lake, {"t": {"columns": {"p": MAIL}}}, {"table": "t", "columns": columns})
    (line,) = lines_of(conf)
    assert "warning: columns.`p:$.k`: p:$.n, p:$.k: less than what the inventory of 2026-11-28 saw in p, email" in line
    said = {"p:$.n": "how often they came", "p:$.k": "colours of shelves"}
    columns |= {name: {**kept, "evidence_overruled": text} for name, text in said.items()}
    entry = {**ENTRY, "table": "t", "columns": columns}
    (conf / "catalog" / "t.yaml").write_text(yaml.safe_dump(entry))
    assert lines_of(conf) == []
    assert [str(each) for each in evidence_rules.overruled(config.load(conf))] == [
        f"t: {name} (email, direct_identifier; here non_personal, keep)" for name in sorted(said)
    ]


@pytest.mark.parametrize(
    ("column", "refused"),
    [
        (rule("non_personal", "keep", kind="email"), True),
        (rule("non_personal", "drop", kind="email"), True),
        (rule("non_personal", "keep", kind="gender"), True),
        (rule("non_personal", "drop", kind="gender"), False),
        (rule("quasi_identifier", "keep", kind="email"), True),
        (rule("quasi_identifier", "redact", kind="email"), False),
        (rule("sensitive", "keep", kind="gender"), False),
        (rule("non_personal", "keep", kind="constant"), False),
        (rule("non_personal", "keep", kind="other"), False),
        (rule("direct_identifier", "redact", kind="constant"), False),
    ],
)
def test_an_entry_that_is_less_than_its_own_kind_is_refused(lake: Path, column: Any, refused: bool) -> None:
    """With evidence and without: the two words stand in one entry."""
    code, lines = told(lake, {"a": column}, {})
    assert (code, len(lines)) == ((1, 1) if refused else (0, 0))
    assert all(f"and its own kind {column['kind']} is" in line for line in lines)


def test_whoever_overrules_the_inventory_may_leave_its_kind(lake: Path) -> None:
    """As `accept` did before it wrote ``kind: other``."""
    column = rule("non_personal", "keep", kind="email", evidence_overruled="the addresses of our own shops")
    assert told(lake, {"a": column}, {"a": MAIL}) == (0, [])
    file = lake / "conf" / "evidence" / "t.json"
    file.write_text(file.read_text().replace('"email"', '"phone"'))
    assert check.main(["--conf", str(lake / "conf")]) == 1, "it says nothing of this kind"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"table": "u", "columns": {}}', '{"table": "t", "columns": {"a": {"kind": "secret@x.org"}}}'],
)
def test_a_broken_file_is_a_fault_and_shows_nothing_of_it(lake: Path, text: str) -> None:
    conf = house(lake, {"t": text}, {"table": "t", "columns": KEPT})
    with pytest.raises(ConfigError, match=r"evidence/t.json: .*restore it, or let jobs/inventory.py") as error:
        config.load(conf)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("column", "told_"),
    [
        (
            {**SEEN["ssn"], "class": "non_personal"},
            "calls national_id non_personal, and that kind is direct_identifier",
        ),
        (
            {**SEEN["note"], "class": "undecided"},
            "calls free_text_person undecided, and that kind is direct_identifier",
        ),
        ({**MAIL, "class": "sensitive"}, "calls email sensitive, and that kind is direct_identifier"),
        ({**MAIL, "kind": "emails", "class": "non_personal"}, "is no kind that the inventory finds"),
        ({**UNKNOWN, "kind": "other"}, "is no kind that the inventory finds"),
        ({**FEMALE, "class": "non_personal"}, "calls gender non_personal, and that kind is quasi_identifier"),
    ],
)
def test_evidence_that_calls_a_kind_less_than_it_is_was_edited(lake: Path, column: Any, told_: str) -> None:
    conf = house(lake, {"t": {"columns": {"name": MAIL, "a.b": column}}}, {"table": "t", "columns": KEPT})
    with pytest.raises(ConfigError) as error:
        config.load(conf)
    place = "kind" if "no kind" in told_ else "class"
    assert f"evidence/t.json: columns.`a.b`.{place}: {told_}: is no evidence of the inventory: restore" in str(
        error.value
    )
    assert check.main(["--conf", str(conf)]) == 2


def test_edited_evidence_of_a_table_that_was_renamed_counts_as_of_its_kind(lake: Path) -> None:
    edited = {"source": "/raw", "columns": {"email": {**MAIL, "class": "non_personal"}}}
    (seen,) = config.load(house(lake, {"old": edited}, {"table": "t", "columns": KEPT})).tables["t"].evidence.values()
    assert (seen.kind, seen.class_) == ("email", "direct_identifier")


def test_no_kind_that_the_inventory_finds_is_called_less_than_it_is() -> None:
    assert {name: KINDS[name].class_ or "undecided" for name in CLASS_OF} == CLASS_OF


ENTRY = {"owner": "me", "source": {"path": "/raw", "format": "delta"}, "target": {"path": "/t"}}


def house(lake: Path, files: dict[str, Any], *entries: dict[str, Any]) -> Path:
    conf = write_conf(lake, *({**ENTRY, **entry, "target": {"path": f"/{entry['table']}"}} for entry in entries))
    (conf / "evidence").mkdir()
    for name, data in files.items():
        text = data if isinstance(data, str) else json.dumps({"table": name, **data})
        (conf / "evidence" / f"{name}.json").write_text(text)
    return conf


KEPT = {"email": rule("non_personal", "keep"), "name": rule("direct_identifier", "redact")}


def lines_of(conf: Path) -> list[str]:
    """What a check says of evidence."""
    return [line for line in map(str, check.run(config.load(conf))) if "evidence" in line]


def test_a_renamed_entry_is_held_against_what_was_seen_in_its_source(lake: Path) -> None:
    seen = {"columns": {"email": MAIL}, "source": "/raw/"}
    conf = house(lake, {"t": seen}, {"table": "t_copy", "columns": KEPT})
    (line,) = lines_of(conf)
    assert "refused: columns.email: class non_personal, keep" in line
    (conf / "evidence" / "t_copy.json").write_text(json.dumps({"table": "t_copy", "columns": {"email": UNKNOWN}}))
    assert lines_of(conf) == [line], "nor is it less for another name's saying less"


def test_what_was_never_looked_at_is_one_line_a_table_where_the_inventory_is_used(lake: Path) -> None:
    more = {f"c{at}": rule("non_personal", "keep") for at in range(5)}
    entry = {"table": "t", "columns": {**KEPT, **more, "eu": rule("non_personal", "drop")}}
    conf = house(lake, {"u": {"columns": {"email": MAIL}}}, entry)
    kept, orphan = lines_of(conf)
    assert (
        ": warning: columns: there is no evidence of 6 columns that leave values (email, c0, c1 and 3 more), so" in kept
    )
    assert orphan.startswith("evidence/u.json: warning: is evidence of no table of the catalog: if its table has")
    (conf / "evidence" / "u.json").unlink()
    assert lines_of(conf) == [kept]
    (conf / "evidence").rmdir()
    assert lines_of(conf) == [], "written by hand, and never looked at"


@pytest.mark.parametrize("sign", ["policy", "entry"])
def test_evidence_that_is_gone_is_missed_where_the_inventory_was_asked(lake: Path, sign: str) -> None:
    """By whoever checks, plans or runs: the gates of a run are the same."""
    entry = {"table": "t", "columns": {"a": rule("quasi_identifier", {"technique": "truncate", "keep": 3}),
                                       "b": rule("direct_identifier", "drop")}}  # fmt: skip
    conf = house(lake, {}, entry)
    (conf / "evidence").rmdir()
    assert lines_of(conf) == []
    with (conf / ("policy.yaml" if sign == "policy" else "catalog/t.yaml")).open("a") as file:
        file.write("\nevidence: true\n" if sign == "policy" else '\n  # evidence: {"type": "string"}\n')
    (line,) = lines_of(conf)
    assert "catalog/t.yaml:7: warning: columns: there is no evidence of one column that leaves values (a), so" in line
    assert check.main(["--conf", str(conf), "--strict"]) == 1
    loaded = config.load(conf)
    gated = gate.findings(configuration_gates.GATES, Configured(loaded, "t", datetime.date(2026, 11, 29)))
    assert [str(each) for each in gated] == [line]
    assert configuration_gates.GATES[0] in run_gates.GATES


def test_a_broken_file_of_no_table_is_a_warning(lake: Path) -> None:
    conf = house(lake, {"gone": "{", "t": {"columns": {"email": UNKNOWN}}}, {"table": "t", "columns": KEPT})
    (line,) = lines_of(conf)
    assert line.startswith("evidence/gone.json: warning: is no evidence of the inventory: restore it")


def test_how_many_columns_overrule_the_inventory_is_always_told(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = {"email": rule("non_personal", "keep", evidence_overruled="the mailboxes of our own shops")}
    assert told(lake, {**one, "sex": rule("quasi_identifier", "keep", evidence_overruled="of pumps")},
                {"email": MAIL, "sex": FEMALE}, "--strict") == (0, [])  # fmt: skip
    out = capsys.readouterr().out
    assert "overruled: t: email (email, direct_identifier; here non_personal, keep)\n1 table: 0 refused" in out
    assert "0 refused, 0 warnings; the inventory is overruled of 1 column\n" in out
    assert check.main(["--conf", str(lake / "conf"), "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["overruled"]
    assert (one["table"], one["column"], one["kind"], one["class"]) == ("t", "email", "email", "non_personal")


def test_a_smaller_sample_takes_no_evidence_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def scanned(data: dict[str, Any], values: int) -> Seen:
        seen = Seen.model_validate({**data, "evidence": {"values": values}}, by_alias=True)
        made = report.Drafted("t", "t.yaml", (), "", {"a": seen}, "${LAKE}/raw/t")
        report.write_evidence(made, tmp_path / "catalog")
        return evidence_file.of_table(tmp_path, "t")["a"]

    assert scanned(UNKNOWN, 50).kind == "unknown"
    assert scanned(FEMALE, 0).kind == "gender", "what a name says is more than nothing"
    assert scanned(MAIL, 1000).kind == "email"
    assert capsys.readouterr().err == ""
    for less in (UNKNOWN, FEMALE):
        assert scanned(less, 5000).kind == "email"
        assert f"t: a: {less['kind']} ({less['class']}) is seen now; email (direct_identifier) is kept as evidence" in (
            capsys.readouterr().err
        )
    assert scanned(MAIL, 500).evidence == {"values": 500}, "the same again is fresher"
    assert json.loads((tmp_path / "evidence" / "t.json").read_text())["source"] == "${LAKE}/raw/t"


def test_evidence_of_another_source_is_no_evidence_of_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry was removed, and another file was drafted under its name."""

    def scanned(source: str | None, **columns: dict[str, Any]) -> dict[str, str]:
        seen = {name: Seen.model_validate(data, by_alias=True) for name, data in columns.items()}
        report.write_evidence(report.Drafted("t", "t.yaml", (), "", seen, source), tmp_path / "catalog")
        return {name: each.kind for name, each in evidence_file.of_table(tmp_path, "t").items()}

    monkeypatch.setenv("LAKE", "/lake")
    assert scanned("${LAKE}/t", a=MAIL, old=MAIL) == {"a": "email", "old": "email"}
    for same in ("/lake/t", "file:///lake/t/", None, "${LAKE}/t"):
        assert scanned(same, a=UNKNOWN) == {"a": "email", "old": "email"}, same
    assert scanned("/lake/other", a=UNKNOWN) == {"a": "unknown"}


def test_what_is_written_is_read_again() -> None:
    seen = {name: Seen.model_validate(each, by_alias=True) for name, each in (("a", MAIL), ("`b c`", UNKNOWN))}
    data = json.loads(evidence_file.as_text("t", seen))
    assert {name: Seen.model_validate(each, by_alias=True) for name, each in data["columns"].items()} == seen


_FILLERS = (
    "whatever; lgtm; valid; xyz; aaa bbb; no idea; it is ok; as proposed; by the tool; default value; for now; idk; "
    "dunno; tbc; pending; see ticket; business need; non personal; keep it; hjkl; because it is needed; alles gut; "
    "passt so; keine Angabe; はい"
)


@pytest.mark.parametrize(
    "why",
    [
        "ok",
        "OK!",
        "x",
        ".",
        "-",
        "todo",
        "TODO: TBD",
        "asdf",
        "n/a",
        "aaaa",
        "12",
        "reviewed",
        "ok ok",
        "…",
        "🙂",
        "no",
        *_FILLERS.split("; "),
    ],
)
def test_fillers_say_nothing(why: str) -> None:
    assert whys.says_nothing(why)


@pytest.mark.parametrize(
    "why", ["age analysis", "join key", "maps", "regions", "主键", "ключ", "not needed", "id of the shop"]
)
def test_short_reasons_are_reasons(why: str) -> None:
    assert not whys.says_nothing(why)


def test_fillers_are_one_line_a_file_and_strict_fails(lake: Path) -> None:
    columns = {f"c{at}": rule("non_personal", "keep", why) for at, why in enumerate(("ok", "x", "keep", "c3", "todo"))}
    code, (line,) = told(lake, columns, {}, "--strict")
    assert "warning: columns: the 'why' of 5 columns says nothing (c0, c1, c2 and 2 more): say what" in line
    assert code == 1


def test_a_columns_name_and_its_class_are_no_reason(lake: Path) -> None:
    columns = {"e_mail": rule("direct_identifier", "redact", "the e-mail column"),
               "shop_id": rule("non_personal", "keep", "keep the shop id as it is"),
               "nr": rule("non_personal", "keep", "the nr of the shop")}  # fmt: skip
    _, (line,) = told(lake, columns, {})
    assert "the 'why' of 2 columns says nothing (e_mail, shop_id)" in line


def test_one_reason_for_columns_that_are_all_kept_is_warned_of_however_they_are_numbered(lake: Path) -> None:
    columns = {f"c{at}": rule("quasi_identifier", "keep", f"needed for the quarterly report {at}") for at in range(5)}
    _, (line,) = told(lake, columns, dict.fromkeys(columns, FEMALE))
    assert "5 of 5 columns, all kept as they are, share one 'why', 'needed for the quarterly report 0'" in line


def test_one_reason_for_unlike_columns_is_warned_of(lake: Path) -> None:
    text = "needed by our analysts"
    columns = {f"c{at}": rule("non_personal", "keep", text) for at in range(4)}
    _, lines = told(lake, {**columns, "d": rule("direct_identifier", "redact", text)}, {})
    assert ["5 of 5 columns, treated in 2 ways, share one 'why'" in line for line in lines] == [True]


def test_and_for_like_ones_it_is_not(lake: Path) -> None:
    columns = {f"c{at}": rule("direct_identifier", "drop", "not needed") for at in range(9)}
    assert told(lake, columns, {}) == (0, [])


def test_three_hundred_blank_reasons_are_one_line(lake: Path) -> None:
    columns = {f"c{at:03}": rule("non_personal", "keep", "") for at in range(285)}
    columns["e"] = {"class": "undecided", "treatment": "undecided", "why": "a reason"}
    with pytest.raises(ConfigError) as error:
        told(lake, columns, {})
    lines = str(error.value).splitlines()
    assert len(lines) == 4
    assert "columns: the 'why' of 285 columns is blank (c000, c001, c002 and 282 more): say of each why" in lines[1]


def test_the_demo_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = Path(check.__file__).parents[1] / "conf" / "catalog"
    for path in catalog.glob("*.yaml"):
        for name, column in yaml.safe_load(path.read_text())["columns"].items():
            assert not whys.says_nothing(column["why"]), (path, name)


@pytest.mark.parametrize(
    ("class_", "treatment", "parameter"),
    [
        ("sensitive", {"technique": "mask", "keep_start": 10}, "keep_start"),
        ("sensitive", MASK_OF_NOTHING, "preserve"),
        ("quasi_identifier", MASK_OF_NOTHING, "preserve"),
        ("quasi_identifier", {"technique": "generalize_date", "unit": "second"}, "unit"),
    ],
)
def test_the_policy_that_a_house_begins_with_bounds_what_stays(
    lake: Path, class_: str, treatment: Any, parameter: str
) -> None:
    conf = house(lake, {}, {"table": "t", "columns": {"a": rule(class_, treatment)}})
    (conf / "policy.yaml").write_text((conf_files.TEMPLATES / "policy.yaml").read_text().replace("VERSION", "2026-11"))
    assert [f"that {parameter} be one of" in str(each) or f"that {parameter} be at most" in str(each)
            for each in check.run(config.load(conf)) if each.level == "refuse"] == [True]  # fmt: skip


def test_what_may_be_keys_of_another_table_is_a_question_until_it_is_decided(lake: Path) -> None:
    """Counting-up keys hold any small number; whether these are the same is for a person, and `check` asks."""
    other = {"table": "u", "owner": "me", "source": {"path": "/u", "format": "delta"}, "target": {"path": "/v"},
             "columns": {"id": rule("direct_identifier", {"domain": "customer"})}}  # fmt: skip
    seen = {**UNKNOWN, "may_be_keys_of": [["u", "id"], ["gone", "id"], ["u", "gone"]]}

    def lines(column: Any) -> list[str]:
        told(lake, {"nr": column}, {"nr": seen})
        (lake / "conf" / "catalog" / "u.yaml").write_text(yaml.safe_dump(other))
        found = [line for line in lines_of(lake / "conf") if line.startswith("catalog/t.yaml")]
        for path in (lake / "conf").rglob("*.json"):
            path.unlink()
        (lake / "conf" / "evidence").rmdir()
        return found

    own = {"technique": "keyed_hash", "key": "crm"}
    for column in (rule("non_personal", "keep"), rule("direct_identifier", own)):
        (line,) = lines(column)
        told_ = "its values may be the keys u.id, which count up, and treated like this the two do not join"
        assert f"warning: columns.nr: a question of the inventory of 2026-11-28: {told_}: give both one domain" in line
    assert lines(rule("direct_identifier", {"domain": "customer"})) == []
    assert lines(rule("non_personal", "drop")) == []
    assert lines(rule("non_personal", "keep", evidence_overruled="numbers of shelves")) == []
    for empty in ("ok", "Asked for, by the shop"):
        assert len(lines(rule("non_personal", "keep", evidence_overruled=empty))) == 1, "it says nothing of the values"
