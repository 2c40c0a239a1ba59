"""Profiles as tables for docs/profiles.md: ``python -m jobs.policy.profiles.described`` prints them."""

from __future__ import annotations

from jobs.policy.profiles import BY_NAME
from jobs.policy.profiles.rule import Profile


def table(profile: Profile) -> str:
    """A table in Markdown, a row for each rule."""
    lines = ["| rule | paragraph | demands | asked of | what heals it |", "|---|---|---|---|---|"]
    for rule in profile.rules:
        level = " (a warning)" if rule.level == "warn" else ""
        cells = (f"`{rule.name}`{level}", rule.paragraph, rule.demands, rule.about.words, rule.heals)
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    for each in BY_NAME.values():
        print(f"## {each.title}\n\n{table(each)}\n")
