"""`jobs.accept`: a draft column by column, each answer saved, nothing accepted that a run would refuse."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs import accept, check
from jobs.configuration import config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.starting import additions, typed_treatment, walk
from jobs.starting.acceptance import NO_REASON, Draft
from tests.helpers.lakes import table, write_conf

DRAFT = """\
# A draft by the inventory. No job treats its table before it is accepted: jobs/accept.py asks column by column.
# Or read each proposal with its evidence (shares of a sample; no value is shown), mend what is wrong, say why, decide
# what is 'undecided' (of it nothing is known, or not enough), and then take the line 'draft: true' out.
table: d
draft: true
owner: ""  # who answers for these decisions
source: {path: "/lake/raw/d", format: parquet}
target: {path: ""}  # where the treated table goes
columns:
  # email: 97% of the values are e-mail addresses
  # evidence: {"type": "string", "values": 200, "null": 0.031, "distinct": 0.98, "match": {"email": 0.97}}
  mail:
    class: direct_identifier
    treatment: {domain: customer}
    kind: email
    why: ""
  # person_key: the column's name says so; the values do not contradict it
  # evidence: {"type": "bigint", "values": 200, "null": 0.0, "distinct": 0.98, "match": {}}
  id:
    class: direct_identifier
    treatment: {domain: customer}
    kind: person_key
    why: ""
  # unknown: nothing was recognized, which does not make it harmless
  # evidence: {"type": "int", "values": 200, "null": 0.0, "distinct": 0.004, "match": {}}
  age:
    class: undecided
    treatment: undecided
    why: ""
  # constant: one and the same value in all rows
  # evidence: {"type": "string", "values": 200, "null": 0.0, "distinct": 0.005, "match": {}}
  unit: {class: non_personal, treatment: keep, kind: constant, why: ""}
