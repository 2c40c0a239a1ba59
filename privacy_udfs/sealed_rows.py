"""Whole rows, each encrypted by itself: what stands in quarantine.

A row is one record batch of one row in Arrow's IPC stream format, encrypted as `randomized_encryption` does it
(AES-256-GCM, in Tink's wire format). What it belongs to is bound to it as associated data, the UTF-8 of
``lakenym/1/quarantine/`` + table + ``/`` + run: moved to another table's or run's rows it no longer opens.
"""

from __future__ import annotations

import dataclasses

import pyarrow as pa

from privacy_udfs.errors import TokenRefused
from privacy_udfs.keys import KeyReference
from privacy_udfs.technique import Key
from privacy_udfs.techniques.randomized_encryption import RandomizedEncryption

DOMAIN = "quarantine"
"""Of the sub-key, under a master that serves nothing else."""


def technique(table: str, run_id: str) -> RandomizedEncryption:
    """How the rows of one run of one table are encrypted."""
    return RandomizedEncryption(associated_data=f"lakenym/1/quarantine/{table}/{run_id}", encoding="binary")


@dataclasses.dataclass(frozen=True)
class Seal:
    """What encrypts the rows of one run of one table; it holds a reference to the key only."""

    key: KeyReference
    table: str
    run_id: str

    def sealed(self, rows: pa.RecordBatch) -> list[bytes]:
        """Each row as bytes that only the key opens."""
        packed = pa.array([_packed(_alone(rows, at)) for at in range(rows.num_rows)], pa.binary())
        result: list[bytes] = technique(self.table, self.run_id).apply(packed, self.key.resolve()).values.to_pylist()
        return result


def opened(sealed: pa.BinaryArray, table: str, run_id: str, key: Key) -> list[pa.RecordBatch]:
    """The rows that were sealed for a run of a table, each by itself. Raises `TokenRefused` where one is not what was
    sealed for it."""
    plain = technique(table, run_id).revert(sealed, key).cast(pa.binary())
    return [_unpacked(each.as_buffer()) for each in plain]


def _alone(rows: pa.RecordBatch, at: int) -> pa.RecordBatch:
    """One row, without what others of its batch hold: a dictionary has the values of all."""
    row = rows.take(pa.array([at]))
    plain = [pa.field(field.name, _plain(field.type)) for field in rows.schema]
    columns = [
        column if column.type == field.type else pa.array(column.to_pylist(), field.type)
        for column, field in zip(row.columns, plain, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(plain))


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without dictionaries."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _plain(each.type)) for each in kind])
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    return kind


def _packed(row: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, row.schema) as writer:
        writer.write_batch(row)
    return bytes(sink.getvalue().to_pybytes())


def _unpacked(packed: pa.Buffer) -> pa.RecordBatch:
    try:
        with pa.ipc.open_stream(packed) as reader:
            return reader.read_next_batch()
    except (pa.ArrowException, StopIteration, OSError):  # authentic, and no row: someone else has the key
        raise TokenRefused from None
