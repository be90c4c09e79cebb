"""teiten names: off by default, asks few, keeps what it learns, and what is confirmed becomes a verdict."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from teiten import cli

SPEC = importlib.util.spec_from_file_location("teiten_name_server", Path(__file__).parents[1] / "classify" / "name_server.py")
assert SPEC is not None and SPEC.loader is not None
name_server = importlib.util.module_from_spec(SPEC)
sys.modules["teiten_name_server"] = name_server
SPEC.loader.exec_module(name_server)

LINE = (
    "2026-05-{day:02}T{hour:02}:00:{n:02}+00:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.1 LEN=40"
    " TOS=0x00 PREC=0x00 TTL=50 ID={n} PROTO=TCP SPT=40000 DPT={port} SEQ=7 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)
SCANNER, LIAR, BOT, INSIDE = "45.33.32.156", "45.33.32.157", "45.33.32.158", "192.168.1.7"


@pytest.fixture
def server() -> Iterator[Any]:
    with name_server.running() as found:
        yield found


@pytest.fixture
def home(
    own_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, once: Callable[[Callable[[Path], object], Path], Path]
) -> Path:
    """A folder with a lake: two who try many ports, a bot, one inside."""
    monkeypatch.chdir(once(_several, tmp_path))
    return tmp_path


def _several(folder: Path) -> None:
    lines = [
        LINE.format(day=day, hour=hour, n=n, src=src, port=1000 + n)
        for day in (1, 2)
        for hour, src in enumerate((SCANNER, LIAR, INSIDE))
        for n in range(15)
    ]
    lines += [LINE.format(day=1, hour=5, n=n, src=BOT, port=23) for n in range(40)]
    (folder / "router.log").write_text("".join(lines))
    (folder / "teiten.toml").write_text('zone = "UTC"\nlake = "lake"\n')
    with contextlib.chdir(folder):
        assert cli.main(["ingest", "router.log"]) == 0


def allow(home: Path, server: Any, more: str = "") -> None:
    (home / "teiten.toml").write_text(
        f'zone = "UTC"\nlake = "lake"\n[names]\nresolve = true\nservers = ["127.0.0.1:{server.port}"]\nper_second = 500\n'
        f"timeout = 0.3\n{more}"
    )


def told(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert cli.main([*words, "--output", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out or "[]")
    return found


def test_it_is_off(home: Path, server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["names", "resolve"]) == 2
    assert "is off" in capsys.readouterr().err
    assert [row["address"] for row in told(capsys, "names", "resolve", "--dry-run")] == [SCANNER, LIAR]
    assert told(capsys, "names", "status")[0]["addresses"] == 0
    assert not (home / "own" / "names.sqlite").exists()
    assert server.asked == []


@pytest.mark.full
def test_confirmed_names_become_verdicts_and_others_do_not(
    home: Path, server: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(home, server, "cache_days = 3650\n")
    server.host(SCANNER, "census7.shodan.io")
    server.host(LIAR, "census8.shodan.io", back=False)
    rows = told(capsys, "names", "resolve")
    assert [(r["address"], r["name"], r["confirmed"], r["organisation"]) for r in rows] == [
        (SCANNER, "census7.shodan.io", True, "Shodan"),
        (LIAR, "census8.shodan.io", False, "Shodan"),
    ]
    assert len(server.asked) == 4
    # what is known is not asked for again
    assert told(capsys, "names", "resolve") == []
    assert len(server.asked) == 4
    assert cli.main(["ingest", "router.log"]) == 0
    query = "SELECT src_ip, day, value, rule, confidence, evidence FROM verdicts WHERE label = 'announced_scanner' ORDER BY day"
    found = told(capsys, "sql", query)
    assert [(r["src_ip"], r["value"], r["rule"], r["confidence"]) for r in found] == [
        (SCANNER, "Shodan", "announced_name", 0.9)
    ] * 2
    evidence = json.loads(found[0]["evidence"])
    assert (evidence["name"], evidence["pattern"], evidence["confirmed"]) == ("census7.shodan.io", "*.shodan.io", True)
    assert [(r["name"], r["confirmed"], r["organisation"]) for r in told(capsys, "names", "list")] == [
        ("census7.shodan.io", True, "Shodan"),
        ("census8.shodan.io", False, "Shodan"),
    ]
    # forgotten, the name is gone too, and with it the verdict
    assert cli.main(["forget", SCANNER, "--yes"]) == 0
    assert [r["address"] for r in told(capsys, "names", "list")] == [LIAR]


def test_a_name_says_nothing_of_another_year(home: Path, server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The events are of May 2026 (by the clock of the log), the answer is of today: beyond 30 days it does not count."""
    import datetime as dt

    allow(home, server)
    server.host(SCANNER, "census7.shodan.io")
    assert cli.main(["names", "resolve"]) == 0
    assert cli.main(["ingest", "router.log"]) == 0
    near = abs(dt.date.today() - dt.date(2026, 5, 1)) <= dt.timedelta(days=30)
    assert bool(told(capsys, "sql", "SELECT 1 FROM verdicts WHERE label = 'announced_scanner'")) == near


