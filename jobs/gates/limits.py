"""Whether what is treated under a key with a limit can be counted at all."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.config_files import POLICY
from jobs.configuration.finding import Finding, Place
from jobs.gates.known import Configured, Inspected

AT = "limits"


def told(known: Configured) -> Iterator[Finding]:
    """A policy with limits, and no log of runs by which anything could be counted."""
    if known.conf.policy.limits is not None and known.conf.audit is None:
        line = known.conf.lines.get(POLICY, {}).get((AT,), 0)
        why = "rows and runs are counted in the audit log, and there is none: state it in audit.yaml"
        yield Place(POLICY, line, AT).says("refuse", why)


def counted(known: Inspected) -> Iterator[Finding]:
    """Rows are counted right before the commit, and there is no such moment."""
    limits = known.conf.policy.limits
    if limits is None or known.target.transaction is not None:
        return
    keys = sorted({each.treatment.key for each in known.plan.keyed if each.treatment.key is not None})
    for key in keys:
        limit = limits.of(key)
        if limit is not None and limit.counts_rows:
            why = f"key {key} has a limit of rows, which are counted before the commit in Delta's own transaction, out "
            yield Finding("refuse", None, f"{why}of reach here: use the tried versions of Spark and Delta")
