"""Answers are kept until the lake changes; equal questions that come at once are asked once; what takes too long is ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from teiten import intake
from teiten.engine import questions
from teiten.errors import LakeChangedError, LimitError
from teiten.lake import Lake
from teiten.settings import Settings
from teiten.web import app
from teiten.web import pool as pools
from teiten.web.api import _door
from teiten.web.pool import BusyError, Pool, TooLongError

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
