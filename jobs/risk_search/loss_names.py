"""What a search may make least: the names alone, so that a help can list them."""

from __future__ import annotations

LOSSES = ("discernibility", "certainty_penalty", "average_class_size", "nonuniform_entropy")
"""The first, unless another is asked for."""
