"""Numbers in text, over whole arrays: plain decimal notation to exact decimals and back."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.arrays import utf8
from privacy_udfs.kernels.text import BLANKS

Mark = Literal["decimal_point", "decimal_comma"]
KIND = pa.decimal128(38, 18)
"""What texts become: 19 digits before the mark and 18 after it, exactly."""
SIGNS = {"decimal_point": ".", "decimal_comma": ","}


def read(values: pa.StringArray, mark: Mark) -> pa.Decimal128Array:
    """Each value as an exact decimal, blanks around it left out; null for null, and for what is no number in plain
    notation of that many digits: digits with or without a sign, and after a mark more digits. No exponent, no signs
    between thousands, which some read as the mark."""
    pattern = rf"^[+-]?0*[0-9]{{1,19}}([{SIGNS[mark]}][0-9]{{1,18}})?$"
    text = pc.utf8_trim(utf8.well_formed(values)[0], characters=BLANKS)
    other = pc.fill_null(pc.invert(pc.match_substring_regex(text, pattern)), False)
    text = utf8.nulled(text, other) if pc.any(other).as_py() else text
    return _plain(text, mark).cast(KIND)


def _plain(text: pa.StringArray, mark: Mark) -> pa.StringArray:
    if mark == "decimal_comma":
        text = pc.replace_substring(text, ",", ".")
    return pc.replace_substring_regex(text, r"^([+-]?)0+([0-9])", r"\1\2")  # Arrow counts zeros in front as digits


def write(text: pa.StringArray, mark: Mark) -> pa.StringArray:
    """Numbers in plain notation with a point, with the mark that is asked for."""
    return text if mark == "decimal_point" else pc.replace_substring(text, ".", ",")
