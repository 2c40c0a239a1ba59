"""The walk down a key tree as LLVM instructions that use the AES instructions of x86 processors."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from privacy_udfs.kernels.aes.aes_ir import AT, I32, I64, NUMBERS, Aes
from privacy_udfs.kernels.native import repeated

Value = Any  # llvmlite publishes no types
I16 = ir.IntType(16)
WORD = 32  # levels whose digits stand in the first 8 bytes of an index
LEVELS, INDEX, NODE, SECRET = 40, 10, 16, 32


DEEP = 8  # vectors at once (measured)


def module(wide: int, first: int) -> Any:
    """walk(key, seeds, depths, numbers, indexes, count, secrets): of each row of ``indexes`` the secret, from the node
    on that ``numbers`` names. No node lies above level ``first``. count: one or more. wide: see `Aes`."""
    aes = Aes(wide, DEEP)
    walk = aes.function("walk", AT, AT, AT, NUMBERS, AT, I64, AT)
    key, seeds, depths, numbers, indexes, count, secrets = walk.args

    def schedule(b: Value) -> list[Value]:
        return aes.schedules(b, [(aes.spread(b, key), aes.spread(b, b.gep(key, [I64(16)])))])[0]

    def some(b: Value, rows: list[Value], round_keys: list[Value]) -> None:
        nodes = [b.sext(b.load(b.gep(numbers, [row]), align=4), I64) for row in rows]
        levels = [b.zext(b.load(b.gep(depths, [node])), I64) for node in nodes]
        begin = aes.numbers(b, levels, both=True)
        index = aes.places(b, indexes, rows, I64(INDEX))
        states = aes.load(b, aes.places(b, seeds, nodes, I64(NODE)))
        for start, stop, kind, at in ((first, WORD, I64, 0), (WORD, LEVELS, I16, 8)):
            digits = aes.numbers(b, [_digits(b, place, kind, at, start) for place in index], both=False)
            states = _down(aes, b, [round_keys] * DEEP, (start, stop), states, digits, begin)
        into = aes.places(b, secrets, rows, I64(SECRET))
        for digit in (0, 1):
            tweak = aes.constant(bytes([LEVELS, digit]).ljust(NODE, b"\0"))
            made = _child(aes, b, [round_keys] * DEEP, [b.xor(state, tweak) for state in states])
            aes.store(b, made, into, I64(NODE * digit))

    aes.each_row(walk, count, schedule, some)
    return aes.module


def _digits(b: Value, place: Value, kind: Value, at: int, start: int) -> Value:
    """Those of a row in the highest bits, from level ``start`` on."""
    found = b.load(b.bitcast(b.gep(place, [I64(at)]), kind.as_pointer()), align=1)
    swapped = b.zext(b.bswap(found), I64)
    return b.shl(swapped, I64(64 - kind.width + 2 * (start % WORD)))


def _down(
    aes: Aes,
    b: Value,
    round_keys: list[list[Value]],
    levels: tuple[int, int],
    states: list[Value],
    digits: list[Value],
    begin: list[Value],
) -> list[Value]:
    """From level to level; a row whose node lies deeper stays as it is until there."""
    start, stop = levels
    lanes = range(2 * aes.wide)

    def every(number: int) -> Value:
        return ir.Constant(aes.pair, [number for _ in lanes])

    def step(number: Value, values: list[Value]) -> list[Value]:
        states, digits = values[: aes.deep], values[aes.deep :]
        level = b.add(number, I64(start))
        here = aes.first_words(b, level)
        everywhere = b.shuffle_vector(here, here, ir.Constant(ir.VectorType(I32, len(lanes)), [0 for _ in lanes]))
        tweaks = [b.or_(here, b.shl(b.lshr(each, every(62)), every(8))) for each in digits]
        below = _child(aes, b, round_keys, aes.xor(b, states, tweaks))
        going = [b.icmp_unsigned("<=", each, everywhere) for each in begin]
        after = [b.select(*each) for each in zip(going, below, states, strict=True)]
        return [*after, *(b.shl(each, every(2)) for each in digits)]

    return repeated(b, I64(stop - start), 1, [*states, *digits], step)[: aes.deep]


def _child(aes: Aes, b: Value, round_keys: list[list[Value]], blocks: list[Value]) -> list[Value]:
    return aes.xor(b, aes.encrypt(b, round_keys, blocks), blocks)
