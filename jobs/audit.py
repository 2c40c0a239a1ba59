"""The log of runs: ``python jobs/audit.py VERB --conf conf``. Where it is, and who signs it, says audit.yaml.

Exit codes: 0 done, or all is as it was; 1 something is not, or was refused; 2 wrong usage or configuration; 3 failed.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import evidence, proofs, settling, verify
from jobs.audit_log import log as audit_log
from jobs.audit_log.kinds import KINDS
from jobs.audit_log.leaves import Leaf
from jobs.audit_log.log import Log
from jobs.audit_log.merkle import NotProven
from jobs.command_line import arguments, flags, given_files
from jobs.configuration.config import Config
from jobs.console import process
from jobs.console.exit_codes import DONE, REFUSED, BadUsage, Refused
from jobs.console.numbers import many
from jobs.console.shown import as_json, say
from jobs.lake import audit_table
from jobs.lake.audit_table import INDEX, LEAF
from jobs.run_events import events
from jobs.signatures import keys
from jobs.signatures.keys import PublicKey
from jobs.signatures.problem import NotSigned
from jobs.spark_app import failures, session

VERBS: Mapping[str, str] = {
    "list": "the rows of the log, one JSON object a line",
    "prove": "write a proof that a row is in the log, or, with --since, that the log only grew since a checkpoint",
    "check": "whether a file of a proof proves what it says; needs no Spark and no log, only the public key",
    "checkpoint": "sign the log as it stands; into the folder of checkpoints, or to --output",
    "verify": "whether the log, its checkpoints and the tables that it tells of are as they were",
    "statement": "a run as a signed statement (in-toto in a DSSE envelope), by its row",
    "settle": "tell of runs that did not tell how they ended, by the history of their targets",
    "key": "the public key that checks signatures of this log",
}


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a verb is to be done with. row: an index. kinds, tables, outcomes, since, until: of ``list``, what rows
    have; times as texts begin. earlier: text of a checkpoint. proof: text of one. trusted: public keys, instead of
    those that the configuration names. checkpoints: texts of some, by name, beside those of the folder."""

    row: int | None = None
    kinds: Sequence[str] = ()
    tables: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    earlier: str | None = None
    proof: str | None = None
    trusted: Sequence[str] = ()
    checkpoints: Mapping[str, str] = dataclasses.field(default_factory=dict)


def run(spark: SparkSession, conf: Config, verb: str = "list", asked: Asked = Asked()) -> Any:
    """What a verb gives. ``list``: rows as plain data. ``prove``: a proof as data. ``checkpoint``, ``statement``,
    ``key``: text. ``verify``: `jobs.audit_log.verify.Verified`. ``settle``: the leaves that were added."""
    arguments.check_verb(verb, VERBS)
    log = audit_log.opened(spark, conf)
    if log is None:
        raise BadUsage("there is no audit.yaml: it says where the log is")
    return failures.translated("", lambda: DOES[verb](log, asked))


def _list(log: Log, asked: Asked) -> list[dict[str, Any]]:
    wanted = {"kind": asked.kinds, "table": asked.tables, "outcome": asked.outcomes}
    rows = audit_table.chosen(log.spark, log.address, wanted, asked.since, asked.until)
    return [{INDEX: row[INDEX], **dataclasses.asdict(Leaf.parse(row[LEAF]))} for row in rows]


def _prove(log: Log, asked: Asked) -> dict[str, Any]:
    if asked.earlier is not None:
        return evidence.growth(log, asked.earlier, _trusted(log, asked))
    return evidence.inclusion(log, _stated(asked), _trusted(log, asked))


def _stated(asked: Asked) -> int:
    if asked.row is None:
        raise BadUsage("expected ROW, the index of a row; or of prove --since a checkpoint")
    return asked.row


def _trusted(log: Log, asked: Asked) -> tuple[PublicKey, ...]:
    """The keys that were stated; where none was, those that the configuration names."""
    found = keys.parsed(asked.trusted)
    if asked.trusted and not found:
        raise BadUsage("the public key that was stated is none: state --public-key as audit.py key prints it")
    return found or log.trusted


def _checkpoint(log: Log, asked: Asked) -> str:
    return evidence.checkpoint(log)


def _verify(log: Log, asked: Asked) -> verify.Verified:
    read = functools.cache(log.left)

    def notes() -> dict[str, str]:
        return {name: read(name) for name in log.checkpoint_names()} | dict(asked.checkpoints)

    left = log.audit.checkpoints is not None
    return verify.verified(log.spark, log.address, notes, log.audit.origin, _trusted(log, asked), left)


def _statement(log: Log, asked: Asked) -> str:
    return evidence.statement(log, _stated(asked))


def _settle(log: Log, asked: Asked) -> list[Leaf]:
    return settling.settle(log)


def _key(log: Log, asked: Asked) -> str:
    if log.signing_key is None:
        raise BadUsage(audit_log.NO_KEY)
    return "".join(f"{key}\n" for key in log.trusted)


