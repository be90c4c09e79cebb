"""The one importer of pyspark: one connection to a cluster in a process; what hinders it is said in a sentence."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from teiten.errors import TeitenError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from teiten.settings import Settings

LEAST_JAVA: Final = 17
NEEDED: Final = ("pyspark", "pyarrow", "sqlglot")
_ASKED: Final = 5.0
"""seconds that a master may take to answer at its port"""
_WORKERS: Final = 60.0
"""seconds that a cluster may take to give an executor"""
_LOCK: Final = threading.Lock()
_STARTED: dict[str, Any] = {}

USUAL: Final[dict[str, str]] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # as in DuckDB: what cannot be told is unknown, and whole numbers of 64 bits wrap round where sketches are hashed
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "{parallel}",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # the driver knows the files: nobody is to list folders, and no job is to be run for it
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "1000000",
    "spark.sql.parquet.mergeSchema": "false",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.filterPushdown": "true",
    "spark.sql.files.maxPartitionBytes": "64m",
    "spark.sql.files.openCostInBytes": "1m",
    "spark.sql.crossJoin.enabled": "true",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.maxPlanStringLength": "2000",
    "spark.sql.debug.maxToStringFields": "10",
    "spark.cleaner.referenceTracking.cleanCheckpoints": "true",
    "spark.driver.maxResultSize": "0",
    # a question is over before what it puts together is old: the collector for throughput takes an eighth less time
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.executor.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.executorEnv.PYTHONHASHSEED": "0",
}
"""settings of Spark; [spark] conf changes those on which no answer rests (`clustering.OURS`)"""


def missing() -> list[str]:
    """Packages that Spark needs here and that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def check(settings: Settings) -> None:
    """TeitenError where Spark cannot be had on this machine: packages, Java, the master's address and port."""
    lacking = missing()
    if lacking:
        raise TeitenError(
            f"The engine Spark needs {' and '.join(lacking)}, which {'is' if len(lacking) == 1 else 'are'} not installed here.",
            hint="pip install 'teiten[spark]' (some 800 MB), or engine = \"duckdb\".",
        )
    java_version()
    master = settings.spark.master
    if master.startswith("spark://"):
        _reachable(master)


def java() -> str:
    """The program that pyspark will start. TeitenError where there is none."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not found or not Path(found).exists():
        where = f"JAVA_HOME is {home}, and there is no {found}" if home else "there is no java in PATH"
        raise TeitenError(
            f"The engine Spark needs Java {LEAST_JAVA} or newer: {where}.", hint="apt install openjdk-17-jre-headless"
        )
    return found


def java_version() -> int:
    """Java's version. TeitenError where it is missing or too old."""
    program = java()
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TeitenError(f"{program} cannot be run: {error}.", hint=f"Install Java {LEAST_JAVA} or newer.") from None
    match = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if match is None:
        raise TeitenError(f"{program} does not say its version.", hint=f"Install Java {LEAST_JAVA} or newer, or set JAVA_HOME.")
    version = int(match[1])
    if version < LEAST_JAVA:
        raise TeitenError(
            f"{program} is Java {version}; the engine Spark needs {LEAST_JAVA} or newer.", hint="Install it, or set JAVA_HOME."
        )
    return version


def _reachable(master: str) -> None:
    places = [place.rpartition(":") for place in master.removeprefix("spark://").split(",")]
    told = []
    for host, _, port in places:
        try:
            with socket.create_connection((host, int(port)), timeout=_ASKED):
                return
        except (OSError, OverflowError) as error:
            told.append(f"{host}:{port}: {getattr(error, 'strerror', None) or error}")
    raise TeitenError(
        f"No Spark master answers at {master} ({'; '.join(told)}).",
        hint="Is it running, and may this machine reach it? The address is [spark] master of teiten.toml.",
    )


def session(settings: Settings) -> SparkSession:
    """A session of its own (views, temporary tables) in this process's connection to the cluster. TeitenError as in `check`."""
    with _LOCK:
        master = settings.spark.master
        other = next((one for one in _STARTED if one != master), None)
        if other is not None:
            stop()
        if master not in _STARTED or _STARTED[master]._jsc.sc().isStopped():
            _STARTED.pop(master, None)
            check(settings)
            _STARTED[master] = _start(settings)
        return _STARTED[master].newSession()


def stop() -> None:
    """Ends this process's connection to its cluster."""
    for master in list(_STARTED):
        with contextlib.suppress(Exception):
            _STARTED.pop(master).stop()


