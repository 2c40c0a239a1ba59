"""What is wrong with something that is said to be signed."""

from __future__ import annotations

from typing import ClassVar

from privacy_udfs.errors import REFUSED, LakenymError


class NotSigned(LakenymError):
    """It is not what it should be, or no key that is trusted signed it."""

    exit_code: ClassVar[int] = REFUSED
