"""The search: what was typed leads to the page of what it names, or to a list of what it may mean."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from dataclasses import replace

from teiten.data import countries
from teiten.data import ports as port_table
from teiten.engine.filters import PROTOCOLS
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Table, View
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/search"
SEES = "viewer"
MOST = 30


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    text = asked.words.get("q", "").strip()[:200]
    plain = replace(asked, words={k: v for k, v in asked.words.items() if k != "q"})
    cells = [Cell(name, plain.url(path, **words)) for name, path, words in found(speech, text)] if text else []
    more = {"redirect": cells[0].url} if len(cells) == 1 else {}
    part = Part(
        "found",
        text,
        table=Table(text, [Column("", "text")], [(cell,) for cell in cells[:MOST]]),
        empty=speech.say("web.not_found"),
    )
    return View(speech.say("web.search_title"), [part], more=more)


def found(speech: Speech, text: str) -> list[tuple[str, str, dict[str, str]]]:
    """Name, path and filters of each page that the text may mean, the surest first."""
    low = text.lower()
    with contextlib.suppress(ValueError):
        return [(str(ipaddress.ip_address(text)), place("source", str(ipaddress.ip_address(text))), {})]
    with contextlib.suppress(ValueError):
        network = ipaddress.ip_network(text, strict=False)
        return [(str(network), "/sources", {"src": str(network)})]
    if match := re.fullmatch(r"as\s?(\d{1,10})", low):
        return [(f"AS{int(match[1])}", place("asn", int(match[1])), {})]
    if match := re.fullmatch(r"(\d{1,5})(?:/(tcp|udp))?", low):
        number = int(match[1])
        if 0 < number < 65536:
            kinds = [match[2]] if match[2] else ["tcp", "udp"]
            return [(f"{number}/{kind}", place("port", f"{number}/{kind}"), {}) for kind in kinds]
    out: list[tuple[str, str, dict[str, str]]] = []
    if low in PROTOCOLS:
        out.append((text.upper(), place("port", low), {}))
    code = countries.find(text)
    if code is not None:
        out.append((countries.name(code, speech.words.lang), place("country", code), {}))
    for key, row in port_table.table(speech.settings.ports).items():
        names = [row.service(lang) for lang in ("ja", "en")]
        if any(low in name.lower() for name in names if name):
            out.append((f"{key} {row.service(speech.words.lang)}", place("port", key), {}))
    for lang in ("ja", "en"):
        for other in countries.table():
            if len(low) > 1 and low in countries.name(other, lang).lower() and other != code:
                out.append((countries.name(other, speech.words.lang), place("country", other), {}))
    return list({path: (name, path, words) for name, path, words in out}.values())
