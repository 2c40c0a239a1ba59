"""What a domain is called where its sub-keys are derived: by its name, and beside it by its scope.

A domain of scope ``person`` is called by its name alone. Of the others the label goes on after an ``@``::

    customer                           person
    customer@recipient:research-lab    relationship: who it is made for
    customer@purpose:billing           relationship: what it is made for
    customer@period:month              period; from this sub-key one for each month is derived (`privacy_udfs.periods`)

No name of a domain, a recipient or a purpose holds an ``@``, a ``:`` or a ``/``, and a column's own label begins with
the name of its table and a ``/``: so two different scopes never share a label, and none is the label of a column.
"""

from __future__ import annotations

PERSON, RELATIONSHIP, PERIOD, RECORD = "person", "relationship", "period", "record"
SCOPES = (RECORD, PERIOD, RELATIONSHIP, PERSON)
"""The narrowest first: the fewer rows join, the less is learnt of whom they are about."""
MARK, ENDS = "@", ":"


def label(domain: str, kind: str, name: str) -> str:
    """The label of a domain in a scope. kind: ``recipient``, ``purpose`` or ``period``. name: whose, or which unit."""
    return f"{domain}{MARK}{kind}{ENDS}{name}"


def is_scoped(domain: str) -> bool:
    """Whether a label says more than the domain's name."""
    return MARK in domain.partition("/")[0]


def domain_of(domain: str | None) -> str:
    """The domain's own name, as domains.yaml has it; of a column's own label the same label."""
    if domain is None or not is_scoped(domain):
        return domain or ""
    return domain.partition(MARK)[0]


def context_of(domain: str | None) -> tuple[str, str] | None:
    """What a label says beside the domain's name: ``("recipient", "research-lab")``; None where it says no more."""
    if domain is None or not is_scoped(domain):
        return None
    kind, _, name = domain.partition(MARK)[2].partition(ENDS)
    return kind, name


def scope_of(domain: str | None, deterministic: bool = True) -> str:
    """The scope that a label tells of. deterministic: whether the technique gives equal values equal results."""
    if not deterministic:
        return RECORD
    found = context_of(domain)
    if found is None:
        return PERSON
    return PERIOD if found[0] == PERIOD else RELATIONSHIP