"""


@pytest.fixture
def conf(lake: Path) -> Path:
    made = write_conf(lake, table("t", lake, {"a": {"domain": "customer"}}))
    (made / "catalog" / "d.yaml").write_text(DRAFT)
    return made


def text(conf: Path) -> str:
    return (conf / "catalog" / "d.yaml").read_text()


def at_once(conf: Path, *words: str) -> int:
    return accept.main(["--conf", str(conf), "--table", "d", *words])


def test_column_by_column_until_it_is_no_draft(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert at_once(conf, "--owner", "me", "--target", "/lake/treated/d") == 0
    assert at_once(conf, "--column", "mail", "--why", "contact is by pseudonym") == 0
    assert at_once(conf, "--column", "id", "--why", "join key: orders, say") == 0
    capsys.readouterr()
    assert at_once(conf, "--column", "age", "--class", "quasi_identifier", "--treatment", "generalize_number width=5",
                   "--why", "bands of five years do") == 0  # fmt: skip
    assert capsys.readouterr().out == "age: accepted\nd: left: 1 column (unit)\n"
    assert list(config.load(conf).tables) == ["t"]
    assert at_once(conf, "--column", "unit", "--why", "says nothing of anybody") == 0
    entry = config.load(conf).tables["d"]
    assert {path: (rule.class_, rule.why) for path, rule in entry.columns.items()} == {
        "mail": ("direct_identifier", "contact is by pseudonym"),
        "id": ("direct_identifier", "join key: orders, say"),
        "age": ("quasi_identifier", "bands of five years do"),
        "unit": ("non_personal", "says nothing of anybody"),
    }
    assert entry.columns["age"].treatment.technique.record()["width"] == 5
    assert text(conf).startswith("table: d\nowner: me  # who answers for these decisions\nsource: ")
    assert text(conf).count("# evidence: ") == 4, "what the inventory saw stays, for --compare"
    assert at_once(conf, "--list") == 2, "it is no draft any more"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--column", "mail"], 2, "--why: say why"),
        (["--column", "mail", "--why", "  "], 2, "--why: say why"),
        (["--column", "age", "--why", "x y z"], 1, "age: what class it is of"),
        (["--column", "mial", "--why", "x"], 2, "has no column mial; did you mean 'mail'?"),
        (["--column", "mail", "--why", "x", "--treatment", "domain custmer"], 1, "did you mean 'customer'?"),
        (["--column", "mail", "--why", "x", "--treatment", "truncat keep=2"], 1, "did you mean 'truncate'?"),
        (["--column", "mail", "--why", "x", "--treatment", "truncate keep=2 keep=3"], 2, "given twice"),
        (["--column", "id", "--why", "x", "--treatment", "mask keep_end=1"], 1, "the column is of type bigint"),
        (
            ["--column", "id", "--why", "x", "--treatment", "generalize_date unit=year"],
            1,
            "not take bigint; it takes date,",
        ),
        (["--column", "id", "--why", "x", "--treatment", "mask"], 1, "takes text: choose another technique, or have"),
        (["--column", "mail", "--why", "x", "--treatment", "date_shift max_days=9"], 1, "name a 'subject'"),
        (["--class", "sensitive"], 2, "--class and --treatment go with --column"),
        (["--why", "x"], 2, "--why goes with"),
        ([], 2, "no terminal to ask at"),
        (["--list", "--owner", "me"], 2, "--list shows the columns and changes nothing: leave out --owner"),
        (["--target", "/lake/raw/d/x"], 1, "is the table's own source"),
        (["--target", "/lake/*"], 1, "expected one place"),
    ],
)
def test_what_is_refused_leaves_the_draft_as_it_is(
    conf: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    assert at_once(conf, *words) == code
    assert told in capsys.readouterr().err
    assert text(conf) == DRAFT


def test_in_bulk_only_what_is_hidden_and_known_by_its_values(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert at_once(conf, "--all-with-evidence", "direct_identifier", "--why", "nobody needs them") == 0
    assert capsys.readouterr().out == "mail: accepted\nd: left: --owner, --target, 3 columns (id, age, unit)\n"
    kept = DRAFT.replace("class: non_personal, treatment: keep, kind: constant", "class: sensitive, treatment: keep")
    (conf / "catalog" / "d.yaml").write_text(kept.replace("constant: one", "ip: 90% of the values: one"))
    assert at_once(conf, "--all-with-evidence", "sensitive", "--why", "nobody needs them") == 0
    assert "accepted\n" not in capsys.readouterr().out, "what is kept wants a look of its own"
    with pytest.raises(SystemExit):
        at_once(conf, "--all-with-evidence", "non_personal", "--why", "x")
    with pytest.raises(BadUsage):
        accept.run_evident(Draft(conf, "d"), "non_personal", "x")


def test_each_is_told_as_it_is_saved_though_the_next_is_refused(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = "  # email: 40% of the values are e-mail addresses\n"
    entry = "  other: {class: direct_identifier, treatment: {domain: nosuch}, kind: email, why: ''}\n"
    second = DRAFT.replace("  # constant", f"{note}{entry}  # constant")
    (conf / "catalog" / "d.yaml").write_text(second)
    assert at_once(conf, "--all-with-evidence", "direct_identifier", "--why", "ok") == 1
    said = capsys.readouterr()
    assert said.out == f"mail: warning: {NO_REASON}\nmail: accepted\n"
    assert "other.treatment.domain" in said.err


@pytest.mark.parametrize("why", ["ok", "mail", "redact"])
def test_a_reason_that_says_nothing_is_warned_of(conf: Path, why: str) -> None:
    assert Draft(conf, "d").accept("mail", "direct_identifier", "redact", why) == [NO_REASON]
    assert Draft(conf, "d").accept("mail", "direct_identifier", "redact", "nobody needs it") == []


def test_a_subject_is_one_of_the_columns_and_an_owner_no_variable(
    conf: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_once(conf, "--subject", "mial") == 1
    assert "subject: catalog/d.yaml has no column mial; did you mean 'mail'?" in capsys.readouterr().err
    assert text(conf) == DRAFT
    monkeypatch.setenv("OWNER", "somebody else")
    assert at_once(conf, "--subject", "id", "--owner", "${OWNER}") == 0
    assert 'owner: "$${OWNER}"' in text(conf)


def test_a_file_that_somebody_changed_meanwhile_is_left(conf: Path) -> None:
    draft = Draft(conf, "d")
    (conf / "catalog" / "d.yaml").write_text(DRAFT + "# mine\n")
    with pytest.raises(Refused, match="changed meanwhile"):
        draft.accept("mail", "direct_identifier", "redact", "not needed")
    assert text(conf) == DRAFT + "# mine\n"


def test_a_table_that_is_not_sound_as_a_whole_stays_a_draft(conf: Path, lake: Path) -> None:
    (conf / "catalog" / "d.yaml").write_text(DRAFT.replace("columns:", "retention: 3 wolves\ncolumns:"))
    draft = Draft(conf, "d")
    draft.state("owner", "me")
    draft.state("target", str(lake / "treated" / "d"))
    for path in ("mail", "id", "age", "unit"):
        draft.accept(path, "direct_identifier", "redact", f"{path} is not needed")
    with pytest.raises(config.ConfigError, match="retention"):
        draft.finish()
    assert "draft: true\n" in text(conf)
    (conf / "catalog" / "d.yaml").write_text(text(conf).replace("retention: 3 wolves\n", ""))
    Draft(conf, "d").finish()
    assert "draft" not in text(conf)


def answers(*given: str) -> Callable[[str], str]:
    left: Iterator[str] = iter(given)

    def ask(question: str) -> str:
        for answer in left:
            return answer
        raise EOFError

    return ask


def test_at_a_terminal_it_asks_and_goes_on_where_it_stopped(conf: Path) -> None:
    said: list[str] = []
    first = answers("me", "/lake/treated/d", "?", "a", "", "a", "not needed", "s", "q")
    assert not walk.through(Draft(conf, "d"), first, said.append)
    told = "\n".join(said)
    assert "d: 0 of 4 columns accepted" in told
    shown = "[1/4] mail\n    email: 97% of the values are e-mail addresses\n    direct_identifier -> domain customer"
    assert shown in told
    assert "not taken: mail: say why" in told
    assert config.load(conf).drafts[0].accepted == 1

    said.clear()
    then = answers("a", "join key", "t", "nonsense", "t", "generalize_number width=10", "c", "5", "a", "2",
                   "bands", "a", "a constant")  # fmt: skip
    assert walk.through(Draft(conf, "d"), then, said.append)
    assert "not taken: no technique is called 'nonsense'" in "\n".join(said)
    assert "not taken: expected one of: 1 direct_identifier, 2 quasi_identifier" in "\n".join(said)
    entry = Draft(conf, "d").finish().tables["d"]
    assert (entry.columns["age"].class_, entry.columns["age"].why) == ("quasi_identifier", "bands")


def test_with_json_it_decides_too_and_says_what_stands_then(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``lakenym accept ... | cat`` asks for JSON by itself: without a decision it is a list."""
    before = text(conf)
    assert at_once(conf, "--json") == 0
    assert text(conf) == before
    assert [each["accepted"] for each in json.loads(capsys.readouterr().out)["columns"]] == [False] * 4
    assert at_once(conf, "--column", "mail", "--why", "join key", "--owner", "me", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["accepted"] for each in told["columns"]] == [True, False, False, False]
    assert told["told"] == ["mail: accepted", "d: left: --target, 3 columns (id, age, unit)"]
    assert at_once(conf, "--all-with-evidence", "direct_identifier", "--why", "x", "--target", "/t", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    (draft,) = config.load(conf).drafts
    assert draft.accepted == sum(each["accepted"] for each in told["columns"])


@pytest.mark.parametrize("given", [("a", "q"), ("c", "q"), ("t", "quit"), ("Q",)])
def test_to_stop_is_no_answer(conf: Path, given: tuple[str, ...]) -> None:
    assert not walk.through(Draft(conf, "d"), answers("me", "/lake/treated/d", *given, "a", "x"), lambda _: None)
    assert config.load(conf).drafts[0].accepted == 0


def test_an_end_of_input_or_an_interrupt_loses_nothing(conf: Path) -> None:
    assert not walk.through(Draft(conf, "d"), answers("me", "/lake/treated/d", "a", "not needed"), lambda _: None)
    assert config.load(conf).drafts[0].accepted == 1


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("keep", "keep"),
        (" redact ", "redact"),
        ("domain customer", {"domain": "customer"}),
        ("customer", {"domain": "customer"}),
        ("truncate_ip", {"technique": "truncate_ip"}),
        ("truncate keep=2", {"technique": "truncate", "keep": 2}),
        ("generalize_number edges=[0,18,65] label=range",
         {"technique": "generalize_number", "edges": [0, 18, 65], "label": "range"}),
        ("{technique: mask, keep_end: 4}", {"technique": "mask", "keep_end": 4}),
    ],
)  # fmt: skip
def test_a_treatment_as_it_is_typed(typed: str, meant: object) -> None:
    assert typed_treatment.read(typed, {"customer"}) == meant
    assert typed_treatment.read(typed_treatment.shown(meant), {"customer"}) == meant


