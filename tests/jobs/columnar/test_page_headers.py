"""Headers of pages, which Arrow does not show, beside what it says of the columns that they are of."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.columnar import page_headers
from jobs.columnar.page_headers import DICTIONARY
from jobs.columnar.unfit import NotColumnar

TABLE = pa.table({"few": ["a", "bb" * 20, None] * 5000, "many": [f"t{at}" for at in range(15_000)]})


def written(**options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, data_page_size=4096, **options)
    return sink.getvalue()


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", "none"])
@pytest.mark.parametrize("checksums", [False, True])
def test_pages_add_up_to_their_column(version: str, codec: str, checksums: bool) -> None:
    data = written(data_page_version=version, compression=codec, write_page_checksum=checksums)
    source, group = pa.BufferReader(data), pq.ParquetFile(pa.BufferReader(data)).metadata.row_group(0)
    for at, longest in enumerate((40, 6)):
        chunk = group.column(at)
        found = list(page_headers.pages(source, chunk))
        assert sum(page.values for page in found if page.kind != DICTIONARY) == chunk.num_values
        assert found[-1].start + found[-1].stored == found[0].start + chunk.total_compressed_size - (
            found[0].start - chunk.dictionary_page_offset
        )
        assert 0 < sum(page.size for page in found) <= chunk.total_uncompressed_size
        assert len(found) >= 2
        if found[0].kind == DICTIONARY and at == 0:
            assert page_headers.longest_of(source, found[0], chunk.compression) == longest


def test_what_is_no_header_is_not_read() -> None:
    data = bytearray(written())
    chunk = pq.ParquetFile(pa.BufferReader(bytes(data))).metadata.row_group(0).column(0)
    for damage in (b"\0" * 16, b"\xff" * 16, b"\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"):
        damaged = (
            bytes(data[: chunk.dictionary_page_offset])
            + damage
            + bytes(data[chunk.dictionary_page_offset + len(damage) :])
        )
        with pytest.raises(NotColumnar, match="whose header is not as Parquet has it"):
            list(page_headers.pages(pa.BufferReader(damaged), chunk))
