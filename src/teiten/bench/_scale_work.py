"""What `teiten bench scale` does to a lake of one size, in steps that are done once each: a run that was cut off goes on.

Everything lies in `scale-EVENTS/` of the work folder: the lake, the peers' files, `state.json` with what is done and its
figures. A day is simulated, stored and its capture removed before the next, so that the disk holds one capture.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from teiten.bench._process import Took, middle, run, teiten
from teiten.errors import TeitenError

START: Final = dt.date(2026, 4, 1)
ZONE: Final = dt.timezone(dt.timedelta(hours=9))
QUESTIONS: Final = ("ports", "hosts", "countries", "scanner", "mirai")
PEERS: Final = ("duckdb", "polars", "chdb", "chdb_parquet", "pandas")
PANDAS_MOST: Final = 5_000_000
"""events that pandas is asked about: it holds all of them in memory"""
_SHARE: Final = 200
"""a source is large with this part of a day's events: NICTER's number belongs to telescopes of one size"""
_MODULES: Final = {"chdb_parquet": "chdb", "pandas": "pandas, pyarrow"}


class Size:
    """One size. `events` about, over `days` days; `said` hears of each step."""

    def __init__(self, work: Path, events: int, days: int, said: Callable[[str], None]) -> None:
        self.folder = work / f"scale-{events}"
        self.events, self.days, self.said = events, days, said
        self.lake = self.folder / "lake"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._state = self.folder / "state.json"
        self.done: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8")) if self._state.exists() else {}
        self.packets = max(2, events // days // _SHARE)

    def once(self, step: str, make: Callable[[], Any]) -> Any:
        """What that step came to; it is done now, unless it was before."""
        if step not in self.done:
            self.said(f"{self.events:,} events: {step}")
            self.done[step] = make()
            new = self._state.with_suffix(".new")
            new.write_text(json.dumps(self.done, indent=1), encoding="utf-8")
            new.replace(self._state)
        return self.done[step]

    def day(self, n: int) -> dt.date:
        return START + dt.timedelta(days=n)

    # the lake -----------------------------------------------------------------------------------------------------

    def fill(self) -> dict[str, float]:
        """The lake of all days, files put together. Figures: rates, memory, bytes an event."""
        if not self.done:
            shutil.rmtree(self.lake, ignore_errors=True)
        took = [Took(*self.once(f"stored {self.day(n)}", partial(self._store, n))) for n in range(self.days)]
        compact = Took(*self.once("compacted", lambda: _told(run(teiten("lake", "compact", "--lake", str(self.lake))))))
        held: dict[str, float] = self.once("sizes", lambda: self._ask("sizes"))
        rows = held["events_rows"]
        return {
            "events": rows,
            "ingest_events_per_s": rows / sum(t.seconds for t in took),
            "ingest_events_per_processor_s": rows / sum(t.processor for t in took),
            "ingest_memory_mib": max(t.memory for t in took),
            "compact_events_per_s": rows / compact.seconds,
            "compact_processor_s": compact.processor,
            "compact_memory_mib": compact.memory,
            "events_bytes_per_event": held["events_bytes"] / rows,
            "lake_bytes_per_event": sum(v for k, v in held.items() if k.endswith("_bytes")) / rows,
            "events_files": held["events_files"],
        }

    def _store(self, n: int) -> list[float]:
        sim = self.folder / "sim"
        shutil.rmtree(sim, ignore_errors=True)
        count = str(self.events // self.days)
        words = [
            "--scenario",
            "telescope",
            "--prefix",
            "44.11.0.0/16",
            "--seed",
            str(1000 + n),
            "--days",
            "1",
            "--events",
            count,
        ]
        run(teiten("simulate", *words, "--start", str(self.day(n)), "--out", str(sim)))
        config = str(sim / "teiten.toml")
        took = run(teiten("ingest", "--no-verdicts", "--config", config, "--lake", str(self.lake), str(sim)))
        shutil.rmtree(sim)
        return _told(took)

    def _ask(self, *words: str) -> Any:
        out = self.folder / "answer"
        run([sys.executable, "-m", "teiten.bench._scale_ask", str(self.lake), *words], out=out)
        return json.loads(out.read_text(encoding="utf-8"))

    # the peers' files ---------------------------------------------------------------------------------------------

    def peers(self) -> dict[str, str]:
        """The peers that are here (and of use at this size) -> the Python that has them. Others are named on stderr."""
        wanted = [p for p in PEERS if p != "pandas" or self.events <= PANDAS_MOST]
        return {peer: python for peer in wanted if (python := _python_with(_MODULES.get(peer, peer)))}

    def files(self, peers: dict[str, str]) -> dict[str, float]:
        """The peers' own files of all days. Figures: bytes an event."""
        figures = {}
        rows = self.done["sizes"]["events_rows"]
        for peer in ("duckdb", "polars", "chdb"):
            if peer not in peers and peer != "duckdb":
                continue
            (self.folder / peer).mkdir(exist_ok=True)
            for n in range(self.days):
                self.once(f"{peer} {self.day(n)}", partial(self._make, peers, peer, n))
            if peer == "chdb":
                size = self.once("chdb bytes", partial(self._chdb_bytes, peers[peer]))
            else:
                size = sum(file.stat().st_size for file in (self.folder / peer).glob("*.parquet"))
            figures[f"{peer}_bytes_per_event"] = size / rows
        return figures

    def _make(self, peers: dict[str, str], peer: str, n: int) -> list[float]:
        words = [str(self.folder), str(self.day(n))]
        if peer == "duckdb":
            words += self._ask("files", *self._span(n, n + 1))
        return _told(self._peer(peers.get(peer, sys.executable), peer, "make", *words)[0])

    def _chdb_bytes(self, python: str) -> int:
        return int(self._peer(python, "chdb", "bytes", str(self.folder))[1])

    def _peer(self, python: str, *words: str) -> tuple[Took, str]:
        out = self.folder / "answer"
        took = run([python, str(Path(__file__).with_name("_scale_peers.py")), *words], out=out)
        return took, out.read_text(encoding="utf-8")

    # the questions ------------------------------------------------------------------------------------------------

    def _span(self, first: int, last: int) -> list[str]:
        return [dt.datetime.combine(self.day(n), dt.time(), ZONE).isoformat() for n in (first, last)]

    def ask(self, span: str, question: str, who: str, python: str, warm: int) -> dict[str, float]:
        """One question, cold (nothing of its files in the system's cache) and warm. TeitenError where who answers otherwise."""
        first, last = (self.days // 2, self.days // 2 + 1) if span == "day" else (0, self.days)

        def once() -> tuple[Took, Any]:
            if who == "teiten":
                out = self.folder / "answer"
                words = [question, *self._span(first, last), str(self.packets)]
                took = run([sys.executable, "-m", "teiten.bench._scale_ask", str(self.lake), *words], out=out)
                return took, json.loads(out.read_text(encoding="utf-8"))
            days = ",".join(str(self.day(n)) for n in range(first, last))
            took, text = self._peer(python, who, "ask", str(self.folder), question, days, str(self.packets))
            return took, json.loads(text)

        def measured() -> dict[str, Any]:
            forget_cached(self._kept_by(who))
            cold, answer = once()
            runs = [once()[0] for _ in range(warm)]
            return {"cold": _told(cold), "warm": _told(middle(runs)), "answer": answer}

        found = self.once(f"{span} {question} {who}", measured)
        ours = self.done[f"{span} {question} teiten"]["answer"]
        if found["answer"] != ours:
            raise TeitenError(f"{who} answers '{question}' ({span}) otherwise: {found['answer'][:3]}, and teiten {ours[:3]}.")
        cold, warmed = Took(*found["cold"]), Took(*found["warm"])
        name = f"{span}_{question}_{who}"
        return {
            f"{name}_cold_s": cold.seconds, f"{name}_s": warmed.seconds, f"{name}_processor_s": warmed.processor,
            f"{name}_memory_mib": max(cold.memory, warmed.memory),
        }  # fmt: skip

    def _kept_by(self, who: str) -> Path:
        if who == "teiten":
            return self.lake
        return self.folder / {"polars": "polars", "chdb": "chdb"}.get(who, "duckdb")


def _told(took: Took) -> list[float]:
    return [took.seconds, took.processor, took.memory]


def _python_with(modules: str) -> str | None:
    """A Python that has these modules: this one, else $TEITEN_BENCH_PYTHON; None where neither has them."""
    for python in (sys.executable, os.environ.get("TEITEN_BENCH_PYTHON")):
        command = [str(python), "-c", f"import {modules}"]
        if python and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return python
    print(f"teiten bench: no {modules} here: left out (pip install 'teiten[bench]').", file=sys.stderr)
    return None


def forget_cached(folder: Path) -> None:
    """Takes what the folder's files have in the system's cache out of it, where the system lets one."""
    if not hasattr(os, "posix_fadvise"):
        return
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def free(folder: Path) -> float:
    """GB that the disk has left there."""
    return shutil.disk_usage(folder).free / 1e9
