"""Loops, written with an `llvmlite.ir.IRBuilder`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Value = Any  # llvmlite publishes no types
Body = Callable[[Value, list[Value]], list[Value]]


def repeated(b: Value, times: Value, step: int, carried: list[Value], body: Body) -> list[Value]:
    """``body(number, values)`` gives the values after it, for numbers from 0 to below ``times``; at least once.

    carried: the values before the first. Gives those after the last; ``b`` goes on there.
    """
    start = [times.type(0), *carried]
    before, inside, after = b.block, b.append_basic_block(), b.append_basic_block()
    b.branch(inside)
    b.position_at_end(inside)
    number, *values = phis = [b.phi(each.type) for each in start]
    last = body(number, values)
    following = b.add(number, times.type(step))
    for phi, first, later in zip(phis, start, (following, *last), strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, b.block)
    b.cbranch(b.icmp_signed("<", following, times), inside, after)
    b.position_at_end(after)
    return last
