"""AES-SIV with a key for each row, as LLVM instructions that use the AES instructions of x86 processors.

Each such instruction waits for the one before it, so some rows go side by side (`LANES`). Four functions: `derive` the
keys of subjects, `expand` them with what is bound to each into a *schedule* (`RECORD` bytes), and `seal` and `open`
rows of one length, each by the schedule that it names. AES-256 only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from privacy_udfs.kernels.native import repeated

Value = Any  # llvmlite publishes no types
BLOCK, ROUND_KEYS, LANES = 16, 15, 4
MAC, CTR, FIRST, SECOND, BOUND, RECORD = 0, 15 * BLOCK, 30 * BLOCK, 31 * BLOCK, 32 * BLOCK, 33 * BLOCK
"""Where in a schedule stand: the round keys of both halves, CMAC's two subkeys, and S2V's state after what is bound."""
I8, I32, I64, I128 = (ir.IntType(bits) for bits in (8, 32, 64, 128))
PAIR, BYTES, WORDS = ir.VectorType(I64, 2), ir.VectorType(I8, 16), ir.VectorType(I32, 4)
AT = I8.as_pointer()
ZERO = ir.Constant(PAIR, [0, 0])
CLEAR = bytes([0xFF] * 8 + [0x7F, 0xFF, 0xFF, 0xFF] * 2)  # bits that counter blocks have zero
RCON = (1, 2, 4, 8, 16, 32, 64)


def module() -> Any:
    """derive(secrets, blocks, number, count, keys); expand(keys, stride, bound, count, schedules); seal(schedules,
    index, data, length, mark, count, out); open(schedules, index, data, length, marks, count, out, wrong): see
    `privacy_udfs.kernels.aes.by_key`, which calls them. Counts are one or more."""
    return _Emitter().module


def _pair(block: bytes) -> Value:
    return ir.Constant(PAIR, [int.from_bytes(block[at : at + 8], "little") for at in (0, 8)])


class _Emitter:
    """Writes the instructions into ``module``. Lists hold a value for each lane."""

    def __init__(self) -> None:
        self.module = ir.Module()
        self._enc = self._declare("llvm.x86.aesni.aesenc", PAIR, [PAIR, PAIR])
        self._last = self._declare("llvm.x86.aesni.aesenclast", PAIR, [PAIR, PAIR])
        nothing = ir.VoidType()
        self._derive(self._declare("derive", nothing, [AT, AT, I64, I64, AT]))
        self._expand(self._declare("expand", nothing, [AT, I64, AT, I64, AT]))
        self._seal(self._declare("seal", nothing, [AT, I32.as_pointer(), AT, I64, AT, I64, AT]))
        self._open(self._declare("open", nothing, [AT, I32.as_pointer(), AT, I64, AT, I64, AT, AT]))

    def _declare(self, name: str, gives: Value, takes: list[Value]) -> Value:
        return ir.Function(self.module, ir.FunctionType(gives, takes), name)

    # -- the four functions -------------------------------------------------------------------------------------------

    def _derive(self, function: Value) -> None:
        """KDF in counter mode with CMAC: each block is the CMAC of one that is padded already."""
        secrets, blocks, number, count, keys = function.args

        def some(b: Value, rows: list[Value]) -> None:
            round_keys = [self._schedule(b, self._at(b, secrets, row, 32)) for row in rows]
            second = [self._doubled(b, self._doubled(b, each)) for each in self._each(b, round_keys, [ZERO] * LANES)]

            def block(at: Value, _: list[Value]) -> list[Value]:
                given = self._load(b, b.gep(blocks, [b.mul(at, I64(BLOCK))]))
                made = self._each(b, round_keys, [b.xor(given, each) for each in second])
                for row, each in zip(rows, made, strict=True):
                    self._store(b, each, b.gep(keys, [b.mul(b.add(b.mul(row, number), at), I64(BLOCK))]))
                return []

            repeated(b, number, 1, [], block)

        self._rows(function, count, some)

    def _expand(self, function: Value) -> None:
        keys, stride, bound, count, schedules = function.args

        def some(b: Value, rows: list[Value]) -> None:
            from_ = [b.gep(keys, [b.mul(row, stride)]) for row in rows]
            into = [self._at(b, schedules, row, RECORD) for row in rows]
            heads = [self._at(b, bound, row, 2 * BLOCK) for row in rows]
            mac = [self._schedule(b, each) for each in from_]
            ctr = [self._schedule(b, b.gep(each, [I64(32)])) for each in from_]
            first = [self._doubled(b, each) for each in self._each(b, mac, [ZERO] * LANES)]
            second = [self._doubled(b, each) for each in first]
            state = self._each(b, mac, [self._load(b, each) for each in heads])
            rest = [self._load(b, b.gep(each, [I64(BLOCK)])) for each in heads]
            state = self._each(b, mac, [self._xor(b, *each) for each in zip(state, rest, first, strict=True)])
            start = [self._doubled(b, each) for each in self._each(b, mac, first)]
            for lane, place in enumerate(into):
                for at, each in enumerate((*mac[lane], *ctr[lane], first[lane], second[lane])):
                    self._store(b, each, b.gep(place, [I64(at * BLOCK)]))
                self._store(b, b.xor(start[lane], state[lane]), b.gep(place, [I64(BOUND)]))

        self._rows(function, count, some)

    def _seal(self, function: Value) -> None:
        schedules, index, data, length, mark, count, out = function.args

        def some(b: Value, rows: list[Value]) -> None:
            keys, blocks = self._named(b, schedules, index, rows), self._blocks(b, length)
            size = b.mul(blocks, I64(BLOCK))
            plain = [b.gep(data, [b.mul(row, size)]) for row in rows]
            into = [b.gep(out, [b.mul(row, b.add(size, I64(BLOCK)))]) for row in rows]
            siv = self._mac(b, keys, plain, length, blocks, self._load(b, mark))
            for each, place in zip(siv, into, strict=True):
                self._store(b, each, place)
            self._counted(b, keys, siv, blocks, plain, [b.gep(place, [I64(BLOCK)]) for place in into])

        self._rows(function, count, some)

    def _open(self, function: Value) -> None:
        """marks: the mark, and then the mask of the bytes that the last block has. wrong: 16 bytes, all differences."""
        schedules, index, data, length, marks, count, out, wrong = function.args

        def some(b: Value, rows: list[Value]) -> None:
            keys, blocks = self._named(b, schedules, index, rows), self._blocks(b, length)
            size = b.mul(blocks, I64(BLOCK))
            sealed = [b.gep(data, [b.mul(row, b.add(size, I64(BLOCK)))]) for row in rows]
            into = [b.gep(out, [b.mul(row, size)]) for row in rows]
            siv = [self._load(b, each) for each in sealed]
            self._counted(b, keys, siv, blocks, [b.gep(each, [I64(BLOCK)]) for each in sealed], into)
            mask, last = self._load(b, b.gep(marks, [I64(BLOCK)])), b.sub(size, I64(BLOCK))
            for place in into:
                end = b.gep(place, [last])
                self._store(b, b.and_(self._load(b, end), mask), end)
            found = self._mac(b, keys, into, length, blocks, self._load(b, marks))
            gathered = self._load(b, wrong)
            for one, other in zip(siv, found, strict=True):
                gathered = b.or_(gathered, b.xor(one, other))
            self._store(b, gathered, wrong)

        self._rows(function, count, some)

    # -- what they share ----------------------------------------------------------------------------------------------

    def _rows(self, function: Value, count: Value, some: Callable[[Value, list[Value]], None]) -> None:
        """All rows, `LANES` at a time; the last ones go with copies of the last."""
        b = ir.IRBuilder(function.append_basic_block())

        def lanes(number: Value, _: list[Value]) -> list[Value]:
            last, found = b.sub(count, I64(1)), [b.add(number, I64(lane)) for lane in range(LANES)]
            some(b, [b.select(b.icmp_signed("<", each, last), each, last) for each in found])
            return []

        repeated(b, count, LANES, [], lanes)
        b.ret_void()

    def _named(self, b: Value, schedules: Value, index: Value, rows: list[Value]) -> list[Value]:
        numbers = [b.sext(b.load(b.gep(index, [row]), align=4), I64) for row in rows]
        return [self._at(b, schedules, number, RECORD) for number in numbers]

    def _blocks(self, b: Value, length: Value) -> Value:
        found = b.sdiv(b.add(length, I64(BLOCK - 1)), I64(BLOCK))
        return b.select(b.icmp_signed("<", found, I64(1)), I64(1), found)

    def _mac(
        self, b: Value, keys: list[Value], data: list[Value], length: Value, blocks: Value, mark: Value
    ) -> list[Value]:
        """S2V's last step: CMAC over the message with the state xored into its last 16 bytes, or into the padded
        message where it is shorter."""
        ends = [self._ends(b, key, length, mark) for key in keys]
        last = b.sub(blocks, I64(1))
        before = b.sub(blocks, I64(2))

        def step(at: Value, states: list[Value]) -> list[Value]:
            is_last, is_before = b.icmp_signed("==", at, last), b.icmp_signed("==", at, before)
            given = []
            for state, place, (end, shifted) in zip(states, data, ends, strict=True):
                block = self._load(b, b.gep(place, [b.mul(at, I64(BLOCK))]))
                extra = b.xor(b.select(is_last, end, ZERO), b.select(is_before, shifted, ZERO))
                given.append(self._xor(b, state, block, extra))
            return self._by_schedule(b, keys, MAC, given)

        return repeated(b, blocks, 1, [ZERO] * len(keys), step)

    def _ends(self, b: Value, key: Value, length: Value, mark: Value) -> tuple[Value, Value]:
        """What is xored into the last block, and into the one before it."""
        bound, first, second = (self._load(b, b.gep(key, [I64(at)])) for at in (BOUND, FIRST, SECOND))
        over = b.and_(length, I64(BLOCK - 1))
        short, whole = b.icmp_signed("<", length, I64(BLOCK)), b.icmp_signed("==", over, I64(0))
        number, bits = b.bitcast(self._reversed(b, bound), I128), b.zext(b.mul(over, I64(8)), I128)
        left = b.and_(b.sub(I128(128), bits), I128(127))
        tail = self._reversed(b, b.bitcast(b.shl(number, left), PAIR))
        before = self._reversed(b, b.bitcast(b.lshr(number, bits), PAIR))
        few = self._xor(b, self._doubled(b, bound), mark, first)
        many = b.select(whole, b.xor(bound, first), self._xor(b, tail, mark, second))
        none = b.or_(short, whole)
        return b.select(short, few, many), b.select(none, ZERO, before)

    def _counted(
        self, b: Value, keys: list[Value], siv: list[Value], blocks: Value, data: list[Value], out: list[Value]
    ) -> None:
        """Counter mode from each synthetic IV on."""
        starts = [b.bitcast(self._reversed(b, b.and_(each, _pair(CLEAR))), WORDS) for each in siv]

        def step(at: Value, _: list[Value]) -> list[Value]:
            number = b.insert_element(ir.Constant(WORDS, [0] * 4), b.trunc(at, I32), I32(0))
            counters = [self._reversed(b, b.bitcast(b.add(each, number), PAIR)) for each in starts]
            place = b.mul(at, I64(BLOCK))
            for stream, given, into in zip(self._by_schedule(b, keys, CTR, counters), data, out, strict=True):
                self._store(b, b.xor(stream, self._load(b, b.gep(given, [place]))), b.gep(into, [place]))
            return []

        repeated(b, blocks, 1, [], step)

    def _by_schedule(self, b: Value, keys: list[Value], half: int, states: list[Value]) -> list[Value]:
        """Each block through AES, under round keys that lie in memory."""
        for at in range(ROUND_KEYS):
            loaded = [self._load(b, b.gep(key, [I64(half + at * BLOCK)])) for key in keys]
            states = self._round(b, at, loaded, states)
        return states

    def _each(self, b: Value, round_keys: list[list[Value]], states: list[Value]) -> list[Value]:
        """Each block through AES."""
        for at in range(ROUND_KEYS):
            states = self._round(b, at, [keys[at] for keys in round_keys], states)
        return states

    def _round(self, b: Value, at: int, keys: list[Value], states: list[Value]) -> list[Value]:
        if not at:
            return [b.xor(*each) for each in zip(states, keys, strict=True)]
        step = self._last if at == ROUND_KEYS - 1 else self._enc
        return [b.call(step, each) for each in zip(states, keys, strict=True)]

    def _schedule(self, b: Value, key: Value) -> list[Value]:
        """FIPS 197, 5.2, of 32 bytes. AES' own last round substitutes the bytes of a word, which stands in all four
        columns, so that no row is shifted."""
        found = [self._load(b, key), self._load(b, b.gep(key, [I64(BLOCK)]))]
        for constant in RCON:
            turned = self._spread(b, found[-1], (13, 14, 15, 12))
            word = b.call(self._last, [turned, _pair(bytes([constant, 0, 0, 0] * 4))])
            found.append(b.xor(self._running(b, found[-2]), word))
            word = b.call(self._last, [self._spread(b, found[-1], (12, 13, 14, 15)), ZERO])
            found.append(b.xor(self._running(b, found[-2]), word))
        return found[:ROUND_KEYS]

    def _spread(self, b: Value, block: Value, places: tuple[int, ...]) -> Value:
        return self._shuffled(b, block, list(places) * 4)

    def _running(self, b: Value, block: Value) -> Value:
        """Each word xor all before it."""
        for shift in (4, 8):
            moved = [16 + at if at >= 0 else 0 for at in range(-shift, 16 - shift)]
            block = b.xor(block, self._shuffled(b, block, moved))
        return block

    def _shuffled(self, b: Value, block: Value, places: list[int]) -> Value:
        """Bytes of a block; places from 16 on are its own, those before are zeros, where any is from 16 on."""
        mine, zeros = b.bitcast(block, BYTES), ir.Constant(BYTES, [0] * 16)
        mask = ir.Constant(ir.VectorType(I32, 16), places)
        pair = (zeros, mine) if max(places) > 15 else (mine, zeros)
        return b.bitcast(b.shuffle_vector(*pair, mask), PAIR)

    def _reversed(self, b: Value, block: Value) -> Value:
        return self._shuffled(b, block, list(range(15, -1, -1)))

    def _doubled(self, b: Value, block: Value) -> Value:
        """Times x in GF(2^128), RFC 5297, section 2.3."""
        number = b.bitcast(self._reversed(b, block), I128)
        carried = b.and_(b.ashr(number, I128(127)), I128(0x87))
        return self._reversed(b, b.bitcast(b.xor(b.shl(number, I128(1)), carried), PAIR))

    def _xor(self, b: Value, *blocks: Value) -> Value:
        first, *others = blocks
        for each in others:
            first = b.xor(first, each)
        return first

    def _at(self, b: Value, base: Value, row: Value, size: int) -> Value:
        return b.gep(base, [b.mul(row, I64(size))])

    def _load(self, b: Value, place: Value) -> Value:
        return b.load(b.bitcast(place, PAIR.as_pointer()), align=1)

    def _store(self, b: Value, block: Value, place: Value) -> None:
        b.store(block, b.bitcast(place, PAIR.as_pointer()), align=1)
