"""The reader options that a source may state: an explicit list for each format, and why others are refused.

A reader option of Spark can lose rows, empty cells or guess types with no word said, and Spark takes any option in any
letter case. So only those listed here are taken, in one spelling each; an option that is not listed is a fault of the
configuration. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from jobs.configuration.documents import did_you_mean, one_of

TABLE = "table"
"""The kind of a source that is read by name; the other kinds are the formats."""

LISTING = {
    "pathGlobFilter": "reads only files whose names fit the pattern",
    "recursiveFileLookup": "reads all folders below the path, and makes no columns of their names",
    "modifiedBefore": "reads only files that were changed before this time",
    "modifiedAfter": "reads only files that were changed after this time",
}
DATES = {
    "dateFormat": "how dates are written",
    "timestampFormat": "how timestamps are written",
    "timestampNTZFormat": "how timestamps without a zone are written",
    "locale": "the language of the names of months and days in them",
}
REBASE = {
    "datetimeRebaseMode": "the calendar of old dates in files that do not say which they have",
    "int96RebaseMode": "the calendar of old INT96 timestamps in files that do not say which they have",
}
MERGE = {"mergeSchema": "columns of all files; it is on, and cannot be switched off"}
TRAVEL = {
    "versionAsOf": "reads this version, 'latest' for the newest one",
    "timestampAsOf": "reads the version that was the newest one at this time",
}
CSV = {
    "header": "the first line of each file holds the names; on unless switched off",
    "sep": "the sign between two fields",
    "quote": "the sign around fields; within one it is written twice",
    "escape": "the quote sign itself, as RFC 4180 has it; nothing else",
    "encoding": "how the bytes of a file are read as text",
    "nullValue": "the text that stands for null",
    "multiLine": "a quoted field may hold line breaks",
}
JSON = {
    "multiLine": "a file holds one value, not one in each line",
    "encoding": "UTF-8, which JSON is written in (RFC 8259)",
    "primitivesAsString": "numbers, true and false are read as text, as they are written",
}
TAKEN: Mapping[str, Mapping[str, str]] = {
    "csv": {**CSV, **DATES, **LISTING},
    "json": {**JSON, **DATES, **LISTING},
    "parquet": {**MERGE, **REBASE, **LISTING},
    "orc": {**MERGE, **LISTING},
    "delta": TRAVEL,
    TABLE: TRAVEL,
}
"""Kind of source -> the options that it takes -> what each does."""
ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "latin1": "iso8859_1",
    "shift_jis": "shift_jis",
    "euc-jp": "euc_jp",
    "euc-kr": "euc_kr",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
    **{f"iso-8859-{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 15)},
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"cp{page}": f"cp{page}" for page in range(1250, 1259)},
}
"""Encodings, as options name them, whose byte of a line break is nothing else, and Python's strict decoder of each."""
SYNONYMS = {"delimiter": "sep", "charset": "encoding"}

_ROWS = "rows or values would be lost with no word said"
_GUESS = "types guessed from the data differ from run to run: state 'schema'"
_OURS = "what does not parse stops the run, and nothing changes that"
_CHANGES = "a change feed is not the table: it holds replaced and deleted rows"
_STREAM = "it is for streams, and a run reads a table"
_SPELLING = "one value could be read in two ways: a file must be written as its format says"
REFUSED = {
    "mode": f"{_OURS}: DROPMALFORMED loses rows, and FAILFAST shows them in logs",
    "columnNameOfCorruptRecord": _OURS,
    "badRecordsPath": f"{_OURS}: rows would be lost, and lie untreated in a folder",
    "rescuedDataColumn": f"{_OURS}: values that nobody decided about would go into a column of their own",
    "ignoreCorruptFiles": f"{_ROWS}: remove what cannot be read",
    "ignoreMissingFiles": f"{_ROWS}: read while no one deletes files",
    "inferSchema": _GUESS,
    "samplingRatio": _GUESS,
    "preferDate": _GUESS,
    "prefersDecimal": _GUESS,
    "dropFieldIfAllNull": "which columns there are would differ from run to run: state 'schema'",
    "singleVariantColumn": "all columns would be one, and none could be decided about",
    "comment": "a line whose first value begins with the sign would be lost",
    "emptyValue": "one text would become another: use nullValue for texts that mean null",
    "nanValue": _SPELLING,
    "positiveInf": _SPELLING,
    "negativeInf": _SPELLING,
    "ignoreLeadingWhiteSpace": "values would be changed: use 'normalize' of a treatment",
    "ignoreTrailingWhiteSpace": "values would be changed: use 'normalize' of a treatment",
    "maxColumns": "a longer line would fail, and be shown in logs",
    "maxCharsPerColumn": "a longer value would fail, and be shown in logs",
    "unescapedQuoteHandling": "a quote sign that is not doubled would move values between columns",
    "charToEscapeQuoteEscaping": "quotes are doubled (RFC 4180), and nothing is escaped",
    "lineSep": "lines end as RFC 4180 and JSON lines have it, with CR LF or LF",
    "enforceSchema": "the header of each file is held against the schema, and nothing changes that",
    "columnPruning": "each line is held against the whole schema, and nothing changes that",
    "allowComments": _SPELLING,
    "allowUnquotedFieldNames": _SPELLING,
    "allowSingleQuotes": _SPELLING,
    "allowNumericLeadingZeros": _SPELLING,
    "allowNonNumericNumbers": _SPELLING,
    "allowBackslashEscapingAnyCharacter": _SPELLING,
    "allowUnquotedControlChars": _SPELLING,
    "enableDateTimeParsingFallback": "a date that does not fit its format would be guessed",
    "timeZone": "a run reads times without a zone as UTC",
    "rowTag": "it is an option of XML, which is not read",
    "basePath": "which folders become columns is told by 'path' alone",
    "path": "state it as 'path' of the source",
    "paths": "state one 'path', with the wildcards of a glob if need be",
    "schema": "state it as 'schema' of the source",
    "readChangeFeed": _CHANGES,
    "readChangeData": _CHANGES,
    "startingVersion": _CHANGES,
    "startingTimestamp": _CHANGES,
    "endingVersion": _CHANGES,
    "endingTimestamp": _CHANGES,
    "ignoreChanges": _STREAM,
    "ignoreDeletes": _STREAM,
    "skipChangeCommits": _STREAM,
    "maxFilesPerTrigger": _STREAM,
    "maxBytesPerTrigger": _STREAM,
    "schemaTrackingLocation": _STREAM,
    "schemaLocation": _STREAM,
    "failOnDataLoss": f"{_STREAM}; {_ROWS}",
}
"""Options that someone may well think of, and why no source takes them."""

