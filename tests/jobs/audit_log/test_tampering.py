"""What someone may do to the log, to its checkpoints, and to the tables that it tells of: all of it is found."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import audit, monitor, pseudonymize
from jobs.audit_log import log as audit_log
from jobs.audit_log import merkle
from jobs.audit_log.leaves import Kind, Leaf, canonical, now
from jobs.audit_log.state import State
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.lake.audit_table import DERIVED, INDEX, LEAF, STATE
from jobs.lake.java import DELTA, java_class
from jobs.signatures import checkpoints, keys
from privacy_udfs.errors import LakenymError
from privacy_udfs.keys import Keyset
from tests.helpers.audits import ORIGIN, audited, raw, wrong
from tests.helpers.sweeps import but_for


@dataclasses.dataclass(frozen=True)
class Scene:
    """Two runs, each told in three rows, with a checkpoint after either."""

    spark: SparkSession
    lake: Path
    conf: Config

    @property
    def log(self) -> str:
        return f"{self.lake}/audit"

    def sql(self, *statements: str) -> None:
        for statement in statements:
            self.spark.sql(statement.replace("LOG", f"delta.`{self.log}`"))

    def unguarded(self, *statements: str) -> None:
        """As someone who may write the table and takes its guard away, and puts it back."""
        guard = "ALTER TABLE LOG SET TBLPROPERTIES (delta.appendOnly = {})"
        self.sql(guard.format("false"), *statements, guard.format("true"))

    def data(self) -> list[Path]:
        """Data files, the oldest first."""
        found = (self.lake / "audit").glob("*.parquet")
        return sorted(found, key=lambda path: min(pq.read_table(path)["index"].to_pylist()))

    def edited(self, file: Path, **columns: Callable[[str], str]) -> None:
        """A data file written anew in its place, with its last row's columns changed."""
        table = pq.read_table(file)
        for name, change in columns.items():
            values = table[name].to_pylist()
            values[-1] = change(values[-1])
            table = table.set_column(table.schema.names.index(name), name, pa.array(values))
        pq.write_table(table, file)
        (file.parent / f".{file.name}.crc").unlink(missing_ok=True)

    def checkpoint(self, size: int) -> Path:
        return self.lake / "checkpoints" / f"checkpoint-{size:020}.txt"


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Made once; each test gets it as it was."""
    lake = tmp_path_factory.mktemp("audited") / "lake"
    lake.mkdir()
    raw(spark, lake)
    conf = audited(lake)
    for _ in range(2):
        pseudonymize.run(spark, conf, "t")
    shutil.copytree(lake, lake.parent / "kept")
    return Scene(spark, lake, conf)


@pytest.fixture
def scene(made: Scene) -> Scene:
    shutil.rmtree(made.lake)
    shutil.copytree(made.lake.parent / "kept", made.lake)
    java_class(made.spark._jvm, f"{DELTA}.DeltaLog").clearCache()
    return made


def swap(scene: Scene) -> None:
    rows = {at: scene.spark.sql(f"SELECT * FROM delta.`{scene.log}` WHERE index = {at}").collect()[0] for at in (1, 2)}
    made = [rows[2].asDict() | {"index": 1}, rows[1].asDict() | {"index": 2}]
    frame = scene.spark.createDataFrame(made, scene.spark.read.format("delta").load(scene.log).schema)
    scene.unguarded("DELETE FROM LOG WHERE index IN (1, 2)")
    frame.write.format("delta").mode("append").save(scene.log)


def rewritten(scene: Scene) -> None:
    """All states and leaves made anew, so that they fit, as someone does who knows this program."""
    rows = scene.spark.sql(f"SELECT * FROM delta.`{scene.log}` ORDER BY index").collect()
    state, made = State(), []
    for row in rows:
        leaf = row["leaf"].replace('"rows":3', '"rows":2')
        state = state.after(leaf)
        made.append(row.asDict() | {"leaf": leaf, "state": state.text()})
    frame = scene.spark.createDataFrame(made, scene.spark.read.format("delta").load(scene.log).schema)
    scene.unguarded("DELETE FROM LOG")
    frame.write.format("delta").mode("append").save(scene.log)


def rolled_back_checkpoint(scene: Scene) -> None:
    """The older checkpoint as the newest."""
    scene.checkpoint(6).unlink()


def forged_checkpoint(scene: Scene) -> None:
    """Signed for other rows by a key of someone else, under the log's name."""
    key = keys.signing_key(ORIGIN, Keyset.generate("Ed25519PrivateKey"))
    tree = checkpoints.parsed(scene.checkpoint(6).read_text().partition("\n\n")[0] + "\n")
    scene.checkpoint(6).write_text(checkpoints.sign(dataclasses.replace(tree, root=bytes(32)), key))
    (scene.lake / "checkpoints" / f".{scene.checkpoint(6).name}.crc").unlink(missing_ok=True)


