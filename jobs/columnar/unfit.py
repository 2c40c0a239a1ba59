"""Why a run does not take the columnar path."""

from __future__ import annotations

from privacy_udfs.errors import LakenymError


class NotColumnar(LakenymError):
    """The run takes Spark's path instead, with the same result. The message is one clause that says why, without a
    value: ``a column of CHAR is padded by Spark when it reads``."""
