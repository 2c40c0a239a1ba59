"""Drafts of catalog files: YAML with the evidence as comments, and nothing in it that a job would take for a decision.

A draft says ``draft: true``: no job reads it before that line is gone (`jobs.configuration.unaccepted`), which
``jobs/accept.py`` takes out with the last column. ``owner`` and every ``why`` stand empty, and what nothing is proposed
for is ``undecided``: without the line the loader refuses a file with any of these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jobs.configuration.kinds import KINDS
from jobs.configuration.models import Source
from jobs.configuration.unaccepted import MARK
from jobs.console.shown import as_json, as_yaml, shown
from jobs.drafting.proposals import Proposal

EVIDENCE = "# evidence: "
_PLAIN = re.compile(r"[A-Za-z_][\w.\[\]{}]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
HEADER = """\
# A draft by the inventory. No job treats its table before it is accepted: jobs/accept.py asks column by column.
# Or read each proposal with its evidence (shares of a sample; no value is shown), mend what is wrong, say why, decide
# what is 'undecided' (of it nothing is known, or not enough), and then take the line 'draft: true' out.
"""
ADDITIONS = """\
# Columns of {table} that {file} does not decide yet. jobs/accept.py --table {table} asks about each, and moves
# them there. Or read each proposal with its evidence, mend what is wrong, decide what is 'undecided', say why, and move
# the lines under 'columns:' there by hand. No job reads this file itself.
"""


def table(
    name: str,
    source: Source,
    proposals: Iterable[Proposal],
    environ: Mapping[str, str],
    owner: str = "",
    target: str = "",
) -> str:
    """A whole catalog file. environ: variables to write instead of their values where a path begins with one. target:
    a path."""
    goes = quoted(_with_variable(target, environ)) if target else '""'
    lines = [
        HEADER + f"table: {_scalar(name)}",
        f"{MARK}: true",
        f"owner: {quoted(owner)}  # who answers for these decisions",
        f"source: {flow(_source(source, environ))}",
        f"target: {{path: {goes}}}  # where the treated table goes",
        "columns:",
        *_columns(proposals),
    ]
    return "\n".join(lines) + "\n"


def additions(name: str, file: str, proposals: Iterable[Proposal]) -> str:
    """Lines to add under ``columns:`` of an entry that is there."""
    return ADDITIONS.format(table=shown(name), file=shown(file)) + "\n".join(_columns(proposals)) + "\n"


def _columns(proposals: Iterable[Proposal]) -> Iterator[str]:
    for proposal in proposals:
        evidence = proposal.found.evidence
        yield f"  # {proposal.kind.name}: {'; '.join(map(shown, proposal.kind.reasons))}"
        yield from (f"  # warning: {shown(warning)}" for warning in proposal.warnings)
        yield f"  {EVIDENCE}{as_json(evidence.as_data())}"
        yield f"  {key(str(proposal.found.path))}:"
        yield f"    class: {proposal.kind.class_}"
        yield f"    treatment: {flow(proposal.treatment)}"
        if proposal.kind.name in KINDS:  # what the catalog tells of a class says no kind
            yield f"    kind: {proposal.kind.name}"
        yield '    why: ""'


def key(text: str) -> str:
    """A column path as a key of YAML."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else quoted(text)


def quoted(text: str) -> str:
    """A text in double quotes, in which all can be seen."""
    return as_yaml(json.dumps(text, ensure_ascii=False))


def _source(source: Source, environ: Mapping[str, str]) -> dict[str, Any]:
    data = source.model_dump(by_alias=True, exclude_defaults=True)
    if source.path is not None:
        data["path"] = _with_variable(source.path, environ)
    return data


def place(source: Source, environ: Mapping[str, str]) -> str | None:
    """The path or the table that is read, as `table` writes it."""
    return source.table if source.path is None else _with_variable(source.path, environ)


def _with_variable(path: str, environ: Mapping[str, str]) -> str:
    for name, value in environ.items():
        if value and (path == value or path.startswith(f"{value.rstrip('/')}/")):
            return f"${{{name}}}" + path[len(value.rstrip("/")) :].replace("${", "$${")
    return path.replace("${", "$${")


def flow(value: Any) -> str:
    """Plain data on one line of YAML."""
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key(name)}: {flow(item)}" for name, item in value.items()) + "}"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    plain = re.fullmatch(r"[A-Za-z][\w.\-]*", text) and text.lower() not in _WORDS
    return text if plain else quoted(text)
