"""An Atom feed (RFC 4287) of the reports that lie beside each other in a folder."""

from __future__ import annotations

import datetime as dt
import html
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib import parse
from xml.sax.saxutils import quoteattr

from teiten.errors import TeitenError
from teiten.publish import atom as xml
from teiten.report import manifest
from teiten.report.manifest import Manifest

_SPACE: Final = uuid.UUID("b5c7b0a4-4f0e-5a43-9d0a-3b1f2a6c9e11")
_TITLE: Final = re.compile(r"<title>([^<]*)</title>")
_SUBTITLE: Final = re.compile(r"<header><h1>[^<]*</h1><p>([^<]*)</p>")
_DESCRIPTION: Final = re.compile(r'<meta name="description" content="([^"]*)">')
FEED: Final = "feed.xml"
"""its usual name"""
MOST: Final = 50
"""entries of a feed, the newest"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One report: where it lies from the feed, and what its page says of itself."""

    id: str
    place: str
    title: str
    summary: str
    kind: str
    lang: str
    published: dt.datetime
    updated: dt.datetime
    pdf: int = 0
    """bytes of its PDF; 0: it has none"""


def entries(folder: Path) -> list[Entry]:
    """The reports of a folder, the newest first. TeitenError where it holds none."""
    if not folder.is_dir():
        raise TeitenError(f"There is no folder {folder}.", hint="Name the folder in which reports lie beside each other.")
    found = [_entry(folder, found) for found in _manifests(folder)]
    if not found:
        raise TeitenError(
            f"{folder} holds no report in a folder of its own.", hint="Make one there: teiten report monthly --out FOLDER/NAME."
        )
    newest: dict[str, Entry] = {}
    for entry in sorted(found, key=lambda e: (e.updated, e.place), reverse=True):
        newest.setdefault(entry.id, entry)  # of copies of one report the newest counts
    return list(newest.values())[:MOST]


def _manifests(folder: Path) -> Iterator[Manifest]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith(".") and (path / manifest.NAME).is_file():
            yield manifest.read(path)


def _entry(folder: Path, found: Manifest) -> Entry:
    told = found.table["report"]
    try:
        text = (found.folder / "index.html").read_text(encoding="utf-8")
    except OSError as error:
        raise TeitenError(f"{found.folder / 'index.html'} cannot be read: {error.strerror}.") from None
    # the same report in another language is another entry, a new edition of it is the same one
    names = [found.table["lake"]["id"], told["kind"], told["period"], told["language"], sorted(told["filters"].items())]
    first = found if found.number == 1 else _first(found)
    return Entry(
        id=uuid.uuid5(_SPACE, repr(names)).urn,
        place=parse.quote(found.folder.relative_to(folder).as_posix()) + "/",
        title=_told(_TITLE, text),
        summary=_told(_DESCRIPTION, text) or _told(_SUBTITLE, text),
        kind=told["kind"],
        lang=told["language"],
        published=first.made,
        updated=found.made,
        pdf=int(found.files.get("report.pdf", {"size": 0})["size"]),
    )


def _first(found: Manifest) -> Manifest:
    """The first edition's, as the folder keeps it; else the one at hand."""
    path = found.folder / manifest.OLDER / "1"
    return manifest.read(path) if (path / manifest.NAME).is_file() else found


def _told(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return html.unescape(match[1]).strip() if match else ""


def atom(found: Sequence[Entry], title: str, author: str, site: str = "") -> bytes:
    """The feed's bytes. `site`: where the folder is published, with / at its end; without it links are relative.

    Its `updated` is that of its newest entry, so that the same reports give the same feed.
    """
    name = uuid.uuid5(_SPACE, f"feed {site}" if site else f"feed {min(e.id for e in found)}").urn
    links = []
    if site:
        links.append(f'<link rel="self" type="application/atom+xml" href={quoteattr(site + FEED)}/>')
        links.append(f'<link rel="alternate" type="text/html" href={quoteattr(site)}/>')
    updated = _moment(max(e.updated for e in found))
    return xml.feed(name, title, author, updated, links, [_entry_lines(entry, site) for entry in found])


def _entry_lines(entry: Entry, site: str) -> tuple[str, ...]:
    place = site + entry.place
    pdf = quoteattr(f"{place}report.pdf")
    lang = quoteattr(entry.lang)
    return (
        f"<entry xml:lang={lang}>",
        f"  <id>{entry.id}</id>",
        f"  <title>{xml.text(entry.title)}</title>",
        f"  <published>{_moment(entry.published)}</published>",
        f"  <updated>{_moment(entry.updated)}</updated>",
        f'  <link rel="alternate" type="text/html" hreflang={lang} href={quoteattr(place + "index.html")}/>',
        *([f'  <link rel="enclosure" type="application/pdf" length="{entry.pdf}" href={pdf}/>'] if entry.pdf else []),
        f"  <category term={quoteattr(entry.kind)}/>",
        f'  <summary type="text">{xml.text(entry.summary)}</summary>',
        "</entry>",
    )


def _moment(moment: dt.datetime) -> str:
    """RFC 3339, with seconds."""
    return moment.isoformat(timespec="seconds")
