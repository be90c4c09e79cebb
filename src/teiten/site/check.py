"""Is a site whole, and does it keep to itself? Files and their hashes, links, addresses, nothing loaded from elsewhere."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from teiten.errors import TeitenError
from teiten.publish import leaks
from teiten.report.manifest import sha256
from teiten.site.build import MANIFEST, manifest_of, strangers

_LOADED: Final = {
    "img": ("src", "srcset"), "script": ("src",), "source": ("src", "srcset"), "iframe": ("src",), "object": ("data",),
    "embed": ("src",), "video": ("src", "poster"), "audio": ("src",), "track": ("src",), "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"), "input": ("src",), "form": ("action",), "body": ("background",), "frame": ("src",),
}  # fmt: skip
"""what a browser fetches by itself, or sends to"""
_CSS: Final = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", re.IGNORECASE)
_ATOM: Final = re.compile(r'href="([^"]*)"')


class _Page(HTMLParser):
    """The links, loaded things and places of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.trouble: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.places.add(given["id"])
        if tag == "script" or any(name.startswith("on") for name in given):
            self.trouble.append(f"a script (<{tag}>)")
        if "style" in given and "url(" in given["style"]:
            self.loaded += [a or b for a, b in _CSS.findall(given["style"])]
        if tag == "base" or (tag == "meta" and given.get("http-equiv", "").lower() == "refresh"):
            self.trouble.append(f"<{tag}> that leads elsewhere")
        if tag == "link":
            fetched = {"stylesheet", "icon", "preload", "prefetch", "modulepreload", "dns-prefetch", "preconnect", "manifest"}
            (self.loaded if fetched & set(given.get("rel", "").lower().split()) else self.links).append(given.get("href", ""))
        elif tag in ("a", "area"):
            if "href" in given:
                self.links.append(given["href"])
            if "ping" in given:
                self.loaded.append(given["ping"])
        for name in _LOADED.get(tag, ()):
            if value := given.get(name):
                self.loaded += [part.split()[0] for part in value.split(",")] if name == "srcset" else [value]


def check(out: Path, secret: Collection[bytes] | None) -> Iterator[str]:
    """What is wrong with the site in that folder, a sentence each. secret: packed addresses that it must not name; None: not
    looked for. TeitenError where no site lies there."""
    table = manifest_of(out)
    if table is None:
        raise TeitenError(f"There is no site in {out}.", hint="Make one: teiten publish --out DIR.")
    yield from (f"{name} is no file of the site." for name in strangers(out, table))
    contents: dict[str, bytes] = {}
    for name, told in table["files"].items():
        try:
            contents[name] = (out / name).read_bytes()
        except OSError as error:
            yield f"{name} cannot be read: {error.strerror}."
            continue
        if sha256(contents[name]) != told["sha256"]:
            yield f"{name} is not as it was made."
    contents[MANIFEST] = (out / MANIFEST).read_bytes()
    yield from _links(contents)
    if secret is not None:
        for name, content in contents.items():
            if leaks.find({name: content}, secret) is not None:
                yield f"{name} names an address of a sensor."


def _links(contents: Mapping[str, bytes]) -> Iterator[str]:
    pages = {name: _parsed(content) for name, content in contents.items() if name.endswith((".html", ".svg"))}
    for name, page in pages.items():
        yield from (f"{name} holds {what}." for what in page.trouble)
        for link in page.loaded:
            if urlsplit(link).scheme or link.startswith("//"):
                yield f"{name} loads {link} from elsewhere."
            else:
                yield from _missing(name, link, contents, pages)
        for link in page.links:
            if not urlsplit(link).scheme:
                yield from _missing(name, link, contents, pages)
            elif urlsplit(link).scheme not in ("https", "http"):
                yield f"{name} leads to {link}."
    for name, content in contents.items():
        if name.endswith(".css"):
            for pair in _CSS.findall(content.decode("utf-8", "replace")):
                link = pair[0] or pair[1]
                if urlsplit(link).scheme or link.startswith("//"):
                    yield f"{name} loads {link} from elsewhere."
                else:
                    yield from _missing(name, link, contents, pages)
        if name.endswith(".xml"):
            for link in _ATOM.findall(content.decode("utf-8", "replace")):
                if not urlsplit(link).scheme:
                    yield from _missing(name, link, contents, pages)
        if name.endswith(".json"):
            try:
                json.loads(content)
            except ValueError:
                yield f"{name} is no JSON."


def _parsed(content: bytes) -> _Page:
    page = _Page()
    page.feed(content.decode("utf-8", "replace"))
    return page


def _missing(name: str, link: str, contents: Mapping[str, bytes], pages: Mapping[str, Any]) -> Iterator[str]:
    parts = urlsplit(link)
    if parts.path.startswith("/"):
        yield f"{name} leads to {link}, which depends on where the site lies."
        return
    target = name if not parts.path else posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
    if target not in contents:
        yield f"{name} leads to {link}, which is not there."
    elif parts.fragment and target in pages and parts.fragment not in pages[target].places:
        yield f"{name} leads to {link}, a place that is not there."
