"""Checks of the data that answers: how old are countries and AS, and the lists of announced scanners?"""

from __future__ import annotations

import datetime as dt

from teiten.doctor._base import Patient, Result, ago

ORDER = 60
GEO_LOOK, GEO_WRONG = dt.timedelta(days=120), dt.timedelta(days=600)
"""the same free database answers 85 % of addresses alike three years apart; networks move every month"""
LISTS_LOOK = dt.timedelta(days=365)


def check_geo(p: Patient) -> list[Result]:
    """The newest data for countries and AS, against today."""
    from teiten.enrich import datasets

    out = []
    kinds: tuple[datasets.Kind, ...] = ("country", "asn")
    for kind in kinds:
        known = datasets.of_kind(kind)
        if not known:
            out.append(Result("wrong", f"there is no data for {kind}", "teiten geo import FILE, or install teiten again."))
            continue
        newest = max(known, key=lambda one: one.date)
        age = p.now.date() - newest.date
        state = "wrong" if age > GEO_WRONG else "look" if age > GEO_LOOK else "ok"
        seen = f"{kind}: {newest.name} of {newest.date} ({ago(age)} old)"
        mend = "Fetch a newer file from its publisher, then: teiten geo import FILE (what is stored keeps its answers)."
        out.append(Result(state, seen, "" if state == "ok" else mend))  # type: ignore[arg-type]
    return out


def check_watchlists(p: Patient) -> Result:
    """The newest version of each list, against today."""
    from teiten.classify import watchlists

    newest = watchlists.load(p.settings).newest()
    if not newest:
        return Result("look", "there is no watchlist: announced scanners are not told apart", "teiten watchlist import FILE")
    day = p.now.date()
    old = [one for one in newest if day - one.date > LISTS_LOOK and one.whose != "package"]
    names = ", ".join(f"{one.name} ({ago(day - one.date)})" for one in sorted(old, key=lambda one: one.date)[:3])
    seen = f"{len(newest)} lists, {sum(one.prefixes for one in newest):,} prefixes"
    if old:
        return Result(
            "look", f"{seen}; {len(old)} are older than a year: {names}", "teiten watchlist import PATH brings newer ones."
        )
    return Result("ok", seen)
