"""Checks of the lake itself: can it be read and written, of what version is it, and for how long is there room."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path

from teiten.doctor._base import Patient, Result, many
from teiten.lake import _lock
from teiten.lake._lake import SCHEMA_VERSION
from teiten.station import standing

ORDER = 10
LITTLE = 200_000_000
"""bytes free on the lake's disk below which nothing can be counted on"""
DAYS_LOOK, DAYS_WRONG = 60, 7
"""days for which there is room, as the lake grows"""


def check_lake(p: Patient) -> Result:
    """Is there a lake, and can its tables be read?"""
    place = p.settings.lake
    if p.lake is None or p.kept is None:
        missing = not Path(place).exists()
        seen = p.trouble.message if p.trouble else f"{place} cannot be opened."
        if missing and p.logs:
            return Result(
                "look", f"there is no lake yet at {place}", f"teiten ingest --lake {place} FILE stores a log for good"
            )
        live = standing.read(p.settings.station.spool, p.now.timestamp())
        if missing and live is not None and live.runs:
            return Result("look", f"there is no lake yet at {place}", "The station makes it of the first lines that arrive.")
        return Result("wrong", seen, (p.trouble.hint if p.trouble else "") or "Make one with: teiten ingest FILE")
    events = p.kept.query("SELECT count(*) AS n FROM raw_events")[0]["n"]
    batches = p.kept.last_batch
    version = p.lake.meta.schema_version
    held = f"{many(events, 'event')} in {batches:,} batch{'' if batches == 1 else 'es'}"
    seen = f"{place}: version {version} (newest: {SCHEMA_VERSION}), {held}, readable"
    return Result("ok" if events else "look", seen, "" if events else "It is empty: teiten ingest FILE")


def check_writing(p: Patient) -> Result | None:
    """Could a run of `ingest` write there, as the user that asks?"""
    if p.lake is None:
        return None
    places = [p.lake.path, *(p.lake.path / name for name in ("events", "batches"))]
    for place in places:
        try:
            with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-"):
                pass
        except OSError as error:
            return Result(
                "wrong",
                f"{place} cannot be written ({error.strerror})",
                "Run ingest as the user that owns the lake, or give this one the right: chown -R USER " + str(p.lake.path),
            )
    if (kind := _lock.network(p.lake.path)) is not None:
        return Result(
            "look",
            f"{p.lake.path} can be written; it lies on a disk of the network ({kind})",
            "Let one host alone write to it: a lock may not reach the others.",
        )
    return Result("ok", f"{p.lake.path} can be written")


def check_disk(p: Patient) -> Result | None:
    """How much room is left, against what the lake grew by a day."""
    if p.lake is None or p.kept is None:
        return None
    try:
        free = shutil.disk_usage(p.lake.path).free
    except OSError as error:
        return Result("look", f"the free room cannot be told ({error.strerror})", "df -h tells it")
    size = sum(f.stat().st_size for f in p.lake.path.rglob("*") if f.is_file())
    row = p.kept.query("SELECT min(t_min) AS first, max(t_max) AS last FROM batches")[0]
    if row["first"] is None:
        return Result("ok" if free > LITTLE else "wrong", f"{_bytes(free)} free", "" if free > LITTLE else "Make room.")
    days = max(1.0, (row["last"] - row["first"]) / dt.timedelta(days=1))
    left = free / (size / days)
    seen = f"{_bytes(free)} free; the lake has {_bytes(size)} for {many(round(days), 'day')}: room for {_long(left)}"
    if free < LITTLE or left < DAYS_WRONG:
        return Result(
            "wrong", seen, "Make room now, or move the lake to a larger disk (stop ingest, move the folder, set `lake`)."
        )
    return Result("look" if left < DAYS_LOOK else "ok", seen, "Plan for more room." if left < DAYS_LOOK else "")


def check_keeping(p: Patient) -> Result | None:
    """Since when are events kept, and is the lake near the disk that it may take ([lake] keep_events, disk)?"""
    keeping = p.settings.keeping
    since = p.lake.kept_since() if p.lake is not None else None
    if p.lake is None or (keeping.keep_events is None and keeping.disk is None and since is None):
        return None
    from teiten import retention

    seen = "events of every day are kept so far" if since is None else f"events are kept from {since:%Y-%m-%d %H:%M} UTC on"
    near = retention.near_the_limit(p.lake, p.settings)
    if near:
        return Result(
            "look", f"{seen}; {near[0]}", "teiten lake retain --dry-run says what would go; or give it more: [lake] disk"
        )
    return Result("ok", seen)


def _bytes(n: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            return f"{n:,.0f} {unit}" if unit == "bytes" or n >= 10 else f"{n:.1f} {unit}"
        n /= 1000
    return ""


def _long(days: float) -> str:
    return f"{days:,.0f} days" if days < 730 else f"{min(days / 365, 1000):,.0f} years" + (" and more" if days > 365000 else "")
