"""What others do, one call per value: each peer is a function from a value to its result, or None if not installed."""

from __future__ import annotations

import base64
import hmac
import importlib.util
import os
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from tests.benchmarks.values import KEY

PerValue = Callable[[Any], Any]


def loop(function: PerValue) -> Callable[[pa.Array], pa.Array]:
    """Arrow to Arrow with a call of ``function`` for each value: how such code is written by hand."""
    return lambda values: pa.array([function(value) for value in values.to_pylist()])


def available(package: str, make: Callable[[], PerValue]) -> PerValue | None:
    """What ``make`` makes, where the package can be imported."""
    return make() if importlib.util.find_spec(package) else None


def hmac_hex(value: str) -> str:
    """The loop that the targets are set against."""
    return hmac.new(KEY[:32], value.encode(), "sha256").hexdigest()


def crypto_cmac(value: str) -> str:
    mac = CMAC(AES(KEY[:32]))
    mac.update(value.encode())
    return mac.finalize().hex()


def crypto_siv() -> PerValue:
    cipher = AESSIV(KEY)
    return lambda value: base64.b64encode(cipher.encrypt(value.encode(), [b""])).decode()


def crypto_gcm() -> PerValue:
    cipher = AESGCM(KEY[:32])

    def seal(value: str) -> str:
        nonce = os.urandom(12)
        return base64.b64encode(nonce + cipher.encrypt(nonce, value.encode(), None)).decode()

    return seal


def tink_mac() -> PerValue:
    import tink
    from tink import mac

    mac.register()
    primitive = tink.new_keyset_handle(mac.mac_key_templates.HMAC_SHA256_256BITTAG).primitive(mac.Mac)
    return lambda value: primitive.compute_mac(value.encode()).hex()


def tink_siv() -> PerValue:
    import tink
    from tink import daead

    daead.register()
    template = daead.deterministic_aead_key_templates.AES256_SIV
    primitive = tink.new_keyset_handle(template).primitive(daead.DeterministicAead)
    return lambda value: base64.b64encode(primitive.encrypt_deterministically(value.encode(), b"")).decode()


def tink_gcm() -> PerValue:
    import tink
    from tink import aead

    aead.register()
    primitive = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)
    return lambda value: base64.b64encode(primitive.encrypt(value.encode(), b"")).decode()


def presidio_hash() -> PerValue:
    from presidio_anonymizer.operators import Hash

    operate, parameters = Hash().operate, {"hash_type": "sha256", "salt": KEY[:32]}
    return lambda value: operate(value, parameters)


def ffx_ff1() -> PerValue:
    import ffx

    cipher = ffx.FF1(KEY[:32], alphabet="0123456789")
    return lambda value: cipher.encrypt(value)
