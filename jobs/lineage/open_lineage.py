"""Events as OpenLineage has them: https://openlineage.io/spec/2-0-2/OpenLineage.json, and a schema for each facet.

Facets of our own are ``lakenym_steps`` (of a run) and ``lakenym_privacyRecord`` (of a target); their schemas stand in
``docs/schema/``.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Literal

from jobs.run_events.events import Committed
from jobs.run_events.run_steps import Edge, Place, RunSteps

Json = dict[str, Any]
Kind = Literal["START", "COMPLETE", "FAIL", "ABORT"]

SPEC = "https://openlineage.io/spec"
RUN_EVENT = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
OF_OURS = "urn:lakenym:openlineage"
FACETS = {
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "storage": "1-0-1/StorageDatasetFacet",
    "lifecycleStateChange": "1-0-1/LifecycleStateChangeDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
}
"""The published facets that are told, with the version and the name of the schema of each."""
OWN = {"lakenym_privacyRecord": "PrivacyRecordDatasetFacet", "lakenym_steps": "StepsRunFacet"}
REQUEUE = "requeue"
"""The mode of a run whose rows come out of quarantine."""
FEWEST_ROWS = 10
"""Of fewer nobody is told how many they were."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A run that has begun. steps: None where it ended before they were known; then its places alone are."""

    id: str
    job: str
    namespace: str
    source: Place
    target: Place
    steps: RunSteps | None = None

    def event(self, kind: Kind, committed: Committed | None = None, failure: str | None = None) -> Json:
        """What becomes of it. committed: what it wrote. failure: why it did not, without values, counts and places."""
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        return {
            "eventTime": now,
            "eventType": kind,
            "producer": producer(),
            "schemaURL": RUN_EVENT,
            "run": {"runId": self.id, "facets": self._of_run(committed, failure)},
            "job": {"namespace": self.namespace, "name": self.job, "facets": self._of_job()},
            "inputs": self._inputs(),
            "outputs": self._outputs(committed, will_be=kind == "START" or committed is not None),
        }

    def _of_run(self, committed: Committed | None, failure: str | None) -> Json:
        engine = {"name": "spark", "version": version("pyspark"), "openlineageAdapterVersion": version("lakenym")}
        found = {"processing_engine": facet("processing_engine", engine)}
        if failure is not None:
            message = {"message": failure, "programmingLanguage": "Python"}
            found["errorMessage"] = facet("errorMessage", message)
        if self.steps is not None:
            versions = {"sourceVersion": self.source.version, "targetVersion": committed and str(committed.version)}
            told = {"mode": self.steps.mode, "sha256": self.steps.sha256, **_known(versions)}
            steps = [step.as_json() for step in self.steps.steps]
            found["lakenym_steps"] = facet("lakenym_steps", {**told, "steps": steps})
        return found

    def _of_job(self) -> Json:
        how = "STREAMING" if self.steps is not None and self.steps.is_stream else "BATCH"
        told = {"processingType": how, "integration": "LAKENYM", "jobType": "PSEUDONYMIZE"}
        return {"jobType": facet("jobType", told)}

    def _inputs(self) -> list[Json]:
        """The source, what is looked up elsewhere, and the quarantine where its rows are treated again; each once."""
        more = [] if self.steps is None else list(self.steps.others.values())
        if self.steps is not None and self.steps.mode == REQUEUE and self.steps.aside is not None:
            more.append(self.steps.aside)
        places: dict[tuple[str, str], Place] = {}
        for place in (self.source, *more):
            places.setdefault((place.namespace, place.name), place)
        return [{**_named(place), "facets": _of_place(place)} for place in places.values()]

    def _outputs(self, committed: Committed | None, will_be: bool) -> list[Json]:
        """The target, and the quarantine, which may get no row. will_be: what a write makes of them is told."""
        found = [self._output(committed) if will_be else self._as_it_was()]
        if self.steps is None or self.steps.aside is None:
            return found
        facets = _of_place(self.steps.aside)
        if will_be and self.steps.sealed:
            facets["columnLineage"] = facet("columnLineage", _column_lineage(self.steps.sealed, self.source, {}))
        return [*found, {**_named(self.steps.aside), "facets": facets}]

    def _output(self, committed: Committed | None) -> Json:
        written = committed and dataclasses.replace(self.target, version=str(committed.version))
        facets = _of_place(written or self.target)
        if self.steps is not None:
            found = _column_lineage(self.steps.edges, self.source, self.steps.others)
            facets["columnLineage"] = facet("columnLineage", found)
            facets["lakenym_privacyRecord"] = facet("lakenym_privacyRecord", _record(self.steps))
            if self.steps.is_new or self.steps.mode == "full":
                change = "CREATE" if self.steps.is_new else "OVERWRITE"
                facets["lifecycleStateChange"] = facet("lifecycleStateChange", {"lifecycleStateChange": change})
        if committed is None or committed.rows < FEWEST_ROWS:
            return {**_named(self.target), "facets": facets}
        statistics = {"outputStatistics": facet("outputStatistics", {"rowCount": committed.rows})}
        return {**_named(self.target), "facets": facets, "outputFacets": statistics}

    def _as_it_was(self) -> Json:
        """The target of a run that wrote nothing, without what a write would have made of it."""
        return {**_named(self.target), "facets": _of_place(dataclasses.replace(self.target, fields=()))}


def producer() -> str:
    """Who says so."""
    return f"urn:lakenym:{version('lakenym')}"


def facet(name: str, content: Mapping[str, Any]) -> Json:
    """A facet with where its schema is."""
    if name in OWN:
        schema = f"{OF_OURS}:1-0-0:{OWN[name]}.json#/$defs/{OWN[name]}"
    else:
        schema = f"{SPEC}/facets/{FACETS[name]}.json#/$defs/{FACETS[name].partition('/')[2]}"
    return {"_producer": producer(), "_schemaURL": schema, **content}


def _named(place: Place) -> Json:
    return {"namespace": place.namespace, "name": place.name}


def _of_place(place: Place) -> Json:
    source = {"name": place.namespace, "uri": place.uri}
    found = {"dataSource": facet("dataSource", _known(source))}
    if place.fields:
        found["schema"] = facet("schema", {"fields": list(place.fields)})
    if place.version is not None:
        found["version"] = facet("version", {"datasetVersion": place.version})
    if place.format == "delta":
        found["storage"] = facet("storage", {"storageLayer": "delta", "fileFormat": "parquet"})
    return found


def _column_lineage(edges: Iterable[Edge], source: Place, others: Mapping[str, Place]) -> Json:
    fields: dict[str, dict[tuple[str, str], Json]] = {}
    rows: dict[tuple[str, str], Json] = {}
    for edge in edges:
        into, place = (
            rows if edge.output is None else fields.setdefault(edge.output, {}),
            others.get(edge.table, source),
        )
        told_of = {**_named(place), "field": edge.input, "transformations": []}
        found = into.setdefault((edge.table, edge.input), told_of)
        kind = "DIRECT" if edge.direct else "INDIRECT"
        told = {"type": kind, "subtype": edge.subtype, "description": edge.description, "masking": edge.masking}
        found["transformations"].append(told)
    by_field = {name: {"inputFields": list(inputs.values())} for name, inputs in fields.items()}
    return {"fields": by_field, **({"dataset": list(rows.values())} if rows else {})}


def _record(steps: RunSteps) -> Json:
    hashes = {"recordSha256": steps.record, "configSha256": steps.config}
    return {**hashes, "policyVersion": steps.policy, "software": steps.software}


def _known(given: Mapping[str, Any]) -> Json:
    return {name: value for name, value in given.items() if value is not None}
