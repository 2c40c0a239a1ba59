"""How files of text are to be read, as far as somebody says so: options of the reader, and names of columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from jobs.configuration import reader_options
from jobs.configuration.models import Source
from jobs.console.exit_codes import BadUsage
from jobs.lake.text_sources import text_source

FORMATS = ("csv", "json")
CURE = "to init say --option header=false --names NAME,NAME,..., or --option header=true"


@dataclasses.dataclass(frozen=True)
class Reading:
    """options: by name, each for the formats that take it. columns: of CSV files without a header."""

    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    columns: tuple[str, ...] = ()

    def of(self, source: Source) -> Source:
        """The source with what is said of its format."""
        if source.format not in FORMATS:
            return source
        taken = reader_options.TAKEN[source.format]
        own = {name: value for name, value in self._spelt(source.format).items() if name in taken}
        more: dict[str, object] = {"options": {**source.options, **own}}
        if self.columns and source.format == "csv":
            more["schema_"] = text_source.stated(dict.fromkeys(self.columns, "string"))
        return source.model_copy(update=more)

    def _spelt(self, kind: str) -> dict[str, str]:
        return {reader_options.spelling(kind, name): value for name, value in self.options.items()}


NOTHING_SAID = Reading()


def asked(options: Sequence[str], columns: str) -> Reading:
    """What somebody typed: ``NAME=VALUE`` each, and names with commas. Raises `BadUsage`."""
    found: dict[str, str] = {}
    for each in options:
        name, sign, value = each.partition("=")
        if not sign or not name:
            raise BadUsage("--option: expected NAME=VALUE, such as header=false or multiLine=true")
        found[name] = value
    kinds = {name: _kind_of(name) for name in found}
    for name, kind in kinds.items():
        for _, wrong in reader_options.faults(kind, {name: found[name]}):
            raise BadUsage(f"--option {name}: {wrong}")
    names = tuple(name.strip() for name in columns.split(",")) if columns else ()
    if not all(names) or len({name.lower() for name in names}) < len(names):
        raise BadUsage("--names: expected a name for each column of the file, each another, with commas between")
    header = next((value for name, value in found.items() if name.lower() == "header"), "true")
    if names and header.lower() != "false":
        raise BadUsage("--names: names are for files without a header: say --option header=false too")
    return Reading(found, names)


def _kind_of(name: str) -> str:
    """The format whose reader takes an option; of one that none takes, CSV, which has the most."""
    takes = [kind for kind in FORMATS if reader_options.spelling(kind, name) in reader_options.TAKEN[kind]]
    return takes[0] if takes else FORMATS[0]
