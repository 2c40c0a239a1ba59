"""From the values of a column to what is told of them, so that they are found in texts: see `entities.elsewhere`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.entities import known
from privacy_udfs.entities.elsewhere import MOST_WORDS, SCHEMA, Digests, digest_key
from privacy_udfs.entities.words import core, together
from privacy_udfs.kernels.arrays import well_formed
from privacy_udfs.technique import Key, Technique, narrow, plain


def digests_of(technique: Technique, key: Key, domain: str) -> Digests:
    """How values of a domain are known again."""
    return Digests(digest_key(key.material, domain), tuple(getattr(technique, "normalize", ())))


def told_of(values: pa.Array, technique: Technique, key: Key, domain: str) -> pa.RecordBatch:
    """What is told of the values of a column, of text or whole numbers; of each at least once. Nothing of nulls, of
    text without a character, and of text that is not well-formed."""
    values = narrow(plain(values)).unique().drop_null()
    texts = well_formed(values.cast(pa.string()))[0]
    some = pc.fill_null(pc.match_substring_regex(texts, r"\S"), False)
    values, texts = values.filter(some), texts.filter(some)
    digests = digests_of(technique, key, domain)
    cores, firsts, words = _cores(texts.to_pylist())
    is_sought = pa.array([many > 0 for many in words], pa.bool_())
    own = _own(values.filter(is_sought), cores.filter(is_sought), technique, key)
    places = np.cumsum(is_sought.to_numpy(zero_copy_only=False)) - 1
    columns = [
        _as_binary(np.where(np.array(words)[:, None] > 0, digests.of_values(cores), digests.of_others(cores))),
        pa.array(digests.of_first_words(firsts).view(np.int64)),
        pa.array(words, pa.int32()),
        own.take(pa.array(places, mask=~is_sought.to_numpy(zero_copy_only=False))),
    ] if len(values) else [pa.array([], field.type) for field in SCHEMA]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _cores(texts: list[str]) -> tuple[pa.StringArray, pa.StringArray, list[int]]:
    """Of each text what is looked for of it, its first word, and how many words that has; 0: it is not looked for."""
    cores, firsts, many = [], [], []
    for text in texts:
        said, words = core(text)
        sought = len(words) <= MOST_WORDS and known.sought(said) is not None
        cores.append(said if sought else together(text))
        firsts.append(words[0] if sought else "")
        many.append(len(words) if sought else 0)
    return pa.array(cores, pa.string()), pa.array(firsts, pa.string()), many


def _own(values: pa.Array, cores: pa.StringArray, technique: Technique, key: Key) -> pa.StringArray:
    """The pseudonyms that the column has, where those of what is found in texts would be others."""
    of_column, of_text = (_pseudonyms(each, technique, key) for each in (values, cores))
    same = pc.fill_null(pc.equal(of_column, of_text), False)
    return pc.if_else(same, pa.scalar(None, pa.string()), of_column)


def _pseudonyms(values: pa.Array, technique: Technique, key: Key) -> pa.StringArray:
    return technique.treat(narrow(technique.prepared(values)), key, None).values.cast(pa.string())


def _as_binary(digests: npt.NDArray[np.uint8]) -> pa.BinaryArray:
    rows = np.ascontiguousarray(digests)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(rows), [None, pa.py_buffer(rows)]).cast(pa.binary())