DOES = {
    "list": _list,
    "prove": _prove,
    "checkpoint": _checkpoint,
    "verify": _verify,
    "statement": _statement,
    "settle": _settle,
    "key": _key,
}


def check(asked: Asked, origin: str | None = None) -> str:
    """What the text of a proof proves, in words, by public keys alone. Raises `Refused` where it does not."""
    trusted = keys.parsed(asked.trusted)
    if not trusted:
        raise BadUsage("a proof is checked by a public key: state --public-key, as audit.py key prints it")
    try:
        return proofs.check(proofs.parsed(asked.proof or ""), origin or trusted[0].name, trusted)
    except (NotProven, NotSigned) as error:
        raise Refused(f"this proves nothing: {error}") from None


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("audit", __doc__)
    made = arguments.verbs(options, VERBS)
    for verb, of_verb in made.items():
        if verb != "check":
            flags.CONF.on(of_verb, required=True)
    listed = made["list"]
    flags.TABLE.on(listed)
    listed.add_argument("--kind", action="append", choices=KINDS, help="what was done; may be given several times")
    listed.add_argument("--outcome", action="append", help="how it ended; may be given several times")
    listed.add_argument("--from", dest="since", metavar="TIME", help="rows of this time and later, as 2026-11-28T03")
    listed.add_argument("--until", metavar="TIME", help="rows before this time")
    made["prove"].add_argument("row", metavar="ROW", nargs="?", type=int, help="the index of a row")
    made["prove"].add_argument("--since", dest="earlier", type=Path, metavar="FILE", help="an earlier checkpoint")
    made["statement"].add_argument("row", metavar="ROW", type=int, help="the index of a row")
    made["check"].add_argument("proof", metavar="FILE", type=Path, help="what prove wrote")
    for verb in ("prove", "checkpoint", "statement", "key"):
        flags.OUTPUT.on(made[verb], metavar="FILE", more="by default it is printed")
    for verb in ("prove", "check", "verify"):
        flags.PUBLIC_KEY.on(made[verb])
    made["verify"].add_argument(
        "--checkpoint", action="append", type=Path, metavar="FILE", help="one that was kept elsewhere, besides"
    )
    made["verify"].add_argument(
        "--allow-unchecked",
        action="store_true",
        help="do not end with 1 where something could not be held against the log; it is told all the same",
    )
    flags.JSON.on(made["verify"])
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = vars(options)
    asked = _asked(given)
    if options.verb == "check":
        say(check(asked))
        return DONE
    conf = arguments.loaded(options.conf)
    found = run(session.start("lakenym audit"), conf, options.verb, asked)
    if isinstance(found, verify.Verified):
        return _said(found, options.json, options.allow_unchecked)
    lines = _lines(found)
    if given.get("output") is not None:
        given_files.create(options.output, "".join(f"{line}\n" for line in lines))
    elif lines:
        say("\n".join(lines))
    return DONE


def _lines(found: Any) -> list[str]:
    if isinstance(found, str):
        return found.removesuffix("\n").split("\n")
    if isinstance(found, dict):
        return [as_json(found, indent=1)]
    return [as_json(dataclasses.asdict(each) if isinstance(each, Leaf) else each) for each in found]


def _said(found: verify.Verified, as_data: bool, allow_unchecked: bool) -> int:
    if as_data:
        data = {"whole": found.is_whole, "rows": found.size, "root": found.root.hex(), "checkpoints": found.checkpoints}
        data["unchecked"] = len(found.unchecked)
        print(as_json({**data, "findings": [dataclasses.asdict(each) for each in found.findings]}))
    else:
        told = f"{found.size} rows and {found.checkpoints} checkpoints"
        say("\n".join([f"{each.level}: {each}" for each in found.findings] + [f"{_verdict(found)}: {told}"]))
    return DONE if found.is_whole and (allow_unchecked or not found.unchecked) else REFUSED


def _verdict(found: verify.Verified) -> str:
    if not found.is_whole:
        return "NOT as it was"
    if found.unchecked:
        return f"as it was as far as it could be checked, and {many(len(found.unchecked), 'part')} could NOT be"
    return "as it was"


def _asked(given: Mapping[str, Any]) -> Asked:
    return Asked(
        row=given.get("row"),
        kinds=given.get("kind") or (),
        tables=given.get("table") or (),
        outcomes=given.get("outcome") or (),
        since=given.get("since"),
        until=given.get("until"),
        earlier=_text(given.get("earlier")),
        proof=_text(given.get("proof")),
        trusted=[_key_text(each) for each in given.get("public_key") or ()],
        checkpoints={str(path): given_files.text(path) for path in given.get("checkpoint") or ()},
    )


def _key_text(given: str) -> str:
    return given if "+" in given and not Path(given).exists() else given_files.text(Path(given))


def _text(path: Path | None) -> str | None:
    return None if path is None else given_files.text(path)


if __name__ == "__main__":
    sys.exit(process.ended(main))
