"""Answers are kept until the lake changes; equal questions that come at once are asked once; what takes too long is ended."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from teiten import intake
from teiten.engine import questions
from teiten.errors import LakeChangedError, LimitError
from teiten.lake import Lake
from teiten.settings import Settings
from teiten.web import _patience, app
from teiten.web import pool as pools
from teiten.web.api import _door
from teiten.web.pool import BusyError, Pool, TooLongError, lenient, whole

from .conftest import lake_of, line, log


def packets(session: Any) -> int:
    return sum(row["packets"] for row in questions.rank(session, "ports"))


def test_asked_once_until_the_lake_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "LOOK_EVERY", 0.0)
    chosen = lake_of(tmp_path)
    asked = []

    def question(session: Any) -> int:
        asked.append(1)
        return packets(session)

    async def run() -> list[int]:
        pool = Pool(chosen, workers=2)
        first = await asyncio.gather(*(pool.ask("n", question) for _ in range(5)))
        assert (set(first), len(asked)) == ({288}, 1)
        more = tmp_path / "more.log"
        more.write_text(line(next(iter([__import__("datetime").datetime(2019, 10, 23, tzinfo=chosen.zone)])), "8.8.8.8", 23))
        assert not intake.ingest(Lake.open(chosen.lake), [str(more)], chosen, sensor="home").failed
        after = await pool.ask("n", question)
        pool.close()
        return [after, len(asked)]

    assert asyncio.run(run()) == [289, 2]


def test_what_takes_too_long_is_ended(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "DEADLINE", 0.3)

    async def run() -> int:
        pool = Pool(chosen, workers=1)
        slow = "SELECT count(*) FROM range(100000000000) a, range(1000) b WHERE hash(a.range, b.range) = 7"
        with pytest.raises(TooLongError, match="longer than"):
            await pool.ask("slow", lambda s: s.query(slow))
        found = await pool.ask("quick", packets)
        pool.close()
        return found

    assert asyncio.run(run()) == len(list(log()))


def test_what_is_too_much_is_no_fault_of_the_server(chosen: Settings) -> None:
    """A page and the API say 503 and when to come again, never 500: too long, too many, more memory than there is."""

    async def ask(query: str) -> None:
        pool = Pool(chosen, workers=1, memory_mb=100)
        try:
            await pool.ask("much", lambda s: s.query(query))
        finally:
            pool.close()

    with pytest.raises(LimitError, match="more memory") as told:
        asyncio.run(ask("SELECT list(range) FROM range(30000000)"))
    for error in (told.value, TooLongError("This takes longer."), BusyError("Others are asked.")):
        assert (app._status(error), _door.status_of(error)) == (503, 503)
        assert _door.trouble(error).headers["retry-after"]


def test_a_lake_that_changes_under_a_question_is_asked_again(chosen: Settings) -> None:
    tries = []

    def question(session: Any) -> int:
        tries.append(session)
        if len(tries) == 1:
            raise LakeChangedError("files went")
        return packets(session)

    async def run() -> int:
        pool = Pool(chosen, workers=1)
        found = await pool.ask("n", question)
        pool.close()
        return found

    assert asyncio.run(run()) == 288
    assert len(tries) == 2 and tries[0] is not tries[1]


def test_an_error_is_not_kept(chosen: Settings) -> None:
    async def run() -> int:
        pool = Pool(chosen, workers=1)
        with pytest.raises(ZeroDivisionError):
            await pool.ask("n", lambda s: 1 // 0)
        found = await pool.ask("n", packets)
        pool.close()
        return found

    assert asyncio.run(run()) == 288


def held(until: threading.Event, answer: int) -> Callable[[Any], int]:
    """A question that ends when it is let."""

    def question(_: Any) -> int:
        assert until.wait(20)
        return answer

    return question


def test_a_page_ends_as_a_whole(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not each of its questions anew has thirty seconds; what it asked goes on, and is there when it is asked again."""
    monkeypatch.setattr(_patience, "WHOLE", 0.5)
    until = threading.Event()

    async def run() -> tuple[float, int]:
        pool = Pool(chosen, workers=2)
        assert await pool.ask("quick", packets) == 288
        began = time.monotonic()
        with whole():
            assert await pool.ask("quick", packets) == 288
            with pytest.raises(BusyError, match=r"not made within 0\.5 seconds"):
                await pool.ask("slow", held(until, 7))
            took = time.monotonic() - began
            with pytest.raises(BusyError):
                await pool.ask("another", held(until, 8))
        until.set()
        with whole():
            found = await pool.ask("slow", lambda _: 0)
        pool.close()
        return took, found

    took, found = asyncio.run(run())
    assert took >= 0.5 and found == 7


def test_who_has_waited_long_is_told_what_held(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to a minute at once, up to a quarter of an hour where the new answer does not come soon, and older than that never."""
    monkeypatch.setattr(_patience, "LONGER", 0.4)
    monkeypatch.setattr(_patience, "WHOLE", 1.0)
    until = threading.Event()

    async def run() -> list[tuple[int | None, bool]]:
        pool = Pool(chosen, workers=2)
        pool.version()
        out: list[tuple[int | None, bool]] = []
        ages = (61.0, 880.0, 901.0)
        for age in ages:
            await pool.ask(age, lambda _: 1)
        for age in ages:
            before = (len(out), 1)
            pool._kept[age] = pools._Kept(before, 1, 0.0, pool._kept[age].until)
            pool._ended[before] = time.monotonic() - age
            with whole(), lenient() as told:
                try:
                    out.append((await pool.ask(age, held(until, 2)), bool(told)))
                except BusyError:
                    out.append((None, bool(told)))
        until.set()
        pool.close()
        return out

    assert asyncio.run(run()) == [(1, True), (1, True), (None, False)]


def test_who_waits_comes_first(chosen: Settings) -> None:
    """What is made anew for those who may come is asked when nobody waits; of those who wait, quick ones come first."""
    until, order = threading.Event(), []

    def named(name: str) -> Callable[[Any], int]:
        def question(_: Any) -> int:
            order.append(name)
            return 1

        return question

    async def run() -> None:
        pool = Pool(chosen, workers=1)
        pool._took |= {"slow": 9.0}
        first = asyncio.create_task(pool.ask("first", held(until, 1)))
        await asyncio.sleep(0.05)
        version = pool.version()
        made_later = [pool._fly(version, name, named(name)).done for name in ("later", "later too")]
        waiting = [asyncio.create_task(pool.ask(name, named(name))) for name in ("slow", "quick")]
        await asyncio.sleep(0.05)
        # somebody asks what was to be made later: now it is waited for
        waiting.append(asyncio.create_task(pool.ask("later too", named("later too"))))
        await asyncio.sleep(0.05)
        until.set()
        await asyncio.gather(first, *waiting, *made_later)
        pool.close()

    asyncio.run(run())
    assert order == ["later too", "quick", "slow", "later"] or order == ["quick", "later too", "slow", "later"]
