"""Laws and standards as rules that a configuration keeps or misses: the profiles that policy.yaml may name.

No legal advice: docs/profiles.md says what each demands, and what no configuration can tell.
"""

from __future__ import annotations

from jobs.policy.profiles import gdpr_pseudonymization, hipaa_safe_harbor, pci_dss
from jobs.policy.profiles.rule import Profile

BY_NAME: dict[str, Profile] = {
    each.name: each for each in (hipaa_safe_harbor.PROFILE, gdpr_pseudonymization.PROFILE, pci_dss.PROFILE)
}
