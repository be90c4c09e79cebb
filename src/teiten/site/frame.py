"""What stands around the text of every page of the site: the ways to its parts, the other language, feeds, the foot."""

from __future__ import annotations

from typing import Final

from teiten.lang import Words, words
from teiten.report.page import Frame, escape
from teiten.settings import Settings

STYLE: Final = """
/* the site around a page */
.site { display: flex; flex-wrap: wrap; align-items: baseline; gap: .2rem 1.1rem; padding-top: 1rem; font-size: .875rem; }
.site strong { font-size: 1rem; margin-right: auto; }
.site strong a, .site strong a:visited { color: var(--ink); text-decoration: none; }
.site ul { order: 1; flex-basis: 100%; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
.site ul { margin: 0; padding: 0; list-style: none; }
.site a[aria-current] { color: var(--ink); text-decoration: none; border-bottom: 2px solid var(--ink); }
header { padding-top: 1.6rem; }
footer { margin-top: 3rem; padding-top: .6rem; border-top: 1px solid var(--rule); color: var(--quiet); font-size: .8125rem; }
@media print { .site, footer { display: none; } }
"""


def sections(settings: Settings, text: Words) -> list[tuple[str, str]]:
    """The parts of a language's pages: folder ('' is the overview) and name."""
    chosen = settings.publishing.sections
    out = [("", text("site.nav_front"))]
    out += [("weekly", text("site.nav_weekly"))] if "weekly" in chosen else []
    out += [("ports", text("site.nav_ports"))] if "ports" in chosen else []
    out += [("stories", text("site.nav_stories"))] if "stories" in chosen else []
    out += [("reports", text("site.nav_reports"))] if "reports" in chosen else []
    out += [("data", text("site.nav_data"))] if "data" in chosen else []
    return [*out, ("about", text("site.nav_about"))]


def name(settings: Settings, text: Words) -> str:
    """What the site is called."""
    return text("site.name_by", who=settings.publisher) if settings.publisher else text("site.name")


def frame(
    settings: Settings, lang: str, place: str, version: str, feeds: tuple[tuple[str, str, str], ...], *, at_root: bool = False
) -> Frame:
    """The frame of the page in that folder below the language's. at_root: of its copy as the site's first page."""
    text = words(lang)
    root = "" if at_root else "../" * (1 + len([part for part in place.split("/") if part]))
    here = f"{root}{lang}/"
    current = place.partition("/")[0]
    items = []
    for folder, title in sections(settings, text):
        mark = ' aria-current="page"' if folder == current else ""
        items.append(f'<li><a href="{here}{folder + "/" if folder else ""}index.html"{mark}>{escape(title)}</a></li>')
    others = [
        f'<a href="{root}{code}/{place + "/" if place else ""}index.html" lang="{code}" hreflang="{code}">'
        f"{escape(text('site.other_language'))}</a>"
        for code in settings.publishing.languages
        if code != lang
    ]
    before = (
        f'<nav class="site" aria-label="{escape(text("site.nav"))}"><strong><a href="{here}index.html">'
        f"{escape(name(settings, text))}</a></strong><ul>{''.join(items)}</ul>{''.join(others)}</nav>"
    )
    links = [f'<link rel="alternate" type="{kind}" title="{escape(title)}" href="{here}{file}">' for kind, title, file in feeds]
    links += [
        f'<link rel="alternate" hreflang="{code}" href="{root}{code}/{place + "/" if place else ""}index.html">'
        for code in settings.publishing.languages
    ]
    theme = f"{here if at_root else ''}theme.css"
    head = "\n".join([f'<link rel="stylesheet" href="{theme}">', *links])
    return Frame(root, head, before, f"<footer><p>{escape(text('site.foot', version=version))}</p></footer>")
