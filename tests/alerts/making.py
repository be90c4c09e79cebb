"""Stories and settings for tests of alerts."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from teiten.detect.model import BURST, About, Detection, Part, Story
from teiten.settings import Settings

DAY = dt.date(2026, 3, 10)
NOW = dt.datetime(2026, 3, 9, 22, tzinfo=dt.UTC)
"""7 o'clock in Tokyo on that day"""
SETTINGS = Settings("Asia/Tokyo", "flag", language="ja")


def detection(**given: Any) -> Detection:
    """A burst of SMTP from the US, from 5 to 7 o'clock."""
    plain: dict[str, Any] = {
        "kind": BURST, "about": About(((6, 25), (6, 465)), "US"), "day": DAY, "start": NOW - dt.timedelta(hours=2), "end": None,
        "peak": NOW - dt.timedelta(hours=2), "packets": 400.0, "hosts": 8.0, "usual": 100.0, "times": 4.0, "score": 5.0,
        "confidence": "sure", "sources": "few", "parts": (Part("asn", "64500", 290.0, 0.97),),
    }  # fmt: skip
    return Detection(**{**plain, **given})


def story(*found: Detection, **given: Any) -> Story:
    """That burst as a story, new today."""
    first = found[0] if found else detection()
    plain: dict[str, Any] = {
        "id": first.id, "kind": first.kind, "about": first.about, "day": first.day, "state": "new", "first": first.start,
        "detections": found or (first,), "times": first.times, "peak": first.times, "peak_day": first.day,
    }  # fmt: skip
    return Story(**{**plain, **given})


def later(one: Story, times: float, **given: Any) -> Story:
    """The same story, with so many times the usual."""
    found = replace(one.detections[0], times=times, packets=100 * times)
    return replace(one, detections=(found,), times=times, peak=times, **given)
