"""How old the keys in force are, by the dates in keys.yaml, and what policy.yaml says to that. No Spark."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from jobs.configuration.config import Config
from jobs.configuration.config_files import KEYS
from jobs.configuration.documents import quote
from jobs.configuration.finding import Finding, Level, Place
from jobs.configuration.models import KeyEntry
from jobs.configuration.policy_entries import KeyAge


def findings(config: Config, key_ids: Mapping[str, int], today: datetime.date) -> list[Finding]:
    """What the policy has against the versions that would treat new data. key_ids: key name -> the version in force.

    Dates are days in UTC. Level ``refuse``: nothing must be treated under it. Level ``warn``: someone should rotate.
    """
    age = config.policy.keys
    found = [] if age is None else list(_judged(config, age, key_ids, today))
    lines = config.lines.get(KEYS, {})
    return [Place(KEYS, lines.get((name,), 0), quote(name)).says(*judgement) for name, judgement in found]


def _judged(
    config: Config, age: KeyAge, key_ids: Mapping[str, int], today: datetime.date
) -> Iterator[tuple[str, tuple[Level, str]]]:
    for name, key_id in key_ids.items():
        created = config.keys[name].created.get(str(key_id))
        if created is None:
            message = f"policy.yaml sets a maximum age, and nothing says when version {key_id} was made: add {{}}"
            yield name, ("refuse", message.format(dates(config.keys[name], key_id, "YYYY-MM-DD")))
        elif created > today:
            yield name, ("refuse", f"version {key_id} is to be made on {created} only: mend the date")
        else:
            yield from ((name, judgement) for judgement in _aged(age, key_id, (today - created).days))


def _aged(age: KeyAge, key_id: int, days: int) -> Iterator[tuple[Level, str]]:
    left = age.max_age_days - days
    old = f"version {key_id} is {days} days old; policy.yaml allows {age.max_age_days}"
    if left < 0:
        yield "refuse", f"{old}: add a version, promote it, and treat the tables anew (docs/keys.md, 'A key is due')"
    elif left <= age.warn_days:
        yield "warn", f"{old}: rotate it within {left} days"


def dates(entry: KeyEntry, key_id: int, day: datetime.date | str) -> str:
    """What keys.yaml should say of the ages of a key's versions, one more among them, as it is to be written there."""
    known = {**entry.created, str(key_id): day}
    return "created: {" + ", ".join(f'"{version}": {known[version]}' for version in known) + "}"
