"""The text of policy.yaml: what each class of column allows, and what must hold besides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from jobs.configuration.documents import one_of
from jobs.configuration.entry import Class, Entry, NotBlank
from jobs.configuration.erasure_entry import Erasure
from jobs.configuration.limits_entry import Limits
from jobs.configuration.monitoring_bounds import PolicyMonitoring
from jobs.configuration.policy_entries import (
    Approved,
    ClassPolicy,
    Deprecation,
    KeyAge,
    ProfileException,
    Profiles,
    Snapshots,
    Thresholds,
)
from jobs.configuration.reversal_entry import Reversal
from jobs.configuration.risk_bounds import MEASURES_OF, PolicyRisk
from jobs.configuration.rotation_entry import Rotation
from jobs.configuration.subject_access_entry import SubjectAccess


class Policy(Entry):
    """Which techniques each class allows, and what must hold besides. A class that is not named allows none.

    thresholds: for reports. risk: what the rows of a run are held to. monitoring: from where on a change of a treated
    table is told. require: what each column must state, or its table for it;
    of each domain of scope ``person``, ``why`` (``scope``). review_grace_days: how long after
    ``review_by`` a table is still treated, with a warning; for ever if left out. profile: the laws and standards whose
    rules hold besides (`jobs.policy.profiles`). profile_exceptions: what of them someone takes the responsibility for.
    reversal: who may have values turned back (`jobs/reidentify.py`); nobody if left out.
    subject_access: who may be given all that is held of one person (`jobs/subject.py`); nobody if left out.
    rotation: which keys' columns may be re-encrypted from the treated tables (`jobs/rotate_keys.py`); none if left out.
    limits: how much may be treated under a key in an hour and a day, by the audit log; as much as anyone likes if left
    out. erasure: by which key the erased are told, and the list that keeps them out of later runs; none if left out.
    evidence: whether all tables were looked at by the inventory, so that one without ``evidence/<table>.json`` is
    warned of.
    """

    version: NotBlank
    classes: dict[Class, ClassPolicy]
    thresholds: Thresholds = Thresholds()
    risk: PolicyRisk = PolicyRisk()
    monitoring: PolicyMonitoring = PolicyMonitoring()
    require: Annotated[tuple[Literal["review_by", "retention", "scope"], ...], Field(strict=False)] = ()
    review_grace_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    approved: Approved = Approved()
    deprecated: Annotated[tuple[Deprecation, ...], Field(strict=False)] = ()
    snapshots: Snapshots | None = None
    keys: KeyAge | None = None
    profile: Profiles = ()
    profile_exceptions: Annotated[tuple[ProfileException, ...], Field(strict=False)] = ()
    reversal: Reversal | None = None
    rotation: Rotation | None = None
    subject_access: SubjectAccess | None = None
    limits: Limits | None = None
    erasure: Erasure | None = None
    evidence: bool = False

    @field_validator("classes")
    @classmethod
    def _measured_by_their_columns(cls, classes: dict[Class, ClassPolicy]) -> dict[Class, ClassPolicy]:
        for name, stated in classes.items():
            known = MEASURES_OF.get(name, ())
            other = [measure for measure in stated.risk.stated() if measure not in known]
            if other:
                wanted = f"{one_of(known)} only" if known else "none: nothing is measured by such columns"
                raise ValueError(
                    f"{name}: risk: {other[0]}: expected {wanted}; 'risk' beside 'classes' is for all tables"
                )
        return classes

    def allows(self, class_: str) -> tuple[str, ...]:
        """The names of the techniques for columns of a class."""
        found = {str(name): policy.techniques for name, policy in self.classes.items()}
        return found.get(class_, ())
