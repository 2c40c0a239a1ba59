"""The page that explains every key of a table's file, made from its JSON Schema, so that it cannot fall behind.

What a key means stands beside it in the models, and so in the schema. Of a treatment the docstring of its technique is
the text of the section.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from privacy_udfs.technique import Technique
from privacy_udfs.techniques import BY_NAME

Schema = dict[str, Any]

_CODE, _PAGE = re.compile(r"``(.+?)``", re.DOTALL), re.compile(r"docs/(\w+)\.md")
_BORDER = re.compile("=+(?: +=+)*")
_MODULE, _SHARED = re.compile(r"`(privacy_udfs(?:\.[a-z_0-9]+)+)`"), re.compile(r"`([A-Z]\w+)`")
HEAD = """# The file of a table, key by key

`conf/catalog/<table>.yaml` says where a table comes from, where it goes, and what happens to each of its columns. This
page is made from the JSON Schema of such files (`make schemas`). A key with **yes** must be there; the others may be
left out. A key that is not on this page is refused, with the nearest that is.

```yaml
# yaml-language-server: $schema=../schema/table.json
table: crm.customers
owner: privacy@example.org
source:
  format: csv
  path: "${LAKE}/raw/customers.csv"
  options: {header: "true"}
  schema: customer_id STRING, birth_date DATE, city STRING
target: {path: "${LAKE}/treated/customers"}
subject: customer_id
columns:
  customer_id: {class: direct_identifier, treatment: {domain: customer}, why: joins with orders}
  birth_date:  {class: quasi_identifier, treatment: {technique: generalize_date, unit: year}, why: age analysis}
  city:        {class: quasi_identifier, treatment: keep, why: the map of sales}
```
"""
TREATMENTS = """
## Treatments

Of a column: `keep`, `drop` or `redact`; `{domain: NAME}`, which does what `conf/domains.yaml` says of the domain; or a
technique with its parameters, as in the sections below: `{technique: mask, keep_end: 4}`. `tokenize` stands in domains
only ([tokenize.md](tokenize.md)).
"""
SHARED = """
## What several techniques share

