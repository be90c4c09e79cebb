"""The cache of looked-up names: kept through a kill, aged, bounded, forgotten, and clear about what is wrong with it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from teiten.classify import ptr
from teiten.classify.ptr import Answer, Cache
from teiten.errors import DataError, TeitenError

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def named(address: str, *names: tuple[str, bool | None]) -> Answer:
    return Answer(packed(address), "named", names)


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    with Cache(tmp_path / "a" / "names.sqlite", write=True) as cache:
        cache.keep([named("192.0.2.1", ("a.example.org", True)), Answer(packed("2001:db8::1"), "none")], NOW, 30)
        cache.keep([named("192.0.2.1", ("a.example.org", True), ("b.example.org", False))], NOW + 31 * DAY, 30)
    with Cache(tmp_path / "a" / "names.sqlite") as cache:
        assert cache.names().rows() == [
            (packed("192.0.2.1"), "a.example.org", True, dt.date(2026, 5, 1), dt.date(2026, 6, 1)),
            (packed("192.0.2.1"), "b.example.org", False, dt.date(2026, 6, 1), dt.date(2026, 6, 1)),
        ]
        assert cache.names(confirmed=True)["name"].to_list() == ["a.example.org"]
        assert cache.names(ends={"b.example.org", ".example.net"})["name"].to_list() == ["b.example.org"]
        assert cache.names(ends={".example.org"}).height == cache.names(ends={str(n) for n in range(5000)}).height == 2
        told = cache.status(NOW + 32 * DAY)
    assert (told["addresses"], told["named"], told["none"], told["names"], told["confirmed"]) == (2, 1, 1, 2, 1)
    assert told["due"] == 1  # the one that has no name was asked long ago


def test_an_answer_ages_and_a_failure_is_asked_again_later_and_later(tmp_path: Path) -> None:
    silent = Answer(packed("192.0.2.1"), "failed", why="timeout")
    half = named("192.0.2.2", ("a.example.org", None))
    with Cache(tmp_path / "n", write=True) as cache:
        cache.keep([silent, half, Answer(packed("192.0.2.3"), "none")], NOW, 30)
        assert len(cache.settled(NOW + DAY / 2)) == 3
        assert cache.settled(NOW + DAY) == {packed("192.0.2.3")}
        when, waits = NOW, []
        for _ in range(8):
            begun = when
            while packed("192.0.2.1") in cache.settled(when) or when == begun:
                when += DAY
            waits.append((when - begun).days)
            cache.keep([silent], when, 30)
        assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
        cache.keep([Answer(packed("192.0.2.1"), "none")], when, 30)
        cache.keep([silent], when, 30)
        assert packed("192.0.2.1") not in cache.settled(when + DAY)


def test_a_name_that_could_not_be_asked_again_stays_confirmed(tmp_path: Path) -> None:
    with Cache(tmp_path / "n", write=True) as cache:
        cache.keep([named("192.0.2.1", ("a.example.org", True))], NOW, 30)
        cache.keep([named("192.0.2.1", ("a.example.org", None))], NOW + DAY, 30)
        assert cache.names()["confirmed"].to_list() == [True]
        cache.keep([named("192.0.2.1", ("a.example.org", False))], NOW + 2 * DAY, 30)
        assert cache.names()["confirmed"].to_list() == [False]


def test_it_stays_as_small_as_it_is_told(tmp_path: Path) -> None:
    with Cache(tmp_path / "n", write=True) as cache:
        for n in range(30):
            address, at = f"192.0.2.{n}", NOW + n * DAY
            one = [
                Answer(packed(address), "none"),
                named(address, ("x.example.org", False)),
                named(address, ("x.example.org", True)),
            ]
            cache.keep([one[n % 3]], at, 30)
        assert cache.prune(30) == 0
        assert cache.prune(12) == 18
        told = cache.status(NOW)
        # the ten without a name went first, then eight of those that nothing confirms
        assert (told["addresses"], told["none"], told["confirmed"], told["unconfirmed"]) == (12, 0, 10, 2)
        assert sorted(a[-1] for a in cache.names().filter(~cache.names()["confirmed"])["src_ip"]) == [25, 28]


def test_forgotten_is_gone_from_the_disk(tmp_path: Path) -> None:
    with Cache(tmp_path / "n", write=True) as cache:
        cache.keep([named(f"192.0.2.{n}", (f"secret-{n}.example.org", True)) for n in range(20)], NOW, 30)
        cache.keep([named("c000:200::1", ("six.example.org", True))], NOW, 30)  # the same first bytes
        assert cache.forget(ipaddress.ip_network("192.0.2.0/28")) == 16
        assert len(cache.names()) == 5
    raw = (tmp_path / "n").read_bytes()
    assert b"secret-7.example.org" not in raw
    assert b"secret-19.example.org" in raw


def test_none_is_an_empty_one_and_reading_makes_no_file(tmp_path: Path) -> None:
    with Cache(tmp_path / "n") as cache:
        assert cache.names().height == 0
        assert cache.status(NOW)["addresses"] == 0
    assert not (tmp_path / "n").exists()


def test_what_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "n").write_bytes(b"hello, world" * 100)
    with pytest.raises(DataError, match="is no cache of names") as found, Cache(tmp_path / "n") as cache:
        cache.names()
    assert "Remove it" in str(found.value)
    (tmp_path / "file").touch()
    with pytest.raises(TeitenError, match="cannot be"):
        Cache(tmp_path / "file" / "n", write=True)


def test_one_of_a_newer_program(tmp_path: Path) -> None:
    import sqlite3

    base = sqlite3.connect(tmp_path / "n")
    base.execute("PRAGMA user_version = 7")
    base.close()
    with pytest.raises(DataError, match="of format 7"):
        Cache(tmp_path / "n")


KILLED = """
import datetime as dt, ipaddress, os, signal, sys
from pathlib import Path
from teiten.classify.ptr import Answer, Cache
with Cache(Path(sys.argv[1]), write=True) as cache:
    for n in range(100000):
        cache.keep([Answer(ipaddress.ip_address(0x2D000000 + n).packed, "none")], dt.datetime.now(dt.UTC), 30)
        print(n, flush=True)
        if n == 40: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_kill_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "n")], capture_output=True, timeout=60, check=False, env={**os.environ}
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with Cache(tmp_path / "n", write=True) as cache:
        assert cache.status(NOW)["addresses"] == 41
        cache.keep([Answer(packed("192.0.2.1"), "none")], NOW, 30)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Census7.Shodan.io.", "census7.shodan.io"), ("_dmarc.example.org", "_dmarc.example.org"),
        ("xn--p1ai.xn--p1ai", "xn--p1ai.xn--p1ai"), ("localhost", None), ("", None), (".", None), ("a..b", None),
        ("a b.c", None), ("-a.b", None), ("a-.b", None), ("a.b\n", None), ("a" * 64 + ".b", None),
        (".".join(["a" * 60] * 5), None), ("ä.example.org", None), ("a\x1b[31m.b", None), ("１.example", None),
    ],
)  # fmt: skip
def test_names_that_a_host_can_have(text: str, name: str | None) -> None:
    assert ptr.host_name(text) == name
