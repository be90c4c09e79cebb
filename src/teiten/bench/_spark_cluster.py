"""A standalone Spark cluster on loopback, of real processes: a master, and workers of one core each."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from teiten.errors import TeitenError

_MASTER: Final = "org.apache.spark.deploy.master.Master"
_WORKER: Final = "org.apache.spark.deploy.worker.Worker"
_WAITS: Final = 120.0
"""seconds for a process to say that it is there"""


@contextlib.contextmanager
def cluster(folder: Path, workers: int = 2, memory: str = "900m") -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A standalone cluster on loopback: a master and workers of one core each, as processes; its address, and the workers."""
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m", "PYSPARK_PYTHON": sys.executable,
        "SPARK_WORKER_OPTS": "-Dspark.worker.cleanup.enabled=true", "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1",
    }  # fmt: skip
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    address = f"spark://127.0.0.1:{port}"
    begun: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(home / "bin" / "spark-class"), *arguments],
                env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True,
            )  # fmt: skip
        begun.append(process)
        return process

    try:
        start("master", _MASTER, "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")
        wait(folder / "master.log", "I have been elected leader")
        hands = [
            start(
                f"worker{n}", _WORKER, "--host", "127.0.0.1", "--webui-port", "0",
                "--cores", "1", "--memory", memory, "--work-dir", str(folder / f"work{n}"), address,
            )
            for n in range(workers)
        ]  # fmt: skip
        for n in range(workers):
            wait(folder / f"worker{n}.log", "Successfully registered with master")
        yield address, hands
    finally:
        from teiten.engine.spark import _cluster

        _cluster.stop()
        for process in reversed(begun):
            end(process)


def wait(log: Path, words: str) -> None:
    """Until the log says it."""
    until = time.monotonic() + _WAITS
    while words not in (said := log.read_text(encoding="utf-8", errors="replace")):
        if time.monotonic() > until:
            raise TeitenError(f"Spark did not start; {log} ends with: {said[-500:]}")
        time.sleep(0.2)


def end(process: subprocess.Popen[bytes]) -> None:
    """A worker and the executors that it started: killed by the session that they are in."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait(30)
