"""Viewers of a dashboard: how long its addresses take, one at a time and many at once, and what travels."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from teiten.errors import TeitenError

LONGEST: Final = 120.0
"""seconds that a viewer waits for one answer"""

LATE: Final = 504
"""stands for the status of an answer that did not come in that time"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: its address, status, seconds to its last byte, bytes of its body as they travelled."""

    path: str
    status: int
    seconds: float
    bytes: int


async def ask(host: str, port: int, paths: Sequence[str]) -> list[Seen]:
    """One viewer's answers, one after another over a connection that is kept, as a browser's is."""
    out: list[Seen] = []
    link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    try:
        for path in paths:
            began = time.perf_counter()
            if link is None:
                link = await asyncio.open_connection(host, port)
            reader, writer = link
            head = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept-Encoding: gzip\r\nAccept: text/html\r\n\r\n"
            writer.write(head.encode())
            try:
                status, length, ends = await asyncio.wait_for(_answer(reader), LONGEST)
            except TimeoutError:
                status, length, ends = LATE, 0, True
            out.append(Seen(path, status, time.perf_counter() - began, length))
            if ends or status >= 500:
                writer.close()
                link = None
    finally:
        if link is not None:
            link[1].close()
    return out


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int, bool]:
    """Status, bytes of the body, and whether the connection ends."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    length = 0
    if told.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
            length += size
        await reader.readline()
    elif length := int(told.get("content-length", "0")):
        await reader.readexactly(length)
    return status, length, told.get("connection", "").lower() == "close"


def one(host: str, port: int, paths: Sequence[str]) -> list[Seen]:
    """One viewer asks each of the addresses in turn. TeitenError where one fails; 503 is an answer, and so is none in time."""
    return _checked(asyncio.run(ask(host, port, paths)))


def many(host: str, port: int, paths: Sequence[str], viewers: int, each: int, seed: int) -> list[Seen]:
    """So many viewers at once, each asking `each` of the addresses, drawn by chance, without a pause between."""
    chance = random.Random(seed)
    drawn = [[chance.choice(paths) for _ in range(each)] for _ in range(viewers)]

    async def run() -> list[Seen]:
        found = await asyncio.gather(*(ask(host, port, own) for own in drawn))
        return [seen for own in found for seen in own]

    return _checked(asyncio.run(run()))


def _checked(found: list[Seen]) -> list[Seen]:
    wrong = [seen for seen in found if seen.status not in (200, 303, 503, LATE)]
    if wrong:
        told = ", ".join(sorted({f"{seen.path} with {seen.status}" for seen in wrong})[:5])
        raise TeitenError(f"{len(wrong)} of {len(found)} answers failed: {told}.")
    return found


def spread(found: Sequence[Seen]) -> dict[str, float]:
    """Seconds: the middle, the 95th of a hundred, the longest."""
    times = sorted(seen.seconds for seen in found)

    def at(share: float) -> float:
        return times[min(len(times) - 1, int(share * len(times)))]

    return {"p50_s": at(0.5), "p95_s": at(0.95), "max_s": times[-1]}
