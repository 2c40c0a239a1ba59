"""A run as deterministic steps, and from which columns each column comes: plain data, for lineage and whoever asks.

It holds names, parameters, versions and hashes; no value of a table, and of a predicate, in which values stand, neither
text nor hash.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Place:
    """A table as OpenLineage names it. uri: where it is, None where that is no URI. fields: its columns, as the schema
    facet of OpenLineage has them. version: None where it has none, or none yet. format: of its files."""

    namespace: str
    name: str
    uri: str | None = None
    fields: tuple[Mapping[str, Any], ...] = ()
    version: str | None = None
    format: str | None = None


@dataclasses.dataclass(frozen=True)
class Step:
    """One function of the run, by its version and parameters. inputs, outputs: paths of columns; none: whole rows."""

    function: str
    version: str
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        given = {"function": self.function, "version": self.version, "parameters": dict(self.parameters)}
        return {**given, "inputs": list(self.inputs), "outputs": list(self.outputs)}


@dataclasses.dataclass(frozen=True)
class Edge:
    """That a column of the target, or with no ``output`` which rows it has, depends on one of the source. direct: its
    values come from there. subtype: in the words of OpenLineage. masking: a protecting technique stands between.
    table: of the catalog, whose source the input is of; empty where it is the run's own."""

    output: str | None
    input: str
    direct: bool
    subtype: str
    description: str
    masking: bool = False
    table: str = ""


@dataclasses.dataclass(frozen=True)
class RunSteps:
    """All steps of one run. record, config: SHA-256 of the treatment record and of the configuration. is_new: nothing
    stood at the target. others: by table of the catalog, where values are looked up beside the source. aside: where
    refused rows are set aside, or come from where the mode is requeue; sealed: from which columns these rows are."""

    source: Place
    target: Place
    mode: str
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    record: str
    config: str
    policy: str
    software: str
    is_stream: bool = False
    is_new: bool = False
    others: Mapping[str, Place] = dataclasses.field(default_factory=dict)
    aside: Place | None = None
    sealed: tuple[Edge, ...] = ()

    @property
    def sha256(self) -> str:
        """Of all steps: equal for runs with equal inputs, and for those that differ in values of predicates alone."""
        text = json.dumps([step.as_json() for step in self.steps], sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
