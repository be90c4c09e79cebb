"""Checks of time: stamps from the future, clocks that jump, stamps without a year, a zone that is not the log's."""

from __future__ import annotations

import datetime as dt
import statistics
from pathlib import Path

from teiten.doctor._base import AHEAD, Patient, Result, ago, clock, many, percent
from teiten.engine.gaps import improbable

ORDER = 40
BACK = dt.timedelta(minutes=2)
"""a stamp that lies more than this before the line above it is a jump; syslog may mix lines within seconds"""
HALF = dt.timedelta(minutes=30)
"""zones differ by multiples of it"""
NEAR = dt.timedelta(minutes=4)
"""how near to such a multiple a difference must be to be taken for one"""
_INFERRED = {
    "year inferred": (
        "the year",
        "Let syslog write it (rsyslog: RSYSLOG_FileFormat; syslog-ng: ts-format(iso)), or give --year.",
    ),
    "boot inferred": ("the moment of booting", "Give --boot-time, or use `dmesg -T` or the syslog's file instead."),
    "received": ("the time of receipt", "A log with stamps of its own would be surer."),
}


def check_future(p: Patient) -> Result | None:
    """Are there stamps ahead of this machine's clock?"""
    if p.session is None or p.extent is None:
        return None
    soon = p.now + AHEAD
    row = p.session.query("SELECT count(*) AS n, max(time) AS last FROM raw_events WHERE time > $soon", {"soon": soon})[0]
    if not row["n"]:
        return Result("ok", "no stamp is in the future")
    ahead = row["last"] - p.now
    seen = f"{many(row['n'], 'event')} in the future, by up to {ago(ahead)} ({clock(row['last'], p.settings.zone)})"
    if ahead <= dt.timedelta(hours=15) and _multiple(ahead):
        return Result("wrong", seen, f"The log's zone is not {p.settings.zone_name}: set `zone`, or ingest with --tz.")
    return Result("wrong", seen, "Set the router's clock (NTP), this machine's, or give --year if the log's stamps have none.")


_JUMPS = """
SELECT count(*) AS n, max(step) AS most, arg_max(time, step) AS at, arg_max(before, step) AS before
FROM (SELECT time, lag(time) OVER w AS before, epoch_us(lag(time) OVER w) - epoch_us(time) AS step FROM raw_events
      WHERE {window} AND time_basis <> 'received' WINDOW w AS (PARTITION BY source_id ORDER BY source_pos))
WHERE step > $back"""


