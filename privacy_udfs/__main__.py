"""What pages say of all techniques, from what each says of itself: ``python -m privacy_udfs [--write PAGE ...]``.

Prints the table of techniques and their order of strength; with ``--write`` puts them in their places in pages.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from privacy_udfs.strength import Shows
from privacy_udfs.techniques import BY_NAME

TABLE = re.compile(r"^\| technique \| what comes out \| standard \|$(\n\|.*)+", re.MULTILINE)
ORDER = re.compile(r"^1\. `drop`$(\n\d+\. `.*)*", re.MULTILINE)


def table() -> str:
    """One row of Markdown for each technique, in the order of the list."""
    rows = [f"| `{name}` | {cls.comes_out} | {cls.standard} |" for name, cls in BY_NAME.items()]
    return "\n".join(["| technique | what comes out | standard |", "|---|---|---|", *rows])


def order() -> str:
    """The techniques by what they show, the strongest first; those that show the same in one line."""
    lines = [", ".join(f"`{name}`" for name, cls in BY_NAME.items() if cls.shows is shows) for shows in Shows]
    return "\n".join(f"{number}. {line}" for number, line in enumerate(filter(None, lines), 1))


def written(page: str) -> str:
    """The page with both as they are now, where it has them."""
    return ORDER.sub(lambda _: order(), TABLE.sub(lambda _: table(), page))


def main(argv: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser("privacy_udfs", description=__doc__.partition("\n\n")[0], allow_abbrev=False)
    options.add_argument("--write", type=Path, nargs="+", default=[], metavar="PAGE", help="Markdown files to mend")
    pages = options.parse_args(argv).write
    for page in pages:
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
    if not pages:
        print(f"{table()}\n\n{order()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
