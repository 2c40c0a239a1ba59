"""What a job ends with. Every error that is raised on purpose carries its code (`LakenymError.exit_code`).

====  ===========================================================================================================
code  meaning
====  ===========================================================================================================
0     done
1     no. Refused by a check, and nothing was committed for that table; or what was looked for was found: drift, a
      treatment that is weaker, a schema that is stale
2     the configuration or the command line cannot be used
3     failed at run time: the target is as it was before, or the message says what is not
130   interrupted by Ctrl-C, as shells have it
====  ===========================================================================================================
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any, ClassVar

from privacy_udfs.errors import BAD_USAGE, DONE, FAILED, REFUSED, LakenymError

__all__ = ["BAD_USAGE", "DONE", "FAILED", "INTERRUPTED", "REFUSED", "BadUsage", "Refused"]
INTERRUPTED = 128 + signal.SIGINT


class BadUsage(LakenymError):
    """What was asked for is not there, or cannot be asked so."""

    exit_code: ClassVar[int] = BAD_USAGE


class Refused(LakenymError):
    """A check refuses the run; nothing was committed. risk: what was measured of its rows, where these are why."""

    exit_code: ClassVar[int] = REFUSED
    risk: Mapping[str, Any] | None = None
