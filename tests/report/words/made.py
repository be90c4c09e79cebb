"""Stories to be told in tests: a day of seeds/003 as detections, and every other kind."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from teiten import lang, settings
from teiten.detect import model
from teiten.detect.model import About, Detection, Part, Story
from teiten.report.words import Speech

TOKYO = ZoneInfo("Asia/Tokyo")
DAY = dt.date(2019, 10, 22)


def at(day: int, hour: int = 0) -> dt.datetime:
    """An hour of October 2019 in Japan; 24 is the next day's first."""
    return dt.datetime(2019, 10, day, tzinfo=TOKYO).astimezone(dt.UTC) + dt.timedelta(hours=hour)


def found(
    kind: str,
    ports: tuple[int, ...] = (),
    country: str | None = None,
    start: int = 0,
    end: int | None = 24,
    **more: Any,
) -> Detection:
    about = About(tuple((6, port) for port in ports), country, more.pop("asn", None), more.pop("sensor", None))
    return Detection(kind, about, DAY, at(22, start), None if end is None else at(22, end), **more)


def story(state: Any, *detections: Detection, first: int = 22, **more: Any) -> Story:
    one = detections[0]
    kind, about = more.pop("kind", one.kind), more.pop("about", one.about)
    shown = () if more.pop("bare", False) else detections
    return Story(one.id, kind, about, DAY, state, at(first), detections=shown, **more)


def part(what: str, key: str, share: float) -> tuple[Part, ...]:
    return (Part(what, key, 1000 * share, share),)


def lands(*codes: str) -> tuple[Part, ...]:
    return tuple(Part("country", code, 100.0, 0.2) for code in codes)


