"""HMAC-SHA-256 by the SHA instructions of x86 processors, as LLVM instructions: two messages side by side.

Each of these instructions waits for the one before it; a second message fills the wait. A third would not: the unit is
then busy (measured). What is emitted is all of HMAC, from Arrow's buffers to rows of bytes.

A state lies in two vectors, as the instructions want it: the words F, E, B, A and H, G, D, C.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir

from privacy_udfs.kernels.hmac.sha2_ir import I64, Value, root_fractions
from privacy_udfs.kernels.native import repeated

BLOCK, DIGEST = 64, 32  # bytes
I8, I32 = ir.IntType(8), ir.IntType(32)
BYTES, WORDS, LONGS = ir.VectorType(I8, 16), ir.VectorType(I32, 4), ir.VectorType(I64, 2)
ROUNDS = root_fractions(64, 3, 32)
A, B, C, D, E, F, G, H = root_fractions(8, 2, 32)


class State(NamedTuple):
    abef: Value
    cdgh: Value


class Message(NamedTuple):
    """start: points to its bytes. length: how many these are. blocks: that it has once it is padded."""

    start: Value
    length: Value
    blocks: Value


def module() -> Any:
    """hmac(pads, data, offsets, count, digests): the HMAC of ``count`` messages, one or more, as rows of bytes.

    pads: the padded key for the inner and the outer hash, a block each. data, offsets: the messages as Arrow has them;
    a block of bytes after the end of each must be there to be read.
    """
    return _Emitter().module


def _vector(kind: Value, *numbers: int) -> Value:
    return ir.Constant(kind, list(numbers))


def _least(b: Value, x: Value, y: Value) -> Value:
    return b.select(b.icmp_signed("<", x, y), x, y)


def _greatest(b: Value, x: Value, y: Value) -> Value:
    return b.select(b.icmp_signed(">", x, y), x, y)


def _shuffled(b: Value, x: Value, y: Value, *places: int) -> Value:
    return b.shuffle_vector(x, y, _vector(ir.VectorType(I32, len(places)), *places))


def _at(b: Value, base: Value, distance: Value) -> Value:
    """Where 16 bytes lie."""
    return b.bitcast(b.gep(base, [distance]), BYTES.as_pointer())


class _Emitter:
    """Writes the instructions into ``module``."""

    def __init__(self) -> None:
        self.module = ir.Module()
        self.rounds = self._declare("llvm.x86.sha256rnds2", WORDS, [WORDS] * 3)
        self.first = self._declare("llvm.x86.sha256msg1", WORDS, [WORDS] * 2)
        self.second = self._declare("llvm.x86.sha256msg2", WORDS, [WORDS] * 2)
        self.swap = self._declare("llvm.bswap.v4i32", WORDS, [WORDS])
        bytes_at, numbers_at = I8.as_pointer(), I32.as_pointer()
        self._hmac(self._declare("hmac", ir.VoidType(), [bytes_at, bytes_at, numbers_at, I64, bytes_at]))

    def _declare(self, name: str, gives: Value, takes: list[Value]) -> Value:
        return ir.Function(self.module, ir.FunctionType(gives, takes), name)

    def _hmac(self, function: Value) -> None:
        pads, data, offsets, count, digests = function.args
        b = ir.IRBuilder(function.append_basic_block())
        start = State(_vector(WORDS, F, E, B, A), _vector(WORDS, H, G, D, C))
        inner, outer = self._compressed(b, [start] * 2, [self._pad(b, pads, at) for at in (0, BLOCK)])

        def pair(number: Value, _: list[Value]) -> list[Value]:
            rows = [number, _least(b, b.add(number, I64(1)), b.sub(count, I64(1)))]  # a last one goes with itself
            states = self._inner(b, inner, [self._message(b, data, offsets, row) for row in rows])
            blocks = [self._digest_as_block(b, state) for state in states]
            for row, state in zip(rows, self._compressed(b, [outer] * 2, blocks), strict=True):
                self._write(b, state, b.gep(digests, [b.mul(row, I64(DIGEST))]))
            return []

        repeated(b, count, 2, [], pair)
        b.ret_void()

    def _inner(self, b: Value, start: State, messages: list[Message]) -> list[State]:
        """The states after all blocks of each message: while one still has some, the other's stays as it is."""

        def step(number: Value, values: list[Value]) -> list[Value]:
            blocks = [self._padded(b, message, number) for message in messages]
            new = self._compressed(b, [State(*values[:2]), State(*values[2:])], blocks)
            going = [b.icmp_signed("<", number, message.blocks) for message in messages for _ in start]
            after = [value for state in new for value in state]
            return [b.select(*each) for each in zip(going, after, values, strict=True)]

        most = _greatest(b, *(message.blocks for message in messages))
        found = repeated(b, most, 1, [*start] * 2, step)
        return [State(*found[:2]), State(*found[2:])]

    def _message(self, b: Value, data: Value, offsets: Value, row: Value) -> Message:
        ends = [b.load(b.gep(offsets, [b.add(row, I64(after))]), align=4) for after in (0, 1)]
        start, end = (b.sext(each, I64) for each in ends)
        length = b.sub(end, start)
        trailer = 1 + 8  # the byte 0x80 and the length
        return Message(b.gep(data, [start]), length, b.sdiv(b.add(length, I64(trailer + BLOCK - 1)), I64(BLOCK)))

    def _padded(self, b: Value, message: Message, number: Value) -> list[Value]:
        """A block of a message, padded by FIPS 180-4, section 5.1.1; anything past its last one."""
        done = b.mul(number, I64(BLOCK))
        left = _greatest(b, _least(b, b.sub(message.length, done), I64(BLOCK)), I64(-1))
        ends = self._everywhere(b, b.trunc(left, I8))
        start = b.gep(message.start, [_least(b, done, message.length)])
        words = []
        for first in range(0, BLOCK, BYTES.count):
            places = _vector(BYTES, *range(first, first + BYTES.count))
            found = b.load(_at(b, start, I64(first)), align=1)
            marked = b.select(b.icmp_signed("==", places, ends), ir.Constant(BYTES, 0x80), ir.Constant(BYTES, 0))
            words.append(self._words(b, b.select(b.icmp_signed("<", places, ends), found, marked)))
        last = b.icmp_signed("==", b.add(number, I64(1)), message.blocks)
        return [*words[:3], b.or_(words[3], self._size(b, message, last))]

    def _size(self, b: Value, message: Message, last: Value) -> Value:
        """The end of a last block: the bits that were hashed, the padded key's too, in two words."""
        bits = b.select(last, b.mul(b.add(message.length, I64(BLOCK)), I64(8)), I64(0))
        turned = b.or_(b.shl(bits, I64(32)), b.lshr(bits, I64(32)))
        return b.bitcast(b.insert_element(ir.Constant(LONGS, 0), turned, I32(1)), WORDS)

    def _everywhere(self, b: Value, byte: Value) -> Value:
        single = b.insert_element(ir.Constant(BYTES, ir.Undefined), byte, I32(0))
        return b.shuffle_vector(single, single, _vector(ir.VectorType(I32, 16), *[0] * 16))

    def _pad(self, b: Value, pads: Value, at: int) -> list[Value]:
        return [self._words(b, b.load(_at(b, pads, I64(first)), align=1)) for first in range(at, at + BLOCK, 16)]

    def _words(self, b: Value, found: Value) -> Value:
        """Four words of 16 bytes."""
        return b.call(self.swap, [b.bitcast(found, WORDS)])

    def _compressed(self, b: Value, states: list[State], blocks: list[list[Value]]) -> list[State]:
        """FIPS 180-4, section 6.2.2: a block of four vectors into each state, four rounds of each in turn."""
        now, words = list(states), [list(block) for block in blocks]
        for four in range(16):
            constants = _vector(WORDS, *ROUNDS[4 * four : 4 * four + 4])
            for which, w in enumerate(words):
                if four >= 4:
                    w.append(self._scheduled(b, w[-4:]))
                now[which] = self._four_rounds(b, now[which], b.add(w[four], constants))
        return [State(*map(b.add, old, new)) for old, new in zip(states, now, strict=True)]

    def _four_rounds(self, b: Value, state: State, words: Value) -> State:
        for two in (words, _shuffled(b, words, words, 2, 3, 2, 3)):
            state = State(b.call(self.rounds, [state.cdgh, state.abef, two]), state.abef)
        return state

    def _scheduled(self, b: Value, w: list[Value]) -> Value:
        seventh = _shuffled(b, w[2], w[3], 1, 2, 3, 4)
        return b.call(self.second, [b.add(b.call(self.first, w[:2]), seventh), w[3]])

    def _digest(self, b: Value, state: State) -> list[Value]:
        """The words A to D and E to H."""
        return [_shuffled(b, *state, 3, 2, 7, 6), _shuffled(b, *state, 1, 0, 5, 4)]

    def _digest_as_block(self, b: Value, state: State) -> list[Value]:
        """The block of the outer hash, which comes after the padded key."""
        bits = (BLOCK + DIGEST) * 8
        return [*self._digest(b, state), _vector(WORDS, 1 << 31, 0, 0, 0), _vector(WORDS, 0, 0, 0, bits)]

    def _write(self, b: Value, state: State, row: Value) -> None:
        for half, words in enumerate(self._digest(b, state)):
            b.store(b.bitcast(b.call(self.swap, [words]), BYTES), _at(b, row, I64(16 * half)), align=1)
