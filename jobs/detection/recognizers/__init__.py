"""What values can be recognized as: one idea a file, pure functions from distinct texts to masks, no Spark.

`recognize` runs them all. A recognizer never raises for a value; should one fail, its error names it and no value.
"""

from __future__ import annotations

from types import ModuleType

import pyarrow as pa

from jobs.detection.recognizers import (
    city,
    coordinates,
    dates,
    device_id,
    email,
    free_text,
    iban,
    imei,
    licence_plate,
    look_alikes,
    medical_code,
    national_id,
    network,
    passport,
    payment_card,
    person_name,
    phone,
    postal_code,
    reference,
    street,
    url,
    us_ssn,
    user_name,
)
from jobs.detection.recognizers.text import Findings
from privacy_udfs.entities.phone import REGIONS
from privacy_udfs.errors import LakenymError, UnexpectedFailure

OF_NUMBERS: tuple[ModuleType, ...] = (
    phone,
    payment_card,
    imei,
    national_id,
    us_ssn,
    dates,
    postal_code,
    look_alikes,
    medical_code,
)
OF_TEXTS: tuple[ModuleType, ...] = (
    *OF_NUMBERS,
    email,
    iban,
    network,
    url,
    reference,
    device_id,
    licence_plate,
    passport,
    user_name,
    coordinates,
    street,
    city,
    person_name,
    free_text,
)
OF_FRACTIONS: tuple[ModuleType, ...] = (coordinates,)
OF_DATES: tuple[ModuleType, ...] = (dates,)


def recognize(
    values: pa.StringArray, recognizers: tuple[ModuleType, ...] = OF_TEXTS, regions: tuple[str, ...] = REGIONS
) -> Findings:
    """Everything that ``recognizers`` find in distinct values without nulls. regions: ISO 3166 codes of the countries
    whose telephone numbers may be written without a country code. Raises `UnexpectedFailure`."""
    found: Findings = {}
    for module in recognizers:
        try:
            found |= phone.recognize(values, regions) if module is phone else module.recognize(values)
        except LakenymError:
            raise
        except Exception as error:
            name = module.__name__.rpartition(".")[2]
            raise UnexpectedFailure(f"the recognizer {name} failed with {type(error).__name__}") from None
    return found
