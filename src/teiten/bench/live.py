"""From a line in a log to an open page: `teiten watch` follows the log, `teiten serve` shows it, Chromium has the page open."""

from __future__ import annotations

import datetime as dt
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from teiten.bench import _web_serve as server
from teiten.errors import TeitenError

NAME: Final = "live"
HELP: Final = "from a line in a followed log until an open page in Chromium shows it: station, lake, live updates"
GOALS: Final[dict[str, tuple[str, float]]] = {}
_LONGEST: Final = 90.0
"""seconds after which a line is taken for lost on its way"""
_TABLE: Final = """zone = "UTC"
lake = "lake"
[station]
spool = "spool"
{more}
[station.input.log]
kind = "file"
path = "gate.log"
sensor = "home"
"""
_EVERY: Final = {"usual": "", "quick": "every = 1\n"}
"""settings of the station: as it is by itself, and one that looks each second"""


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """SETTING_lake_s: seconds from the line's being written until the lake has it (the next look at it, 20 times a second);
    SETTING_page_s until the page shows its source; the middle, and the longest. Lines come 3 to 20 s apart, by chance."""
    figures: dict[str, float] = {}
    for name, more in _EVERY.items():
        folder = work / f"live-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "teiten.toml").write_text(_TABLE.format(more=more), encoding="utf-8")
        (folder / "gate.log").write_text(_line(0), encoding="ascii")
        lake, page = _measured(folder, 4 if quick else 20)
        for what, found in (("lake", lake), ("page", page)):
            figures[f"{name}_{what}_s"] = statistics.median(found)
            figures[f"{name}_{what}_longest_s"] = max(found)
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def _measured(folder: Path, lines: int) -> tuple[list[float], list[float]]:
    chance = random.Random(9530)
    config = folder / "teiten.toml"
    with (folder / "station.log").open("wb") as told:
        command = [sys.executable, "-m", "teiten", "watch", "--config", str(config), "--no-tasks"]
        station = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stderr=told)
    try:
        _until(lambda: _commits(folder) > 0, "the lake has the first line")
        with server.served(config) as own, server.tab() as call:
            call("Page.navigate", url=f"http://{server.HOST}:{own.port}/events?period=hour&lang=en")
            _until(lambda: _shows(call, 0), "the page shows the first line")
            out = []
            for n in range(1, lines + 1):
                time.sleep(chance.uniform(3, 20))
                commits = _commits(folder)
                with (folder / "gate.log").open("a", encoding="ascii") as log:
                    log.write(_line(n))
                began = time.monotonic()
                stored = shown = 0.0
                while not (stored and shown):
                    stored = stored or (_commits(folder) > commits and time.monotonic() - began)
                    shown = shown or (_shows(call, n) and time.monotonic() - began)
                    if time.monotonic() - began > _LONGEST:
                        raise TeitenError(f"Line {n} was not shown within {_LONGEST:g} s.")
                    time.sleep(0.05)
                out.append((stored, shown))
    finally:
        station.send_signal(signal.SIGTERM)
        station.wait(60)
    return [one for one, _ in out], [one for _, one in out]


def _line(n: int) -> str:
    """A dropped packet of now, from a source of its own (198.18.0.0/15 is for benchmarks: RFC 2544)."""
    at = dt.datetime.now(dt.UTC).isoformat()
    return (
        f"{at} gw kernel: DROP IN=ppp0 OUT= MAC= SRC={_source(n)} DST=198.51.100.23 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
        f"PROTO=TCP SPT=40000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
    )


def _source(n: int) -> str:
    return f"198.18.77.{100 + n}"


def _commits(folder: Path) -> int:
    return len(list((folder / "lake" / "events" / "_delta_log").glob("*.json")))


def _shows(call: Any, n: int) -> bool:
    found = call("Runtime.evaluate", expression=f"document.body.textContent.includes({_source(n)!r})", returnByValue=True)
    return bool(found["result"].get("value"))


def _until(holds: Any, what: str) -> None:
    end = time.monotonic() + _LONGEST
    while not holds():
        if time.monotonic() > end:
            raise TeitenError(f"It did not come to that within {_LONGEST:g} s: {what}.")
        time.sleep(0.1)
