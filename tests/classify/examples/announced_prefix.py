"""NOTICE's addresses of 2019 (seeds/004), on a day of 2019."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tests.classify.examples import Example, event


def example(folder: Path) -> Example:
    day = dt.datetime(2019, 2, 21, 3, tzinfo=dt.UTC)
    rows = [event(n, "153.231.216.178", dst_port=n + 1) | {"time": day + dt.timedelta(seconds=n)} for n in range(3)]
    rows += [event(9, "192.0.2.1") | {"time": day}, event(10, "2001:db8::1", dst_ip="2001:db8:1::1") | {"time": day}]
    return Example(rows, {"153.231.216.178": {"NOTICE"}})
