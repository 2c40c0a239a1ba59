"""Whether what is treated under a key with a limit can be counted at all."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.config_files import POLICY
from jobs.configuration.finding import Finding, Place
from jobs.gates.known import Configured

AT = "limits"


def told(known: Configured) -> Iterator[Finding]:
    """A policy with limits, and no log of runs by which anything could be counted."""
    if known.conf.policy.limits is not None and known.conf.audit is None:
        line = known.conf.lines.get(POLICY, {}).get((AT,), 0)
        why = "rows and runs are counted in the audit log, and there is none: state it in audit.yaml"
        yield Place(POLICY, line, AT).says("refuse", why)
