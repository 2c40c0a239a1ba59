"""What a gate is, and how gates are asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from jobs.configuration.finding import Finding
from jobs.gates.known import Configured

Known = TypeVar("Known", bound=Configured)


@dataclasses.dataclass(frozen=True)
class Gate(Generic[Known]):
    """One thing that must hold. needs: what must be known of a run to ask it."""

    needs: type[Known]
    ask: Callable[[Known], Iterable[Finding]]


Gates = tuple[Gate[Any], ...]


def findings(gates: Gates, known: Configured) -> list[Finding]:
    """What the gates have to say, in their order; those that need to know more are not asked."""
    return [found for gate in gates if isinstance(known, gate.needs) for found in gate.ask(known)]
