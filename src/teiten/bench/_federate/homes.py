"""Households with a lake each, simulated, taken in, and counted as for an export; their exact counts by day, kept as JSON."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from teiten.errors import TeitenError

if TYPE_CHECKING:
    from teiten.federation.counting import Counted

FIRST: Final = dt.date(2026, 10, 1)


def make(folder: Path, seed: int, days: int, events: int) -> Path:
    """The counts of the household of that seed, unless they lie there; its log and its lake go. TeitenError."""
    from teiten import intake, settings, simulate
    from teiten.federation import counting
    from teiten.lake import Lake

    kept = folder / f"home-{seed:02d}-{days}-{events}.json"
    if kept.is_file():
        return kept
    own = folder / f"home-{seed:02d}"
    shutil.rmtree(own, ignore_errors=True)
    simulate.run("home", seed, FIRST, days, events, own)
    found = settings.load(config=own / "teiten.toml", lake=own / "lake")
    lake = Lake.open_or_create(found.lake, found.zone_name)
    failed = intake.ingest(lake, [str(path) for path in sorted((own / "logs").iterdir())], found).failed
    if failed:
        raise TeitenError(f"{own} cannot be taken in: {failed}.")
    told: list[dict[str, Any]] = []
    for n in range(days):
        one = counting.count(lake, found, FIRST + dt.timedelta(days=n))
        told.append({"day": f"{one.day}", "figures": one.figures, "hours": one.hours, "watching": one.watching})
    made = own / "counts.json"
    made.write_text(json.dumps(told), encoding="utf-8")
    made.replace(kept)
    shutil.rmtree(own)
    return kept


def read(path: Path) -> list[Counted]:
    """The days of a household."""
    from teiten.federation.counting import Counted

    return [
        Counted(
            dt.date.fromisoformat(one["day"]),
            {what: {key: (p, h) for key, (p, h) in own.items()} for what, own in one["figures"].items()},
            {int(hour): packets for hour, packets in one["hours"].items()},
            {int(hour): (seconds, addresses) for hour, (seconds, addresses) in one["watching"].items()},
            [],
        )
        for one in json.loads(path.read_text(encoding="utf-8"))
    ]
