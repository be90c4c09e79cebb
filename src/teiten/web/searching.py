"""What a text that was typed may mean: pages with the reason why, the surest first; and what is spelt like it.

Widths of characters and the case of letters do not count.
"""

from __future__ import annotations

import contextlib
import difflib
import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from teiten.classify import watchlists
from teiten.data import countries
from teiten.data import ports as port_table
from teiten.engine.filters import PROTOCOLS
from teiten.lang import Words
from teiten.settings import LANGUAGES, Settings
from teiten.web.asked import place

LONGEST: Final = 200
"""characters of a text that is looked for"""
CLOSE: Final = 6
"""suggestions"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A page, and why it is meant: a key of [web_search]. words: filters that go along. sure: nothing else can be meant."""

    name: str
    path: str
    why: str
    words: Mapping[str, str] = field(default_factory=dict)
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What the lake has names for: AS number -> name, sensors, story -> title."""

    networks: Mapping[int, str] = field(default_factory=dict)
    sensors: Sequence[str] = ()
    stories: Mapping[str, str] = field(default_factory=dict)


def folded(text: str) -> str:
    """The text as it is compared: one width, one case, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def hits(text: str, words: Words, settings: Settings, lists: watchlists.Watchlists, seen: Seen) -> list[Hit]:
    """Everything that the text may mean, each page once; one alone where nothing else can be meant."""
    low = folded(text[:LONGEST])
    if not low:
        return []
    out: dict[tuple[str, str], Hit] = {}
    for hit in _all(low, words, settings, lists, seen):
        if hit.sure:
            return [hit]
        out.setdefault((hit.path, str(sorted(hit.words.items()))), hit)
    return list(out.values())


def _all(low: str, words: Words, settings: Settings, lists: watchlists.Watchlists, seen: Seen) -> Iterator[Hit]:
    yield from _address(low)
    yield from _number(low, seen)
    if low in PROTOCOLS:
        yield Hit(low.upper(), place("port", low), "protocol")
    if low in seen.stories:
        yield Hit(seen.stories[low], place("story", low), "story", sure=True)
    yield from (Hit(name, place("sensor", name), "sensor") for name in seen.sensors if low == folded(name))
    code = countries.find(low)
    if code is not None:
        yield Hit(countries.name(code, words.lang), place("country", code), "country")
    for key, row in port_table.table(settings.ports).items():
        if any(low in folded(name) for lang in LANGUAGES if (name := row.service(lang))):
            yield Hit(f"{key} {row.service(words.lang)}", place("port", key), "service")
    for name, one in lists.organisations.items():
        if any(low in folded(said) for said in (name, one.en, one.ja)):
            yield Hit(one.text(words.lang), place("scanner", name), "organisation")
    if len(low) > 1:
        for other in countries.table():
            if other != code and any(low in folded(countries.name(other, lang)) for lang in LANGUAGES):
                yield Hit(countries.name(other, words.lang), place("country", other), "country")
        found = [(number, name) for number, name in seen.networks.items() if low in folded(name)]
        yield from (Hit(f"AS{number} {name}", place("asn", number), "network") for number, name in found)
        yield from (Hit(name, place("sensor", name), "sensor") for name in seen.sensors if low in folded(name))
        yield from (
            Hit(title, place("story", number), "story") for number, title in seen.stories.items() if low in folded(title)
        )


def _address(low: str) -> Iterator[Hit]:
    with contextlib.suppress(ValueError):
        found = str(ipaddress.ip_address(low))
        yield Hit(found, place("source", found), "address", sure=True)
        return
    with contextlib.suppress(ValueError):
        if "/" in low and ("." in low or ":" in low):
            network = str(ipaddress.ip_network(low, strict=False))
            yield Hit(network, place("source", network), "prefix", sure=True)


def _number(low: str, seen: Seen) -> Iterator[Hit]:
    """23, 23/tcp, AS23, 23,2323."""
    if match := re.fullmatch(r"as\s?(\d{1,10})", low):
        number = int(match[1])
        yield Hit(f"AS{number} {seen.networks.get(number, '')}".strip(), place("asn", number), "network", sure=True)
    if not (match := re.fullmatch(r"(?:port |ポート)?(\d{1,5})(?:番)?(?:\s?/\s?(tcp|udp))?", low)):
        return
    number = int(match[1])
    if 0 < number < 65536:
        if match[2]:
            yield Hit(f"{number}/{match[2]}", place("port", f"{number}/{match[2]}"), "port", sure=True)
        yield from (Hit(f"{number}/{kind}", place("port", f"{number}/{kind}"), "port") for kind in ("tcp", "udp"))
    if number in seen.networks:
        yield Hit(f"AS{number} {seen.networks[number]}", place("asn", number), "network")


def close(text: str, words: Words, settings: Settings, lists: watchlists.Watchlists, seen: Seen) -> list[Hit]:
    """What is spelt most like a text that means nothing."""
    known: dict[str, Hit] = {}

    def add(names: Iterable[str], hit: Hit) -> None:
        for name in names:
            known.setdefault(folded(name), hit)

    for code in countries.table():
        name = countries.name(code, words.lang)
        add((countries.name(code, lang) for lang in LANGUAGES), Hit(name, place("country", code), "country"))
    for name, one in lists.organisations.items():
        add((name, one.en, one.ja), Hit(one.text(words.lang), place("scanner", name), "organisation"))
    for key, row in port_table.table(settings.ports).items():
        names = [said for lang in LANGUAGES if (said := row.service(lang))]
        add(names, Hit(f"{key} {row.service(words.lang)}", place("port", key), "service"))
    for name in seen.sensors:
        add((name,), Hit(name, place("sensor", name), "sensor"))
    near = difflib.get_close_matches(folded(text[:LONGEST]), list(known), CLOSE, 0.6)
    out: dict[str, Hit] = {known[name].path: known[name] for name in near}
    return list(out.values())
