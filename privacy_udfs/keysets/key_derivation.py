"""From a key of a keyset to the key of one technique in one domain, and the check value of that key.

A *master* (``HkdfPrfKey``, ``HmacPrfKey``) never touches a value: a sub-key is derived from it,

    HKDF(hash, ikm = the key's bytes, salt = the key's salt, info = "lakenym/1/" + technique + "/" + domain, length)

by RFC 5869, ``info`` as UTF-8, ``length`` the size the technique asks for. hash: the key's own for ``HkdfPrfKey``
(SHA-256 for keys made here), so that Tink's PRF of this key on ``info`` gives the same bytes; SHA-256 with an empty
salt for ``HmacPrfKey``. No technique's name holds a ``/``, so two different pairs never share an ``info``.

Of a technique in layers (`Facts.layer_ids`) the sub-key of the first is the one above, under the first version. That
of layer n, from 2 on, has ``technique + ".layer" + n`` in the place of ``technique``: no technique's name holds a
``.``, so no domain, whatever its name, has the same sub-key under the same version without layers, or in another layer.

Of a technique with a key for each subject the names are ``subject_keys`` and the id of the table that keeps these: it
is the key of that table, the same for all columns (`Technique.key_label`). No technique is called so.

A key of an algorithm's own type is used as it is, for interoperability. Then domains are *not* separated: two domains
under one such key give linkable pseudonyms. Use one keyset for each.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets.key_types import KEY_TYPES, Secret
from privacy_udfs.technique import Key, LayeredKey, Technique
from privacy_udfs.techniques import BY_NAME

INFO = "lakenym/1/{technique}/{domain}"
CHECK_INFO = b"lakenym/1/key-check-value"
CHECK_SIZE = 8

MASTERS = ("HkdfPrfKey", "HmacPrfKey")


def derive(key_type: str, secret: Secret, technique: Technique, domain: str, layer: int = 1) -> bytes:
    """The sub-key of a master for ``technique`` in ``domain``. Raises `KeyProblem` for a technique without a key.

    layer: which of them, from 1.
    """
    size = technique.key_size()
    if size is None:
        raise KeyProblem(f"{technique.technique} takes no key")
    if not domain:
        raise KeyProblem(f"{technique.technique}: a sub-key needs the name of a domain")
    own, domain = technique.key_label(domain)
    name = own if layer == 1 else f"{own}.layer{layer}"
    info = INFO.format(technique=name, domain=domain).encode()
    if key_type == "HkdfPrfKey" and secret.hash == "SHA512":
        return HKDF(hashes.SHA512(), size, secret.salt, info).derive(secret.key)
    return HKDF(hashes.SHA256(), size, secret.salt, info).derive(secret.key)


def key_check_value(key: Key) -> str:
    """64 bits in hex that tell this key from another, for the treatment record.

    HKDF-SHA-256 of the sub-key with an empty salt and the info ``lakenym/1/key-check-value``, first 8 bytes. It is a
    one-way function of a key of at least 128 random bits under a label that nothing else uses: it helps neither to find
    the key nor to compute a pseudonym. It is no proof against forgery: two keys made on purpose could agree after
    about 2^32 tries.

    Of a key in layers: that of each, oldest first, with a ``.`` between two.
    """
    if isinstance(key, LayeredKey):
        return ".".join(map(key_check_value, key.layers))
    return HKDF(hashes.SHA256(), CHECK_SIZE, b"", CHECK_INFO).derive(key.material).hex()


def checked(key: Key, expected: str) -> Key:
    """The same key. Raises `KeyProblem` where its check value is not the expected one: other bytes stand there now."""
    if not hmac.compare_digest(key_check_value(key), expected):
        raise KeyProblem(
            f"key id {key.id} has other bytes here than where the run was checked: nothing is treated with them. Was "
            "the keyset replaced meanwhile, or does this machine read another one? A new key needs a new id or name"
        )
    return key


def misfit(key_type: str, secret: Secret, prefix: str, technique: Technique) -> str | None:
    """Why a key of this type, secret and output prefix cannot be used directly by ``technique``; None if it can."""
    name = technique.technique
    if key_type not in KEY_TYPES:
        return f"{key_type} is not a type used here; use one of {', '.join(KEY_TYPES)}"
    if key_type not in technique.key_types:
        served = " and ".join(other for other, cls in BY_NAME.items() if key_type in cls.key_types) or "signatures"
        return f"{key_type} serves {served} only, not {name}; a {MASTERS[0]} serves every technique"
    if not technique.accepts_key(len(secret.key)):
        return f"{name} does not take a {key_type} of {len(secret.key)} bytes"
    return technique.key_misfit(key_type, secret.hash, prefix)


def wire_prefix(prefix: str, key_id: int) -> bytes | None:
    """What a ciphertext of a key begins with where that is not ``0x01 || id``, as under TINK; see `Key.prefix`.

    LEGACY differs from CRUNCHY in what a MAC is computed of, which is refused here, and not for encryption.
    """
    return b"\x00" + key_id.to_bytes(4, "big") if prefix in ("CRUNCHY", "LEGACY") else None
