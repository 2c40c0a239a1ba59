"""The gates that need neither Spark nor keys: those that `jobs/check.py` asks, and every run with the others."""

from __future__ import annotations

import datetime

from jobs.configuration import kept_values
from jobs.configuration.config import Config
from jobs.configuration.finding import Finding, in_order
from jobs.gates import limits, policy
from jobs.gates.gate import Gate, Gates, findings
from jobs.gates.known import Configured
from jobs.policy import policy_rules

GATES: Gates = (Gate(Configured, policy.kept), Gate(Configured, limits.told))


def all_findings(conf: Config, today: datetime.date) -> list[Finding]:
    """Of all tables, and of the configuration as a whole, each once: what several tables share (a key, a domain) is
    told at its own place; and what the catalog asks to be kept of its values beside the rows, which no run repeats."""
    found = set(policy_rules.of_policy(conf, today))
    for table in conf.tables:
        found.update(findings(GATES, Configured(conf, table, today)))
        found.update(kept_values.findings(conf.tables[table]))
    return in_order(found)
