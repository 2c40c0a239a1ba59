"""What a run measured of the risk of its table, in words. Counts stand in it as they may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def shown(count: int | str) -> str:
    return count if isinstance(count, str) else f"{count:,}"


def in_words(risk: Mapping[str, Any]) -> str:
    """``k 8 of 1,200 people in 40 classes by 3 quasi-identifiers, none at risk; income: l 3, t 0.214``"""
    if not risk.get("quasi_identifiers"):
        return "no quasi-identifier stays in the table"
    return "; ".join(_parts(risk))


def by_size(bands: Sequence[Mapping[str, Any]], counted: str) -> str:
    """``12 in classes of 1, 19 of 2 to 4``; of the bands of a histogram."""
    sizes = [f"{each['from']}" if each["from"] == each["to"] else f"{each['from']} to {each['to']}" for each in bands]
    told = [f"{shown(each[counted])} of {size}" for each, size in zip(bands, sizes, strict=True)]
    return ", ".join(told).replace(" of ", " in classes of ", 1)


def of_boxes(boxes: Mapping[str, Any]) -> str:
    """``3 columns in 1,200 boxes of 12.5 rows on average, discernibility 0.0011``"""
    many = boxes["columns"]
    cut = f"{many} column{'s' if many > 1 else ''} in {shown(boxes['boxes'])} boxes"
    return f"{cut} of {boxes['average_class_size']} rows on average, discernibility {boxes['discernibility']}"


def _parts(risk: Mapping[str, Any]) -> Iterator[str]:
    counted, many = risk["counted"], risk["quasi_identifiers"]
    by = f"{many} quasi-identifier{'s' if many > 1 else ''}"
    at_risk = f"{shown(risk['at_risk'])} at risk" if risk["at_risk"] else "none at risk"
    yield f"k {risk['k']} of {shown(risk[counted])} {counted} in {shown(risk['classes'])} classes by {by}, {at_risk}"
    for column, found in risk.get("sensitive", {}).items():
        yield f"{column}: l {found['l']}, t {found['t']}"
