"""Signatures that public tools check: Ed25519 keys, signed notes, checkpoints of a log, statements in envelopes."""
