"""The files that a letter is laid out in: what of them is sent, what is for the user's own ways."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from teiten.notify import iodef, letters, tables, xarf
from teiten.notify.group import Letter
from teiten.settings import Settings

MAIL: Final = "mail.eml"
FORMS: Final = ("csv", "shadowserver", "iodef", "xarf", "xarf4")
NAMES: Final = {**tables.NAMES, "iodef": "iodef.xml", "xarf": "xarf.mbox", "xarf4": "xarf.jsonl"}


def files(
    letter: Letter, number: str, settings: Settings, now: dt.datetime, forms: tuple[str, ...]
) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a letter: the mail, then the forms."""
    group, own = letter.group, settings.notifying
    made: dict[str, bytes] = {}
    for form in tables.NAMES:
        if form in forms or form in own.attach:
            made[form] = tables.table(form, letter.hosts, group.contact, group.by, own.name)
    attached = {tables.NAMES[form]: made[form] for form in own.attach}
    yield MAIL, letters.made(letter, number, settings, now, attached)
    for form in FORMS:
        if form not in forms:
            continue
        if form in made:
            yield NAMES[form], made[form]
        elif form == "iodef":
            yield NAMES[form], iodef.document(letter, number, settings, now)
        elif form == "xarf":
            yield NAMES[form], b"".join(xarf.mbox(letter, number, settings, now))
        else:
            yield NAMES[form], b"".join(xarf.lines(letter, number, settings))