def log_file(version: int) -> Callable[[Scene], None]:
    def delete(scene: Scene) -> None:
        for name in (
            f"{version:020}.json",
            f".{version:020}.json.crc",
            f"{version:020}.crc",
            f".{version:020}.crc.crc",
        ):
            (scene.lake / "audit" / "_delta_log" / name).unlink(missing_ok=True)

    return delete


TAMPERED: Mapping[str, tuple[Callable[[Scene], None], str]] = {
    "a row taken away": (lambda scene: scene.unguarded("DELETE FROM LOG WHERE index = 1"), "row 1 is missing"),
    "the last rows taken away": (
        lambda scene: scene.unguarded("DELETE FROM LOG WHERE index >= 3"),
        "it was signed for 6 rows, of which 3 are there",
    ),
    "an older version restored": (
        lambda scene: scene.unguarded("RESTORE TABLE LOG TO VERSION AS OF 2"),
        "was made by RESTORE",
    ),
    "a leaf changed": (
        lambda scene: scene.unguarded("UPDATE LOG SET leaf = replace(leaf, ':3', ':2') WHERE index = 2"),
        "row 2: the leaves up to it are not those that it was added to",
    ),
    "a leaf changed and all states made to fit": (rewritten, "the first 3 rows are not those that it was signed for"),
    "a column beside the leaf changed": (
        lambda scene: scene.unguarded("UPDATE LOG SET actor = 'somebody' WHERE index = 2"),
        "row 2: the column actor does not say what the leaf says",
    ),
    "two leaves in the place of each other": (swap, "row 1: the leaves up to it are not those"),
    "a row twice": (
        lambda scene: scene.sql("INSERT INTO LOG SELECT * FROM LOG WHERE index = 2"),
        "row 2: there is another row of this index",
    ),
    "a row that nobody told": (
        lambda scene: scene.sql(
            "INSERT INTO LOG SELECT index + 3, time, kind, table, run_id, actor, outcome, leaf, state FROM LOG "
            "WHERE index = 5"),
        "row 6 is missing",
    ),
    "a data file edited in its place": (
        lambda scene: scene.edited(scene.data()[1], leaf=lambda leaf: leaf.replace('"rows":3', '"rows":9')),
        "row 2: the leaves up to it are not those",
    ),
    "a data file taken away": (lambda scene: scene.data()[1].unlink(), "cannot be read"),
    "the newest log file taken away": (log_file(4), "it was signed for 6 rows, of which 5 are there"),
    "a log file between others taken away": (log_file(2), "table: "),
    "the guard taken away": (
        lambda scene: scene.sql("ALTER TABLE LOG SET TBLPROPERTIES (delta.appendOnly = false)"),
        "its property delta.appendOnly is not true",
    ),
    "a checkpoint that another key signed": (forged_checkpoint, "no key that is trusted signed it"),
    "an older checkpoint as the newest": (rolled_back_checkpoint, "one of 6 rows is to be there"),
    "all checkpoints taken away": (
        lambda scene: shutil.rmtree(scene.lake / "checkpoints"),
        "one of 6 rows is to be there, and there is none that is good",
    ),
}  # fmt: skip


@pytest.mark.sweep
def test_a_log_that_nobody_touched(scene: Scene) -> None:
    assert wrong(scene.spark, scene.conf) == []
    scene.sql("OPTIMIZE LOG")
    pseudonymize.run(scene.spark, scene.conf, "t")
    assert wrong(scene.spark, scene.conf) == []


QUICK = (
    "a column beside the leaf changed",
    "a data file edited in its place",
    "the newest log file taken away",
    "a checkpoint that another key signed",
    "an older checkpoint as the newest",
)


@pytest.mark.parametrize("name", but_for(QUICK, TAMPERED))
def test_tampering_is_found(scene: Scene, name: str) -> None:
    tamper, told = TAMPERED[name]
    tamper(scene)
    found = wrong(scene.spark, scene.conf)
    assert any(told in each for each in found), found


