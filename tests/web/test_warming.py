"""A server that has just begun asks beforehand what is usual, and steps back for whoever asks."""

from __future__ import annotations

import asyncio
import time

import pytest

from teiten.settings import Settings
from teiten.web import app, pages, pool, warming
from teiten.web.pool import Pool


def test_what_is_usual_is_there_before_anybody_asks(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "PERIODS", ("day",))
    monkeypatch.setattr(warming, "QUIET", 0.3)

    async def run() -> None:
        asked = Pool(chosen, workers=2)
        warm = warming.Warming(asked, chosen, app.found(pages))
        task = asyncio.create_task(warm.run())
        try:
            await asked.opened()
            assert len(asked._sessions) == 2
            while asked.quiet() == float("inf") and not asked._kept:
                await asyncio.sleep(0.01)
            # somebody asks: it waits until that is some time ago
            await asked.ask("mine", lambda s: s.last_batch)
            held, until = len(asked._kept), time.monotonic() + 60
            while not warm.rounds and time.monotonic() < until:
                await asyncio.sleep(0.05)
            assert warm.rounds == 1 and len(asked._kept) > held + 10
            ranked = [key for key in asked._kept if isinstance(key, tuple) and key[0] == "rank"]
            assert {key[1] for key in ranked} >= {"ports", "countries", "asns", "sources", "sensors"}
        finally:
            task.cancel()
            asked.close()

    asyncio.run(run())


def test_it_steps_back(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "QUIET", 30.0)

    async def run() -> None:
        asked = Pool(chosen, workers=1)
        warm = warming.Warming(asked, chosen, app.found(pages))
        await asked.ask("mine", lambda s: s.last_batch)
        task = asyncio.create_task(warm.run())
        try:
            await asyncio.sleep(1.5)
            assert set(asked._kept) == {"mine"} and not warm.rounds
        finally:
            task.cancel()
            asked.close()

    asyncio.run(run())


def test_a_lake_that_is_not_there_stops_nobody(tmp_path: object) -> None:
    from teiten import settings

    chosen = settings.load(lake=f"{tmp_path}/none", zone="UTC")

    async def run() -> None:
        asked = Pool(chosen, workers=2)
        await asyncio.wait_for(asked.opened(), pool.DEADLINE)
        asked.close()

    asyncio.run(run())
