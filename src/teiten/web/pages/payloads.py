"""Payloads: what senders said, alike ones together, through time; names and passwords that were tried."""

from __future__ import annotations

from teiten.web.asked import Asked
from teiten.web.model import Part, View
from teiten.web.pages import _said
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/payloads"
SEES = "viewer"
NAV = (65, "web_said.payloads")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    say = speech.say
    found = await _said.heard(asked, pool)
    first = found.groups[: _said.DRAWN]
    drawn = await pool.ask(("courses of payloads", asked.key), lambda s: _said.courses(s, asked, first))
    tried = await _said.tried(asked, pool)
    if not found.groups and not tried:
        # one word for all of it
        nothing = Part("said-time", say("web_said.time"), empty=say("web_said.nothing"))
        return View(say("web_said.payloads"), [nothing], lead=[speech.span()], bar="filters")
    parts = [
        Part("said-time", say("web_said.time"), figure=_said.figure(asked, found, first, drawn), empty=say("web_said.nothing")),
        Part("groups", say("web_said.groups"), table=_said.table(asked, found, found.groups[: asked.n]),
             empty=say("web_said.nothing")),
    ] if found.groups else []  # fmt: skip
    parts.append(Part("logins", say("web_said.logins"), empty=say("web_said.no_login"),
                      table=_said.logins_table(asked, tried[: asked.n], found.own, len(tried))))  # fmt: skip
    return View(say("web_said.payloads"), parts, lead=[speech.span()], bar="filters")