def stories() -> list[Story]:
    """What a page may tell, most of it as seeds/003 has it."""
    web = {"rate": 1.4, "intervals": [["2019-10-22T08:00:00+00:00", None], ["2019-10-22T01:00:00+00:00", None]], "equal": True}
    return [
        story(
            "once",
            found(model.BURST, (25, 465, 587), "US", 5, 6, packets=612, usual=12, times=51, sources="few", hosts=4, score=6.2),
        ),
        story("ended", found(model.ENDED, (23,), "EE"), first=17, kind=model.BURST),
        story("ended", found(model.ENDED, (23,), "EE"), first=17, kind=model.RISING, bare=True),
        story(
            "high",
            found(model.HIGH, (1433,), packets=1320, usual=310, times=4.2, score=8, parts=part("country", "CN", 0.48)),
            first=7, rank=3, rank_before=3, kind=model.RISING,
        ),
        story("high", found(model.HIGH, (1433,), "CN", packets=900, usual=210, parts=part("asn", "4134", 0.61)), first=7),
        story("falling", found(model.FALLING, (9001,), times=3), first=18, times=3.0, peak=11.0, peak_day=dt.date(2019, 10, 20),
              kind=model.RISING),
        story("new", found(model.SPREADING, (9001,), packets=900, usual=80, parts=lands("TW", "RU", "VN", "BR", "KR")), rank=4,
              rank_before=9),
        story("new", found(model.SPREADING, (1433,), packets=900, usual=80,
                           parts=lands("CN", "JP", "KR", "US", "BR", "MX", "DE", "FR", "RU", "IN"))),
        story("new", found(model.RISING, (23,), "CA", packets=900, usual=200, sources="many", hosts=230)),
        story("growing", found(model.RISING, (1433,), packets=2400, usual=500), found(model.OVERTOOK, (1433,), reason={
            "other": "445/6", "rank": 2}), first=7, rank=2, rank_before=3),
        story("new", found(model.NEW_PORT, (9530,), start=16, end=None, packets=130, usual=0.2, hosts=41, sources="many",
                           confidence="possible", score=1.2)),
        story("new", found(model.STANDS_OUT, (3306,), "NL", reason={"share": 0.312, "share_all": 0.021})),
        story("new", found(model.CLOSING_IN, (1433,), "HK", reason={"other": "5555/6", "rank": 2})),
        story("new", found(model.OVERTOOK, (), "RU", reason={"other": "CN", "rank": 1})),
        story("new", found(model.RHYTHM, (), "JP", reason={"low_from": 0, "low_to": 6})),
        story("ended", found(model.RHYTHM_LOST, (), "JP"), kind=model.RHYTHM),
        story("new", found(model.DYNAMIC, (1433,), "JP", reason={"share": 0.72})),
        story("high", found(model.ARRIVALS, (80, 443), reason={**web, "service": "web"}, parts=part("country", "IT", 0.9)),
              first=20),
        story("ended", found(model.ARRIVALS, (53,)), first=20, bare=True),
        story("new", found(model.BACKSCATTER, (), "DE", 3, 5, packets=210, usual=3.4)),
        story("new", found(model.PORT_RUN, (), "NL", 2, 9, reason={"ports": 2310, "first": 20000, "last": 29999})),
        story("new", found(model.FEW_MANY, (), "RU", reason={"hosts": 5, "ports": 1890})),
        story("new", found(model.MANY_FEW, (37215,), reason={"hosts": 512, "ports": 1})),
        story("once", found(model.BURST, (), "HK", 21, 22, packets=210, usual=30, parts=part("port", "23/6", 0.86))),
        story("once", found(model.BURST, (23,), None, 16, 17, packets=210, usual=30, parts=part("country", "NL", 0.86))),
        story("once", found(model.BURST, (22,), None, 6, 7, packets=210, usual=30,
                            parts=(Part("country", "RO", 100, 0.46), Part("country", "RU", 80, 0.36)))),
        story("once", found(model.BURST, (8081,), "CN", 4, 16, packets=90, usual=0.5, hosts=1, sources="few",
                            reason={"spans": [[at(22, 4).isoformat(), 1], [at(22, 14).isoformat(), 2]]})),
        story("new", found(model.BURST, (5,), "", 18, None, packets=210, usual=3.4), again=1),
        story("once", found(model.PORT_GROUP, (81, 82, 83, 84, 8080, 8081, 8443, 8888), None, 3, 5, packets=210, usual=3.4,
                            reason={"hosts": 3})),
        story("new", found(model.CAMPAIGN, (23, 2323), None, 0, None, packets=300, reason={"hosts": 12})),
        story("new", found(model.WATCH, (9530,), None, 4, 7, packets=40, reason={"name": "cameras"})),
        story("falling", found(model.FALLING, (8291,), "NP", packets=6, usual=40), first=20, times=0.15),
        story("ended", found(model.ENDED, (8291,), "NP"), first=20, kind=model.FALLING),
        story("high", found(model.RISING, (123,)), first=20, bare=True),
        story("high", found(model.HIGH, (22,), "JP", packets=21, usual=6, reason={"few": True}), first=20, kind=model.RISING),
        story("new", found(model.OWN_FALL, start=0, end=16, reason={"factor": 0.42})),
        story("once", found(model.OUTAGE, start=11, end=14, sensor="home", reason={"because": "patch day"})),
        story("new", found(model.CLOCK_STEP, start=3, end=4, reason={"seconds": -3600})),
        story("new", found(model.DUPLICATE_FEED, start=3, end=9)),
        story("ended", found(model.OWN_FALL), bare=True),
        story("once", found(model.BURST, (2323,), None, 5, 6, packets=80, usual=4), verdict="explained",
              because="a test of ours"),
    ]  # fmt: skip


def speech(code: str, **more: Any) -> Speech:
    """Who speaks, with a place for every row."""
    given: dict[str, Any] = {
        "watched": False,
        "networks": {4134: "Chinanet"},
        "rows": lambda story, _: f"#row-story-{story.id}",
        **more,
    }
    return Speech(lang.words(code), settings.load(zone="Asia/Tokyo", language=code), DAY, TOKYO, **given)