def test_days_that_the_names_do_not_change_are_not_judged_again(
    home: Path, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from teiten import classify, settings
    from teiten.lake import Lake

    allow(home, server, "cache_days = 3650\n")
    server.host(LIAR, "host.no-list-knows.example.org")
    assert cli.main(["names", "resolve"]) == 0
    chosen = settings.load()
    assert classify.stale_days(Lake.open(chosen.lake), classify.Basis.load(chosen)) == {}
    server.host(SCANNER, "census7.shodan.io")
    (home / "own" / "names.sqlite").unlink()
    assert cli.main(["names", "resolve"]) == 0
    assert len(classify.stale_days(Lake.open(chosen.lake), classify.Basis.load(chosen))) == 2


def test_limit_filters_and_all_sources(home: Path, server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def who(*words: str) -> list[str]:
        return [row["address"] for row in told(capsys, "names", "resolve", "--dry-run", *words)]

    assert who("--limit", "1") == [SCANNER]
    assert who("--src", LIAR) == [LIAR]
    assert who("--port", "23") == []
    assert who("--port", "23", "--all-sources") == [BOT]
    assert who("--all-sources") == [SCANNER, LIAR, BOT]
    assert who("--from", "2027-01-01") == []
    assert cli.main(["names", "resolve", "--limit", "0", "--dry-run"]) == 2


def test_whom_a_list_announces_is_not_asked_about(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "mine.toml").write_text(
        f'format = 1\nlist = "mine"\ndate = 2026-05-01\n[[entries]]\norganisation = "Mine"\nprefixes = ["{SCANNER}/32"]\n'
    )
    (home / "teiten.toml").write_text('watchlists = ["mine.toml"]\nzone = "UTC"\nlake = "lake"\n')
    assert [row["address"] for row in told(capsys, "names", "resolve", "--dry-run")] == [LIAR]


def test_nobody_answers(home: Path, server: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from teiten.classify import resolver

    monkeypatch.setattr(resolver, "GIVE_UP", 2)
    allow(home, server, "attempts = 1\n")
    for address in (SCANNER, LIAR):
        server.say[".".join(reversed(address.split("."))) + ".in-addr.arpa."] = lambda question, wire: []
    assert cli.main(["names", "resolve"]) == 1
    assert "no answer came from" in capsys.readouterr().err
    # nobody is blamed: the next run asks about them again
    assert told(capsys, "names", "status")[0]["addresses"] == 0


def test_a_broken_cache_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "own").mkdir(exist_ok=True)
    (home / "own" / "names.sqlite").write_bytes(b"not a cache" * 50)
    assert cli.main(["names", "status"]) == 1
    assert "is no cache of names" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('resolve = "yes"', "must be true or false"), ("per_second = 0", "must be more than 0"),
        ("servers = 7", "a list of addresses"), ('servers = ["dns.example.org"]', "is no name server"),
        ("cache_days = 0", "at least 1"), ("speed = 3", "knows no setting"),
    ],
)  # fmt: skip
def test_wrong_settings(home: Path, capsys: pytest.CaptureFixture[str], line: str, said: str) -> None:
    (home / "teiten.toml").write_text(f"[names]\n{line}\n")
    assert cli.main(["names", "status"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.faults
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_killed_run_goes_on_where_it_was(home: Path, server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        LINE.format(day=3, hour=host // 60, n=n, src=f"45.33.33.{host}", port=1000 + n)
        for host in range(1, 61)
        for n in range(12)
    ]
    (home / "more.log").write_text("".join(lines))
    assert cli.main(["ingest", "more.log"]) == 0
    for host in range(1, 61):
        server.host(f"45.33.33.{host}", f"h{host}.example.org")
    allow(home, server)
    text = (home / "teiten.toml").read_text()
    (home / "teiten.toml").write_text(text.replace("per_second = 500", "per_second = 30"))
    process = subprocess.Popen(
        [sys.executable, "-m", "teiten", "names", "resolve"], env={**os.environ}, stdout=subprocess.DEVNULL
    )
    began = time.monotonic()
    while len(server.asked) < 75 and time.monotonic() - began < 60:
        time.sleep(0.02)
    process.kill()
    process.wait()
    asked = len(server.asked)
    kept = told(capsys, "names", "status")[0]["addresses"]
    assert 10 <= kept <= 45
    (home / "teiten.toml").write_text(text)
    assert cli.main(["names", "resolve"]) == 0
    assert told(capsys, "names", "status")[0]["addresses"] == 62
    # who was kept is not asked about again; the others are, the two without a name with one question
    again = len(server.asked) - asked
    assert 2 * (60 - kept) <= again <= 2 * (62 - kept)
