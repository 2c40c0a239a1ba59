"""Whether Spark can start and has what a run needs: Java, Delta Lake; in words that say what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from py4j.java_gateway import JavaPackage
from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.setup.delta_jars import JARS
from jobs.setup.java_runtime import JAVA_NEEDED
from jobs.spark_app import java_output
from privacy_udfs.errors import LakenymError


class NotReady(LakenymError):
    """Spark does not start here, or lacks what every job needs; nothing was done."""


NO_DELTA = (
    "Delta Lake's classes are missing in this Spark: 'lakenym setup' (or 'make setup') fetches its two jars into this "
    f"environment; a Spark of your own gets them with --packages {JARS[0].group}:{JARS[0].artifact}:{JARS[0].version}, "
    "or with spark.jars"
)
NO_JAVA = (
    f"Spark needs Java {JAVA_NEEDED} or newer, and did not start: 'lakenym setup' (or 'make setup') looks for one and "
    "fetches it where there is none; or set JAVA_HOME"
)


def started(start: Callable[[], SparkSession]) -> SparkSession:
    """The session that ``start`` makes, with Delta's classes. Raises `NotReady`."""
    if SparkContext._gateway is not None or "PYSPARK_GATEWAY_PORT" in os.environ:  # Java runs, and not by us
        spark = start()
    else:
        _use_the_java_of_set_up()
        with java_output.while_starting() as heard:
            try:
                spark = start()
            except (PySparkException, Py4JError, OSError) as error:
                failed: Exception | None = error
            else:
                failed = None
        if failed is not None:
            raise NotReady(f"{NO_JAVA} ({type(failed).__name__}; Java said: {heard.why()})") from None
    _has_delta(spark)
    return spark


def _use_the_java_of_set_up() -> None:
    """Set-up leaves a ``java`` beside Python where Spark would find none that is fit by itself."""
    home = Path(sys.executable).parent.parent
    if os.access(home / "bin" / "java", os.X_OK):
        os.environ["JAVA_HOME"] = str(home)


def _has_delta(spark: SparkSession) -> None:
    if isinstance(spark._jvm.io.delta.sql.DeltaSparkSessionExtension, JavaPackage):  # type: ignore[union-attr]
        raise NotReady(NO_DELTA)
