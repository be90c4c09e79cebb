"""The watch of NOTICE in February 2019, rebuilt as a router's log from what its page tells: ports, order, gaps, addresses.

The seconds are chosen so that they fit the page's 'about N seconds later'; the observer's address, the identifications and
the sequence numbers are made up (the page masks them). The two last days are told in words only: times are made up too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Tokyo")
OBSERVER = "203.0.113.77"
AFTER = "203.0.113.142"
"""the observer's address from 22 February on: a new one at each connection of PPP"""

BURST_1 = ((0, 8080), (16, 80), (2, 22), (6, 23), (1, 8000), (3, 23023), (1, 2222), (8, 21), (2, 443), (2, 81), (0, 2323))
BURST_2 = ((0, 23023), (0, 443), (4, 22), (1, 80), (1, 23), (5, 21), (3, 8080), (6, 81), (6, 2323), (12, 8000), (1, 2222))

SESSIONS: tuple[tuple[str, str, int, tuple[tuple[int, int], ...]], ...] = (
    ("2019-02-20 11:02:33", "153.231.226.170", 50404, ((0, 22),)),
    ("2019-02-20 17:40:12", "153.231.226.170", 50753, ((0, 80),)),
    ("2019-02-21 12:17:05", "153.231.216.178", 40781, BURST_1),
    ("2019-02-21 18:21:44", "153.231.215.10", 40679, BURST_2),
    ("2019-02-25 09:14:51", "153.231.216.186", 41210, ((0, 23),)),
    ("2019-02-25 15:03:20", "153.231.216.186", 41211, ((0, 23023),)),
    ("2019-02-26 08:31:07", "153.231.215.10", 42001, ((0, 22),)),
    ("2019-02-26 08:37:40", "153.231.226.162", 42002, ((0, 8080),)),
    ("2019-02-26 10:11:19", "153.231.215.10", 42003, ((0, 8080),)),
    ("2019-02-26 10:52:58", "153.231.226.162", 42004, ((0, 22),)),
    ("2019-02-26 13:25:33", "153.231.215.10", 42005, ((0, 443),)),
    ("2019-02-26 13:36:02", "153.231.226.162", 42006, ((0, 80),)),
    ("2019-02-26 17:44:10", "153.231.215.10", 42007, ((0, 80),)),
    ("2019-02-26 19:20:45", "153.231.226.162", 42008, ((0, 443),)),
)


def line(time: dt.datetime, src: str, src_port: int, port: int, number: int) -> str:
    """One line as the router writes it."""
    dst = OBSERVER if time.date() < dt.date(2019, 2, 22) else AFTER
    return (
        f"{time.isoformat()} router.asus.com kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST={dst} LEN=40 TOS=0x00 PREC=0x00 "
        f"TTL=244 ID={10007 + 4211 * number % 50000} PROTO=TCP SPT={src_port} DPT={port} SEQ={1234567891 + 7919 * number} "
        f"ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0 "
    )


def attempts() -> Iterator[tuple[dt.datetime, str, int, int]]:
    """Every attempt of NOTICE: time, source, source port, port."""
    for start, src, src_port, tries in SESSIONS:
        time = dt.datetime.fromisoformat(start).replace(tzinfo=ZONE)
        for gap, port in tries:
            time += dt.timedelta(seconds=gap)
            yield time, src, src_port, port


def log(*, others: bool = True) -> str:
    """The log of 18 to 27 February: NOTICE's attempts, and everybody else's in between."""
    rows = list(attempts())
    if others:
        at = dt.datetime(2019, 2, 18, 0, 0, 7, tzinfo=ZONE)
        n = 0
        while at < dt.datetime(2019, 2, 28, tzinfo=ZONE):
            rows.append((at, f"198.51.100.{n % 200 + 1}", 40000 + n % 2000, (23, 445, 22, 80, 3389)[n % 5]))
            at += dt.timedelta(seconds=607)
            n += 1
    return "".join(line(*row, number) + "\n" for number, row in enumerate(sorted(rows, key=lambda r: r[0])))
