"""The plot of docs/benchmarks.md; drawn where matplotlib (the extra ``bench``) is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import kernels, tables

OURS, OTHERS = "#1b6ca8", "#b8bec4"
SHOWN = 4  # groups of kernels: the hashes, and the ciphers


def draw(path: Path, measured: Mapping[str, Sequence[kernels.Row]], rows: Sequence[tables.Row]) -> bool:
    """Write an SVG; False where matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "lakenym", "font.size": 8})
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 5), layout="constrained")
    _bars(left, _values(measured), "ns per value, one core (logarithmic)")
    left.set_xscale("log")
    _bars(right, [(row.name, row.median("clock")) for row in rows], "seconds, 4 columns of 9 treated")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return True


def _values(measured: Mapping[str, Sequence[kernels.Row]]) -> list[tuple[str, float]]:
    wanted = [title for title in measured if title.startswith(("Keyed hashing, all", "Determ", "Random", "Format"))]
    return [
        (row.name, row.per_value.median * 1e9)
        for title in wanted[:SHOWN]
        for row in measured[title]
        if row.per_value is not None
    ]


def _bars(axes: Any, bars: Sequence[tuple[str, float]], label: str) -> None:
    names = [name.replace("*", "").replace("`", "") for name, _ in bars]
    colours = [OURS if name.startswith("**") else OTHERS for name, _ in bars]
    drawn = axes.barh(range(len(bars)), [value for _, value in bars], color=colours)
    axes.bar_label(drawn, fmt=lambda value: f"{value:,.0f}" if value >= 50 else f"{value:.1f}", padding=2)
    axes.set_yticks(range(len(bars)), names)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
