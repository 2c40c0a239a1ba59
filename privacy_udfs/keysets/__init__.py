"""Tink keysets: formats, versions, encryption, and the derivation of sub-keys. `privacy_udfs.keys` is the door."""