def _start(settings: Settings) -> SparkSession:
    from pyspark.sql import SparkSession

    chosen = settings.spark
    parallel = chosen.partitions or 2 * (os.cpu_count() or 1)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(chosen.master).appName("teiten")
    told = {name: value.format(parallel=parallel) for name, value in USUAL.items()}
    # Spark makes a folder for tables of its own where it is started; nothing is ever put there
    told["spark.sql.warehouse.dir"] = tempfile.mkdtemp(prefix="teiten-spark-")
    atexit.register(shutil.rmtree, told["spark.sql.warehouse.dir"], ignore_errors=True)
    told |= {name: str(value) for name, value in chosen.conf}
    if chosen.memory:
        told["spark.driver.memory" if chosen.master.startswith("local") else "spark.executor.memory"] = chosen.memory
    for name, value in told.items():
        builder = builder.config(name, value)
    # Spark's own account of a wrong query is in the error
    logging.getLogger("SQLQueryContextLogger").disabled = True
    try:
        found = builder.getOrCreate()
        found.sparkContext.setLogLevel("OFF")
        if chosen.master.startswith("spark://"):
            _await_workers(found, chosen.master)
    except TeitenError:
        raise
    except Exception as error:
        raise trouble(error, settings) from None
    atexit.register(stop)
    return found


def _await_workers(found: SparkSession, master: str) -> None:
    """TeitenError where the cluster gives no executor."""
    until = time.monotonic() + _WORKERS
    status = found.sparkContext._jsc.sc()
    while status.getExecutorMemoryStatus().size() < 2:
        if status.isStopped() or time.monotonic() > until:
            found.stop()
            raise TeitenError(
                f"The cluster at {master} gives no executor.",
                hint="Are its workers running, with free cores and memory ([spark] memory), and of the same version of Spark "
                "as this machine? The master's page (port 8080) lists them.",
            )
        time.sleep(0.1)


def first_line(error: BaseException) -> str:
    """What Spark says, without where in its code."""
    text = str(error)
    cause = re.findall(r"Caused by: ([^\n]+)", text)
    told = (cause[-1] if cause else text.strip().splitlines()[0] if text.strip() else type(error).__name__).strip()
    return re.sub(r"\s+", " ", told)[:500].rstrip(".")


def trouble(error: BaseException, settings: Settings) -> TeitenError:
    """An error of Spark as a sentence that names the host, or what to do."""
    text = str(error)
    master = settings.spark.master
    if "InvalidClassException" in text or "serialVersionUID" in text:
        return TeitenError(
            f"The cluster at {master} runs another version of Spark than this machine.", hint="Install the same on both."
        )
    if "All masters are unresponsive" in text or "SparkContext was shut down" in text or "stopped SparkContext" in text:
        return TeitenError(f"The cluster at {master} was lost: {first_line(error)}.", hint="Ask again when it is back.")
    found = re.search(r"\(([\w.-]+) executor (?:driver|\d+)\)", text)
    where = f" (on {found[1]})" if found else ""
    if "PYTHON_VERSION_MISMATCH" in text:
        return TeitenError(
            f"A worker{where} of the cluster at {master} has another Python than this machine.",
            hint="Install the same, or name it: [spark] conf, spark.pyspark.python.",
        )
    if "No module named 'teiten'" in text:
        return TeitenError(f"A worker{where} of the cluster at {master} has no package teiten.", hint="Install it there.")
    if "FILE_NOT_EXIST" in text or "FileNotFoundException" in text:
        # the caller has looked: it is there, for this machine
        gone = re.search(r"(?:file:)?/+([^\s\"']+\.parquet)", text)
        name = f"the file /{gone[1]}" if gone else f"a file of the lake: {first_line(error)}"
        return TeitenError(
            f"A worker{where} of the cluster at {master} does not see {name}.",
            hint="The lake must lie in the same place on every machine (NFS). Of a lake on an object store workers read the "
            "folder of what was fetched ([store] cache): it must be such a place, or the master local[N].",
        )
    if "Cannot run program" in text:
        return TeitenError(
            f"A worker{where} of the cluster at {master} has no Python where it looks for it: {first_line(error)}.",
            hint="Name it: [spark] conf, spark.pyspark.python.",
        )
    if "OutOfMemoryError" in text or "Cannot allocate" in text or "UNABLE_TO_ACQUIRE_MEMORY" in text:
        return TeitenError(
            f"The question needs more memory than Spark has{where}: {first_line(error)}.",
            hint="Raise [spark] memory, or ask for a shorter period.",
        )
    return TeitenError(
        f"Spark cannot answer{where}: {first_line(error)}.", hint=f"Look at the logs of the cluster at {master}."
    )
