"""When a stream takes its next batch, as a person writes it."""

from __future__ import annotations

import pytest

from jobs.configuration.trigger import NOW, NoTrigger, Trigger


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1 second", 1), ("30 seconds", 30), ("1 minute", 60), ("5 minutes", 300), ("1 hour", 3600), ("24 hours", 86400)],
)
def test_an_interval(text: str, seconds: int) -> None:
    assert Trigger.parse(text) == Trigger(seconds)


def test_now() -> None:
    assert Trigger.parse("available-now") == NOW == Trigger(None)


@pytest.mark.parametrize(
    "text", ["", "now", "30", "30s", "0 seconds", "-1 second", "1.5 seconds", "٣ seconds", "1  hour"]
)
def test_no_trigger(text: str) -> None:
    with pytest.raises(NoTrigger, match="expected available-now, or an interval"):
        Trigger.parse(text)
