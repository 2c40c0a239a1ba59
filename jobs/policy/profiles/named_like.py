"""What the name of a column hints at, of all kinds: those that the inventory reads, and those that only laws name."""

from __future__ import annotations

import re

from jobs.configuration.column_path import ColumnPath, Field, Member
from jobs.detection import hints

WORDS = {
    "payment_card": r"primary account(?: (?:no|nr|num|number))?|card ?num|cc ?num|ccn|pan (?:no|nr|num|number)",
    "fax": r"fax|telefax|fax number",
    "medical_record_number": r"mrn|medical record|medical record (?:no|number)|chart (?:no|number)|patient number",
    "health_plan_number": (
        r"beneficiary (?:id|no|number)|health plan|policy number|insurance (?:id|no|number)|medicare (?:id|number)|mbi|"
        r"hicn|krankenversichertennummer|kvnr"
    ),
    "account_number": r"account (?:no|nr|number)|acct (?:no|nr|number)|bank account",
    "licence_number": r"licen[cs]e (?:no|number)|certificate (?:no|number)|dea number|npi",
    "vehicle_id": r"vin|vehicle id|chassis number|fahrgestellnummer|fin",
    "biometric": r"biometric\w*|finger ?prints?|voice ?prints?|iris scan|retina",
    "face_image": r"photo|photograph|face image|portrait|selfie|mugshot",
    "url": r"url|web ?site|home ?page",
    "card_security_code": (
        r"cvv2?|cvc2?|cav2?|cid|csc|card verification(?: code| value)?|security code|kartenprufnummer|prufziffer"
    ),
    "card_track": r"track ?[123]?(?: data)?|mag ?stripe|magnetic stripe",
    "card_pin": r"pin|pin ?block|pin code",
    "moment": r"date|datum|timestamp|admitted|admission|discharged?|deceased|death|died|at",
}
_PATTERNS = {kind: re.compile(rf"(?:^| )(?:{words})(?: |$)") for kind, words in WORDS.items()}


def of(path: ColumnPath) -> tuple[str, ...]:
    """The kinds that the last name in a path hints at."""
    names = [step.name for step in path.steps if isinstance(step, Field | Member)]
    if not names:
        return ()
    texts = hints.texts(names[-1])
    found = [kind for kind, pattern in _PATTERNS.items() if any(map(pattern.search, texts))]
    return tuple(dict.fromkeys([*hints.of(ColumnPath((Field(names[-1]),))), *found]))
