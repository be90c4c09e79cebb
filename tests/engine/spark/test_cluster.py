"""What hinders a cluster is said in a sentence that names the host, the program or the package."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from teiten import clustering, settings
from teiten.engine.spark import _cluster
from teiten.errors import TeitenError, UsageError


def chosen(master: str = "local[2]") -> settings.Settings:
    return replace(settings.load(zone="UTC"), engine="spark", spark=clustering.Spark(master=master))


def java(folder: Path, says: str) -> str:
    program = folder / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n", encoding="utf-8")
    program.chmod(0o755)
    return str(folder)


def test_java_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(TeitenError, match=f"Java 17 or newer: JAVA_HOME is {tmp_path}"):
        _cluster.java_version()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TeitenError, match="there is no java in PATH"):
        _cluster.java_version()


@pytest.mark.parametrize(("says", "version"), [('openjdk version "1.8.0_412"', 8), ('openjdk version "11.0.2"', 11)])
def test_java_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, version: int) -> None:
    monkeypatch.setenv("JAVA_HOME", java(tmp_path, says))
    with pytest.raises(TeitenError, match=f"is Java {version}; the engine Spark needs 17"):
        _cluster.java_version()


def test_java_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", java(tmp_path, 'openjdk version "21.0.1" 2023-10-17'))
    assert _cluster.java_version() == 21


def test_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cluster, "missing", lambda: ["pyspark", "pyarrow"])
    with pytest.raises(TeitenError, match="needs pyspark and pyarrow, which are not installed") as told:
        _cluster.check(chosen())
    assert "teiten[spark]" in (told.value.hint or "")


def test_a_master_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", java(tmp_path, 'openjdk version "17.0.1"'))
    monkeypatch.setattr(_cluster, "missing", list)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with pytest.raises(TeitenError, match=rf"No Spark master answers at spark://127\.0\.0\.1:{port}"):
        _cluster.check(chosen(f"spark://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("java.io.InvalidClassException: x; local class incompatible: serialVersionUID", "another version of Spark"),
        (
            "Lost task 0.3 in stage 1.0 (TID 7) (node7 executor 2): ModuleNotFoundError: No module named 'teiten'",
            r"\(on node7\)",
        ),
        ("(node7 executor 1): PySparkRuntimeError: [PYTHON_VERSION_MISMATCH]", "another Python"),
        ("(node7 executor 1): java.lang.OutOfMemoryError: Java heap space", r"more memory than Spark has \(on node7\)"),
        ("All masters are unresponsive! Giving up.", "was lost"),
        (
            "(node7 executor 2): [FAILED_READ_FILE.FILE_NOT_EXIST] Error while reading file file:///lake/events/part-1.parquet.",
            r"A worker \(on node7\) .* does not see the file /lake/events/part-1\.parquet",
        ),
    ],
)
def test_errors_of_a_cluster(said: str, sentence: str) -> None:
    with pytest.raises(TeitenError, match=sentence):
        raise _cluster.trouble(RuntimeError(said), chosen("spark://head:7077"))


@pytest.mark.parametrize(
    "table",
    [
        {"master": "head:7077"}, {"master": "yarn"}, {"memory": "much"}, {"partitions": -1}, {"conf": {"a": "b"}}, {"cores": 3},
        {"conf": {"spark.sql.ansi.enabled": "true"}},
    ],
)  # fmt: skip
def test_settings_that_are_none(table: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"\[spark\]"):
        clustering.read(table, "teiten.toml, [spark]")


def test_settings() -> None:
    told = {"master": "spark://a:7077,b:7077", "memory": "3g", "partitions": 8, "conf": {"spark.executor.cores": "2"}}
    assert clustering.read(told, "x").conf == (("spark.executor.cores", "2"),)
    assert clustering.engine("spark", "engine") == "spark"
    with pytest.raises(UsageError, match="duckdb, spark"):
        clustering.engine("presto", "engine")
