"""What ``lakenym`` is when it starts: it imports the rest where Ctrl-C is heard already."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the command with the words of the command line, and return its exit code; interrupted, that of shells."""
    try:
        from jobs.one_command import command

        return command.main()
    except KeyboardInterrupt:
        print("lakenym: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
