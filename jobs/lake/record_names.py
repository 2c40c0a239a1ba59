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
PRIVACY = "privacy"
"""Of a field's metadata, what holds its entry of the record."""
