"""RE2 patterns of bytes as text: for seeing in a treated table that its pseudonyms still look as they should."""

from __future__ import annotations

CHARACTER = {"base64": r"[A-Za-z0-9+/]", "base64url": r"[A-Za-z0-9_\-]", "hex": r"[0-9a-f]"}
"""Encoding -> one character of it."""
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
