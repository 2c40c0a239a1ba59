"""AES-SIV with a key for each row, as LLVM instructions that use the AES instructions of x86 processors.

All that a row needs, from its secret to its ciphertext, is done at one go: no key that comes of a secret, and no key
schedule, is written anywhere but to the stack. AES-256 only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir

from privacy_udfs.kernels.aes.aes_ir import AT, BLOCK, I32, I64, NUMBERS, Aes
from privacy_udfs.kernels.native import repeated

Value = Any  # llvmlite publishes no types
DEEP = {4: 1, 2: 1, 1: 2}  # vectors at once: more are hardly faster, and take longer to compile (measured)
CLEAR = bytes([0xFF] * 8 + [0x7F, 0xFF, 0xFF, 0xFF] * 2)  # bits that counter blocks have zero
MARK, MASK, TAIL, BEFORE = 0, BLOCK, 2 * BLOCK, 3 * BLOCK
"""Where in the ``marks`` of a length stand: the byte that ends the message, the mask of the bytes of the last block,
and how S2V's state is moved for what meets the last block and the one before it."""
Vectors = list[Value]


class Siv(NamedTuple):
    """mac, ctr: round keys of both halves. first, second: CMAC's subkeys. state: S2V's after what is bound."""

    mac: list[Vectors]
    ctr: list[Vectors]
    first: Vectors
    second: Vectors
    state: Vectors


def module(wide: int) -> Any:
    """derive(secrets, blocks, number, count, keys); seal(keys, stride, bound, index, data, length, marks, count, out);
    open(the same, and wrong); seal_derived, open_derived(secrets, stride, blocks, then the same): see
    `privacy_udfs.kernels.aes.by_key`, which calls them. Counts are one or more. wide: see `Aes`."""
    aes = _Siv(wide, DEEP[wide])
    aes.derive(aes.function("derive", AT, AT, I64, I64, AT))
    for name, blocks in (("", []), ("_derived", [AT])):
        given = [AT, I64, *blocks, AT, NUMBERS, AT, I64, AT, I64, AT]
        aes.seal(aes.function(f"seal{name}", *given))
        aes.open(aes.function(f"open{name}", *given, AT))
    return aes.module


