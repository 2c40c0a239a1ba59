"""Where in a table its treatment record stands, by name. What stands there is for the room `jobs.record` to say."""

RECORD = "privacy.record"
CONFIG, POLICY, PROFILES, SOFTWARE, STATUS = (
    "privacy.config.sha256",
    "privacy.policy.version",
    "privacy.policy.profiles",
    "privacy.software",
    "privacy.status",
)
PROPERTIES = (RECORD, CONFIG, POLICY, PROFILES, SOFTWARE, STATUS)
"""Table properties that make up the record."""
TYPES = "privacy.types"
"""Beside the record: which types columns had that can be turned back. No part of what records are compared by."""
PRIVACY = "privacy"
"""Of a field's metadata, what holds its entry of the record."""
