"""Drafts of catalog files: YAML with the evidence as comments, and nothing in it that a job would take for a decision.

``owner``, the target and every ``why`` stand empty, and what nothing is proposed for is ``undecided``. The loader
refuses a file with any of these, line by line, so a draft cannot be used until a person has filled them in; nothing
else marks it, and nothing need be removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jobs.configuration.kinds import KINDS
from jobs.configuration.models import Source
from jobs.console.shown import as_json, as_yaml, shown
from jobs.drafting.proposals import Proposal

EVIDENCE = "# evidence: "
_PLAIN = re.compile(r"[A-Za-z_][\w.\[\]{}]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
HEADER = """\
# A draft by the inventory, not yet accepted. Jobs refuse it while its owner, its target or any 'why' is empty, or any
# 'undecided' is left: of such a column nothing is known, or not enough, and a person has to decide what becomes of it.
# Read each proposal with its evidence (shares of a sample; no value is shown), mend what is wrong, and say why.
"""
ADDITIONS = """\
# Columns of {table} that {file} does not decide yet. Read each proposal with its evidence, mend what is
# wrong, decide what is 'undecided', say why, and move the lines under 'columns:' there. No job reads this file itself.
"""


def table(name: str, source: Source, proposals: Iterable[Proposal], environ: Mapping[str, str]) -> str:
    """A whole catalog file. environ: variables to write instead of their values where a path begins with one."""
    lines = [
        HEADER + f"table: {_scalar(name)}",
        'owner: ""  # who answers for these decisions',
        f"source: {flow(_source(source, environ))}",
        'target: {path: ""}  # where the treated table goes',
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
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else _quoted(text)


def _quoted(text: str) -> str:
    return as_yaml(json.dumps(text, ensure_ascii=False))


def _source(source: Source, environ: Mapping[str, str]) -> dict[str, Any]:
    data = source.model_dump(by_alias=True, exclude_defaults=True)
    if source.path is not None:
        data["path"] = _with_variable(source.path, environ)
    return data


def _with_variable(path: str, environ: Mapping[str, str]) -> str:
    for name, value in environ.items():
        if value and (path == value or path.startswith(f"{value.rstrip('/')}/")):
            return f"${{{name}}}" + path[len(value.rstrip("/")) :].replace("${", "$${")
    return path.replace("${", "$${")


def flow(value: Any) -> str:
    """As YAML on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key(name)}: {flow(item)}" for name, item in value.items()) + "}"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    plain = re.fullmatch(r"[A-Za-z][\w.\-]*", text) and text.lower() not in _WORDS
    return text if plain else _quoted(text)