Said once here, of parameters that more than one technique has.
"""


def page(schema: Schema) -> str:
    """The page in Markdown. schema: of `jobs.config_schema.schemas`, ``table.json``."""
    definitions = schema["$defs"]
    techniques = {cls for cls in definitions if "technique" in definitions[cls].get("properties", {})}
    parts = [HEAD, _section("The table", schema, definitions, 2, is_told=False)]
    shown = _reached(schema, definitions, techniques)
    parts += [_section(_title(name), definitions[name], definitions, 2) for name in shown]
    parts.append(TREATMENTS)
    parts += [_technique(definitions[name], definitions, techniques) for name in definitions if name in techniques]
    parts += [SHARED, *(_shared(name) for name in sorted(_bases()) if f"(#{name.lower()})" in "".join(parts))]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def _bases() -> dict[str, type[Technique]]:
    """The classes that several techniques are made of, by name."""
    found = {base.__name__: base for cls in BY_NAME.values() for base in cls.__mro__ if issubclass(base, Technique)}
    return {name: base for name, base in found.items() if base not in (*BY_NAME.values(), Technique)}


def _shared(name: str) -> str:
    base = _bases()[name]
    return "\n".join(["", f"### {name}", "", _prose(inspect.cleandoc(base.__doc__ or ""), base.model_fields), ""])


def _reached(schema: Schema, definitions: Schema, techniques: set[str]) -> list[str]:
    """The models that the file is made of, but for treatments, each after that which names it."""
    found: list[str] = []
    ahead = [schema]
    while ahead:
        for name in _references(ahead.pop(0)):
            if name in definitions and name not in found and name not in techniques and name != "Treatment":
                found.append(name)
                ahead.append(definitions[name])
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name == "$ref":
                yield value.rpartition("/")[2]
            elif name != "$defs":
                yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _title(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Entry")).lower()
    return words[:1].upper() + words[1:]


def _section(title: str, model: Schema, definitions: Schema, level: int, is_told: bool = True) -> str:
    said = [_prose(model.get("description", ""))] if is_told else []
    return "\n".join(["", f"{'#' * level} {title}", "", *said, *([""] if said else []), _table(model, definitions), ""])


def _technique(model: Schema, definitions: Schema, techniques: set[str]) -> str:
    name = model["properties"]["technique"]["const"]
    keys = {key: stated for key, stated in model["properties"].items() if key != "technique"}
    table = _table({**model, "properties": keys}, definitions, means=False) if keys else "No parameters."
    parts = ["", f"### {name}", "", _prose(model.get("description", ""), model["properties"]), "", table, ""]
    for other in _reached(model, definitions, techniques):
        told = definitions[other]
        said = _prose(told.get("description", ""), told["properties"])
        parts += ["", f"#### {_title(other)}", "", said, "", _table(told, definitions, means=False), ""]
    return "\n".join(parts)


def _table(model: Schema, definitions: Schema, means: bool = True) -> str:
    heads = ["key", "must", "value", "left out", *(["means"] if means else [])]
    rows = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for key, stated in model["properties"].items():
        must = "yes" if key in model.get("required", ()) else ""
        cells = [f"`{key}`", must, _value(stated, definitions), "" if must else _default(stated)]
        rows.append(f"| {' | '.join([*cells, *([_means(stated)] if means else [])])} |")
    return "\n".join(rows)


def _default(stated: Schema) -> str:
    given = stated.get("default")
    if given is None or given in ([], {}, "") or isinstance(given, dict):
        return ""
    return f"`{given if isinstance(given, str) else json.dumps(given)}`"


def _means(stated: Schema) -> str:
    return _line(stated.get("description", ""))


def _value(stated: Schema, definitions: Schema) -> str:
    """What a key takes, in words."""
    if "$ref" in stated:
        return _reference(stated["$ref"].rpartition("/")[2], definitions)
    if "const" in stated:
        return f"`{stated['const']}`"
    if "enum" in stated:
        return ", ".join(f"`{each}`" for each in stated["enum"] if each is not None)
    for several in ("anyOf", "oneOf"):
        if several in stated:
            words = [_value(each, definitions) for each in stated[several] if each.get("type") != "null"]
            return " or ".join(dict.fromkeys(words))
    if stated.get("type") == "array":
        return f"a list: {_value(stated['items'], definitions)}" if stated.get("items") else "a list"
    if stated.get("properties"):
        members = (f"{key}: {_value(each, definitions)}" for key, each in stated["properties"].items())
        return f"`{{{', '.join(members)}}}`"
    if stated.get("type") == "object":
        inner = stated.get("additionalProperties") or next(iter(stated.get("patternProperties", {}).values()), None)
        return f"name: {_value(inner, definitions)}" if isinstance(inner, dict) and inner else "names and values"
    return _plain(stated)


def _reference(name: str, definitions: Schema) -> str:
    if name == "Treatment":
        return "a [treatment](#treatments)"
    if "properties" in definitions.get(name, {}):
        title = _title(name)
        return f"[{title.lower()}](#{title.lower().replace(' ', '-')})"
    return _value(definitions[name], definitions) if name in definitions else name.lower()


def _plain(stated: Schema) -> str:
    kind = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "`true`, `false`"}
    word = kind.get(str(stated.get("type")), "any value")
    low, high = stated.get("minimum", stated.get("exclusiveMinimum")), stated.get("maximum")
    if low is not None and high is not None:
        return f"{word}, {'above ' if 'exclusiveMinimum' in stated else ''}{low:g} to {high:g}"
    return "a date" if stated.get("format") == "date" else word


def _line(text: str) -> str:
    """One cell of a table."""
    return _linked(" ".join(text.split())).replace("|", "\\|")


def _prose(text: str, keys: Iterable[str] = ()) -> str:
    """Paragraphs of a docstring; those that go through keys, a line each, become lists."""
    known = "|".join(map(re.escape, keys)) or "(?!)"
    label = re.compile(rf"^((?:{known})(?:, (?:{known}))*): ", re.MULTILINE)
    return "\n\n".join(_linked(_items(label, _gridded(each))) for each in re.split(r"\n\s*\n", text.strip()))


def _gridded(paragraph: str) -> str:
    """A simple table of reStructuredText, which a docstring has, as one of Markdown; else what it is."""
    first, *lines = paragraph.split("\n")
    if not _BORDER.fullmatch(first) or lines[-1:] != [first] or lines[1:2] != [first]:
        return paragraph
    starts = [each.start() for each in re.finditer("=+", first)]
    ends = [*(at - 1 for at in starts[1:]), None]
    rows: list[list[str]] = []
    for line in (lines[0], *lines[2:-1]):
        cells = [line[at:end].strip().replace("|", "\\|") for at, end in zip(starts, ends, strict=True)]
        if cells[0]:
            rows.append(cells)
        else:  # the row before goes on
            rows[-1] = [f"{cell} {more}".strip() for cell, more in zip(rows[-1], cells, strict=True)]
    head, *others = (f"| {' | '.join(cells)} |" for cells in rows)
    return "\n".join([head, f"|{'---|' * len(starts)}", *others])


def _items(label: re.Pattern[str], paragraph: str) -> str:
    starts = [each.start() for each in label.finditer(paragraph)]
    if not starts or starts[0]:
        return paragraph
    items = [paragraph[at:end].rstrip() for at, end in zip(starts, [*starts[1:], len(paragraph)], strict=True)]
    return "\n".join(f"- {label.sub(lambda found: f'`{found[1]}`: ', item, 1)}".replace("\n", "\n  ") for item in items)


def _linked(text: str) -> str:
    """Code in one backtick; pages, modules and what techniques share as links."""
    text = _PAGE.sub(r"[\1.md](\1.md)", _CODE.sub(r"`\1`", text))
    text = _MODULE.sub(lambda found: f"[{found[0]}](../{found[1].replace('.', '/')}.py)", text)
    return _SHARED.sub(lambda found: f"[{found[1]}](#{found[1].lower()})" if found[1] in _bases() else found[0], text)
