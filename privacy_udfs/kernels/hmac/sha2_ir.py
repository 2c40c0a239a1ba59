"""SHA-2 (FIPS 180-4) as LLVM instructions on 256-bit vectors: 8 (SHA-256) or 4 (SHA-512) messages side by side.

Written once for both widths; the compiler fits it to the processor's own vectors. What is emitted is the compression
function and the two loops that HMAC needs; `privacy_udfs.kernels.hmac.sha2_lanes` calls them.

Messages go in groups of `Sha2.lanes`. States lie as (group, 8 words, lanes): a vector holds one word of a whole group.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from llvmlite import ir

VECTOR_BITS = 256
Value = Any  # llvmlite publishes no types
Amounts = tuple[int, int, int]
I64 = ir.IntType(64)


class Sha2(NamedTuple):
    """What tells SHA-256 from SHA-512: FIPS 180-4, sections 4.1.2 and 4.1.3.

    bits: of a word. upper: what Sigma 0 and Sigma 1 rotate by. lower: the same of sigma 0 and 1, whose last one shifts.
    """

    bits: int
    rounds: int
    upper: tuple[Amounts, Amounts]
    lower: tuple[Amounts, Amounts]

    @property
    def lanes(self) -> int:
        """Messages side by side."""
        return VECTOR_BITS // self.bits

    @property
    def block(self) -> int:
        """Bytes of a block: 16 words."""
        return 2 * self.bits


HASHES = {
    "sha256": Sha2(32, 64, ((2, 13, 22), (6, 11, 25)), ((7, 18, 3), (17, 19, 10))),
    "sha512": Sha2(64, 80, ((28, 34, 39), (14, 18, 41)), ((1, 8, 7), (19, 61, 6))),
}


def root_fractions(count: int, degree: int, bits: int) -> list[int]:
    """The first bits of the fractions of the square or cube roots of the first primes: the constants of FIPS 180-4."""
    primes = (n for n in itertools.count(2) if all(n % d for d in range(2, n)))
    return [_root(prime << degree * bits, degree) % (1 << bits) for prime in itertools.islice(primes, count)]


def _root(number: int, degree: int) -> int:
    root = 0
    for bit in reversed(range(number.bit_length() // degree + 1)):
        if (root | 1 << bit) ** degree <= number:
            root |= 1 << bit
    return root


def module(sha: Sha2) -> Any:
    """The functions ``absorb`` and ``finish``."""
    return _Emitter(sha).module


class _Emitter:
    """Writes the instructions of one hash into ``module``."""

    def __init__(self, sha: Sha2) -> None:
        self.sha, self.module = sha, ir.Module()
        self.vector = ir.VectorType(ir.IntType(sha.bits), sha.lanes)
        kind, pointer = f"v{sha.lanes}i{sha.bits}", self.vector.as_pointer()
        self.rotate = self._declare(f"llvm.fshr.{kind}", self.vector, [self.vector] * 3)
        self.swap = self._declare(f"llvm.bswap.{kind}", self.vector, [self.vector])
        self.compress = self._declare("compress", ir.VoidType(), [pointer] * 2)
        self._compress()
        self._absorb(self._declare("absorb", ir.VoidType(), [pointer, pointer, I64]))
        self._finish(self._declare("finish", ir.VoidType(), [pointer, pointer, pointer, I64]))

    def _declare(self, name: str, gives: Value, takes: list[Value]) -> Value:
        return ir.Function(self.module, ir.FunctionType(gives, takes), name)

    def _splat(self, value: int) -> Value:
        return ir.Constant(self.vector, [value] * self.sha.lanes)

    def _load(self, b: Value, base: Value, index: int) -> Value:
        return b.load(b.gep(base, [I64(index)]), align=self.sha.bits // 8)

    def _store(self, b: Value, value: Value, base: Value, index: int) -> None:
        b.store(value, b.gep(base, [I64(index)]), align=self.sha.bits // 8)

    def _compress(self) -> None:
        """compress(state, block), FIPS 180-4, section 6.2.2: 16 words at ``block`` into the 8 words at ``state``."""
        self.compress.linkage = "internal"
        self.compress.attributes.add("noinline")
        b = ir.IRBuilder(self.compress.append_basic_block())
        state, block = self.compress.args
        first = [self._load(b, state, i) for i in range(8)]
        w = [self._load(b, block, i) for i in range(16)]
        s, differ = list(first), b.xor(first[1], first[2])
        for t, k in enumerate(root_fractions(self.sha.rounds, 3, self.sha.bits)):
            if t >= 16:
                w.append(self._scheduled(b, w[-16:]))
            s, differ = self._round(b, s, b.add(w[t], self._splat(k)), differ)
        for i in range(8):
            self._store(b, b.add(first[i], s[i]), state, i)
        b.ret_void()

    def _sigma(self, b: Value, x: Value, amounts: Amounts, shifts: bool) -> Value:
        parts = [b.call(self.rotate, [x, x, self._splat(n)]) for n in amounts]
        if shifts:
            parts[2] = b.lshr(x, self._splat(amounts[2]))
        return b.xor(b.xor(parts[0], parts[1]), parts[2])

    def _scheduled(self, b: Value, w: list[Value]) -> Value:
        low, high = self.sha.lower
        return b.add(b.add(self._sigma(b, w[14], high, True), w[9]), b.add(self._sigma(b, w[1], low, True), w[0]))

    def _round(self, b: Value, s: list[Value], word: Value, differ: Value) -> tuple[list[Value], Value]:
        """``differ`` is b ^ c, which the round before has as its a ^ b."""
        low, high = self.sha.upper
        choice = b.xor(s[6], b.and_(s[4], b.xor(s[5], s[6])))
        t1 = b.add(b.add(b.add(s[7], word), choice), self._sigma(b, s[4], high, False))
        now = b.xor(s[0], s[1])
        majority = b.xor(s[1], b.and_(now, differ))
        t2 = b.add(majority, self._sigma(b, s[0], low, False))
        return [b.add(t1, t2), *s[:3], b.add(s[3], t1), *s[4:7]], now

    def _absorb(self, function: Value) -> None:
        """absorb(states, rows, groups): one block of bytes of each message into its state."""
        states, rows, groups = function.args
        lanes, per_row = self.sha.lanes, 16 // self.sha.lanes
        with self._each_group(function, groups) as (b, group, block):
            row = b.gep(rows, [b.mul(group, I64(16))])
            for part in range(per_row):
                square = [self._load(b, row, lane * per_row + part) for lane in range(lanes)]
                for i, word in enumerate(self._transposed(b, square)):
                    self._store(b, b.call(self.swap, [word]), block, part * lanes + i)
            b.call(self.compress, [b.gep(states, [b.mul(group, I64(8))]), block])

    def _finish(self, function: Value) -> None:
        """finish(states, key_state, digests, groups): the outer hash of HMAC, of the inner digest in each state, as
        rows of bytes. The states are used up."""
        states, key_state, digests, groups = function.args
        lanes, per_row = self.sha.lanes, 8 // self.sha.lanes
        with self._each_group(function, groups) as (b, group, block):
            state, row = (b.gep(base, [b.mul(group, I64(8))]) for base in (states, digests))
            length = (self.sha.block + self.sha.bits) * 8  # in bits: the padded key and the inner digest
            padding = [self._splat(n) for n in (1 << self.sha.bits - 1, 0, 0, 0, 0, 0, 0, length)]
            for i, word in enumerate([*(self._load(b, state, i) for i in range(8)), *padding]):
                self._store(b, word, block, i)
            for i in range(8):
                self._store(b, self._load(b, key_state, i), state, i)
            b.call(self.compress, [state, block])
            for part in range(per_row):
                square = [b.call(self.swap, [self._load(b, state, part * lanes + i)]) for i in range(lanes)]
                for lane, words in enumerate(self._transposed(b, square)):
                    self._store(b, words, row, lane * per_row + part)

    def _transposed(self, b: Value, rows: list[Value]) -> list[Value]:
        """A square of vectors turned over, by as many perfect shuffles as its side has bits."""
        half = len(rows) // 2
        kind = ir.VectorType(ir.IntType(32), 2 * half)
        riffled = [at for pair in zip(range(half), range(2 * half, 3 * half), strict=True) for at in pair]
        masks = [ir.Constant(kind, [at + first for at in riffled]) for first in (0, half)]
        for _ in range(half.bit_length()):
            rows = [b.shuffle_vector(x, y, m) for x, y in zip(rows[:half], rows[half:], strict=True) for m in masks]
        return rows

    @contextlib.contextmanager
    def _each_group(self, function: Value, groups: Value) -> Iterator[tuple[Value, Value, Value]]:
        """A loop over groups, around what the caller builds: (builder, number of the group, room for 16 words)."""
        start, body, end = (function.append_basic_block() for _ in range(3))
        b = ir.IRBuilder(start)
        block = b.alloca(self.vector, 16)
        b.cbranch(b.icmp_signed(">", groups, I64(0)), body, end)
        b.position_at_end(body)
        group = b.phi(I64)
        yield b, group, block
        following = b.add(group, I64(1))
        group.add_incoming(I64(0), start)
        group.add_incoming(following, body)
        b.cbranch(b.icmp_signed("<", following, groups), body, end)
        b.position_at_end(end)
        b.ret_void()
