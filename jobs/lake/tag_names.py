"""Tags by which a platform's catalog knows how a table is treated, and its columns, each by one name for all of us."""

from __future__ import annotations

STATUS, POLICY = "privacy_status", "privacy_policy"
CLASS, TECHNIQUE, DOMAIN = "privacy_class", "privacy_technique", "privacy_domain"
TREATED = "treated"
"""What `STATUS` says of a treated table, as its property ``privacy.status`` does."""
UNDECIDED = "undecided"
"""What `CLASS` says where nobody decided."""
STRICTEST = ("direct_identifier", "sensitive", "quasi_identifier", "non_personal")
"""The first of these that a column has in it is its `CLASS`."""
