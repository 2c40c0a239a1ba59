"""Web addresses, and those that carry a person with them: user data before the host, in the query, or in the path."""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches

URL = r"(?i)^\s*(?:[a-z][a-z0-9+.\-]*://|www\.|/)[^\s]+$"
USER_INFO = r"(?i)^\s*[a-z][a-z0-9+.\-]*://[^/?#\s@]+@"
MAIL_INSIDE = r"(?i)[^\s/?#&=@]+(?:@|%40)[a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.[a-z]{2,}"
TELLING = (
    r"(?i)[?&#;](?:e?-?mail|user|user_?name|user_?id|uid|login|account|customer_?id|member_?id|phone|tel|mobile|name|"
    r"first_?name|last_?name|ssn|dob|token|access_token|id_token|auth|session|session_?id|sid|jsessionid|phpsessid|"
    r"api_?key|key|secret|password|pwd|code|gclid|fbclid|msclkid)=[^&#\s]{2,}"
)


def recognize(values: pa.StringArray) -> Findings:
    """``url``: any address. ``url_user_data``: one with user data in it."""
    url = matches(values, URL)
    telling = matches(values, USER_INFO) | matches(values, MAIL_INSIDE) | matches(values, TELLING)
    return {"url": url, "url_user_data": url & telling}