def check_jumps(p: Patient) -> Result | None:
    """Does a log's clock go back from one line to the next?"""
    # stamps of a clock that begins in 1970 lie before any window
    strays = p.session.query("SELECT count(*) AS n FROM raw_events WHERE time < TIMESTAMPTZ '2001-01-01'") if p.session else []
    if p.extent is None:
        return None
    if strays and strays[0]["n"]:
        return Result(
            "wrong",
            f"{many(strays[0]['n'], 'event')} from before 2001: the clock began at nothing after a restart",
            "Let the router set its clock by NTP before its firewall starts, or as soon as the line is up.",
        )
    row = p.ask(_JUMPS, back=BACK // dt.timedelta(microseconds=1))[0]
    if not row["n"]:
        return Result("ok", "the clock does not jump")
    zone, most = p.settings.zone, dt.timedelta(microseconds=row["most"])
    seen = (
        f"the clock goes back {many(row['n'], 'time')}, most by {ago(most)} "
        f"(from {clock(row['before'], zone)} to {clock(row['at'], zone)})"
    )
    if most >= dt.timedelta(days=1):
        return Result(
            "wrong", seen, "Let the router set its clock by NTP; stamps until then are wrong. Or is the file several logs?"
        )
    return Result("look", seen, "Let the router set its clock by NTP; or the file holds lines of several machines.")


def check_year_less(p: Patient) -> Result | None:
    """How are the times known?"""
    rows = p.ask("SELECT time_basis AS basis, count(*) AS n FROM raw_events WHERE {window} GROUP BY ALL ORDER BY n DESC")
    whole = sum(r["n"] for r in rows)
    if not whole:
        return None
    worst = next((r for r in rows if r["basis"] != "stated"), None)
    if worst is None:
        return Result("ok", "every stamp states its whole time")
    what, mend = _INFERRED[worst["basis"]]
    return Result("look", f"for {percent(worst['n'], whole)} of the events {what} had to be inferred", mend)


def check_zone(p: Patient) -> Result | None:
    """Does the last stamp of each input agree with when its file was written, or is it off by a zone?"""
    if p.session is None or p.extent is None:
        return None
    rows = p.session.query("SELECT path, t_max FROM sources WHERE t_max IS NOT NULL AND path IS NOT NULL")
    agreeing, off = 0, list[dt.timedelta]()
    for row in rows:
        try:
            written = dt.datetime.fromtimestamp(Path(row["path"]).stat().st_mtime, dt.UTC)
        except OSError:
            continue
        apart = written - row["t_max"]
        if abs(apart) <= NEAR:
            agreeing += 1
        elif abs(apart) <= dt.timedelta(hours=15) and _multiple(apart) and (apart < dt.timedelta() or _unlikely(p, apart)):
            off.append(apart)
    name = p.settings.zone_name
    if off and not agreeing:
        apart = round(sorted(off)[len(off) // 2] / HALF) * HALF
        hours = apart / dt.timedelta(hours=1)
        # a log in UTC that is read as Tokyo's ends nine hours before its file was written
        now = p.extent[1].astimezone(p.settings.zone).utcoffset() or dt.timedelta()
        really = (now - apart) / dt.timedelta(hours=1)
        seen = (
            f"read as {name}, the last stamp is {abs(hours):g} hours {'after' if hours < 0 else 'before'} its file was written"
        )
        mend = f"The log seems to keep UTC{really:+g}: set `zone` for its sensor, or ingest with --tz."
        return Result("wrong" if apart < dt.timedelta() else "look", seen, mend)
    if agreeing:
        return Result("ok", f"stamps agree with {name} in {agreeing:,} of {many(len(rows), 'input')}")
    return Result("ok", f"read as {name}; the files' own times say nothing against it")


def _multiple(apart: dt.timedelta) -> bool:
    """Is it a multiple of half an hour, and not nothing?"""
    rest = abs(apart) % HALF
    return abs(apart) > HALF - NEAR and min(rest, HALF - rest) <= NEAR


def _unlikely(p: Patient, silence: dt.timedelta) -> bool:
    """Would the log be silent that long, at its usual rate?"""
    row = p.ask(
        "SELECT count(*) AS n, (epoch_us(max(time)) - epoch_us(min(time))) / 3600000000 AS hours FROM raw_events WHERE {window}"
    )[0]
    return improbable(silence, row["n"] / max(1.0, row["hours"] or 0.0))


_AROUND = """
SELECT floor(epoch(time - $at) / 3600)::INTEGER AS hour, count(*) AS n FROM raw_events
WHERE time >= $at - INTERVAL 8 HOUR AND time < $at + INTERVAL 8 HOUR GROUP BY ALL"""


def check_summer_time(p: Patient) -> Result | None:
    """Where the zone's clock changed: is that hour doubled, or missing, as in a log that does not change with it?"""
    if p.session is None or p.extent is None:
        return None
    looked = 0
    for at, forward in _changes(p):
        counts = {row["hour"]: row["n"] for row in p.session.query(_AROUND, {"at": at})}
        usual = statistics.median(counts.get(h, 0) for h in range(-8, 8) if h != 0)
        if usual < 10:
            continue
        looked += 1
        there = counts.get(0, 0)
        if there == 0 or (forward and there >= 1.7 * usual):
            what = "has no event" if there == 0 else f"has {there:,} events, twice the usual"
            return Result(
                "look",
                f"the hour after the clock changed ({clock(at, p.settings.zone)}) {what}: the log may not keep summer time",
                f"If the router's clock stays at standard time, ingest with a zone that does, not {p.settings.zone_name}.",
            )
    return Result("ok", f"the change of the clock is as it should be in {many(looked, 'case')}") if looked else None


def _changes(p: Patient) -> list[tuple[dt.datetime, bool]]:
    """When the zone's offset changed between the first and the last event (of the last 400 days), and whether forward."""
    assert p.extent is not None
    zone, last = p.settings.zone, p.extent[1].astimezone(dt.UTC)
    at = max(p.extent[0].astimezone(dt.UTC), last - dt.timedelta(days=400)).replace(minute=0, second=0, microsecond=0)
    found = []
    before = at.astimezone(zone).utcoffset()
    while at < last:
        step = at + dt.timedelta(hours=1)
        now = step.astimezone(zone).utcoffset()
        if now != before:
            found.append((step, (now or dt.timedelta()) > (before or dt.timedelta())))
        at, before = step, now
    return found
