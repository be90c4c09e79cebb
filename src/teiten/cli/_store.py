"""Ingesting on the way to something else: `report --from-log` and `demo`, with the accounting that `ingest` shows."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from teiten.cli import _common
from teiten.errors import InputError

if TYPE_CHECKING:
    from teiten.lake import Lake
    from teiten.settings import Settings


def store(
    paths: Sequence[str],
    found: Settings,
    *,
    sensor: str | None = None,
    fmt: str = "auto",
    zone: str | None = None,
    year: int | None = None,
    boot_time: dt.datetime | None = None,
    rejected: str | None = None,
    judge: bool = True,
) -> Lake:
    """Reads the paths into the lake of the settings (made if need be) and says what became of their lines.

    `judge`: whether verdicts are made of the days that got new events.

    InputError for the first input that could not be read; what came before it, and the others, are stored.
    """
    from teiten import intake
    from teiten.lake import Lake
    from teiten.readers import _input

    # nothing is made for an input that is not there
    sources: list[Any] = list(_input.inputs(paths, found.reading))
    lake = Lake.open_or_create(found.lake, found.zone_name)
    progress = _common.Progress("storing", sum(s.size or 0 for s in sources) or None)
    with _common.RejectedFile(rejected) as sink:
        try:
            result = intake.ingest(
                lake,
                sources,
                found,
                sensor=sensor,
                fmt=fmt,
                zone=zone,
                year=year,
                boot_time=boot_time,
                rejected=sink.write if rejected else None,
                progress=lambda done, events: progress.show(done, f"{events:,} events"),
                judge=judge,
            )
        finally:
            progress.clear()
    for one in result.inputs:
        for note in one.notes:
            print(f"teiten: {one.name}: {note}", file=sys.stderr)
    _common.show_accounts([(one.name, one.tally) for one in result.inputs if one.error is None or one.tally.lines])
    _common.show_verdicts(result.judged)
    for one in result.failed:
        if one.error is not None:
            raise InputError(one.error.message, hint=one.error.hint)
    return lake
