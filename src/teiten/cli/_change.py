"""Detections and stories on a terminal: what they are about in words, and the command that shows the rows behind them."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teiten.detect.model import About, Detection
    from teiten.settings import Settings

MOST_PORTS = 4
"""ports that a table names"""


def about_text(about: About, settings: Settings, most: int = MOST_PORTS) -> str:
    """'25/tcp 465/tcp, United States, AS64496, at home'; 'everything' where nothing is stated."""
    from teiten.data import countries
    from teiten.engine.filters import thing_text

    ports = [thing_text(*port) for port in about.ports]
    more = f" +{len(ports) - most}" if len(ports) > most else ""
    said = [" ".join(ports[:most]) + more] if ports else []
    if about.country is not None:
        said.append(countries.name(about.country or None, settings.language))
    if about.asn is not None:
        said.append(f"AS{about.asn}" if about.asn else "unknown AS")
    if about.sensor is not None:
        said.append(f"{'at' if said else 'sensor'} {about.sensor}")
    if about.group is not None:
        said.append(f"group {about.group}")
    return ", ".join(said) or "everything"


def meaning(kind: str, language: str) -> str:
    """What that kind of detection is; the kind itself where nobody has said it."""
    from teiten.detect.model import MEANINGS

    en, ja = MEANINGS.get(kind, (kind, kind))
    return ja if language == "ja" else en


def when(moment: dt.datetime | None, settings: Settings) -> str:
    """2026-05-01 05:00, by the settings' zone; 'goes on' for None."""
    return "goes on" if moment is None else f"{moment.astimezone(settings.zone):%Y-%m-%d %H:%M}"


def top_command(one: Detection, settings: Settings, lake: str) -> str:
    """The command that ranks the sources behind a detection."""
    from teiten.engine.filters import PROTOCOL_NAMES, WITH_PORTS

    about = one.about
    after = one.end or dt.datetime.combine(one.day + dt.timedelta(days=1), dt.time(), settings.zone)
    words = ["teiten", "top", "sources", "--lake", lake]
    words += ["--from", _moment(one.start, settings), "--to", _moment(after, settings)]
    ports = [f"{port}/{PROTOCOL_NAMES.get(protocol, protocol)}" for protocol, port in about.ports if port is not None]
    without = [PROTOCOL_NAMES.get(p, str(p)) for p, port in about.ports if port is None and p not in WITH_PORTS]
    if ports and not without:
        words += ["--port", ",".join(ports)]
    elif without and not ports:
        words += ["--protocol", ",".join(without)]
    if about.country is not None:
        words += ["--country", about.country or "unknown"]
    if about.asn is not None:
        words += ["--asn", f"AS{about.asn}" if about.asn else "unknown"]
    if about.sensor is not None:
        words += ["--sensor", about.sensor]
    if about.group is not None:
        words += ["--group", about.group]
    return shlex.join(words)


def _moment(moment: dt.datetime, settings: Settings) -> str:
    local = moment.astimezone(settings.zone)
    return f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else f"{local:%Y-%m-%dT%H:%M}"
