"""In tasks: every file of a table looked through for what is looked for: columns, footers, logs, names, whatever lies
there. Of what is found the place, the spelling, the column of the source and the number are told, and nothing else."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.columnar.file_systems import Access
from jobs.configuration.column_path import ColumnPath, Field, Step
from jobs.detection import leaves
from jobs.verification import dictionaries, encoded, matcher, rolling, spellings
from jobs.verification import needles as looking
from jobs.verification.encoded import Decoded
from jobs.verification.matcher import Hits
from jobs.verification.needles import Needles
from jobs.verification.octets import Places
from privacy_udfs import result_shapes, wording
from privacy_udfs.errors import SourceRefused
from privacy_udfs.technique import Technique, narrow, plain

DDL = "place string, path string, spelling string, extent string, column int, value int, found bigint"
ANY = -1
"""Where it is not told which value it was."""
ROWS, OLDER, CHANGES = "column", "older version", "change file"
CHECKPOINT, CHECKSUM, LOG, FOOTER, NAME, OTHER = (
    *("checkpoint", "checksum", "Delta log", "Parquet footer", "file name", "other file"),
)
DICTIONARY = "Parquet dictionary"
OF_ROWS = (ROWS, OLDER, CHANGES)
OF_METADATA = (CHECKPOINT, CHECKSUM, LOG, FOOTER, NAME)
AS_IT_IS, OTHER_FORM, HASHED = "as it is", "other case or form", "unkeyed hash"
WHOLE, WITHIN, EXCUSED = "whole", "within a text", "a word of ours"
LONG_NUMBER = 9
"""Digits from which on a number counts in any column of numbers; a shorter one only in its own."""
SHORT = 3
"""Bytes from which on a whole text counts in any column; a shorter one only in its own."""
BATCH = 1 << 13
BLOCK = 1 << 22
Found: TypeAlias = Counter[tuple[str, str, str, str, int] | tuple[str, str, str, str, int, int]]


@dataclasses.dataclass(frozen=True)
class Look:
    """What a task knows. content: the digests, as `needles.loaded` takes them, out of a broadcast. sources: the column
    of the source of each number. treatments: of each column of the table the treatments that may have made its values,
    each with the version of its key, where these are tokens that look like nothing else. names: what columns are called
    in files -> what they are called in the table. own_words: of each column the values, by their places among all, that
    are words which its treatment puts there; vocabulary: those that are words of the table's metadata. real: columns
    whose pseudonyms look like values, of which it is told which values were found."""

    key: bytes
    content: Callable[[], bytes]
    access: Access
    sources: Sequence[str]
    treatments: Mapping[str, Sequence[tuple[Technique, int | None]]]
    names: Mapping[str, str]
    own_words: Mapping[str, frozenset[int]]
    vocabulary: frozenset[int]
    mark: str
    real: frozenset[str] = frozenset()

    @property
    def needles(self) -> Needles:
        return looking.loaded(self.content())


def kind_of(name: str, is_current: bool) -> str:
    """What a file is, by its name below the table's folder. is_current: whether the newest version has it."""
    if is_current:
        return ROWS
    if name.startswith("_delta_log/"):
        if name.endswith(".parquet") or ".checkpoint." in name:
            return CHECKPOINT
        return CHECKSUM if name.endswith(".crc") else LOG
    if name.endswith(".crc"):
        return CHECKSUM
    if not name.endswith(".parquet"):
        return OTHER
    return CHANGES if name.startswith("_change_data/") else OLDER


def scan(batches: Iterator[pa.RecordBatch], look: Look) -> Iterator[pa.RecordBatch]:
    """Look through files. batches: of rows with ``uri``, ``name`` and ``kind``."""
    for batch in batches:
        for uri, name, kind in zip(*(batch.column(at).to_pylist() for at in range(3)), strict=True):
            found: Found = Counter()
            with wording.marked_errors(look.mark):
                _texts(pa.array([unquote(name)]), None, Place(look, NAME, ""), found)
                _file(uri, kind, look, found)
            rows = [(*place, ANY, number) if len(place) == 5 else (*place, number) for place, number in found.items()]
            columns = [[row[at] for row in rows] for at in range(7)]
            types = (*(pa.string(),) * 4, pa.int32(), pa.int32(), pa.int64())
            arrays = [pa.array(each, kind) for each, kind in zip(columns, types, strict=True)]
            yield pa.RecordBatch.from_arrays(
                arrays, ["place", "path", "spelling", "extent", "column", "value", "found"]
            )


@dataclasses.dataclass(frozen=True)
class Place:
    """Where texts stand. path: of a column."""

    look: Look
    kind: str
    path: str


def _file(uri: str, kind: str, look: Look, found: Found) -> None:
    try:
        with look.access.open_input(uri) as file:
            if uri.endswith(".parquet"):
                _parquet(file, kind, look, found)
            else:
                _bytes(file, Place(look, kind, ""), found)
    except (pa.ArrowException, OSError) as error:
        shown = wording.file_shown(uri)
        raise SourceRefused(f"{shown} cannot be read ({type(error).__name__}): nobody knows what it holds") from None


