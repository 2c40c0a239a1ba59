"""The techniques as a table in Markdown, as the README holds it: ``python -m privacy_udfs``."""

from __future__ import annotations

from privacy_udfs.techniques import BY_NAME


def table() -> str:
    """One row for each technique, in the order of the list, from what each says of itself."""
    rows = [f"| `{name}` | {cls.comes_out} | {cls.standard} |" for name, cls in BY_NAME.items()]
    return "\n".join(["| technique | what comes out | standard |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