@pytest.mark.parametrize("typed", ["", "truncate keep", "{", "{a: &x 1}", "x y=1, z: 2}\nowner: me", "domain a b"])
def test_what_is_no_treatment(typed: str) -> None:
    with pytest.raises(BadUsage, match="not a treatment"):
        typed_treatment.read(typed)


# -- against what the inventory saw


SAW = {"kind": "email", "class": "direct_identifier", "by": "content", "seen": "2026-11-28",
       "reasons": ["97% of the values are e-mail addresses"]}  # fmt: skip
GENDER = {"kind": "gender", "class": "quasi_identifier", "by": "name", "seen": "2026-11-28"}


def saw(conf: Path, table: str, columns: dict[str, object]) -> None:
    (conf / "evidence").mkdir(exist_ok=True)
    (conf / "evidence" / f"{table}.json").write_text(json.dumps({"table": table, "columns": columns}))


def test_who_decides_against_the_evidence_says_why_it_is_wrong(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saw(conf, "d", {"mail": SAW, "age": GENDER})
    kept = ["--column", "mail", "--class", "non_personal", "--treatment", "keep", "--why", "which shop answered"]
    assert at_once(conf, *kept) == 1
    assert "say in 'evidence_overruled' why the inventory is wrong" in capsys.readouterr().err
    assert at_once(conf, *kept, "--evidence-overruled", "Which shop answered!") == 1
    assert "'evidence_overruled' only repeats 'why'" in capsys.readouterr().err
    assert text(conf) == DRAFT
    assert at_once(conf, *kept, "--evidence-overruled", "the addresses of our own shops") == 0
    assert 'evidence_overruled: "the addresses of our own shops"' in text(conf)
    redacted = ["--class", "non_personal", "--treatment", "redact", "--why", "nobody needs it"]
    assert at_once(conf, "--column", "age", *redacted) == 0
    assert "warning: class non_personal, redact, and the inventory" in capsys.readouterr().out
    constant = ["--column", "unit", "--why", "one for all", "--evidence-overruled", "a number of shelves"]
    assert at_once(conf, *constant) == 1
    assert "nothing is to be overruled" in capsys.readouterr().err
    for nothing in ((), ("--evidence-overruled", "wrong")):
        assert at_once(conf, "--column", "id", *redacted, *nothing) == 1
        assert "id: class non_personal is less than its kind, person_key: mend" in capsys.readouterr().err
    assert at_once(conf, "--column", "id", *redacted, "--evidence-overruled", "a number of shelves") == 0
    assert [line for line in text(conf).splitlines() if "kind:" in line][:2] == ["    kind: other"] * 2, (
        "of mail and id"
    )
    assert at_once(conf, "--evidence-overruled", "x") == 2


def test_at_a_terminal_it_asks_why_the_evidence_is_wrong(conf: Path) -> None:
    saw(conf, "d", {"mail": SAW})
    said: list[str] = []
    given = answers("me", "/lake/treated/d", "c", "4", "t", "keep", "a", "which shop answered", "",
                    "a", "which shop answered", "the addresses of our own shops", "q")  # fmt: skip
    walk.through(Draft(conf, "d"), given, said.append)
    told = "\n".join(said)
    assert "the inventory of 2026-11-28 saw email (direct_identifier): 97% of the values are e-mail addresses" in told
    assert "not taken: " in told, "an empty answer is none"
    assert 'evidence_overruled: "the addresses of our own shops"' in text(conf)


# -- new columns of a table that has an entry


MORE = """\
# Columns of t that catalog/t.yaml does not decide yet. Read each proposal with its evidence, mend what is
# wrong, decide what is 'undecided', say why, and move the lines under 'columns:' there. No job reads this file itself.
  # ip: 97% of the values are IP addresses
  # evidence: {"type": "string", "values": 200, "null": 0.0, "distinct": 0.98, "match": {"ip": 0.97}}
  came_from:
    class: quasi_identifier
    treatment: {technique: truncate_ip}
    kind: ip
    why: ""
  # unknown: nothing was recognized, which does not make it harmless
  # evidence: {"type": "int", "values": 200, "null": 0.0, "distinct": 0.004, "match": {}}
  "`odd one`":
    class: undecided
    treatment: undecided
    why: ""
"""
ENTRY = """\
# our customers
table: t
owner: me  # who answers
source: {path: "/lake/raw/t", format: parquet}
columns:
    # as it came
    a: {class: direct_identifier, treatment: {domain: customer}, why: join key}  # the last one

target: {path: "/lake/treated/t"}
"""


@pytest.fixture
def grown(lake: Path) -> Path:
    made = write_conf(lake, table("t", lake, {"a": {"domain": "customer"}}))
    (made / "catalog" / "t.yaml").write_text(ENTRY)
    (made / "catalog" / "t.yaml.draft").write_text(MORE)
    saw(
        made,
        "t",
        {
            "a": {**GENDER, "kind": "unknown", "class": "undecided"},
            "came_from": {**SAW, "kind": "ip", "class": "quasi_identifier"},
        },
    )
    return made


def of_t(conf: Path, *words: str) -> int:
    return accept.main(["--conf", str(conf), "--table", "t", *words])


def test_new_columns_are_accepted_and_go_into_the_entry_with_the_last_one(
    grown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry, more = grown / "catalog" / "t.yaml", grown / "catalog" / "t.yaml.draft"
    assert check.main(["--conf", str(grown)]) == 0
    told = capsys.readouterr().out
    assert "catalog/t.yaml.draft: a draft, 0 of 2 new columns accepted: no run decides about them yet" in told
    assert of_t(grown, "--list") == 0
    shown = capsys.readouterr().out
    assert shown.startswith(
        "came_from: open: quasi_identifier -> truncate_ip\n    ip: 97% of the values are IP addresses"
    )
    assert "Columns of t" not in shown
    assert of_t(grown, "--column", "came_from", "--why", "from which network") == 0
    assert (entry.read_text(), more.read_text()) == (ENTRY, MORE.replace('""', '"from which network"', 1))
    assert "t: left: 1 column (`odd one`)" in capsys.readouterr().out
    for words, said in (
        (["--column", "a", "--why", "x y z"], "catalog/t.yaml.draft has no column a"),
        (["--column", "`odd one`", "--class", "sensitive", "--treatment", "mask", "--why", "x y z"], "is of type int"),
        (["--owner", "you"], "accepted already"),
    ):
        assert of_t(grown, *words) != 0
        assert said in capsys.readouterr().err, words
    wide = ["--column", "`odd one`", "--class", "sensitive", "--treatment", "generalize_number width=5"]
    assert of_t(grown, *wide, "--why", "bands do: {a}, ${b}") == 0
    assert not more.exists()
    lines = MORE.split("\n", 2)[2].replace('""', '"from which network"', 1)
    (head, tail), mine = ENTRY.split("\n\ntarget"), entry.read_text()
    assert mine.startswith(head + "\n    # ip: 97% of the values are IP addresses\n    # evidence: ")
    assert mine.endswith("\n\ntarget" + tail)
    assert "      class: quasi_identifier\n" in mine
    assert lines.count("# evidence") == mine.count("# evidence") == 2
    rules = config.load(grown).tables["t"].columns
    assert {path: rule.why for path, rule in rules.items()} == {
        "a": "join key", "came_from": "from which network", "`odd one`": "bands do: {a}, ${b}",
    }  # fmt: skip
    assert of_t(grown, "--list") == 2


def test_columns_that_the_entry_decides_by_now_are_passed_over(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry, more = grown / "catalog" / "t.yaml", grown / "catalog" / "t.yaml.draft"
    own = '    "`odd one`": {class: sensitive, treatment: redact, why: not needed}\n'
    entry.write_text(ENTRY.replace("\n\ntarget", f"\n{own}\ntarget"))
    assert [each.path for each in additions.opened(grown, "t").columns()] == ["came_from"]
    assert of_t(grown, "--column", "came_from", "--why", "from which network") == 0
    rules = config.load(grown).tables["t"].columns
    assert {path: rule.treatment.technique.technique for path, rule in rules.items()} == {
        "a": "keyed_hash", "came_from": "truncate_ip", "`odd one`": "redact",
    }  # fmt: skip
    more.write_text(MORE)
    before = entry.read_text()
    capsys.readouterr()
    assert check.main(["--conf", str(grown)]) == 0
    assert "all of its columns are decided: jobs/accept.py --table t clears it away" in capsys.readouterr().out
    assert of_t(grown, "--list") == 0
    assert "t: no column of t.yaml.draft is left to decide" in capsys.readouterr().out
    assert of_t(grown) == 0, "the cure of check needs no terminal"
    assert (entry.read_text(), more.exists()) == (before, False)


def test_a_draft_whose_last_answer_was_saved_and_no_more_is_finished_without_a_terminal(conf: Path) -> None:
    words = DRAFT.replace('why: ""', "why: as agreed").replace('owner: ""', "owner: me")
    words = words.replace('target: {path: ""}', 'target: {path: "/lake/treated/d"}')
    words = words.replace("class: undecided", "class: sensitive").replace("treatment: undecided", "treatment: redact")
    (conf / "catalog" / "d.yaml").write_text(words)
    assert at_once(conf) == 0
    assert set(config.load(conf).tables) == {"t", "d"}


ONE = '  c:\n    class: sensitive\n    treatment: redact\n    why: ""\n'
ANEW = "mend that, or remove the file and let jobs/inventory.py --table t --output write it anew"
FLUSH = "its columns stand two blanks in, as below 'columns:' of the entry, and without that line"


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        ("# of t\n" + ONE + ONE, 6, "c: given twice, first on line 2"),
        (ONE + "  d: {class\n", 6, "not valid YAML: "),
        (b"\xff\xfe\x00", 1, "expected UTF-8, got bytes that are not"),
        ("", 1, "the file is empty"),
        ("# of t\n", 2, "the file is empty"),
        ("columns:\n" + ONE, 1, FLUSH),
        ("# of t\n" + textwrap.dedent(ONE), 2, FLUSH),
    ],
)
def test_a_draft_of_columns_that_cannot_be_read_is_named_with_its_line_and_the_cure(
    grown: Path, capsys: pytest.CaptureFixture[str], content: str | bytes, line: int, told: str
) -> None:
    more = grown / "catalog" / "t.yaml.draft"
    more.write_bytes(content if isinstance(content, bytes) else content.encode())
    for words in (["--list"], ["--column", "c", "--why", "x y z"], []):
        assert of_t(grown, *words) == 2
        (said,) = [each for each in capsys.readouterr().err.splitlines() if "catalog/" in each]
        assert f"catalog/t.yaml.draft:{line}: {told}" in said
        assert ANEW in said
    assert check.main(["--conf", str(grown)]) == 0
    said = capsys.readouterr().out
    assert f"catalog/t.yaml.draft: a draft that cannot be read: line {line}: {told}" in said
    assert ANEW in said


def test_columns_in_braces_are_not_lost(grown: Path) -> None:
    more, entry = grown / "catalog" / "t.yaml.draft", grown / "catalog" / "t.yaml"
    more.write_text("  {c: {class: sensitive, treatment: redact, why: not needed}}\n")
    assert of_t(grown) == 1
    assert (more.exists(), entry.read_text()) == (True, ENTRY)


def test_what_is_wrong_in_a_drafted_column_is_told_by_its_own_line(
    grown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (grown / "catalog" / "t.yaml.draft").write_text("# of t\n" + ONE.replace('""', "not needed").replace("red", "rud"))
    assert of_t(grown) == 2
    assert "catalog/t.yaml.draft:2: columns.c.treatment" in capsys.readouterr().err


def test_a_draft_of_columns_of_no_entry_is_told(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (grown / "catalog" / "t.yaml.draft").rename(grown / "catalog" / "u.yaml.draft")
    assert check.main(["--conf", str(grown)]) == 0
    assert "u.yaml.draft: columns for catalog/u.yaml, which is no accepted entry" in capsys.readouterr().out


def test_an_entry_in_braces_takes_them_too_and_one_that_changed_meanwhile_is_left(grown: Path) -> None:
    entry, more = grown / "catalog" / "t.yaml", grown / "catalog" / "t.yaml.draft"
    braces = json.dumps(config.load(grown).written["catalog/t.yaml"])
    entry.write_text(braces)
    more.write_text(MORE.partition("  # unknown")[0])
    draft = additions.opened(grown, "t")
    assert draft.accept("came_from", "quasi_identifier", "redact", "from which network") == []
    entry.write_text(braces + " ")
    with pytest.raises(Refused, match="changed meanwhile"):
        draft.finish()
    assert more.exists()
    additions.opened(grown, "t").finish()
    assert set(config.load(grown).tables["t"].columns) == {"a", "came_from"}
    assert not more.exists()
