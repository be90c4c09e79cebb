"""Lists of sources for MISP: a warning list, and a feed of events (manifest.json, hashes.csv, a file an event).

Formats: MISP's core format for events and feeds, and the schema of its warning lists. Nothing is told of who was reached.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from teiten.errors import TeitenError

TLP: Final = {"clear": "#ffffff", "green": "#339900", "amber": "#ffc000", "amber+strict": "#ffc000", "red": "#cc0033"}
"""marks of the traffic light protocol, with MISP's colour of each"""
_SPACE: Final = uuid.UUID("6f1d2c3e-7a54-5b0e-9d1c-1f0a4e5b8c77")
"""names of events and attributes are made from it: the same observation has the same name"""
_MATCHING: Final = ("ip-src", "ip-dst", "domain|ip", "ip-src|port", "ip-dst|port")
MANIFEST: Final = "manifest.json"
HASHES: Final = "hashes.csv"


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who says so. The uuid tells it from others of the same name; made from the name where none is given."""

    name: str
    id: str = ""

    @property
    def told(self) -> dict[str, str]:
        return {"name": self.name, "uuid": str(uuid.UUID(self.id)) if self.id else str(uuid.uuid5(_SPACE, f"org {self.name}"))}


def warning_list(rows: Sequence[Mapping[str, Any]], name: str, description: str, day: dt.date) -> bytes:
    """A warning list (type cidr) of those sources; its version is the day as YYYYMMDD."""
    listed = [str(a) for a in sorted({ipaddress.ip_address(r["src_ip"]) for r in rows}, key=lambda a: (a.version, int(a)))]
    told = {
        "description": description,
        "list": listed,
        "matching_attributes": list(_MATCHING),
        "name": name,
        "type": "cidr",
        "version": int(f"{day:%Y%m%d}"),
    }
    return _json(told)


def event(
    rows: Sequence[Mapping[str, Any]], org: Organisation, what: str, info: str, date: dt.date, tlp: str, *, to_ids: bool
) -> dict[str, Any]:
    """An event of MISP's core format whose attributes are those sources; no timestamps yet. `what` names it for good: the next
    list of the same thing takes its place."""
    name = str(uuid.uuid5(_SPACE, f"event {org.told['uuid']} {what}"))
    attributes = [
        {
            "uuid": str(uuid.uuid5(_SPACE, f"attribute {name} {row['src_ip']}")),
            "type": "ip-src",
            "category": "Network activity",
            "value": row["src_ip"],
            "to_ids": to_ids,
            "comment": comment(row),
            "first_seen": _moment(row["first"]),
            "last_seen": _moment(row["last"]),
            "disable_correlation": False,
        }
        for row in rows
    ]
    return {
        "uuid": name,
        "info": info,
        "date": date.isoformat(),
        "threat_level_id": "4",
        "analysis": "2",
        "published": True,
        "Orgc": org.told,
        "Tag": [{"name": f"tlp:{tlp}", "colour": TLP[tlp]}],
        "Attribute": attributes,
    }


def comment(row: Mapping[str, Any]) -> str:
    """What is said of one source, in a line."""
    kind = row["scanner"] or ("large scanner" if row["research"] else row["tool"] or "")
    packets = f"{row['packets']:,} packet{'s' * (row['packets'] != 1)} to {row['ports']:,} port{'s' * (row['ports'] != 1)}"
    place = ", ".join(filter(None, (f"AS{row['asn']}" if row["asn"] is not None else "", row["country"] or "")))
    return "; ".join(filter(None, (kind, packets, place)))


def feed(folder: Path, new: Mapping[str, Any], now: dt.datetime) -> tuple[dict[str, bytes], bool]:
    """The files of the feed with that event in it, by name, and whether anything changed. What the folder holds stays.

    An event that says the same as before keeps its timestamps, so that nobody fetches it again. TeitenError where the folder
    holds something else than a feed.
    """
    events = held(folder)
    old = events.get(new["uuid"])
    if old is not None and _untimed(old) == dict(new):
        changed, told = False, old
    else:
        stamp = int(now.timestamp())
        if old is not None:
            stamp = max(stamp, int(old["timestamp"]) + 1)
        changed, told = True, _timed(new, str(stamp))
    events[new["uuid"]] = told
    files = {f"{name}.json": _json({"Event": one}) for name, one in events.items()}
    files[MANIFEST] = _json({name: _entry(one) for name, one in sorted(events.items(), key=lambda e: (e[1]["date"], e[0]))})
    files[HASHES] = "".join(_hashes(events.values())).encode()
    return files, changed


def held(folder: Path) -> dict[str, dict[str, Any]]:
    """The events that a feed's folder holds, by uuid. TeitenError where it holds something else."""
    if not folder.exists():
        return {}
    if not folder.is_dir():
        raise TeitenError(f"{folder} is a file, so no feed was written there.", hint="Name a folder with --out.")
    names = sorted(path.name for path in folder.iterdir())
    if names and MANIFEST not in names:
        raise TeitenError(f"{folder} holds other things than a feed ({names[0]}).", hint="Name another folder with --out.")
    found = {}
    for name in (n for n in names if n.endswith(".json") and n != MANIFEST):
        try:
            one = json.loads((folder / name).read_text(encoding="utf-8"))["Event"]
            if f"{one['uuid']}.json" == name:
                found[one["uuid"]] = one
                _entry(one), int(one["timestamp"]), [a["value"] for a in one["Attribute"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TeitenError(
                f"{folder / name} is no event of a feed ({type(error).__name__}).",
                hint="Put it elsewhere, or begin a new folder.",
            ) from None
    return found


def _timed(new: Mapping[str, Any], stamp: str) -> dict[str, Any]:
    attributes = [{**a, "timestamp": stamp} for a in new["Attribute"]]
    return {**new, "timestamp": stamp, "publish_timestamp": stamp, "Attribute": attributes}


def _untimed(old: Mapping[str, Any]) -> dict[str, Any]:
    attributes = [{k: v for k, v in a.items() if k != "timestamp"} for a in old["Attribute"]]
    return {**{k: v for k, v in old.items() if k not in ("timestamp", "publish_timestamp")}, "Attribute": attributes}


def _entry(one: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("Orgc", "Tag", "info", "date", "analysis", "threat_level_id", "timestamp")
    return {key: one[key] for key in keys}


def _hashes(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for every value: its MD5 and the event that has it (MISP looks there before it fetches)."""
    return [
        f"{hashlib.md5(a['value'].encode(), usedforsecurity=False).hexdigest()},{one['uuid']}\n"
        for one in sorted(events, key=lambda e: (e["date"], e["uuid"]))
        for a in one["Attribute"]
    ]


def _moment(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