class _Siv(Aes):
    # -- the functions ------------------------------------------------------------------------------------------------

    def derive(self, function: Value) -> None:
        secrets, blocks, number, count, keys = function.args

        def some(b: Value, rows: Vectors, _: None) -> None:
            round_keys, second = self._kdf(b, self.places(b, secrets, rows, I64(2 * BLOCK)))
            into = self.places(b, keys, rows, b.mul(number, I64(BLOCK)))

            def block(at: Value, _: Vectors) -> Vectors:
                place = b.mul(at, I64(BLOCK))
                given = self.spread(b, b.gep(blocks, [place]))
                self.store(b, self.encrypt(b, round_keys, [b.xor(given, each) for each in second]), into, place)
                return []

            repeated(b, number, 1, [], block)

        self.each_row(function, count, lambda _: None, some)

    def seal(self, function: Value) -> None:
        keys, stride, *blocks, bound, index, data, length, marks, count, out = function.args

        def some(b: Value, rows: Vectors, _: None) -> None:
            siv, number = self._ready(b, rows, index, keys, stride, *blocks, bound), _blocks(b, length)
            size = b.mul(number, I64(BLOCK))
            plain = self.places(b, data, rows, size)
            into = self.places(b, out, rows, b.add(size, I64(BLOCK)))
            made = self._mac(b, siv, plain, length, number, marks)
            self.store(b, made, into)
            self._counted(b, siv, made, number, plain, [b.gep(place, [I64(BLOCK)]) for place in into])

        self.each_row(function, count, lambda _: None, some)

    def open(self, function: Value) -> None:
        """wrong: 16 bytes, in which all differences are gathered."""
        keys, stride, *blocks, bound, index, data, length, marks, count, out, wrong = function.args

        def some(b: Value, rows: Vectors, _: None) -> None:
            siv, number = self._ready(b, rows, index, keys, stride, *blocks, bound), _blocks(b, length)
            size = b.mul(number, I64(BLOCK))
            sealed = self.places(b, data, rows, b.add(size, I64(BLOCK)))
            into, given = self.places(b, out, rows, size), self.load(b, sealed)
            self._counted(b, siv, given, number, [b.gep(each, [I64(BLOCK)]) for each in sealed], into)
            mask, last = self._mark(b, marks, MASK), b.sub(size, I64(BLOCK))
            self.store(b, [b.and_(each, mask) for each in self.load(b, into, last)], into, last)
            self._gather(b, self.xor(b, given, self._mac(b, siv, into, length, number, marks)), wrong)

        self.each_row(function, count, lambda _: None, some)

    # -- keys ---------------------------------------------------------------------------------------------------------

    def _kdf(self, b: Value, secrets: Vectors) -> tuple[list[Vectors], Vectors]:
        """KDF in counter mode with CMAC, each of whose messages is one block, padded already: the round keys of
        secrets, and CMAC's subkey for such blocks."""
        round_keys = self.schedules(b, self._halves(b, secrets, 0))
        return round_keys, self._twice(b, self._twice(b, self.encrypt(b, round_keys, [self.zero] * self.deep)))

    def _ready(self, b: Value, rows: Vectors, index: Value, keys: Value, stride: Value, *rest: Value) -> Siv:
        """What seals the messages of these rows. rest: the blocks of the KDF, where keys are secrets; what is bound."""
        which = [b.sext(b.load(b.gep(index, [row]), align=4), I64) for row in rows]
        from_, heads = self.places(b, keys, which, stride), self.places(b, rest[-1], which, I64(2 * BLOCK))
        if len(rest) == 1:
            return self._expanded(b, self._halves(b, from_, 0), self._halves(b, from_, 2), heads)
        round_keys, second = self._kdf(b, from_)
        blocks = [self.spread(b, b.gep(rest[0], [I64(at * BLOCK)])) for at in range(4)]
        made = [[b.xor(block, each) for each in second] for block in blocks]
        one, two, three, four = self._side_by_side(b, round_keys, *made)
        return self._expanded(b, list(zip(one, two, strict=True)), list(zip(three, four, strict=True)), heads)

    def _expanded(
        self, b: Value, mac_key: list[tuple[Value, Value]], ctr_key: list[tuple[Value, Value]], heads: Vectors
    ) -> Siv:
        mac, ctr = self.schedules(b, mac_key), self.schedules(b, ctr_key)
        zeros, state = self._side_by_side(b, mac, [self.zero] * self.deep, self.load(b, heads))
        first = self._twice(b, zeros)
        given = self.xor(b, state, self.load(b, heads, I64(BLOCK)), first)
        state, start = self._side_by_side(b, mac, given, first)
        return Siv(mac, ctr, first, self._twice(b, first), self.xor(b, self._twice(b, start), state))

    def _halves(self, b: Value, places: Vectors, block: int) -> list[tuple[Value, Value]]:
        parts = [self.load(b, places, I64(at * BLOCK)) for at in (block, block + 1)]
        return list(zip(*parts, strict=True))

    def _side_by_side(self, b: Value, round_keys: list[Vectors], *states: Vectors) -> list[Vectors]:
        """Some blocks of each row through AES."""
        made = self.encrypt(b, round_keys * len(states), [each for some in states for each in some])
        return [made[at : at + self.deep] for at in range(0, len(made), self.deep)]

    def _twice(self, b: Value, blocks: Vectors) -> Vectors:
        return [self.doubled(b, each) for each in blocks]

    # -- messages -----------------------------------------------------------------------------------------------------

    def _mac(self, b: Value, siv: Siv, data: Vectors, length: Value, number: Value, marks: Value) -> Vectors:
        """S2V's last step: CMAC over the message with the state xored into its last 16 bytes, or into the padded
        message where it is shorter."""
        ends = self._ends(b, siv, length, marks)
        last, before = b.sub(number, I64(1)), b.sub(number, I64(2))

        def step(at: Value, states: Vectors) -> Vectors:
            is_last, is_before = b.icmp_signed("==", at, last), b.icmp_signed("==", at, before)
            extra = [
                b.xor(b.select(is_last, end, self.zero), b.select(is_before, shifted, self.zero))
                for end, shifted in ends
            ]
            blocks = self.load(b, data, b.mul(at, I64(BLOCK)))
            return self.encrypt(b, siv.mac, self.xor(b, states, blocks, extra))

        return repeated(b, number, 1, [self.zero] * self.deep, step)

    def _ends(self, b: Value, siv: Siv, length: Value, marks: Value) -> list[tuple[Value, Value]]:
        """What is xored into the last block, and into the one before it."""
        over = b.and_(length, I64(BLOCK - 1))
        short, whole = b.icmp_signed("<", length, I64(BLOCK)), b.icmp_signed("==", over, I64(0))
        mark, tail, before = (self._mark(b, marks, at) for at in (MARK, TAIL, BEFORE))
        ends = []
        for state, first, second in zip(siv.state, siv.first, siv.second, strict=True):
            few = b.xor(b.xor(self.doubled(b, state), mark), first)
            some = b.xor(b.xor(self.picked(b, state, tail), mark), second)
            many = b.select(whole, b.xor(state, first), some)
            moved = b.select(b.or_(short, whole), self.zero, self.picked(b, state, before))
            ends.append((b.select(short, few, many), moved))
        return ends

    def _mark(self, b: Value, marks: Value, at: int) -> Value:
        return self.spread(b, b.gep(marks, [I64(at)]))

    def _counted(self, b: Value, siv: Siv, made: Vectors, number: Value, data: Vectors, out: Vectors) -> None:
        """Counter mode from each synthetic IV on: with bit 31 clear, no sum is carried beyond the last 32 bits."""
        starts = [self.reversed(b, b.and_(each, self.constant(CLEAR))) for each in made]

        def step(at: Value, _: Vectors) -> Vectors:
            added, place = self.first_words(b, at), b.mul(at, I64(BLOCK))
            counters = [self.reversed(b, b.add(each, added)) for each in starts]
            stream = self.encrypt(b, siv.ctr, counters)
            self.store(b, self.xor(b, stream, self.load(b, data, place)), out, place)
            return []

        repeated(b, number, 1, [], step)

    def _gather(self, b: Value, differences: Vectors, wrong: Value) -> None:
        gathered = differences[0]
        for each in differences[1:]:
            gathered = b.or_(gathered, each)
        for lane in range(self.wide):
            pair = ir.Constant(ir.VectorType(I32, 2), [2 * lane, 2 * lane + 1])
            place = b.bitcast(wrong, ir.VectorType(I64, 2).as_pointer())
            b.store(b.or_(b.load(place, align=1), b.shuffle_vector(gathered, gathered, pair)), place, align=1)


def _blocks(b: Value, length: Value) -> Value:
    found = b.sdiv(b.add(length, I64(BLOCK - 1)), I64(BLOCK))
    return b.select(b.icmp_signed("<", found, I64(1)), I64(1), found)
