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
RISK = "privacy.risk"
"""What the run that wrote the table last measured of its risk. It is no part of the record: a run that changes nothing
of the treatment measures anew."""
TYPES = "privacy.types"
"""Beside the record: which types columns had that can be turned back. No part of what records are compared by."""
ROTATION = "privacy.rotation"
"""That the table waits to be moved to another version of a key, and which. No part of the record: the commit that moves
it takes it away."""
PRIVACY = "privacy"
"""Of a field's metadata, what holds its entry of the record."""
