"""Checks of what arrives: does the log still come, do all configured sensors speak?"""

from __future__ import annotations

import datetime as dt

from teiten.doctor._base import AHEAD, Patient, Result, ago, clock
from teiten.engine.gaps import improbable

ORDER = 20
HOUR = dt.timedelta(hours=1)
OLD = dt.timedelta(days=60)
"""a silence longer than that may be an old log, kept on purpose"""

_MEND = (
    "Does the router still write it (its log page), is it fetched or sent here (cron, syslog), "
    "and is the newest file ingested? teiten ingest FILE"
)

_SENSORS = """
SELECT sensor, max(time) FILTER (WHERE time <= $soon) AS last, count(*) FILTER (WHERE time >= $since) AS events,
       min(time) FILTER (WHERE time >= $since) AS first
FROM raw_events GROUP BY sensor ORDER BY sensor"""


def check_arriving(p: Patient) -> Result | list[Result]:
    """Is a sensor silent for longer than its own usual rate makes likely?"""
    told = p.ask(_SENSORS, soon=p.now + AHEAD)
    if not told:
        return Result(
            "wrong" if p.session is not None else "look",
            "no event at all",
            "Is the firewall's log on, and does the file hold its lines? docs/guide tells how for each router.",
        )
    out = []
    for row in told:
        known = p.settings.sensor(row["sensor"])
        if row["last"] is None or (known and known.end and _aware(known.end, p) < p.now):
            continue
        age = p.now - row["last"]
        hours = max(1.0, (row["last"] - row["first"]) / dt.timedelta(hours=1)) if row["first"] else 1.0
        rate = row["events"] / hours
        seen = (
            f"{row['sensor']}: last event {ago(age)} ago ({clock(row['last'], p.settings.zone)}), usually {rate:,.1f} an hour"
        )
        if age <= AHEAD or not improbable(age, rate):
            out.append(Result("ok", seen))
        elif p.read is not None and not _written(p, row["last"]):
            out.append(Result("look", seen, f"If this is a copy that was made then, all is well. If not: {_MEND}"))
        elif age > OLD:
            out.append(Result("look", seen, f"If this is an old log, all is well. If not: {_MEND}"))
        else:
            out.append(Result("wrong", seen, f"The log does not arrive. {_MEND}"))
    return out or Result("look", "every sensor's run is over, as configured")


def _written(p: Patient, last: dt.datetime) -> bool:
    """Was one of the logs written to well after its last event, by other programs, say?"""
    for log in p.logs:
        try:
            if log.path is not None and log.path.stat().st_mtime > (last + HOUR).timestamp():
                return True
        except OSError:
            continue
    return False


def check_sensors(p: Patient) -> list[Result] | Result | None:
    """Does every configured sensor have events?"""
    if not p.settings.sensors or p.session is None:
        return None
    there = {row["sensor"] for row in p.session.query("SELECT DISTINCT sensor FROM raw_events")}
    silent = [
        s for s in p.settings.sensors
        if s.name not in there and not (s.start and _aware(s.start, p) > p.now)
    ]  # fmt: skip
    strangers = sorted(there - {s.name for s in p.settings.sensors})
    out = [
        Result(
            "wrong",
            f"sensor {s.name} is configured, but there is no event of it",
            f"Do its `paths` ({', '.join(s.paths) or 'none'}) match its log? Ingest it, or take [sensor.{s.name}] out.",
        )
        for s in silent
    ]
    if strangers:
        what = ", ".join(strangers)
        out.append(Result("look", f"events of sensors that are not configured: {what}", "Add them, or mend `paths`."))
    return out or Result("ok", f"all {len(p.settings.sensors)} configured sensors have events")


def _aware(moment: dt.datetime, p: Patient) -> dt.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=p.settings.zone)
