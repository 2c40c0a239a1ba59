"""Base64url of rows of bytes as LLVM instructions: four groups of three bytes at a time, with arithmetic for tables."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from privacy_udfs.kernels.native import repeated

GROUPS, CHARACTERS = 12, 16
"""Bytes that one step reads, and characters that it writes."""

Value = Any  # llvmlite publishes no types
I8, I32, I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
BYTES, WORDS = ir.VectorType(I8, CHARACTERS), ir.VectorType(I32, CHARACTERS // 4)
ALPHABET = ((">", 25, ord("a") - ord("Z") - 1), (">", 51, ord("0") - ord("z") - 1), ("==", 62, -13), ("==", 63, 36))
"""What is added where a number compares so: from A to Z on to a, from z on to 0; 62 is -, 63 is _."""


def module() -> Any:
    """base64url(rows, stride, count, masks, steps, texts, width): rows, one or more, as texts without padding.

    stride, width: bytes from one row, and one text, to the next. masks: which bits of a row are used, 16 bytes for
    each of the ``steps``. Each step reads and writes 16 bytes, so that up to 15 bytes after a row must be there, and up
    to 15 bytes after a text are overwritten: texts are written in order.
    """
    made, at = ir.Module(), I8.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [at, I64, I64, at, I64, at, I64])
    function = ir.Function(made, kind, "base64url")
    rows, stride, count, masks, steps, texts, width = function.args
    b = ir.IRBuilder(function.append_basic_block())

    def row(number: Value, _: list[Value]) -> list[Value]:
        source, target = b.gep(rows, [b.mul(number, stride)]), b.gep(texts, [b.mul(number, width)])

        def step(number: Value, _: list[Value]) -> list[Value]:
            found = b.load(_at(b, source, b.mul(number, I64(GROUPS))), align=1)
            mask = b.load(_at(b, masks, b.mul(number, I64(CHARACTERS))), align=1)
            written = _characters(b, _numbers(b, b.and_(found, mask)))
            b.store(written, _at(b, target, b.mul(number, I64(CHARACTERS))), align=1)
            return []

        return repeated(b, steps, 1, [], step)

    repeated(b, count, 1, [], row)
    b.ret_void()
    return made


def _at(b: Value, base: Value, distance: Value) -> Value:
    """Where 16 bytes lie."""
    return b.bitcast(b.gep(base, [distance]), BYTES.as_pointer())


def _numbers(b: Value, found: Value) -> Value:
    """The first 12 bytes as 16 numbers of six bits, a byte each."""
    order = [at for first in range(0, GROUPS, 3) for at in (first + 2, first + 1, first, CHARACTERS)]
    places = ir.Constant(ir.VectorType(I32, CHARACTERS), order)
    groups = b.bitcast(b.shuffle_vector(found, ir.Constant(BYTES, 0), places), WORDS)
    moved = [b.lshr(groups, ir.Constant(WORDS, by)) for by in (18, 4)]
    moved += [b.shl(groups, ir.Constant(WORDS, by)) for by in (10, 24)]
    first, second, third, fourth = (b.and_(each, ir.Constant(WORDS, 63 << 8 * at)) for at, each in enumerate(moved))
    return b.bitcast(b.or_(b.or_(first, second), b.or_(third, fourth)), BYTES)


def _characters(b: Value, numbers: Value) -> Value:
    written = b.add(numbers, ir.Constant(BYTES, ord("A")))
    for compares, limit, more in ALPHABET:
        there = b.sext(b.icmp_signed(compares, numbers, ir.Constant(BYTES, limit)), BYTES)
        written = b.add(written, b.and_(there, ir.Constant(BYTES, more % 256)))
    return written
