"""The key that an approver signs with, by reference: a name of keys.yaml, or the address of a keyset of their own."""

from __future__ import annotations

from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.reversal_entry import Approver
from jobs.console.exit_codes import BadUsage, Refused
from jobs.reversal import judged
from jobs.signatures import keys
from jobs.signatures.keys import SigningKey
from privacy_udfs.keys import load_keyset


def key(conf: Config, person: str, reference: str, kek: str | None) -> SigningKey:
    """reference: a name of keys.yaml, or a URI. Raises `BadUsage`, `Refused` or `KeyProblem`."""
    of_log = None if conf.audit is None else conf.audit.signing_key
    if of_log is not None:
        named = conf.keys.get(reference)
        if conf.keys[of_log].keyset == (reference if named is None else named.keyset):
            raise Refused("this key signs the audit log: an approver needs one that only they can open")
    if not keys.NAME.fullmatch(person):
        raise BadUsage("--approver: expected a name without spaces and '+'")
    if ":" not in reference:
        if reference not in conf.keys:
            raise BadUsage(f"keys.yaml has no key {reference}{did_you_mean(reference, conf.keys)}")
        entry = conf.keys[reference]
        return keys.signing_key(person, load_keyset(entry.keyset, entry.kek, reference))
    return keys.signing_key(person, load_keyset(reference, kek, person))


def approver(conf: Config, found: SigningKey) -> Approver:
    """Whom of the policy a key is of. Raises `Refused` where it is nobody's."""
    for each in judged.rules(conf.policy).approvers:
        if each.public_key == str(found.public):
            return each
    raise Refused(f"policy.yaml names no approver {found.name} with this key: see approve.py --print-key")
