"""Arrivals at own services: sets, intervals, going on; backscatter above the usual; nothing without a lake."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.detect.kinds.tables import DAY, Tables, at, verdict, view

from teiten.detect.kinds import arrivals
from teiten.detect.model import ARRIVALS, BACKSCATTER


def stretch(port: int, start: float, hours: float, together: str | None = None, goes_on: bool = False) -> dict[str, Any]:
    return {
        "sensor": "home", "protocol": 6, "port": port, "start": at(start), "end": at(start + hours),
        "packets": round(hours * 3600), "per_minute": 70, "sources": 5, "country": "IT", "together": together,
        "goes_on": goes_on,
    }  # fmt: skip


def test_services_that_go_together_are_one() -> None:
    rows = [stretch(80, 3, 1, "443/tcp"), stretch(443, 3, 1, "80/tcp"), stretch(80, 20, 4, "443/tcp", True),
            stretch(443, 20, 4, "80/tcp", True), stretch(53, 3, 1)]  # fmt: skip
    dns, web = arrivals.find(view(Tables(stretches=rows, origins={"IT": 90, None: 10})), [])
    assert (web.kind, web.about.ports, web.about.sensor) == (ARRIVALS, ((6, 80), (6, 443)), None)
    assert web.start == at(3) and web.end is None and web.peak == at(20) and web.packets == 36_000
    assert web.reason["service"] == "web" and web.reason["equal"] is True and web.reason["rate"] == 2.0
    assert web.reason["intervals"] == [[at(3).isoformat(), at(4).isoformat()], [at(20).isoformat(), None]]
    assert [(p.key, p.share) for p in web.parts] == [("IT", 0.9), ("", 0.1)]
    assert dns.end == at(5) and dns.reason["service"] == "dns" and dns.reason["equal"] is False


def test_of_several_sensors_it_is_said_which() -> None:
    [one] = arrivals.find(view(Tables(stretches=[stretch(80, 3, 1)]), sensors=("home", "other")), [])
    assert one.about.sensor == "home"


def test_more_victims_than_usual() -> None:
    def victim(n: int, day: dt.date, hour: float) -> dict[str, Any]:
        return verdict(day, "attack_victim", n, "FR", packets=100, start=at(hour, day).isoformat(),
                       end=at(hour + 1, day).isoformat(), ports="80/tcp", until_midnight=False)  # fmt: skip

    rows = [victim(n, DAY, 2 + n) for n in range(5)]
    [one] = arrivals.find(view(Tables(verdicts_=rows)), [])
    assert (one.kind, one.hosts, one.start, one.end) == (BACKSCATTER, 5.0, at(2), at(8))
    assert one.score > 2 and one.reason["attacked"] == "80/tcp" and one.parts[0].key == "FR"
    always = [victim(n, DAY - dt.timedelta(days=d), 2) for d in range(29) for n in range(5)]
    assert not arrivals.find(view(Tables(verdicts_=always)), [])
    assert not arrivals.find(view(Tables(verdicts_=rows), days=3), [])


def test_counts_alone_say_nothing() -> None:
    assert not arrivals.find(view(None), []) and not arrivals.find(view(Tables()), [])
