"""The protocol buffer wire format, as far as Tink's keysets need it, and the messages of Tink that are read here.

Strict, since what it reads is key material: an unknown field, a field given twice, a wrong wire type, a number past
32 bits or a truncated message is refused with `MalformedError`, which never holds a byte of the input. Fields
are written in order of their numbers and defaults are left out: the bytes are those of Google's own library.

Standard: Protocol Buffers encoding, proto3, wire types 0 (varint) and 2 (length-delimited); Tink's ``tink.proto`` and
the ``*.proto`` of its key types.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal

VARINT, DELIMITED = 0, 2
Kind = Literal["uint32", "bytes", "text", "message"]


class MalformedError(ValueError):
    """The bytes are no message of the expected kind. Says what is wrong by the field's name, never by its content."""


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of a message: its name, and the fields of the message it holds, if it holds one."""

    name: str
    kind: Kind
    message: Schema | None = None
    repeated: bool = False


Schema = Mapping[int, Field]
Values = dict[str, Any]

KEY_DATA: Schema = {
    1: Field("type_url", "text"),
    2: Field("value", "bytes"),
    3: Field("key_material_type", "uint32"),
}
KEY: Schema = {
    1: Field("key_data", "message", KEY_DATA),
    2: Field("status", "uint32"),
    3: Field("key_id", "uint32"),
    4: Field("output_prefix_type", "uint32"),
}
KEYSET: Schema = {1: Field("primary_key_id", "uint32"), 2: Field("key", "message", KEY, repeated=True)}


def decode(schema: Schema, data: bytes) -> Values:
    """The fields of a message by name; absent ones have proto3's default (0, empty, None for a message)."""
    values: Values = {field.name: _default(field) for field in schema.values()}
    seen = set()
    for number, found in _split(data):
        field = schema.get(number)
        if field is None:
            raise MalformedError(f"unknown field number {number}")
        if number in seen and not field.repeated:
            raise MalformedError(f"{field.name} is given twice")
        seen.add(number)
        value = _value(field, found)
        if field.repeated:
            values[field.name].append(value)
        else:
            values[field.name] = value
    return values


def encode(schema: Schema, values: Values) -> bytes:
    """The message with these fields, the inverse of `decode`."""
    encoded = b""
    for number in sorted(schema):
        field = schema[number]
        given = values.get(field.name, _default(field))
        for value in given if field.repeated else [] if given == _default(field) else [given]:
            encoded += _encode_field(number, field, value)
    return encoded


def _encode_field(number: int, field: Field, value: Any) -> bytes:
    if field.kind == "uint32":
        return _varint(number << 3 | VARINT) + _varint(value)
    if field.message is not None:
        value = encode(field.message, value)
    content: bytes = value.encode() if field.kind == "text" else value
    return _varint(number << 3 | DELIMITED) + _varint(len(content)) + content


def _default(field: Field) -> Any:
    if field.repeated:
        return []
    return {"uint32": 0, "bytes": b"", "text": "", "message": None}[field.kind]


def _value(field: Field, found: int | bytes) -> Any:
    if isinstance(found, int) != (field.kind == "uint32"):
        raise MalformedError(f"{field.name} has the wrong wire type")
    if isinstance(found, int):
        if found >> 32:
            raise MalformedError(f"{field.name} does not fit into 32 bits")
        return found
    if field.kind == "text":
        return _text(field.name, found)
    return found if field.message is None else decode(field.message, found)


def _text(name: str, content: bytes) -> str:
    text = content.decode("utf-8", errors="replace")
    if "\ufffd" in text:
        raise MalformedError(f"{name} is not UTF-8")
    return text


def _split(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        if tag & 7 == VARINT:
            number, at = _read_varint(data, at)
            yield tag >> 3, number
        elif tag & 7 == DELIMITED:
            size, at = _read_varint(data, at)
            if size > len(data) - at:
                raise MalformedError("a field is cut short")
            yield tag >> 3, data[at : at + size]
            at += size
        else:
            raise MalformedError(f"field number {tag >> 3} has a wire type that no keyset uses")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(data[at : at + 10]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise MalformedError("a number is cut short or too long")


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
