"""Which sensors are silent; and texts that name no address of a sensor."""

from __future__ import annotations

import datetime as dt
import socket
from dataclasses import replace
from typing import Any

import pytest

from teiten.alerting import Alerts
from teiten.alerts import now
from teiten.engine.gaps import Watch
from teiten.settings import Outage, Sensor

from .making import NOW, SETTINGS

HOUR = dt.timedelta(hours=1)


def watched(hours: float, rate: int = 20) -> Watch:
    """A sensor with so many events in each hour, the last so long ago."""
    return Watch("tokyo", NOW - 30 * 24 * HOUR, NOW - hours * HOUR, (), ((rate, 500),))


@pytest.mark.parametrize(
    ("hours", "rate", "alerts", "sensor", "silent"),
    [
        (2.9, 20, {}, None, False),
        (3.1, 20, {}, None, True),
        (3.1, 1, {}, None, False),
        (15, 1, {}, None, True),
        (29, 20, {"silent_hours": 30}, None, False),
        (31, 1, {"silent_hours": 30}, None, True),
        (4, 20, {}, {"end": NOW - 2 * HOUR}, False),
        (4, 20, {}, {"outages": (Outage(NOW - 4 * HOUR),)}, False),
        (4, 20, {}, {"outages": (Outage(NOW - 4 * HOUR, NOW - 2 * HOUR),)}, True),
        (24 * 40, 20, {}, None, True),
    ],
)
def test_when_a_sensor_is_silent(
    hours: float, rate: int, alerts: dict[str, Any], sensor: dict[str, Any] | None, silent: bool
) -> None:
    own = (Sensor("tokyo", **sensor),) if sensor is not None else ()
    chosen = replace(SETTINGS, alerts=Alerts(**alerts), sensors=own)
    found = list(now._silent([watched(hours, rate)], chosen, NOW))
    assert [(one.sensor, one.since) for one in found] == ([("tokyo", NOW - hours * HOUR)] if silent else [])


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("25/tcp, 4.0 times, 05:00", "25/tcp, 4.0 times, 05:00"),
        ("moved to 192.0.2.7.", "moved to ***"),
        ("192.0.2.7と192.0.2.8", "***と192.0.2.8"),
        ("2001:db8::7 (new)", "*** (new)"),
        ("ppp-192-0-2-7 there", "ppp*** there"),
        ("0xc0000207", "***"),
    ],
)
def test_no_text_names_a_sensors_address(text: str, clean: str) -> None:
    own = frozenset({socket.inet_aton("192.0.2.7"), socket.inet_pton(socket.AF_INET6, "2001:db8::7")})
    assert now.Beside({}, own).clean(text) == clean
