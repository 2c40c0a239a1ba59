"""A log in use: leaves are added, checkpoints of it are signed and left in their folder."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import functools
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pyspark.sql import SparkSession

from jobs.audit_log import rows
from jobs.audit_log.leaves import Kind, Leaf
from jobs.audit_log.state import State
from jobs.configuration.audit_entry import Audit
from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import audit_table, small_files
from jobs.lake.address import Address
from jobs.lake.audit_table import INDEX, LEAF, STATE, Known
from jobs.policy import policy_approval
from jobs.record.treatment_record import software
from jobs.signatures import checkpoints, keys
from jobs.signatures.checkpoints import Checkpoint
from jobs.signatures.keys import PublicKey, SigningKey
from jobs.spark_app import session
from privacy_udfs.errors import FAILED, LakenymError
from privacy_udfs.keys import Keyset, load_keyset

NO_KEY = "audit.yaml names no signing_key: make one with keys.py create --type Ed25519PrivateKey"
CHECKPOINT = re.compile(r"checkpoint-([0-9]{20})\.txt")


class LogProblem(LakenymError):
    """The log cannot be written, or is shorter than it was."""

    exit_code: ClassVar[int] = FAILED


@dataclasses.dataclass(frozen=True)
class Log:
    """spark: a session that nothing else is said in. conf: that names the keys. known: the table that it stands in;
    once something was added to it, nothing is added to another one in its place."""

    spark: SparkSession
    conf: Config
    audit: Audit
    known: Known = dataclasses.field(default_factory=lambda: Known(newest=rows.newest_state), compare=False)

    @property
    def address(self) -> Address:
        return Address.of(self.audit.table)

    @property
    def actor(self) -> str:
        """The user that Spark's application runs as; by its own word."""
        return str(self.spark.sparkContext.sparkUser())

    def leaf(self, kind: Any, time: str, **more: Any) -> Leaf:
        return Leaf(kind, time, self.actor, software(), **more)

    def append(self, make: Callable[[State], Sequence[Leaf]]) -> tuple[State, list[Leaf]]:
        """Add leaves in one commit. make: is given the log as it stands, again whenever others were faster. Returns the
        state after them, and them; of no leaf nothing is written. Raises what the table raises, and `LogProblem`."""
        found: list[State] = []
        signed = self._signed_by_then  # before the log is looked at: others may sign a larger one meanwhile

        def made_rows(told: str | None) -> list[dict[str, Any]]:
            state, made = State.parse(told), []
            self._check_whole(state, signed)
            for leaf in make(state):
                text = leaf.text()
                state = state.after(text)
                made.append({INDEX: state.size - 1, **leaf.derived, LEAF: text, STATE: state.text()})
            found[:] = [state]
            return made

        added = audit_table.append(self.spark, self.address, made_rows, self.known)
        return found[0], [Leaf.parse(row[LEAF]) for row in added]

    def add_or_refuse(self, make: Callable[[State], Sequence[Leaf]], spoken: str) -> State:
        """As `append`, of leaves that may be refused by what the log says: ``make`` looks that up, and raises
        `Refused`. It does so within the transaction that adds them, so of two that are asked at once, of which one may
        be, the later sees the other. Returns the state after them. Whatever keeps the log from being added to is raised
        as `LogProblem`, and told as ``spoken``."""
        try:
            return self.append(make)[0]
        except Refused:
            raise
        except LakenymError as error:
            problem = str(error)
        except Exception as error:  # whatever it is: its text may hold anything
            problem = type(error).__name__
        raise LogProblem(f"{spoken}: {problem}")

    def state(self) -> State:
        """The log as it stands. Raises what the table raises, and `LogProblem`."""
        signed = self._signed_by_then
        state = State.parse(audit_table.newest_state(self.spark, self.address, self.known))
        self._check_whole(state, signed)
        return state

    @functools.cached_property
    def _signed_by_then(self) -> int:
        """The size of the largest checkpoint, 0 for none: looked up once, as each run leaves a file more in the folder.
        That the log was cut since then is seen by a run's own rows."""
        names = self.checkpoint_names()
        return size_of(names[-1]) if names else 0

    def _check_whole(self, state: State, signed: int) -> None:
        """A log that was cut is not written on: there would be two logs of one size."""
        if state.size < signed:
            raise LogProblem(
                f"the audit log {self.address.sql} has {state.size} rows, and a checkpoint of {signed} was signed: "
                "rows were taken away, see jobs/audit.py verify"
            )

    def leaves(self, kind: Kind) -> list[Leaf]:
        """All of a kind, in order."""
        return [Leaf.parse(row[LEAF]) for row in audit_table.chosen(self.spark, self.address, {"kind": [kind]})]

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    @functools.cached_property
    def keyset(self) -> Keyset | None:
        """Of what signs."""
        if self.audit.signing_key is None:
            return None
        entry = self.conf.keys[self.audit.signing_key]
        return load_keyset(entry.keyset, entry.kek, self.audit.signing_key)

    @property
    def signing_key(self) -> SigningKey | None:
        return None if self.keyset is None else keys.signing_key(self.audit.origin, self.keyset)

    @property
    def trusted(self) -> tuple[PublicKey, ...]:
        """What the key at hand signed, in any version that is enabled."""
        return () if self.keyset is None else keys.public_keys(self.audit.origin, self.keyset)

    def signer(self) -> SigningKey:
        """Raises `BadUsage` where the configuration names none, and `Refused` where the policy forbids it."""
        if self.signing_key is None:
            raise BadUsage(NO_KEY)
        if self._forbidden:
            raise Refused(self._forbidden)
        return self.signing_key

    @functools.cached_property
    def _forbidden(self) -> str:
        """What the policy has against the key, on the day of the first look; empty for nothing."""
        today = datetime.datetime.now(datetime.timezone.utc).date()
        return "\n".join(map(str, refused(policy_approval.of_signing(self.conf, today))))

    def signed(self, state: State, more: Sequence[str] = ()) -> str:
        """A checkpoint of a state. more: lines that say more of it."""
        told = Checkpoint(self.audit.origin, state.size, state.root, tuple(more))
        return checkpoints.sign(told, self.signer())

    def checkpoint_names(self) -> list[str]:
        """The checkpoints in their folder, the largest last. Raises `LogProblem`."""
        if self.audit.checkpoints is None:
            return []
        try:
            found = small_files.names(self.spark, self.audit.checkpoints)
        except small_files.CannotStore as error:
            raise LogProblem(f"checkpoints of the audit log: {error}") from None
        return [name for name in found if CHECKPOINT.fullmatch(name)]

    def left(self, name: str) -> str:
        """A file beside the checkpoints. Raises `LogProblem`."""
        try:
            return small_files.read(self.spark, str(self.audit.checkpoints), name)
        except small_files.CannotStore as error:
            raise LogProblem(f"checkpoints of the audit log: {error}") from None

    def leave(self, name: str, text: str) -> None:
        """Write a file beside the checkpoints. Raises `LogProblem`."""
        assert self.audit.checkpoints is not None
        try:
            small_files.create(self.spark, self.audit.checkpoints, name, text)
        except small_files.CannotStore as error:
            raise LogProblem(f"checkpoints of the audit log: {error}") from None

    def take_back(self, name: str) -> None:
        """Take away a file that `leave` wrote. Raises `LogProblem`."""
        assert self.audit.checkpoints is not None
        try:
            small_files.remove(self.spark, self.audit.checkpoints, name)
        except small_files.CannotStore as error:
            raise LogProblem(f"checkpoints of the audit log: {error}") from None


def name_of(size: int) -> str:
    """The file of a checkpoint."""
    return f"checkpoint-{size:020}.txt"


def size_of(name: str) -> int:
    found = CHECKPOINT.fullmatch(name)
    assert found is not None
    return int(found[1])


def opened(spark: SparkSession, conf: Config) -> Log | None:
    """The log of a configuration; None where it names none. It has a session of its own."""
    return None if conf.audit is None else Log(session.pinned(spark), conf, conf.audit)


def of_table(table: str, version: int, files: str) -> str:
    """The line of a checkpoint that binds a version of a treated table. files: SHA-256 of its list of files, hex."""
    named = json.dumps(table, ensure_ascii=True)
    return f"lakenym/1 {version} {base64.b64encode(bytes.fromhex(files)).decode()} {named}"
