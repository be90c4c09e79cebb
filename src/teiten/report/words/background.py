"""What is known of a port that has become active, by the table of ports; and what a reader can do, by the table of advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from teiten.data import advice as table
from teiten.detect import model
from teiten.detect.model import Story
from teiten.report.model import Footnote, Paragraph
from teiten.report.words._speech import Speech, capital

_NEW: Final = ("new", "growing", "once")
_MOST: Final = 3
"""ports of a page whose use is told: more would be a lecture"""
_NO_ADVICE: Final = (model.FALLING, model.STANDS_OUT)
"""kinds of which nobody need do anything: less of it, and what only qualifies another"""
_DAYS: Final = 3
"""days on which it is told of a story, the first ones"""
_COMMON: Final = 1024
"""ports below it are what they are called"""
_TELLING: Final = (
    model.BURST, model.NEW_PORT, model.RISING, model.SPREADING, model.PORT_GROUP, model.CAMPAIGN, model.STANDS_OUT,
)  # fmt: skip


def background(speech: Speech, stories: Sequence[Story]) -> list[Paragraph]:
    """What else uses the port, with who says so: where a story of one port is new, and is not as common as Telnet."""
    first = stories[0]
    ports = first.about.ports
    if (
        first.about.country is not None
        or first.about.asn is not None
        or first.state not in _NEW
        or first.kind not in _TELLING
        or len(ports) != 1
        or first.days > _DAYS
        or speech.turns["background"] >= _MOST
    ):
        return []
    entry = speech.port_entry(ports[0])
    if entry is None:
        return []
    lang = speech.words.lang
    uses = entry.users("malware")
    port = speech.port(ports[0])
    if uses:
        use = uses[0]
        speech.turns["background"] += 1
        mark = Footnote(use.reference.said(lang), use.reference.url)
        name, what = use.name(lang), use.says(lang)
        if name.endswith(")"):  # one bracket, not two
            opening = name.rindex("(")
            name, what = name[:opening].rstrip(), speech.words("number.semicolon").join((name[opening + 1 : -1], what))
        fields = {"port": port, "name": name, "what": what}
        return [capital(speech.turn("tell.known_use", **fields, reference=[mark]))]
    if entry.stands_for is not None or entry.number < _COMMON:
        return []
    speech.turns["background"] += 1
    return [capital(speech.turn("tell.known_for", port=port, service=entry.service(lang)))]


def advice(speech: Speech, stories: Sequence[Story], *, long: bool = False) -> list[Paragraph]:
    """One piece of advice, where the table has one for the port or the kind of change; each once on a page."""
    for story in stories:
        if story.kind in _NO_ADVICE:
            continue
        # every day the same advice would be read by nobody; an overview of several days takes the longer view
        if story.state not in ("new", "growing") and not (story.state == "high" and long):
            continue
        found = table.find(story.kind, story.about.ports, speech.port_entry)
        if found is None or speech.turns[f"advice {found.key}"]:
            continue
        speech.turns[f"advice {found.key}"] += 1
        lang = speech.words.lang
        marks = [Footnote(one.said(lang), one.url) for one in found.references]
        return [[found.text(lang), *marks]]
    return []
