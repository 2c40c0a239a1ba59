"""AES-256 of many rows at once as LLVM instructions, and what goes with it: key schedules, doublings, rows in memory.

A *vector* holds a block of each of `Aes.wide` rows, one beside the other: one row with the AES instructions of any x86
processor, four with those on 512 bits (VAES). Each such instruction waits for the one before it, so some vectors go
side by side: arguments that are lists hold one for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from privacy_udfs.kernels.native import repeated

Value = Any  # llvmlite publishes no types
BLOCK, ROUND_KEYS = 16, 15
I8, I32, I64 = (ir.IntType(bits) for bits in (8, 32, 64))
AT, NUMBERS = I8.as_pointer(), I32.as_pointer()
_PAIR = ir.VectorType(I64, 2)
_RCON = (1, 2, 4, 8, 16, 32, 64)
_AES = {1: "", 2: ".256", 4: ".512"}
_SHUFFLE = {1: "llvm.x86.ssse3.pshuf.b.128", 2: "llvm.x86.avx2.pshuf.b", 4: "llvm.x86.avx512.pshuf.b.512"}


class Aes:
    """Writes instructions into functions of ``module``. wide: rows of a vector, 1, 2 or 4. deep: vectors at once."""

    def __init__(self, wide: int, deep: int) -> None:
        self.module, self.wide, self.deep = ir.Module(), wide, deep
        self.pair, self.bytes = ir.VectorType(I64, 2 * wide), ir.VectorType(I8, BLOCK * wide)
        self.zero = ir.Constant(self.pair, [0] * 2 * wide)
        self._round = self._declared(f"llvm.x86.aesni.aesenc{_AES[wide]}", self.pair, [self.pair] * 2)
        self._last = self._declared(f"llvm.x86.aesni.aesenclast{_AES[wide]}", self.pair, [self.pair] * 2)
        self._picked = self._declared(_SHUFFLE[wide], self.bytes, [self.bytes] * 2)

    def _declared(self, name: str, gives: Value, takes: list[Value]) -> Value:
        return ir.Function(self.module, ir.FunctionType(gives, takes), name)

    def function(self, name: str, *takes: Value) -> Value:
        return self._declared(name, ir.VoidType(), list(takes))

    def each_row(
        self, function: Value, count: Value, before: Callable[[Value], Any], some: Callable[..., None]
    ) -> None:
        """``some(b, rows, before(b))`` for all rows, `wide` times `deep` at a time; the last ones go with copies of the
        last."""
        b = ir.IRBuilder(function.append_basic_block())
        known, last, many = before(b), b.sub(count, I64(1)), self.wide * self.deep

        def lanes(number: Value, _: list[Value]) -> list[Value]:
            found = [b.add(number, I64(lane)) for lane in range(many)]
            some(b, [b.select(b.icmp_signed("<", each, last), each, last) for each in found], known)
            return []

        repeated(b, count, many, [], lanes)
        b.ret_void()

    # -- rows in memory -----------------------------------------------------------------------------------------------

    def places(self, b: Value, base: Value, rows: list[Value], size: Value) -> list[Value]:
        """Where rows of ``size`` bytes begin."""
        return [b.gep(base, [b.mul(row, size)]) for row in rows]

    def load(self, b: Value, places: list[Value], after: Value = None) -> list[Value]:
        """The blocks at these places, or so many bytes after them."""
        blocks = [b.load(b.bitcast(self._moved(b, place, after), _PAIR.as_pointer()), align=1) for place in places]
        while len(blocks) > len(places) // self.wide:
            half = [I32(at) for at in range(2 * blocks[0].type.count)]
            mask = ir.Constant(ir.VectorType(I32, len(half)), half)
            blocks = [b.shuffle_vector(*blocks[at : at + 2], mask) for at in range(0, len(blocks), 2)]
        return blocks

    def store(self, b: Value, vectors: list[Value], places: list[Value], after: Value = None) -> None:
        for at, place in enumerate(places):
            vector, lane = vectors[at // self.wide], at % self.wide
            mask = ir.Constant(ir.VectorType(I32, 2), [2 * lane, 2 * lane + 1])
            block = vector if self.wide == 1 else b.shuffle_vector(vector, vector, mask)
            b.store(block, b.bitcast(self._moved(b, place, after), _PAIR.as_pointer()), align=1)

    def _moved(self, b: Value, place: Value, after: Value) -> Value:
        return place if after is None else b.gep(place, [after])

    def spread(self, b: Value, place: Value) -> Value:
        """The block at this place, for each row of a vector."""
        return self.load(b, [place] * self.wide)[0]

    def constant(self, block: bytes) -> Value:
        words = [int.from_bytes(block[at : at + 8], "little") for at in (0, 8)]
        return ir.Constant(self.pair, words * self.wide)

    def numbers(self, b: Value, each: list[Value], both: bool) -> list[Value]:
        """A number of each row, in the first word of its block or in both."""
        vectors = []
        for start in range(0, len(each), self.wide):
            vector = self.zero
            for lane, number in enumerate(each[start : start + self.wide]):
                for word in range(1 + both):
                    vector = b.insert_element(vector, number, I32(2 * lane + word))
            vectors.append(vector)
        return vectors

    def first_words(self, b: Value, number: Value) -> Value:
        """One number in the first word of each block, zero in the second."""
        vector = b.insert_element(self.zero, number, I32(0))
        places = ir.Constant(ir.VectorType(I32, 2 * self.wide), [0, 1] * self.wide)
        return b.shuffle_vector(vector, vector, places)

    # -- blocks -------------------------------------------------------------------------------------------------------

    def encrypt(self, b: Value, round_keys: list[list[Value]], states: list[Value]) -> list[Value]:
        """Each block through AES."""
        states = [b.xor(state, keys[0]) for state, keys in zip(states, round_keys, strict=True)]
        for at in range(1, ROUND_KEYS):
            step = self._last if at == ROUND_KEYS - 1 else self._round
            states = [b.call(step, [state, keys[at]]) for state, keys in zip(states, round_keys, strict=True)]
        return states

    def schedules(self, b: Value, halves: list[tuple[Value, Value]]) -> list[list[Value]]:
        """FIPS 197, 5.2, of 32 bytes. AES' own last round substitutes the bytes of a word, which stands in all four
        columns, so that no row is shifted."""
        found = [list(pair) for pair in halves]
        for constant in _RCON:
            rotated = self.constant(bytes([constant, 0, 0, 0] * 4))
            for places, added in (((13, 14, 15, 12), rotated), ((12, 13, 14, 15), self.zero)):
                words = [b.call(self._last, [self._shuffled(b, keys[-1], list(places) * 4), added]) for keys in found]
                for keys, word in zip(found, words, strict=True):
                    keys.append(b.xor(self._running(b, keys[-2]), word))
        return [keys[:ROUND_KEYS] for keys in found]

    def _running(self, b: Value, block: Value) -> Value:
        """Each word xor all before it."""
        for shift in (4, 8):
            block = b.xor(block, self._shuffled(b, block, list(range(-shift, BLOCK - shift))))
        return block

    def _shuffled(self, b: Value, block: Value, places: list[int]) -> Value:
        """Bytes of each block; zeros at negative places."""
        return self.picked(b, block, self.constant(bytes(at if at >= 0 else 0x80 for at in places)))

    def picked(self, b: Value, block: Value, places: Value) -> Value:
        """Bytes of each block, by places that a block holds; zeros at places of 0x80."""
        made = b.call(self._picked, [b.bitcast(each, self.bytes) for each in (block, places)])
        return b.bitcast(made, self.pair)

    def reversed(self, b: Value, block: Value) -> Value:
        return self._shuffled(b, block, list(range(BLOCK - 1, -1, -1)))

    def doubled(self, b: Value, block: Value) -> Value:
        """Times x in GF(2^128), RFC 5297, section 2.3."""
        words = self.reversed(b, block)
        turned = ir.Constant(ir.VectorType(I32, 2 * self.wide), [at ^ 1 for at in range(2 * self.wide)])
        carried = b.ashr(words, self._everywhere(63, 63))
        carried = b.and_(b.shuffle_vector(carried, carried, turned), self._everywhere(0x87, 1))
        return self.reversed(b, b.xor(b.shl(words, self._everywhere(1, 1)), carried))

    def _everywhere(self, first: int, second: int) -> Value:
        return ir.Constant(self.pair, [first, second] * self.wide)

    def xor(self, b: Value, *vectors: list[Value]) -> list[Value]:
        """Lists of vectors, one by one."""
        first, *others = vectors
        for each in others:
            first = [b.xor(*pair) for pair in zip(first, each, strict=True)]
        return first
