"""Operators told of infected hosts: letters that wait, that went out, that are in doubt."""

from __future__ import annotations

from collections.abc import Sequence

from teiten.notify.kept import Told
from teiten.report.model import Fact
from teiten.web.asked import Asked
from teiten.web.model import Part, View
from teiten.web.pages import _told
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/notifications"
SEES = "analyst"
NAV = (85, "web_told.title")


async def build(asked: Asked, pool: Pool) -> View:
    say, number = Speech.of(asked).say, Speech.of(asked).words.number
    letters = list((await _told.book(asked)).letters.values())
    states = {state: _latest([one for one in letters if one.state == state]) for state in ("doubt", "prepared", "sent")}
    sent = states["sent"]
    told = {address for one in sent for address in one.hosts}
    facts = [
        Fact(say("web_told.hosts_told"), number(len(told)), say("web_told.in_letters", n=len(sent))),
        Fact(say("web_told.contacts_told"), number(len({one.mail for one in sent})), ""),
        Fact(say("web_told.waiting"), number(len(states["prepared"])), say("web_told.waiting_say")),
    ]
    parts = [Part("facts", say("web_told.facts"), sentences=[say("web_told.is")], facts=facts)]
    for state, found in states.items():
        if not found and state != "sent":
            continue
        title = say(f"web_told.title_{state}")
        sentences = [say("web_told.doubt_say")] if state == "doubt" else []
        parts.append(
            Part(state, title, sentences=sentences, table=_told.table(asked, found, title, state) if found else None,
                 empty=say("web_told.none"))
        )  # fmt: skip
    return View(say("web_told.title"), parts, bar="none")


def _latest(letters: Sequence[Told]) -> list[Told]:
    return sorted(letters, key=lambda one: (one.sent or one.at, one.id), reverse=True)
