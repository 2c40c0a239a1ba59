"""The parts of policy.yaml: what a class allows, rules for parameters, what is approved, what runs out and when."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from jobs.configuration.documents import did_you_mean, one_of
from jobs.configuration.entry import TABLE_PATTERN, Entry, Name, NotBlank, TechniqueName, Version, one_of_those
from jobs.configuration.finding import Level
from jobs.configuration.risk_bounds import RiskBounds, Share
from jobs.configuration.uris import TablePath
from privacy_udfs.key_providers import KEKS, STORES
from privacy_udfs.parameters import IsoDate, Number
from privacy_udfs.techniques import BY_NAME, algorithms

WIDEST = 1 << 16


def _providers() -> tuple[str, ...]:
    return tuple(dict.fromkeys([*STORES, *KEKS]))


def _known(what: str, names: Callable[[], Collection[str]]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names():
            hint = did_you_mean(name, names()) or f"; expected {one_of(names())}"
            raise ValueError(f"no {what} is called {name!r}{hint}")
        return name

    return AfterValidator(check)


Algorithm = Annotated[str, _known("algorithm", algorithms), one_of_those(algorithms)]
Provider = Annotated[str, _known("key provider", _providers), one_of_those(_providers)]


class ParameterRule(Entry):
    """A bound on one parameter of a technique.

    or_unset: a treatment that leaves the parameter unset (null) passes; else it is refused.
    """

    technique: TechniqueName
    parameter: NotBlank
    at_least: Number | None = None
    at_most: Number | None = None
    one_of: Annotated[tuple[str | bool | int, ...] | None, Field(strict=False, min_length=1)] = None
    or_unset: bool = False
    why: NotBlank | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> ParameterRule:
        fields = BY_NAME[self.technique].model_fields
        if self.parameter not in fields or self.parameter == "technique":
            known = [name for name in fields if name != "technique"]
            hint = did_you_mean(self.parameter, known) or f"; expected {one_of(known)}"
            raise ValueError(f"{self.technique} has no parameter {self.parameter!r}{hint}")
        if (self.one_of is not None) == (self.at_least is not None or self.at_most is not None):
            raise ValueError("expected either 'one_of', or 'at_least' and 'at_most' or one of these two")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("expected 'at_least' not above 'at_most'")
        return self


class ClassPolicy(Entry):
    """What may be done with columns of one class, and how strong it must be. risk: what the rows of tables with such
    columns are held to besides; of quasi-identifiers k and at_risk, of sensitive columns l and t."""

    techniques: Annotated[tuple[TechniqueName, ...], Field(strict=False)]
    rules: Annotated[tuple[ParameterRule, ...], Field(strict=False)] = ()
    risk: RiskBounds = RiskBounds()

    @model_validator(mode="after")
    def _rules_can_apply(self) -> ClassPolicy:
        for rule in self.rules:
            if rule.technique not in self.techniques:
                raise ValueError(f"a rule for {rule.technique}, which 'techniques' does not list")
        return self


class Thresholds(Entry):
    """What the risk job holds tables to. k: rows alike; l: sensitive values among these; t: farthest distribution;
    at_risk: the share of rows, or people, whose risk is above a fifth."""

    k: Annotated[int, Field(ge=2, le=WIDEST)] | None = None
    l: Annotated[int, Field(ge=2, le=WIDEST)] | None = None  # noqa: E741 - l-diversity is called so
    t: Annotated[float, Field(gt=0, le=1)] | None = None
    at_risk: Share | None = None


class Approved(Entry):
    """What may be used at all; what is left out here is not restricted.

    packages: name -> the oldest version. clear_keysets: whether a keyset may lie unencrypted in a file or variable.
    """

    algorithms: Annotated[tuple[Algorithm, ...] | None, Field(strict=False)] = None
    keys: Annotated[tuple[Name, ...] | None, Field(strict=False)] = None
    providers: Annotated[tuple[Provider, ...] | None, Field(strict=False)] = None
    packages: dict[NotBlank, Version] = Field(default={})
    clear_keysets: bool = True


class Deprecation(Entry):
    """One thing that runs out. After ``warn_after`` (at once, if left out) its use is warned of; after
    ``refuse_after`` (never, if left out) it is refused. below: of a package, only versions before this one."""

    algorithm: Algorithm | None = None
    technique: TechniqueName | None = None
    key: Name | None = None
    provider: Provider | None = None
    package: NotBlank | None = None
    below: Version | None = None
    warn_after: IsoDate | None = None
    refuse_after: IsoDate | None = None
    why: NotBlank

    @model_validator(mode="after")
    def _one_thing(self) -> Deprecation:
        if len(self._named()) != 1:
            raise ValueError(f"expected exactly one of {one_of(_DEPRECATED)}")
        if self.below is not None and self.package is None:
            raise ValueError("expected 'below' with 'package' only")
        if self.warn_after is not None and self.refuse_after is not None and self.warn_after > self.refuse_after:
            raise ValueError("expected 'warn_after' not after 'refuse_after'")
        return self

    def _named(self) -> dict[str, Any]:
        return {kind: getattr(self, kind) for kind in _DEPRECATED if getattr(self, kind) is not None}

    @property
    def kind(self) -> str:
        """``algorithm``, ``technique``, ``key``, ``provider`` or ``package``."""
        return next(iter(self._named()))

    @property
    def name(self) -> str:
        return str(self._named()[self.kind])

    def level(self, today: datetime.date) -> Level | None:
        """``refuse``, ``warn``, or None while nothing is to be said."""
        if self.refuse_after is not None and today > self.refuse_after:
            return "refuse"
        return "warn" if self.warn_after is None or today > self.warn_after else None


_DEPRECATED = ("algorithm", "technique", "key", "provider", "package")


class KeyAge(Entry):
    """How old the version of a key may be that treats new data. warn_days: how long before, a run warns."""

    max_age_days: Annotated[int, Field(ge=1, le=36500)]
    warn_days: Annotated[int, Field(ge=0, le=36500)] = 30

    @model_validator(mode="after")
    def _warns_within(self) -> KeyAge:
        if self.warn_days >= self.max_age_days:
            raise ValueError("expected 'warn_days' below 'max_age_days'")
        return self


ProfileName = Literal["hipaa_safe_harbor", "gdpr_pseudonymization", "pci_dss"]
PROFILES: tuple[str, ...] = get_args(ProfileName)
"""What they demand stands in `jobs.policy.profiles`."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("a profile is named twice")
    return names


Profiles = Annotated[
    tuple[Annotated[str, _known("profile", lambda: PROFILES)], ...],
    Field(strict=False),
    BeforeValidator(_as_list, json_schema_input_type=ProfileName | list[ProfileName]),
    AfterValidator(_each_once),
]


class ProfileException(Entry):
    """A rule of a profile that a table, or one column of it, may miss: it is then warned of. why: the reason that a
    reader of the law is to see. review_by: the last day on which it counts."""

    profile: ProfileName
    rule: NotBlank
    table: Annotated[str, Field(pattern=TABLE_PATTERN)]
    column: NotBlank | None = None
    why: NotBlank
    review_by: IsoDate


class Snapshots(Entry):
    """Where runs keep their configuration for good: a Delta table by path, or by name."""

    path: TablePath | None = None
    table: NotBlank | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Snapshots:
        if (self.path is None) == (self.table is None):
            raise ValueError("expected exactly one of 'path' and 'table'")
        return self
