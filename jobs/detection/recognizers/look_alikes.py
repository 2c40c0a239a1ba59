"""What is no person although it looks like one: epoch times, bar codes, companies' names, version numbers."""

# ruff: noqa: RUF001 - letters and marks of other scripts are meant
from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches, where
from privacy_udfs.entities import packages

EPOCH = r"^\s*(?:[12]\d{9}|[12]\d{12}|[12]\d{15}|[12]\d{18})(?:\.\d+)?\s*$"
EAN_SHAPE = r"^\s*(?:\d{8}|\d{12}|\d{13}|\d{14})\s*$"
ISBN = r"^\s*(?:97[89][\- ]?)?\d{1,5}[\- ]\d{1,7}[\- ]\d{1,7}[\- ][\dX]\s*$|^\s*97[89]\d{10}\s*$"
COMPANY = (
    r"(?i)[\p{L}\p{N}].*[\s,.(](?:inc|llc|llp|ltd|limited|plc|corp|corporation|company|co|group|holdings?|"
    r"partners|sons|gmbh|mbh|ag|kg|kgaa|ohg|gbr|e\.?\s?v|e\.?\s?g|ug|se|s\.?a\.?r\.?l|s\.?a\.?s|sarl|sas|eurl|sa|"
    r"s\.?p\.?a|s\.?r\.?l|snc|s\.?l|s\.?a|s\.?c\.?c?\.?p?|s\.?n\.?c|s\.?l\.?n\.?e|b\.?v|n\.?v|v\.?o\.?f|ab|"
    r"aktiebolag|hb|kb|a/s|aps|asa|as|i/s|oy|oyj|ab oy|sp\.?\s?z\s?o\.?o|s\.?c|sp\.?\s?k|s\.?r\.?o|a\.?s|k\.?s|"
    r"spol|kft|zrt|bt|rt|nyrt|ltda|ltd\.?|lda|e filhos|filhos|eireli|s/a|s\.?a\.? de c\.?v|a\.?ş|a\.?s|"
    r"ltd\.?\s?şti|şti|d\.?o\.?o|e hijos|hijos|et fils|fils|frères|& co|и партнёры|ооо|оао|зао|пао|ао|ип|тов|пп|"
    r"пат|фоп|еоод|оод|αε|εε|οε|ο\.?ε|α\.?ε|ε\.?ε|επε|pvt|pte|bhd|"
    r"k\.?k)\.?(?:$|[\s,)&])"
    r"|^(?:ооо|оао|зао|пао|ао|ип|нко|фгуп|тов|пп|пат|фоп|pt|cv|ud|pd|perum|grup|grupo|gruppo|fundacja|stowarzyszenie|"
    r"spółdzielnia|ppuh|фірма)\.? "
    r"|有限|会社|公司|株式|集团|科技|网络|传媒|㈜|\(주\)|\(유\)|주식회사|유한회사|שותפות|בע\"?מ|شركة|شرکت|صنایع|"
    r"บริษัท|หจก|"
    r"^[^,]+, [^,]+ (?:and|und|et|y|e|och|og|ja|i|و|и|ו) [^,]+$|\p{L} ?(?:&|\+| and | und | et | y | e hijos) ?\p{L}"
)


def recognize(values: pa.StringArray) -> Findings:
    """``epoch``, ``ean`` (with its check digit), ``isbn``, ``company`` (a legal form, or partners joined by 'and')."""
    ean = packages.load("stdnum.ean")
    return {
        "epoch": matches(values, EPOCH),
        "ean": where(values, matches(values, EAN_SHAPE), lambda text: bool(ean.is_valid(text.strip()))),
        "isbn": matches(values, ISBN),
        "company": matches(values, COMPANY),
    }
