"""Why a table cannot be read or written."""

from __future__ import annotations

from privacy_udfs.errors import LakenymError


class SourceProblem(LakenymError):
    """The source cannot be read as the catalog says."""


class CommitConflict(LakenymError):
    """Another run or program changed the target since this one looked at it; this run committed nothing."""


class Overwritten(LakenymError):
    """This run committed, and replaced what others had committed since it looked; seen only afterwards."""
