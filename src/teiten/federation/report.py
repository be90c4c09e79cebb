"""The report of a federation as files: its sections, how it was made, its manifest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from teiten import __version__
from teiten.enrich import Attribution
from teiten.federating import Federating
from teiten.federation import beside, differing, merging, naming, sections, telling
from teiten.federation.sections import View
from teiten.federation.store import Store
from teiten.lang import words as words_of
from teiten.periods import Period
from teiten.report import bundle, manifest
from teiten.report.model import Link, Paragraph, Piece, Report, Section
from teiten.settings import Settings

_SHARED: Final = (
    "least_packets",
    "least_hosts",
    "least_sensors",
    "digits",
    "epsilon",
    "hosts",
    "hours",
    "asns",
    "pairs",
    "delay",
)


def files(
    store: Store, period: Period, settings: Settings, out: Path | None = None,
    progress: Callable[[int, int], None] | None = None, *, pictures: bool = True,
) -> tuple[dict[str, bytes], int]:  # fmt: skip
    """Every file of the report's folder, and how many members watched (0: there is nothing to tell, and no file).

    out: the folder, for the edition that lies there; pictures: with the charts as PNG, which takes longest."""
    words = words_of(settings.language)
    view = sections.of(store, period, words, settings)
    watched = len(view.now.there)
    if not watched:
        return {}, 0
    made = report(view)
    newest = max(one.head.made for one in view.now.used)
    paper = bundle.Paper(newest, settings.publisher) if settings.pdf else None
    found = bundle.render(made, words, pictures=pictures, progress=progress, paper=paper)
    earlier = manifest.earlier(out) if out is not None else None
    table = describe(view, made, newest)
    if earlier is not None and earlier.same_report(table):
        table["edition"]["number"] = earlier.number + (earlier.table.get("content") != table["content"])
    found[manifest.NAME] = manifest.whole(table, found)
    return found, watched


def report(view: View) -> Report:
    """The report in the view's language."""
    words = view.words
    name = sections.period_name(words, view.period)
    kept = [
        sections.summary(view), sections.ranking(view, "port"), sections.courses(view), beside.members(view),
        sections.hours(view), sections.ranking(view, "country"), sections.ranking(view, "asn"), beside.differ(view),
        beside.coverage(view), about(view),
    ]  # fmt: skip
    found = [section for section in kept if section is not None]
    first = next(p for p in found[0].findings if isinstance(p, str))
    zone = f"zone.{view.period.tz.key}"
    told = words(zone) if zone in words else view.period.tz.key
    subtitle = words("federation.subtitle", name=view.store.members.federation, scope=view.scope, zone=told)
    return Report(words.lang, words("federation.title", period=name), subtitle, first, found)


def about(view: View) -> Section:
    """How it was made: what figures mean, what members withheld, what was left out."""
    words, now = view.words, view.now
    points: list[Paragraph] = [
        words("federation.about_rate"),
        words("federation.about_robust", n=len(now.there), cut=merging.cut(len(now.there)), one=merging.CUT),
        words("federation.about_zero"),
        words("federation.about_hosts"),
        words("federation.about_differ", z=words.number(differing.Z, 1), times=words.number(differing.TIMES)),
        words("federation.about_sources"),
    ]
    if now.table("asn").ranked:
        credits = [_credit(one) for one in naming.credits(now.days[-1])]
        points += [view.say.rich("federation.about_names", credits=view.say.row(credits))] if credits else []
    rules = _rules(view)
    for said, names in rules.items():
        told = words.listed(names) if len(rules) > 1 else words("federation.rules_all")
        points.append(words("federation.rules_of", list=told, rules=said))
    points.append(words("federation.about_made", n=len(now.used), version=__version__, period=view.period.name))
    return Section("about", words("federation.about"), points=points)


def _credit(one: Attribution) -> list[Piece]:
    """The text that the licence asks for, linked, with the licence."""
    link: Piece = Link(one.text, one.url) if one.url else one.text
    return [link, f" ({one.licence})"] if one.licence else [link]


def _rules(view: View) -> dict[str, list[str]]:
    """Rules in words -> the members that go by them."""
    words, out = view.words, dict[str, list[str]]()
    for name in view.now.watched:
        head = view.now.head(name)
        if head is None:
            continue
        rules = head.head.rules
        said = [words("federation.rule_least", packets=rules["least_packets"], hosts=rules["least_hosts"])]
        said.append(words("federation.rule_digits", n=rules["digits"]))
        if rules["least_sensors"] > 1:
            said.append(words("federation.rule_sensors", n=rules["least_sensors"]))
        if rules["epsilon"]:
            own = Federating(**{key: rules[key] for key in _SHARED})
            said.append(words("federation.rule_noise", epsilon=f"{rules['epsilon']:g}", sd=words.number(telling.scale(own), 1)))
        if rules["hosts"] != "bounds":
            said.append(words(f"federation.rule_hosts_{rules['hosts']}"))
        out.setdefault(words("number.semicolon").join(said), []).append(name)
    return out


def describe(view: View, made: Report, newest: dt.datetime) -> dict[str, Any]:
    """The manifest's table, but for `files`: of the form of other reports' (docs/reference/manifest.md), with `federation` for
    what comes from no lake."""
    listed = view.store.members
    return {
        "manifest": manifest.VERSION,
        "report": {
            "kind": view.period.kind, "period": view.period.name, "zone": listed.zone, "zone_from": "federation",
            "language": made.lang, "filters": {}, "notice": "",
        },
        "edition": {"number": 1, "made": newest.isoformat()},
        "lake": {"id": f"federation {listed.federation}", "last_batch": 0, "events": 0},
        "federation": {
            "name": listed.federation,
            "members": len(listed.members),
            "watched": view.now.watched,
            "contributions": sorted(one.digest for one in view.now.used),
            "cut": merging.cut(len(view.now.there)),
            "as_names": naming.table(view.now.days[-1]),
            "set_aside": [f"{member}: {why}" for member, why in view.store.aside],
        },
        "thresholds": {"outlier_z": differing.Z, "outlier_times": differing.TIMES, "outlier_packets": differing.PACKETS},
        "notes": [],
        "content": manifest.content(made),
        "program": {"name": "teiten", "version": __version__},
        "command": f"teiten federate report {view.period.name} --lang {made.lang}",
    }  # fmt: skip
