"""What OpenLineage asks of an event, in our own words: the facts of the published schemas of OpenLineage 2-0-2 and of
its facets (https://openlineage.io/spec), stricter where ours are, so that an unknown facet or key is a fault.

Each event is held against the published schemas too, which stand in ``tests/vectors/openlineage``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

from tests.helpers.places import ROOT, TESTS

SPEC = TESTS / "vectors" / "openlineage"
BASE = "https://openlineage.io/spec"
OWN = ROOT / "docs" / "schema"

Schema = dict[str, Any]


def record(required: Mapping[str, Any], **optional: Any) -> Schema:
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def facet(url: str, required: Mapping[str, Any], **optional: Any) -> Schema:
    fixed = {"_producer": URI, "_schemaURL": {"const": url}}
    return record({**fixed, **required}, **optional)


def published(path: str) -> str:
    return f"{BASE}/facets/{path}.json#/$defs/{path.partition('/')[2]}"


TEXT: Schema = {"type": "string"}
URI: Schema = {"type": "string", "format": "uri"}
NUMBER: Schema = {"type": "integer", "minimum": 0}
FIELDS: Schema = {"type": "array", "items": {"$ref": "#/$defs/field"}}
TRANSFORMATION = record(
    {"type": {"enum": ["DIRECT", "INDIRECT"]}, "masking": {"type": "boolean"}, "description": TEXT},
    subtype={"enum": ["IDENTITY", "TRANSFORMATION", "AGGREGATION", "JOIN", "GROUP_BY", "FILTER", "SORT", "WINDOW",
                      "CONDITIONAL"]},
)  # fmt: skip
INPUT = record(
    {"namespace": TEXT, "name": TEXT, "field": TEXT, "transformations": {"type": "array", "items": TRANSFORMATION}}
)
INPUTS: Schema = {"type": "array", "items": INPUT, "minItems": 1}
CHANGES = ["ALTER", "CREATE", "DROP", "OVERWRITE", "RENAME", "TRUNCATE"]
OF_PLACE: dict[str, Schema] = {
    "dataSource": facet(published("1-0-1/DatasourceDatasetFacet"), {"name": TEXT, "uri": URI}),
    "schema": facet(published("1-2-0/SchemaDatasetFacet"), {"fields": FIELDS}),
    "version": facet(published("1-0-1/DatasetVersionDatasetFacet"), {"datasetVersion": TEXT}),
    "storage": facet(published("1-0-1/StorageDatasetFacet"), {"storageLayer": TEXT}, fileFormat=TEXT),
}
OF_TARGET: dict[str, Schema] = {
    **OF_PLACE,
    "columnLineage": facet(
        published("1-2-0/ColumnLineageDatasetFacet"),
        {"fields": {"type": "object", "additionalProperties": record({"inputFields": INPUTS})}},
        dataset=INPUTS,
    ),
    "lifecycleStateChange": facet(
        published("1-0-1/LifecycleStateChangeDatasetFacet"), {"lifecycleStateChange": {"enum": CHANGES}}
    ),
    "lakenym_privacyRecord": {"$ref": "urn:lakenym:openlineage:1-0-0:PrivacyRecordDatasetFacet.json"},
}
STATISTICS = facet(published("1-0-2/OutputStatisticsOutputDatasetFacet"), {"rowCount": NUMBER})
OF_RUN: dict[str, Schema] = {
    "processing_engine": facet(
        published("1-1-1/ProcessingEngineRunFacet"), {"version": TEXT}, name=TEXT, openlineageAdapterVersion=TEXT
    ),
    "errorMessage": facet(
        published("1-0-1/ErrorMessageRunFacet"), {"message": TEXT, "programmingLanguage": TEXT}, stackTrace=TEXT
    ),
    "lakenym_steps": {"$ref": "urn:lakenym:openlineage:1-0-0:StepsRunFacet.json"},
}
OF_JOB: dict[str, Schema] = {
    "jobType": facet(
        published("2-0-4/JobTypeJobFacet"), {"processingType": {"enum": ["BATCH", "STREAMING"]}, "integration": TEXT},
        jobType=TEXT,
    )
}  # fmt: skip


def facets(known: Mapping[str, Schema]) -> Schema:
    return record({}, **known)


PLACE = {"namespace": {"type": "string", "minLength": 1}, "name": {"type": "string", "minLength": 1}}
EVENT: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {"field": record({"name": TEXT}, type=TEXT, description=TEXT, fields=FIELDS)},
    **record(
        {
            "eventTime": {"type": "string", "format": "date-time"},
            "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
            "producer": URI,
            "schemaURL": {"const": f"{BASE}/2-0-2/OpenLineage.json#/$defs/RunEvent"},
            "run": record({"runId": {"type": "string", "format": "uuid"}, "facets": facets(OF_RUN)}),
            "job": record({**PLACE, "facets": facets(OF_JOB)}),
            "inputs": {"type": "array", "items": record({**PLACE, "facets": facets(OF_PLACE)})},
            "outputs": {
                "type": "array",
                "items": record(
                    {**PLACE, "facets": facets(OF_TARGET)}, outputFacets=record({}, outputStatistics=STATISTICS)
                ),
            },
        }
    ),
}
CHECKED = jsonschema.FormatChecker(formats=("uri", "uuid", "date-time"))


def _own() -> Registry[Any]:
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(OWN.glob("*Facet.json"))]
    return Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in schemas)


VALIDATOR = jsonschema.Draft202012Validator(EVENT, registry=_own(), format_checker=CHECKED)


def faults(event: Any) -> list[str]:
    """What is wrong with an event; nothing: all is right."""
    ours = [f"{'/'.join(map(str, each.absolute_path))}: {each.message}" for each in VALIDATOR.iter_errors(event)]
    return ours or published_faults(event)


def published_faults(event: Mapping[str, Any]) -> list[str]:
    """What the published schemas find wrong with an event, and with each of its facets."""
    return list(_published_faults(event))


def _published_faults(event: Mapping[str, Any]) -> Iterator[str]:
    yield from _held(event, event["schemaURL"])
    places = [*event["inputs"], *event["outputs"]]
    groups = [event["run"]["facets"], event["job"]["facets"], *(place["facets"] for place in places)]
    groups += [place["outputFacets"] for place in event["outputs"] if "outputFacets" in place]
    for name, found in (item for group in groups for item in group.items()):
        if name.startswith("lakenym_"):
            yield from _held(found, f"{BASE}/2-0-2/OpenLineage.json#/$defs/BaseFacet")
        else:
            yield from _held(found, found["_schemaURL"])


def _held(given: Any, schema: str) -> Iterator[str]:
    validator = jsonschema.Draft202012Validator({"$ref": schema}, registry=published_schemas(), format_checker=CHECKED)
    yield from (f"{schema}: {each.message}" for each in validator.iter_errors(given))


@functools.cache
def published_schemas(folder: Path = SPEC) -> Registry[Any]:
    """By the address that each has. A schema that an event names and that is not among them is an error."""
    files = [folder / "OpenLineage.json", *sorted((folder / "facets").glob("*.json"))]
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    return Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in schemas)
