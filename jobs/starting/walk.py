"""A draft gone through at a terminal: a column, what is proposed and why, and what a person says to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import get_args

from jobs.configuration.entry import UNDECIDED, Class
from jobs.configuration.treatments import words
from jobs.console.exit_codes import BadUsage, Refused
from jobs.policy import whys
from jobs.starting import typed_treatment
from jobs.starting.acceptance import NO_REASON, Draft
from jobs.starting.draft_columns import Column
from privacy_udfs.techniques import BY_NAME

Ask = Callable[[str], str]
Say = Callable[[str], None]
KEYS = "a accept, c change class, t change treatment, ? what the tool says of it, s skip, q stop here"
CLASSES = get_args(Class)
BY_NUMBER = {str(number): name for number, name in enumerate(CLASSES, 1)}
OVERRULED = "why the inventory is wrong (what the values are instead): "
WHY = "why, in your own words (what the column is for, or why it may go): "


class Stopped(Exception):
    """The person goes on another time; all that was answered is saved."""


def through(draft: Draft, ask: Ask, say: Say) -> bool:
    """Ask about whatever is not accepted. Returns whether nothing is left."""
    columns = draft.columns()
    left = [column for column in columns if not column.accepted]
    say(f"{draft.table}: {len(columns) - len(left):,} of {len(columns):,} columns accepted. Each answer is saved.")
    try:
        for what, question in (("owner", "who answers for these decisions (a name, an e-mail address): "),
                               ("target", "where the treated table goes (a path): ")):  # fmt: skip
            if what in draft.lacks():
                _until_taken(lambda what=what, text=question: draft.state(what, _said(ask, text)), say)  # type: ignore[misc]
        for number, column in enumerate(left, len(columns) - len(left) + 1):
            say(f"\n[{number}/{len(columns)}] {column.path}")
            _Asked(draft, column, ask, say).to_its_end()
    except (Stopped, EOFError, KeyboardInterrupt):
        say("\nstopped; what was answered is saved")
        return False
    return all(column.accepted for column in draft.columns()) and not draft.lacks()


def _said(ask: Ask, question: str) -> str:
    answer = ask(question).strip()
    if answer.lower() in ("q", "quit"):
        raise Stopped
    return answer


def _until_taken(step: Callable[[], None], say: Say) -> None:
    while True:
        try:
            step()
            return
        except (Refused, BadUsage) as error:
            say(f"  {error}")


@dataclasses.dataclass
class _Asked:
    """One column and what the person wants of it by now."""

    draft: Draft
    column: Column
    ask: Ask
    say: Say

    def __post_init__(self) -> None:
        self.class_, self.treatment = self.column.class_, self.column.treatment

    def to_its_end(self) -> None:
        self._show(self.column.notes[:1] + tuple(each for each in self.column.notes[1:] if "warning" in each))
        if self.column.by_cases:
            self.say(f"    is treated by cases: change it in {self.draft.path}, and say why there; left out here")
            return
        while True:
            answer = _said(self.ask, "  [a/c/t/?/s/q] ").lower()
            if answer in ("s", "skip"):
                return
            try:
                if self._done(answer):
                    return
            except (Refused, BadUsage) as error:
                self.say(f"    not taken: {error}")

    def _done(self, answer: str) -> bool:
        if answer in ("a", "accept"):
            return self._accepted()
        if answer in ("c", "class"):
            self._ask_class()
        elif answer in ("t", "treatment"):
            self._ask_treatment()
        elif answer == "?":
            self._show(self.column.notes)
            self.say(f"    {KEYS}")
        else:
            self.say(f"    {KEYS}")
        return False

    def _accepted(self) -> bool:
        if self.class_ == UNDECIDED:
            self._ask_class()
        if self.treatment == UNDECIDED:
            self._ask_treatment()
        why = _said(self.ask, f"    {WHY}")
        if why and whys.says_nothing(why):
            self.say(f"    {NO_REASON}")
            why = _said(self.ask, f"    {WHY}")
        overruled = self._overruled() if why else ""
        for warning in self.draft.accept(self.column.path, self.class_, self.treatment, why, overruled):
            self.say(f"    warning: {warning}")
        return True

    def _overruled(self) -> str:
        """Asked for where the decision says less than what was seen."""
        seen = self.draft.against(self.column.path, self.class_, self.treatment)
        if seen is None and not self.draft.is_less_than_its_kind(self.column.path, self.class_):
            return ""
        if seen is None:
            self.say(f"    class {self.class_} is less than its kind, {self.column.kind}")
            return _said(self.ask, f"    {OVERRULED}")
        self.say(f"    the inventory of {seen.seen} saw {seen.kind} ({seen.class_}): {'; '.join(seen.reasons)}")
        return _said(self.ask, f"    {OVERRULED}")

    def _ask_class(self) -> None:
        listed = ", ".join(f"{number} {name}" for number, name in BY_NUMBER.items())
        answer = _said(self.ask, f"    class ({listed}): ")
        found = BY_NUMBER.get(answer, answer)
        if found not in CLASSES:
            raise BadUsage(f"expected one of: {listed}")
        self.class_ = found
        allowed = self.draft.around.policy.allows(found)
        self.say(f"    {found}: the policy allows {', '.join(allowed)}")
        self._show(())

    def _ask_treatment(self) -> None:
        domains = self.draft.around.domains
        listed = f"; domains: {', '.join(domains)}" if domains else ""
        answer = _said(self.ask, f"    treatment (such as {typed_treatment.EXAMPLES}{listed}): ")
        treatment = typed_treatment.read(answer, domains)
        name = treatment if isinstance(treatment, str) else treatment.get("technique")
        if isinstance(name, str) and name not in BY_NAME and name not in words():
            raise BadUsage(f"no technique is called {name!r}; there are {', '.join(BY_NAME)}")
        self.treatment = treatment
        self._show(())

    def _show(self, notes: tuple[str, ...]) -> None:
        for note in notes:
            self.say(f"    {note}")
        self.say(f"    {self.class_} -> {typed_treatment.shown(self.treatment)}")
