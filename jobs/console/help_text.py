"""Helps of jobs: docstrings as they are written, and on a narrower terminal their paragraphs anew."""

from __future__ import annotations

import argparse
import textwrap

from jobs.console.terminal import columns


class AsWritten(argparse.RawDescriptionHelpFormatter):
    """Lines stay where they fit, and so do paragraphs with indented lines: tables, and what is to be typed."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        written, room = super()._fill_text(text, width, indent), columns()
        if room is None or all(len(line) <= room for line in written.splitlines()):
            return written
        return "\n\n".join(_fitted(each, room) for each in written.split("\n\n"))


def _fitted(paragraph: str, room: int) -> str:
    lines = paragraph.splitlines()
    if any(line[:1].isspace() for line in lines) or all(len(line) <= room for line in lines):
        return paragraph
    return textwrap.fill(" ".join(lines), room, break_long_words=False, break_on_hyphens=False)