def _bytes(file: pa.NativeFile, place: Place, found: Found) -> None:
    """Any file: by lines where it has such, and by blocks that overlap. Of what is no UTF-8 what is left of it."""
    before = b""
    while block := file.read(BLOCK):
        text = (before + block).decode("utf-8", "ignore")
        _texts(pa.array(re.split(r"[\r\n]+", text)), None, place, found)
        before = block[-looking.LONGEST :]


def _parquet(file: pa.NativeFile, kind: str, look: Look, found: Found) -> None:
    read = pq.ParquetFile(file, coerce_int96_timestamp_unit="us")
    end = max((_end(read.metadata.row_group(at)) for at in range(read.num_row_groups)), default=4)
    for batch in read.iter_batches(BATCH, use_threads=False):
        for path, values in leaves.of_batch(batch, batch.schema.names):
            scan_values(values, Place(look, kind, _path(path, look.names)), found)
    for path, values in dictionaries.unused(file, read.metadata, BATCH):
        scan_values(values, Place(look, DICTIONARY, _path(path, look.names)), found)
    file.seek(end)
    _bytes(pa.BufferReader(file.read()), Place(look, FOOTER, ""), found)


def _path(path: ColumnPath, names: Mapping[str, str]) -> str:
    return str(ColumnPath(tuple(_named(step, names) for step in path.steps)))


def _named(step: Step, names: Mapping[str, str]) -> Step:
    return Field(names.get(step.name, step.name)) if isinstance(step, Field) else step


def _end(group: pq.RowGroupMetaData) -> int:
    """Where the bytes of a row group end; behind the last one stand indexes and the footer."""
    ends = [4]
    for column in (group.column(at) for at in range(group.num_columns)):
        starts = [each for each in (column.dictionary_page_offset, column.data_page_offset) if each]
        ends.append(min(starts) + column.total_compressed_size)
    return max(ends)


def scan_values(values: pa.Array, place: Place, found: Found) -> None:
    """Look through the values of a column."""
    values = narrow(plain(values))
    if pa.types.is_string(values.type):
        counted = pc.value_counts(values.drop_null())
        _column(counted.field(0), counted.field(1).to_numpy(), place, found)
    elif pa.types.is_binary(values.type):
        _binary(values.drop_null(), place, found)
    elif looking.has_digests(values.type) or pa.types.is_floating(values.type):
        _numbers(values, place, found)


def _column(texts: pa.StringArray, counts: np.ndarray, place: Place, found: Found) -> None:
    tokens = _are_tokens(texts, place.look.treatments.get(place.path, ()))
    for chosen, whole in ((tokens, True), (~tokens, False)):
        if chosen.any():
            _texts(texts.filter(pa.array(chosen)), counts[chosen], place, found, whole)


def _are_tokens(texts: pa.StringArray, treatments: Sequence[tuple[Technique, int | None]]) -> np.ndarray:
    """Which texts look as a technique's tokens, which hold by chance whatever is short."""
    tokens = np.zeros(len(texts), np.bool_)
    for technique, key_id in treatments:
        others = result_shapes.misshapen(technique, texts, key_id)
        if others is not None:
            tokens |= ~others.to_numpy(zero_copy_only=False)
    return tokens


def _texts(texts: pa.StringArray, counts: np.ndarray | None, place: Place, found: Found, tokens: bool = False) -> None:
    """Look through texts, and through what is encoded in them. tokens: whether they are such, as a whole."""
    needles, hashing = place.look.needles, rolling.of(place.look.key)
    counts = np.ones(len(texts), np.int64) if counts is None else counts
    hits = matcher.hits(texts, needles, hashing, within=not tokens)
    _count(hits, np.where(hits.exact, AS_IT_IS, OTHER_FORM), counts, place, found)
    for decoded in _decoded(texts, tokens):
        inner = matcher.hits(pa.array(decoded.texts, pa.string()), needles, hashing)
        long = (needles.letters >= LONG_NUMBER) & (~needles.numeric | (needles.letters == needles.length))
        inner = inner.where(decoded.sure[inner.text] | long[inner.value])
        at_all = dataclasses.replace(inner, text=decoded.rows[inner.text], whole=np.zeros(len(inner.text), np.bool_))
        _count(at_all, np.full(len(inner.text), decoded.encoding), counts, place, found)
    hashes = encoded.hashes(texts)
    value = needles.hashes.at(hashing.rows(hashes.starts))
    _hashed(hashes.rows[value >= 0], value[value >= 0], counts, place, found)


