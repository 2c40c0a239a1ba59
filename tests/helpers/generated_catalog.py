"""A configuration of any size, for measuring what reads it: ``write(folder, tables=1000)``."""

from __future__ import annotations

from pathlib import Path

COLUMNS = """
  id: {class: direct_identifier, treatment: {domain: customer}, why: join key}
  email: {class: direct_identifier, treatment: {technique: deterministic_encryption, key: crm}, why: letters}
  name: {class: direct_identifier, treatment: drop, why: not needed}
  birth_date: {class: quasi_identifier, treatment: {technique: generalize_date, unit: year}, why: age analysis}
  zip: {class: quasi_identifier, treatment: {technique: truncate, keep: 2}, why: sales by region}
  ip: {class: quasi_identifier, treatment: {technique: truncate_ip}, why: rough place}
  income: {class: sensitive, treatment: {technique: generalize_number, width: 1000}, why: segments}
  address.street: {class: direct_identifier, treatment: redact, why: not needed}
  items[].price: {class: non_personal, treatment: keep, why: the measure}
  items[].note: {class: direct_identifier, treatment: redact, why: free text}
"""
POLICY = """
version: "2026-11"
require: [review_by, retention]
review_grace_days: 30
thresholds: {k: 5, l: 2, t: 0.3}
approved: {algorithms: [HMAC-SHA-256, AES-SIV], keys: [crm], providers: [file]}
deprecated:
  - {algorithm: AES-CMAC, warn_after: 2026-01-01, refuse_after: 2027-01-01, why: one hash function is enough}
classes:
  direct_identifier:
    techniques: [drop, redact, keyed_hash, deterministic_encryption]
    rules: [{technique: keyed_hash, parameter: bits, at_least: 128}]
  quasi_identifier:
    techniques: [keep, drop, redact, truncate, truncate_ip, generalize_date]
    rules:
      - {technique: truncate_ip, parameter: ipv4, at_most: 24}
      - {technique: truncate, parameter: keep, at_most: 3}
  sensitive: {techniques: [drop, redact, generalize_number]}
  non_personal: {techniques: [keep, drop]}
"""


def write(folder: Path, tables: int = 1000, repeats: int = 1) -> Path:
    """A sound configuration of ``tables`` tables of ``10 * repeats`` columns; returns ``folder``."""
    (folder / "catalog").mkdir(parents=True)
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "domains.yaml").write_text("customer: {technique: keyed_hash, key: crm}\n", encoding="utf-8")
    (folder / "keys.yaml").write_text('crm: {keyset: "file:/keys/crm.json"}\n', encoding="utf-8")
    columns = "".join(_columns(number) for number in range(repeats))
    for number in range(tables):
        (folder / "catalog" / f"made.t{number:04d}.yaml").write_text(_table(number, columns), encoding="utf-8")
    return folder


def _columns(number: int) -> str:
    return "".join(f"  c{number}_{line.strip()}\n" for line in COLUMNS.strip().splitlines())


def _table(number: int, columns: str) -> str:
    return f"""table: made.t{number:04d}
owner: privacy@example.org
review_by: 2099-12-31
retention: 7 years
source: {{format: delta, path: /lake/raw/t{number}}}
target: {{path: /lake/treated/t{number}}}
columns:
{columns}"""
