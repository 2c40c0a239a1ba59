"""What is done where in a JSON text: paths with their decisions, as a tree that a scanner walks along.

A decision holds for all that is below its path, but for what a longer path decides.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping

from privacy_udfs.json_text import grammar

JsonPath = tuple[str | None, ...]
"""From the root of a text: the name of an object's member, or None for the elements of an array."""

KEEP, DROP, UNDECIDED, PASS, OTHER = -1, -2, -3, -4, -5
"""What is done with a value, where it is no number of a treatment. PASS: above longer paths, what they do not lead into
stays, whatever its shape. OTHER: the same, and such values are found."""


@dataclasses.dataclass
class Branch:
    """A place in a text.

    action: what is done with a value there: one of the words above, or the number of a treatment.
    path: as RFC 9535 writes it. members, elements: the places below that paths lead to.
    """

    action: int
    path: str
    members: dict[str, Branch] = dataclasses.field(default_factory=dict)
    elements: Branch | None = None

    @functools.cached_property
    def rest(self) -> Branch:
        """Any place right below that no path leads to."""
        return Branch(KEEP if self.action in (PASS, OTHER) else self.action, self.path)

    @functools.cached_property
    def goes_on(self) -> bool:
        return bool(self.members) or self.elements is not None

    @functools.cached_property
    def keeps(self) -> bool:
        """Whether whatever stands here stays as it is."""
        return self.action == KEEP and not self.goes_on

    @functools.cached_property
    def skipped(self) -> re.Pattern[str] | None:
        """Members that stay, and are passed over together; None where it does not pay to look for such."""
        kept = [name for name, child in self.members.items() if child.keeps]
        if self.cuts or not (kept or self.rest.keeps):
            return None
        if self.rest.keeps:
            return grammar.members_but(self.members.keys() - kept)
        return grammar.members_of(kept)

    @functools.cached_property
    def cuts(self) -> bool:
        """Whether anything right below may be cut out."""
        below = (self.rest, self.elements, *self.members.values())
        return any(place is not None and place.action == DROP for place in below)

    def leads_into(self, first: str) -> bool:
        """Whether paths lead into a value that begins with this character."""
        return bool(self.members) if first == "{" else first == "[" and self.elements is not None


def tree(actions: Mapping[JsonPath, int]) -> Branch:
    """The root of a text."""
    root = Branch(actions.get((), UNDECIDED), "$")
    for path in sorted(actions, key=len):  # so that what is above is known
        place = root
        for step in path:
            place = _below(place, step)
        place.action = actions[path]
    return root


def _below(place: Branch, step: str | None) -> Branch:
    path = place.path + shown(step)
    if step is None:
        place.elements = place.elements or Branch(place.action, path)
        return place.elements
    return place.members.setdefault(step, Branch(place.action, path))


# -- as RFC 9535 writes them ------------------------------------------------------------------------------------------

SHORT = r"[A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff][0-9A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff]*"
"""A name that needs no quotes."""
ESCAPES = {"'": "'", "\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "/": "/"}
_ESCAPED = {"'": "\\'", "\\": "\\\\"}
_UNSEEN = re.compile(r"[\x00-\x1f\x7f`]")  # a backtick has a meaning where paths stand in other text


def shown(step: str | None) -> str:
    """One step: ``.name``, ``['an odd name']`` or ``[*]``."""
    if step is None:
        return "[*]"
    if re.fullmatch(SHORT, step):
        return f".{step}"
    quoted = "".join(_ESCAPED.get(sign, sign) for sign in step)
    return "['" + _UNSEEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", quoted) + "']"