def _decoded(texts: pa.StringArray, tokens: bool) -> Iterator[Decoded]:
    for undone in spellings.undone(texts):
        yield Decoded(
            undone.encoding, np.array(undone.rows, np.int64), undone.texts, np.ones(len(undone.rows), np.bool_)
        )
    yield from encoded.decoded(texts, tokens)


def _hashed(text: np.ndarray, value: np.ndarray, counts: np.ndarray, place: Place, found: Found) -> None:
    no = np.zeros(len(text), np.bool_)
    _count(Hits(text, value.astype(np.int64), no, no), np.full(len(text), HASHED), counts, place, found)


def _count(hits: Hits, spelling: np.ndarray, counts: np.ndarray, place: Place, found: Found) -> None:
    look, needles = place.look, place.look.needles
    if not len(hits.text):
        return
    excused = look.vocabulary if place.kind in OF_METADATA else look.own_words.get(place.path, frozenset())
    seen = set()
    mine = _own(hits, place)
    for text, value, whole, how, own_value in zip(hits.text, hits.value, hits.whole, spelling, mine, strict=True):
        column = int(needles.column[own_value])
        said = (int(text), how, column, bool(whole))
        own = look.sources[column] == place.path
        if said in seen or (how != HASHED and not _counts(place, int(value), own, whole)):
            continue
        if how != HASHED and int(value) in excused:
            found[place.kind, place.path, str(how), EXCUSED, column, int(value)] += int(counts[text])
            continue
        seen.add(said)
        told = (place.kind, place.path, str(how), WHOLE if whole else WITHIN, column)
        by_value = how == AS_IT_IS and place.kind in OF_ROWS and place.path in look.real
        if by_value:
            by_number = (*told, int(value))
            found[by_number] += int(counts[text])
        else:
            found[told] += int(counts[text])


def _own(hits: Hits, place: Place) -> Places:
    """The values as those of the source's column of the same path, where that has them too."""
    own = [number for number, path in enumerate(place.look.sources) if path == place.path]
    return place.look.needles.of_column(hits.value, own) if own else hits.value


def _counts(place: Place, value: int, own: bool, whole: bool) -> bool:
    """Whether a value that was met says something. own: in the column of the same path."""
    needles = place.look.needles
    numeric, length = bool(needles.numeric[value]), int(needles.length[value])
    if place.kind in OF_METADATA and numeric:  # sizes and times stand there
        return int(needles.letters[value]) >= LONG_NUMBER
    return own or not whole or length >= (matcher.SHORTEST_NUMBER if numeric else SHORT)


def _numbers(values: pa.Array, place: Place, found: Found) -> None:
    """Numbers as wholes; and those of 64 bits as the start of a hash."""
    needles, hashing = place.look.needles, rolling.of(place.look.key)
    numbers = pc.value_counts(values.drop_null())
    kept, counts = numbers.field(0), numbers.field(1).to_numpy()
    if pa.types.is_floating(kept.type):
        whole = pc.and_(pc.equal(pc.round(kept), kept), pc.less(pc.abs(kept), 2.0**63)).to_numpy(zero_copy_only=False)
        kept, counts = kept.filter(pa.array(whole)).cast(pa.int64(), safe=False), counts[whole]
    if not len(kept):
        return
    hits = matcher.hits(looking.spelt(kept), needles, hashing, within=False)
    sources = needles.column[_own(hits, place)]
    own = np.array([place.look.sources[column] == place.path for column in sources], np.bool_)
    hits = hits.where(own | (needles.letters[hits.value] >= LONG_NUMBER))
    _count(hits, np.full(len(hits.text), AS_IT_IS), counts, place, found)
    if pa.types.is_int64(kept.type):
        octets = kept.to_numpy().astype(">i8").view(np.uint8).reshape(-1, encoded.COMPARED)
        value = needles.hashes.at(hashing.rows(octets))
        _hashed(np.flatnonzero(value >= 0), value[value >= 0], counts, place, found)


def _binary(values: pa.BinaryArray, place: Place, found: Found) -> None:
    """Bytes as text, as far as they are such, and as hashes."""
    each = values.to_pylist()
    _texts(pa.array([one.decode("utf-8", "ignore") for one in each], pa.string()), None, place, found)
    starts = [(row, one[: encoded.COMPARED]) for row, one in enumerate(each) if len(one) >= encoded.HASH]
    matrix = np.frombuffer(b"".join(start for _, start in starts), np.uint8).reshape(-1, encoded.COMPARED)
    value = place.look.needles.hashes.at(rolling.of(place.look.key).rows(matrix))
    rows = np.array([row for row, _ in starts], np.int64)
    _hashed(rows[value >= 0], value[value >= 0], np.ones(len(each), np.int64), place, found)


def words(texts: Sequence[str], needles: Needles, key: bytes) -> frozenset[int]:
    """The values that stand in texts of ours, by their places among all."""
    hits = matcher.hits(pa.array([each for each in texts if each], pa.string()), needles, rolling.of(key))
    return frozenset(int(value) for value in hits.value)
