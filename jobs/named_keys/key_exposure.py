"""Settings of Spark that give keys away: they stand in its pages, its event log and the command lines of processes.

Environment variables of executors and drivers can be settings too; a key handed over so is read by whoever reads logs.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping

from jobs.configuration.models import KeyEntry

ENVIRONMENTS = (
    "spark.executorEnv.",
    "spark.yarn.appMasterEnv.",
    "spark.kubernetes.driverEnv.",
    "spark.kubernetes.executorEnv.",
    "spark.mesos.driverEnv.",
)
"""What is before the name of a variable in settings that set one."""
MARKS = ('"primaryKeyId"', '"encryptedKeyset"', '"primary_key_id"', "type.googleapis.com/google.crypto.tink.")
"""What every keyset in JSON holds, and nothing else does."""
_MEND = (
    "Spark shows settings in its pages, its event log and the command lines of processes. Take it out, make a new key "
    "(docs/keys.md, 'A key leaks'), and give executors a file, a key service or the scheduler's own secrets"
)


def refusals(settings: Iterable[tuple[str, str]], keys: Mapping[str, KeyEntry]) -> list[str]:
    """Why this application must use no key: settings, by name, that hold one. keys: all of keys.yaml."""
    wanted = {variable: name for name, entry in keys.items() for variable in _variables(entry)}
    found = []
    for setting, value in settings:
        key = next((wanted[name] for name in _names(setting) if name in wanted), None)
        if key is not None:
            found.append(f"key {key!r}: the setting {setting} hands it over. {_MEND}")
        elif _is_keyset(value):
            found.append(f"the setting {setting} holds a keyset. {_MEND}")
    return found


def _variables(entry: KeyEntry) -> Iterator[str]:
    for uri in (uri or "" for place in entry.places for uri in place):
        if uri.startswith("env:"):
            yield uri.removeprefix("env:")


def _names(setting: str) -> Iterator[str]:
    """The variable that a setting sets."""
    for prefix in ENVIRONMENTS:
        if setting.lower().startswith(prefix.lower()):
            yield setting[len(prefix) :]


def _is_keyset(value: str) -> bool:
    plain = value.replace("\\", "")  # as it stands within other JSON or a shell's words
    return any(form in plain for mark in MARKS for form in (mark, *_encoded(mark)))


def _encoded(mark: str) -> Iterator[str]:
    """The mark within base64, in each of the three ways that it can lie in groups, without its ends."""
    for at in range(3):
        whole = base64.b64encode(bytes(at) + mark.encode()).decode()
        yield whole[4 if at else 0 : -4]
