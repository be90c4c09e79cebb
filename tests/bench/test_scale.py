"""The bench of large lakes, at a tiny size: every peer that is here answers as we do; steps are done once; figures."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import random
from pathlib import Path
from typing import Any

import pytest
from making import fill

from teiten.bench import _scale_ask, _scale_peers, _scale_work, scale
from teiten.errors import TeitenError
from teiten.lake import Lake

MIDNIGHT = dt.datetime(2026, 4, 1, tzinfo=_scale_work.ZONE)
DAYS = ("2026-04-01", "2026-04-02")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake of two days and the peers' files of the same rows."""
    folder = tmp_path_factory.mktemp("scale")
    chance = random.Random(11)
    lake = Lake.create(folder / "lake", "Asia/Tokyo")
    rows = []
    for n in range(900):
        source = chance.choice((*[1] * 25, 2, 3, *range(4, 60)))
        kind = chance.choice(("syn", "syn", "udp", "icmp"))
        port = None if kind == "icmp" else chance.randrange(1, 60) if source == 1 else chance.choice((22, 23, 80))
        row = {"time": MIDNIGHT + dt.timedelta(minutes=chance.randrange(2 * 1440)), "src_ip": f"198.51.100.{source}"}
        row |= {"dst_ip": "203.0.113.77", "protocol": {"syn": 6, "udp": 17, "icmp": 1}[kind], "dst_port": port, "source_pos": n}
        row |= {
            "country": chance.choice(("JP", "US", "CN", None)) if source > 9 else "NL",
            "icmp_type": 8 if port is None else None,
        }
        # Mirai's number is the destination
        rows.append(row | ({"tcp_flags": 2, "tcp_seq": 0xCB00714D if source % 3 == 0 else n} if kind == "syn" else {}))
    fill(lake, rows)
    files = [str(file.path) for file in lake.live_files()[0]]
    for name in ("duckdb", "polars"):
        (folder / name).mkdir()
    for day in DAYS:
        _scale_peers.duckdb_make(files, f"{folder}/duckdb/{day}.parquet", day)
        _scale_peers.polars_make(f"{folder}/duckdb/{day}.parquet", f"{folder}/polars/{day}.parquet")
    return folder


def ours(folder: Path, question: str, days: tuple[str, ...]) -> list[list[Any]]:
    span = [dt.datetime.fromisoformat(days[0]).replace(tzinfo=_scale_work.ZONE) + dt.timedelta(days=n) for n in (0, len(days))]
    return _scale_ask.answer(str(folder / "lake"), question, span[0].isoformat(), span[1].isoformat(), 40)


@pytest.mark.parametrize("days", [DAYS, DAYS[1:]])
@pytest.mark.parametrize("question", _scale_work.QUESTIONS)
@pytest.mark.parametrize("peer", ["duckdb", "polars", "pandas", "chdb_parquet"])
def test_the_peers_answer_as_we_do(filled: Path, peer: str, question: str, days: tuple[str, ...]) -> None:
    needed = {"pandas": ("pandas", "pyarrow"), "chdb_parquet": ("chdb",)}.get(peer, (peer,))
    if any(importlib.util.find_spec(name) is None for name in needed):
        pytest.skip(f"{peer} is not installed")
    found = ours(filled, question, days)
    assert found
    assert _scale_peers.ASK[peer](str(filled), question, days, 40) == found


def test_the_rule_of_large_scanners(filled: Path) -> None:
    found = ours(filled, "scanner", DAYS)
    assert {row[1] for row in found} == {"198.51.100.1"}
    assert all(row[2] >= 40 and row[3] >= _scale_ask.PORTS for row in found)


def test_what_a_lake_holds(filled: Path) -> None:
    assert _scale_ask.sizes(str(filled / "lake"))["events_rows"] == 900
    span = MIDNIGHT.isoformat(), (MIDNIGHT + dt.timedelta(days=9)).isoformat()
    assert len(_scale_ask.files(str(filled / "lake"), *span)) == 1


def test_a_step_is_done_once(tmp_path: Path) -> None:
    said: list[str] = []
    size = _scale_work.Size(tmp_path, 1000, 2, said.append)
    assert size.once("step", lambda: [1.0]) == [1.0]
    again = _scale_work.Size(tmp_path, 1000, 2, said.append)
    assert again.once("step", lambda: pytest.fail("done twice")) == [1.0]
    assert said == ["1,000 events: step"]


def test_another_answer_is_an_error(tmp_path: Path) -> None:
    size = _scale_work.Size(tmp_path, 1000, 2, lambda _step: None)
    took = [1.0, 1.0, 1.0]
    size.done = {
        f"day ports {who}": {"cold": took, "warm": took, "answer": [[6, n]]} for n, who in enumerate(("teiten", "polars"))
    }
    with pytest.raises(TeitenError, match="polars answers 'ports'"):
        size.ask("day", "ports", "polars", "", 1)


def made_up(events: float, seconds: float) -> dict[str, float]:
    found = {"events": events, "events_files": 3.0, "events_bytes_per_event": 10.5, "lake_bytes_per_event": 11.0}
    found |= {"duckdb_bytes_per_event": 10.0, "chdb_bytes_per_event": 12.0, "ingest_events_per_processor_s": 1e6}
    found |= {"ingest_events_per_s": 1e6, "ingest_memory_mib": 300.0, "compact_events_per_s": 1e6, "compact_memory_mib": 300.0}
    for span in ("day", "all"):
        for question in _scale_work.QUESTIONS:
            for who, times in (("teiten", 1.2), ("duckdb", 1.0), ("chdb", 2.0)):
                name = f"{span}_{question}_{who}"
                found |= {f"{name}_{what}": seconds * times for what in ("cold_s", "s", "processor_s", "memory_mib")}
    return found


def test_what_goals_are_about() -> None:
    found = scale.judged(made_up(5e6, 2.0))
    assert found["day_worst_s"] == pytest.approx(2.4)
    assert found["all_times_fastest_worst"] == pytest.approx(1.2)
    assert found["bytes_over_best"] == pytest.approx(1.05)


def test_growth_and_the_table() -> None:
    figures: dict[str, float] = {}
    for millions, seconds in ((5, 1.0), (50, 10.0)):
        found = made_up(millions * 1e6, seconds)
        figures |= {f"{millions}m_{name}": value for name, value in (found | scale.judged(found)).items()}
    grown = scale.growth(figures)
    assert grown["growth_worst"] == pytest.approx(1.0)
    assert grown["growth_ingest"] == pytest.approx(1.0)
    text = scale.table(json.loads(json.dumps(figures | grown)))
    assert "50,000,000 events in 3 files" in text
    assert "NOT REACHED" in text and "reached" in text


@pytest.mark.full
def test_the_whole_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEITEN_BENCH_SIZES", "0.006")
    monkeypatch.setattr(scale, "_WARM", {"day": 1, "all": 1})
    figures = scale.run_benchmark(tmp_path, True)
    assert figures["0.006m_events"] > 4000
    assert figures["0.006m_all_ports_duckdb_s"] > 0