_SWITCHES = ("header", "multiLine", "mergeSchema", "recursiveFileLookup", "primitivesAsString")
_REBASE_MODES = ("EXCEPTION", "CORRECTED", "LEGACY")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?")
_VERSION = re.compile(r"\d{1,18}|latest", re.IGNORECASE)


def normalized(kind: str, options: Mapping[str, str]) -> dict[str, str]:
    """The options in their one spelling. One that is stated twice stays as it is written, for `faults` to tell."""
    spelt = [spelling(kind, name) for name in options]
    return {
        name if spelt.count(new) > 1 else new: value for (name, value), new in zip(options.items(), spelt, strict=True)
    }


def spelling(kind: str, name: str) -> str:
    """The one spelling of an option that ``kind`` takes; of another one what was written."""
    known = {taken.lower(): taken for taken in TAKEN[kind]}
    lower = name.strip().lower()
    return known.get(lower) or known.get(SYNONYMS.get(lower, lower)) or name


def faults(kind: str, options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each option that cannot be used, as it is written, and what is wrong; no value is shown."""
    first: dict[str, str] = {}
    for name, value in options.items():
        spelt = spelling(kind, name)
        other = first.setdefault(spelt.lower(), name)
        if spelt not in TAKEN[kind]:
            yield name, _not_taken(kind, name)
        elif other is not name:
            yield name, f"is the option {other!r} once more: state it once"
        elif wrong := _wrong_value(kind, spelt, value, options):
            yield name, wrong
    if {"versionasof", "timestampasof"} <= first.keys():
        yield first["timestampasof"], "expected 'versionAsOf' or 'timestampAsOf', not both"


def _not_taken(kind: str, name: str) -> str:
    whose = "a table that is read by name" if kind == TABLE else f"format {kind}"
    lower = name.strip().lower()
    reasons = {option.lower(): reason for option, reason in REFUSED.items()}
    if lower in reasons:
        return f"not taken: {reasons[lower]}"
    if any(lower == taken.lower() for taken in (*SYNONYMS, *(n for options in TAKEN.values() for n in options))):
        return f"not an option of {whose}, which takes {one_of(TAKEN[kind])}"
    near = did_you_mean(name, TAKEN[kind])
    return f"no option that {whose} takes{near or f'; expected {one_of(TAKEN[kind])}'}"


def _wrong_value(kind: str, name: str, value: str, options: Mapping[str, str]) -> str | None:
    if name in _SWITCHES and value.lower() not in ("true", "false"):
        return "expected 'true' or 'false'"
    if name == "mergeSchema" and value.lower() == "false":
        return "not taken: columns that only some files have would be lost with no word said"
    if name in REBASE and value.upper() not in _REBASE_MODES:
        return f"expected {one_of(_REBASE_MODES)}"
    if name == "quote" and (len(value) > 1 or not value.isascii() or value in ("\r", "\n")):
        return "expected one ASCII character, or an empty text for none"
    if name == "sep" and (not value or set(value) & {"\0", "\r", "\n", _quote(options) or "\n"}):
        return "expected a character, or a few, and neither a line break, NUL nor the quote sign"
    if name == "escape":
        return _wrong_escape(value, options)
    check = _CHECKS.get(name)
    return None if check is None else check(kind, value)


def _quote(options: Mapping[str, str]) -> str:
    return next((given for name, given in options.items() if name.lower() == "quote"), '"')


def _wrong_escape(value: str, options: Mapping[str, str]) -> str | None:
    if value == _quote(options):
        return None
    return "expected the quote sign: in a quoted field it is written twice (RFC 4180), and a backslash is a backslash"


def _wrong_encoding(kind: str, value: str) -> str | None:
    name = ENCODINGS.get(value.lower())
    if kind == "json":
        return None if name == "utf-8" else "expected 'UTF-8', which JSON is written in (RFC 8259)"
    if name is None:
        return "expected a name such as 'UTF-8', 'windows-1252' or 'ISO-8859-1'; convert other files to UTF-8"
    return None


def _wrong_version(_: str, value: str) -> str | None:
    return None if _VERSION.fullmatch(value) else "expected a version's number, such as '12', or 'latest'"


def _wrong_time(_: str, value: str) -> str | None:
    return None if _TIMESTAMP.fullmatch(value) else "expected a time such as '2026-11-30' or '2026-11-30 18:00:00'"


_CHECKS: Mapping[str, Callable[[str, str], str | None]] = {
    "encoding": _wrong_encoding,
    "versionAsOf": _wrong_version,
    "timestampAsOf": _wrong_time,
    "modifiedBefore": _wrong_time,
    "modifiedAfter": _wrong_time,
}