def test_the_job_says_so(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    verify = ["verify", "--conf", str(scene.lake / "conf")]
    assert audit.main(verify) == 0
    assert capsys.readouterr().out == "as it was: 6 rows and 2 checkpoints\n"
    with pytest.raises(BadUsage, match="the public key that was stated is none"):
        audit.run(scene.spark, scene.conf, "verify", audit.Asked(trusted=["# no key\n"]))
    scene.unguarded("DELETE FROM LOG WHERE index = 5")
    assert audit.main([*verify, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["whole"], told["rows"]) == (False, 5)


@pytest.mark.sweep
def test_a_copy_of_a_checkpoint_finds_what_was_done_to_log_and_folder(scene: Scene, tmp_path: Path) -> None:
    """Who holds the signing key and may write both can make all of it anew: but not what was published."""
    kept = scene.checkpoint(6).read_text()
    rewritten(scene)
    shutil.rmtree(scene.lake / "checkpoints")
    log = audit_log.opened(scene.spark, scene.conf)
    assert log is not None
    state, _ = log.append(lambda state: [])
    log.leave(audit_log.name_of(6), log.signed(state))
    assert not any("checkpoint" in each or "signed" in each for each in wrong(scene.spark, scene.conf))
    assert "kept: the first 6 rows are not those that it was signed for" in wrong(
        scene.spark, scene.conf, checkpoints={"kept": kept}
    )


def edit_treated(scene: Scene) -> None:
    """One byte of a data file, of which the size stays."""
    file = _of_treated(scene)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _of_treated(scene: Scene) -> Path:
    log = (scene.lake / "treated" / "t" / "_delta_log" / f"{1:020}.json").read_text().splitlines()
    return scene.lake / "treated" / "t" / str(next(json.loads(line)["add"]["path"] for line in log if '"add"' in line))


TREATED: Mapping[str, tuple[Callable[[Scene], None], str]] = {
    "a byte of a data file": (edit_treated, "a data file does not hold what was committed"),
    "a data file longer": (lambda scene: _append(_of_treated(scene)), "of another size than when it was committed"),
    "a data file gone": (lambda scene: _of_treated(scene).unlink(), "is gone, or of another size"),
    "the commit's file edited": (
        lambda scene: _replace(scene.lake / "treated" / "t" / "_delta_log" / f"{1:020}.json", '"size":', '"size":1'),
        "the files of version 1 are not those that were committed",
    ),
    "the newest commit taken away": (
        lambda scene: (scene.lake / "treated" / "t" / "_delta_log" / f"{1:020}.json").unlink(),
        "version 1 was committed, and it is no longer there",
    ),
}


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def _replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize("name", but_for(("a byte of a data file",), TREATED))
def test_a_treated_table_that_was_changed_behind_deltas_back(scene: Scene, name: str) -> None:
    tamper, told = TREATED[name]
    tamper(scene)
    found = wrong(scene.spark, scene.conf)
    assert any(told in each for each in found), found


@pytest.mark.sweep
def test_what_others_committed_is_no_tampering_but_is_told(scene: Scene) -> None:
    scene.spark.sql(f"DELETE FROM delta.`{scene.lake}/treated/t` WHERE amount = 1")
    found = audit.run(scene.spark, scene.conf, "verify")
    assert found.is_whole
    assert [str(each) for each in found.findings] == ["table t: others made version 2; the log tells of version 1"]


# -- what cannot be known, and what cannot be checked ------------------------------------------------------------------


def emptied(scene: Scene, fresh: bool) -> None:
    """The log and all checkpoints taken away; or another log in its place, which begins anew."""
    shutil.rmtree(scene.lake / "audit")
    shutil.rmtree(scene.lake / "checkpoints")
    java_class(scene.spark._jvm, f"{DELTA}.DeltaLog").clearCache()
    log = audit_log.opened(scene.spark, scene.conf)
    assert log is not None
    if fresh:
        log.append(lambda state: [log.leaf("key_use", now())])


@pytest.mark.parametrize("fresh", [False, True])
def test_a_log_without_any_checkpoint_is_found_by_one_that_was_kept(scene: Scene, fresh: bool) -> None:
    kept = scene.checkpoint(6).read_text()
    emptied(scene, fresh)
    found = wrong(scene.spark, scene.conf, checkpoints={"kept": kept})
    assert f"kept: it was signed for 6 rows, of which {int(fresh)} are there and whole" in found
    alone = audit.run(scene.spark, scene.conf, "verify")
    assert alone.is_whole == fresh, "of a log that begins anew nothing is known without a checkpoint"
    told = [str(each) for each in alone.findings if each.level == "note"]
    assert any("or the whole log was made anew, cannot be known without one that was kept" in each for each in told)


def test_a_table_that_cannot_be_checked_is_no_success(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    log = audit_log.opened(scene.spark, scene.conf)
    assert log is not None
    sums = {"count": 0, "bytes": 0, "sha256": "0" * 64}
    body = {"location": "s3a://out/of/reach", "version": 0, "files": sums}
    log.append(lambda state: [log.leaf("run_committed", now(), table="far", run_id="x", body=body)])
    assert audit.main(verify := ["verify", "--conf", str(scene.lake / "conf")]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith(
        "unchecked: table far: it is out of reach, or its log no longer tells the files of version 0"
    )
    assert told[-1] == ("as it was as far as it could be checked, and 1 part could NOT be: 7 rows and 2 checkpoints")
    assert audit.main([*verify, "--allow-unchecked", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["whole"], said["unchecked"], said["findings"][0]["level"]) == (True, 1, "unchecked")


@pytest.mark.sweep
def test_a_table_whose_log_was_cleaned_is_not_checked(scene: Scene) -> None:
    place = f"{scene.lake}/treated/t"
    scene.spark.sql(f"DELETE FROM delta.`{place}` WHERE amount = 1")
    java_class(scene.spark._jvm, f"{DELTA}.DeltaLog").forTable(scene.spark._jsparkSession, place).checkpoint()
    for version in (0, 1):
        (scene.lake / "treated" / "t" / "_delta_log" / f"{version:020}.json").unlink()
    found = audit.run(scene.spark, scene.conf, "verify")
    assert [str(each).partition(":")[0] for each in found.unchecked] == ["table t"]


def test_rows_of_jobs_to_come_are_rows_like_others(scene: Scene) -> None:
    """So no table has to be made anew for them."""
    log = audit_log.opened(scene.spark, scene.conf)
    assert log is not None
    body = {"versions": [1], "configuration_sha256": "0" * 64, "rows": 1}
    made = [log.leaf(kind, now(), table="t", outcome="done", body=body) for kind in ("reversal", "erasure")]
    log.append(lambda state: made)
    assert wrong(scene.spark, scene.conf) == []
    listed = audit.run(scene.spark, scene.conf, "list", audit.Asked(kinds=("reversal", "erasure"), outcomes=["done"]))
    assert [(row["kind"], row["body"]) for row in listed] == [("reversal", body), ("erasure", body)]


# -- rows that another writer puts there -------------------------------------------------------------------------------

NO_TIME, FAR = "'soon'", "'2999-01-01T00:00:00.000000Z'"
OTHERS: dict[str, tuple[str, str]] = {
    **{f"{name} null": (name, "NULL") for name in (*DERIVED, INDEX, LEAF, STATE)},
    **{f"{name} of another row": (name, "'else'") for name in DERIVED},
    "a time that is none": ("time", NO_TIME),
    "a time to come": ("time", FAR),
    "a leaf without a time": ("leaf", """replace(leaf, '"time":"20', '"time":"x')"""),
    "a leaf that is a number": ("leaf", "'1'"),
    "a state of nothing": ("state", "'{}'"),
    "a state with odd runs": ("state", """replace(state, '"open":{', '"open":{"r":{"table":1,"time":"soon"},')"""),
    "an index far off": (INDEX, "CAST(9223372036854775807 AS BIGINT)"),
    "an index below none": (INDEX, "CAST(-1 AS BIGINT)"),
}
"""Column, and what another writer's row says there; all else is the last row's, but for its index."""


def everything_else(conf: Config) -> dict[str, Callable[[SparkSession], object]]:
    """Whatever reads or writes the log, but for `verify`."""
    return {
        "settle": lambda spark: audit.run(spark, conf, "settle"),
        "checkpoint": lambda spark: audit.run(spark, conf, "checkpoint"),
        "list": lambda spark: audit.run(spark, conf, "list"),
        "prove": lambda spark: audit.run(spark, conf, "prove", audit.Asked(row=0)),
        "statement": lambda spark: audit.run(spark, conf, "statement", audit.Asked(row=6)),
        "monitor": lambda spark: monitor.run(spark, conf, ["t"], house_only=True),
    }


@pytest.mark.parametrize("name", but_for(["a state with odd runs"], OTHERS))
def test_rows_that_another_writer_puts_there_are_found_and_no_run_goes_on_from_them(scene: Scene, name: str) -> None:
    column, value = OTHERS[name]
    kept = [each for each in ("index", *DERIVED, "leaf", "state") if each != column]
    rest = {each: "index + 1" if each == "index" else each for each in kept} | {column: value}
    listed = ", ".join(f"{rest[each]} AS {each}" for each in ("index", *DERIVED, "leaf", "state"))
    scene.sql(f"INSERT INTO LOG SELECT {listed} FROM LOG WHERE index = 5")
    assert wrong(scene.spark, scene.conf)
    for step in everything_else(scene.conf).values():
        with contextlib.suppress(LakenymError):  # in words of ours
            step(scene.spark)
    with pytest.raises(LakenymError, match=r"audit\.py verify|nothing was committed"):
        pseudonymize.run(scene.spark, scene.conf, "t")
    assert scene.spark.read.format("delta").load(f"{scene.lake}/treated/t").count() == 3
    assert len(list((scene.lake / "treated" / "t" / "_delta_log").glob("*.json"))) == 2, "no run committed"


FORGERIES: dict[str, tuple[str, dict[str, Any]]] = {
    "a start of no version": ("run_started", {"location": "file:/x", "version": "one"}),
    "a start at no place": ("run_started", {"location": 7, "version": 1}),
    "a commit of no version": ("run_committed", {"location": "file:/x", "version": "one"}),
    "a commit with odd sums": ("run_committed", {"location": "file:/x", "version": 1, "files": {"sha256": "zz"}}),
    "a use of no key": ("key_use", {"key": 1, "key_id": "x", "files": {}}),
    "a breaking of glass": ("break_glass", {"expires": "soon", "grounds": 7}),
    "rows of no number": ("key_rows", {"key": "crm", "key_id": 1, "rows": "many"}),
}


@pytest.mark.parametrize("name", but_for(["a start of no version"], FORGERIES))
@pytest.mark.parametrize("at", but_for(["2999-01-01T00:00:00.000000Z"], ["2999-01-01T00:00:00.000000Z", None]))
def test_rows_whose_states_were_made_to_fit_make_nothing_fall(scene: Scene, name: str, at: str | None) -> None:
    """As someone adds them who knows this program, and names the state in the commit as runs do."""
    kind, body = FORGERIES[name]
    last = scene.spark.sql(f"SELECT * FROM delta.`{scene.log}` WHERE index = 5").collect()[0].asDict()
    leaf = Leaf(cast(Kind, kind), at or now(), "a", "s", "t", "forged", "started", body)
    before, text = json.loads(last["state"]), leaf.text()
    frontier = merkle.grown(State.parse(last["state"]).frontier, 6, merkle.leaf_hash(text.encode()))
    told = {"size": 7, "frontier": [base64.b64encode(part).decode() for part in frontier]}
    opened = {"forged": {"table": "t", "time": leaf.time, **body}} if kind == "run_started" else {}
    state = canonical({**before, **told, "open": opened})
    made = {"index": 6, **leaf.derived, "leaf": text, "state": state}
    frame = scene.spark.createDataFrame([made], scene.spark.read.format("delta").load(scene.log).schema)
    said = json.dumps({"run_id": "x", "state": state})
    frame.write.format("delta").option("userMetadata", said).mode("append").save(scene.log)
    if at is not None or kind != "break_glass":
        assert wrong(scene.spark, scene.conf)
    for step in everything_else(scene.conf).values():
        with contextlib.suppress(LakenymError):
            step(scene.spark)
    with contextlib.suppress(LakenymError):
        pseudonymize.run(scene.spark, scene.conf, "t")


@pytest.mark.sweep
@pytest.mark.parametrize("column", ["kind", "leaf", "index"])
def test_a_log_with_columns_of_another_type_is_found(scene: Scene, column: str) -> None:
    rows = scene.spark.read.format("delta").load(scene.log)
    scene.sql("ALTER TABLE LOG SET TBLPROPERTIES (delta.appendOnly = false)")
    other = rows.withColumn(column, F.lit(1.5))
    other.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(scene.log)
    scene.sql("ALTER TABLE LOG SET TBLPROPERTIES (delta.appendOnly = true)")
    assert any(f"its columns are not those of a log: {column}" in each for each in wrong(scene.spark, scene.conf))
    with pytest.raises(LakenymError):
        pseudonymize.run(scene.spark, scene.conf, "t")
