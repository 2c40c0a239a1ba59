"""The policy, as far as the configuration tells."""

from __future__ import annotations

from collections.abc import Iterable

from jobs.configuration.finding import Finding
from jobs.gates.known import Configured
from jobs.policy import policy_rules


def kept(known: Configured) -> Iterable[Finding]:
    return policy_rules.violations(known.conf, known.table, known.today)
