"""What can go wrong, in one small hierarchy.

No message of these errors ever holds a value of a table or a byte of a key: they name the table, column, rule,
type and counts. Code that catches a library's exception raises one of these ``from None``, since messages of
libraries quote what they could not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

DONE, REFUSED, BAD_USAGE, FAILED = 0, 1, 2, 3


class LakenymError(Exception):
    """The base of all errors raised on purpose. exit_code: of a job that ends with it (`jobs.console.exit_codes`)."""

    exit_code: ClassVar[int] = FAILED


class ParameterError(LakenymError, ValueError):
    """Parameters of a technique that cannot be: every fault at once, one a line."""

    def __init__(self, subject: str, faults: Sequence[str]) -> None:
        self.subject = subject
        self.faults = tuple(faults)
        number = f"{len(self.faults)} fault{'' if len(self.faults) == 1 else 's'}"
        super().__init__("\n".join([f"{subject}: {number}", *(f"  {fault}" for fault in self.faults)]))

    def __reduce__(self) -> tuple[type[ParameterError], tuple[str, tuple[str, ...]]]:
        return type(self), (self.subject, self.faults)


class TypeRefused(LakenymError, TypeError):
    """A technique cannot treat columns of this type."""


class ValueRefused(LakenymError, ValueError):
    """A technique met values it cannot treat, and ``on_refused`` is ``stop``. Holds the count and the rule only."""


class SourceRefused(LakenymError, ValueError):
    """A file is not what it is said to be. Names the file, the place in it and the rule, and no word of the file."""


class KeyProblem(LakenymError):
    """A key is missing, malformed, of the wrong size, disabled or out of reach."""

    exit_code: ClassVar[int] = REFUSED


class TokenRefused(LakenymError, ValueError):
    """A pseudonym could not be reverted. One message for every reason, so that it cannot serve as an oracle."""

    MESSAGE = "the value cannot be reverted with this key and treatment"

    def __init__(self) -> None:
        super().__init__(self.MESSAGE)

    def __reduce__(self) -> tuple[type[TokenRefused], tuple[()]]:
        return type(self), ()


class UnexpectedFailure(LakenymError):
    """A technique failed for a reason it did not foresee. Names the technique and the kind of error, never its text."""
