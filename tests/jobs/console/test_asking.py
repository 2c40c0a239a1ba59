"""A question that nobody answers is not agreed to."""

from __future__ import annotations

import io

import pytest

from jobs.console import asking


def test_the_end_of_the_input_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert asking.answer("Sure? ") == "yes"
    assert asking.answer("Sure? ") == ""
