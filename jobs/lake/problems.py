"""Why a table cannot be read or written."""

from __future__ import annotations

from privacy_udfs.errors import LakenymError


class SourceProblem(LakenymError):
    """The source cannot be read as the catalog says."""


class CommitConflict(LakenymError):
    """Another run changed the target since this one looked at it; this run wrote nothing."""
