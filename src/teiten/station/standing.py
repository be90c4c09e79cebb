"""How a station stands, for those who look from outside: what it last said in SPOOL/status.json, and whether it lives."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from teiten.station import keeping

FILE: Final = "status.json"
ALIVE: Final = 30.0
"""seconds after which a station that wrote nothing does not run"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a station said of itself, `age` seconds ago. said: as `Watching.status` gives it."""

    said: Mapping[str, Any]
    age: float

    @property
    def runs(self) -> bool:
        """Does it still write, and has it not said that it ended?"""
        return not self.said.get("ended") and -ALIVE < self.age < ALIVE

    def part(self, name: str) -> Mapping[str, Any]:
        """A table of it; empty where there is none."""
        found = self.said.get(name)
        return found if isinstance(found, dict) else {}


def read(spool: Path, now: float | None = None) -> Standing | None:
    """None where no station ran on that spool, or what it left cannot be read. now: seconds since 1970."""
    try:
        found = json.loads((spool / FILE).read_text(encoding="utf-8"))
        return Standing(found, (time.time() if now is None else now) - float(found["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def kept(spool: Path) -> dict[str, Any]:
    """What the station last said of the spool's disk (`keeping`): used, disk, full, damaged, next; empty where it said nothing
    that can be read."""
    try:
        found = json.loads((spool / keeping.FILE).read_text(encoding="utf-8"))
        return {**found, "used": int(found["used"]), "disk": int(found["disk"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
