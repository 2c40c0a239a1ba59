"""HMAC."""
