"""Hosts that operators were told of in a quarter, and how many of them nothing speaks of any more in the days after.

A host is followed where the days after it was told (setting `unseen` of [notify]) lie before the last event of the lake. It is
unseen since where no rule of [notify] `rules` names it on a day after the one on which it was told, within that time. That it
is clean nobody can know: it may have got another address, or been switched off.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import Final

from teiten.notify import kept
from teiten.notify.hosts import LABELS
from teiten.notifying import RULES
from teiten.report.answers import Answers

CLAIMS: Final = ("infected", "suspected", "scanned")


@dataclass(frozen=True, slots=True)
class Line:
    """Hosts of one claim (None: all of them)."""

    claim: str | None
    hosts: int
    followed: int
    """of them, those whose days after have been observed"""
    unseen: int
    """of those followed"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a quarter's letters came to. doubt: letters of which nobody knows whether they went out; they are not counted."""

    letters: int
    contacts: int
    lines: tuple[Line, ...]
    doubt: int

    @property
    def all(self) -> Line:
        return self.lines[-1]


_SEEN: Final = """
SELECT DISTINCT v.src_ip, v.day::VARCHAR AS day FROM _verdicts v
WHERE v.scope = 'all' AND v.day >= DATE '{first}' AND v.day <= DATE '{last}' AND ({labels})"""


def told(answers: Answers) -> Told | None:
    """None where nobody was told in the period."""
    period, session = answers.period, answers.session
    settings = session.settings
    start, end = kept.moment(period.start), kept.moment(period.end)
    every = [one for one in kept.load(session.lake.path).letters.values() if start <= one.sent < end]
    sent = [one for one in every if one.state == "sent"]
    if not sent:
        return None
    hosts: dict[str, tuple[dt.datetime, str]] = {}
    for letter in sorted(sent, key=lambda one: one.sent):
        at = dt.datetime.fromisoformat(letter.sent)
        for address, evidence in letter.hosts.items():
            claim = min((RULES.get(rule, "scanned") for rule in evidence.split()), key=CLAIMS.index)
            # the first time that it was told: what came after is what it led to
            hosts.setdefault(address, (at, claim))
    after = dt.timedelta(seconds=settings.notifying.unseen)
    rows = session.lake.batches(["t_max"], session.upto).drop_nulls()
    newest = rows["t_max"].max()
    last = newest if isinstance(newest, dt.datetime) else period.start
    seen = _seen(answers, min(at for at, _ in hosts.values()), max(at for at, _ in hosts.values()) + after)
    zone = session.zone
    counts = {claim: [0, 0, 0] for claim in CLAIMS}
    for address, (at, claim) in hosts.items():
        counts[claim][0] += 1
        if at + after > last:
            continue
        counts[claim][1] += 1
        days = seen.get(ipaddress.ip_address(address).packed, ())
        first, until = at.astimezone(zone).date(), (at + after).astimezone(zone).date()
        counts[claim][2] += not any(first < day <= until for day in days)
    lines = [Line(claim, *counts[claim]) for claim in CLAIMS if counts[claim][0]]
    whole = Line(None, *(sum(count[n] for count in counts.values()) for n in range(3)))
    doubt = sum(one.state == "doubt" for one in every)
    return Told(len(sent), len({one.mail for one in sent}), (*lines, whole), doubt)


def _seen(answers: Answers, first: dt.datetime, last: dt.datetime) -> dict[bytes, list[dt.date]]:
    """Days on which a rule of [notify] names a source."""
    session = answers.session
    zone, rules = session.zone, session.settings.notifying.rules
    sql = _SEEN.format(
        first=first.astimezone(zone).date(),
        last=last.astimezone(zone).date(),
        labels=" OR ".join(LABELS[rule] for rule in rules),
    )
    out: dict[bytes, list[dt.date]] = {}
    for packed, day in session.frame(sql).iter_rows():
        out.setdefault(packed, []).append(dt.date.fromisoformat(str(day)[:10]))
    return out
