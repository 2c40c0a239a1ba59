"""``python -m jobs.one_command`` is ``lakenym``."""

from __future__ import annotations

import sys

from jobs.one_command.start import main

sys.exit(main())
