"""How much of one member a store takes: the size of a file, and the files and bytes of a month.

Whoever is on the list can sign what it likes, as often as it likes; without a bound one member fills the disk of whoever
merges, and every report reads all of it. A month is that of `made` in UTC. No file says to be made before the form was there,
so that the months, and with them the whole, have a bound too.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

from teiten.errors import InputError
from teiten.federation import form
from teiten.federation.form import Sealed
from teiten.federation.keys import Member

FILES: Final = 40
"""files of a member and month: one a day, and some that were made again"""
TIMES: Final = 4
"""files of the largest size that a month may weigh"""
BEGAN: Final = dt.date(2026, 1, 1)
"""before this day nothing could write a contribution"""


class Room:
    """What the members' files of each month weigh. It is read from the store once for a member, and counts on from there."""

    def __init__(self, accepted: Path) -> None:
        self._accepted = accepted
        self._months: dict[str, dict[str, list[int]]] = {}

    def check(self, sealed: Sealed, member: Member) -> None:
        """InputError, naming the file and the member, where there is no room for it."""
        who, month = f"{sealed.name} ({member.name})", f"{sealed.head.made:%Y-%m}"
        largest = member.mib << 20
        if sealed.size > largest:
            raise InputError(
                f"{who} has {sealed.size:,} bytes, and a file of this member may have {largest:,} ({member.mib} MiB).",
                hint=f"If that is right, write mib = {-(-sealed.size >> 20)} beside the member's name in the list.",
            )
        if sealed.head.made.date() < BEGAN:
            raise InputError(f"{who} was made on {sealed.head.made.date()}, before there were contributions: a clock was off.")
        there = self._of(member).get(month, [])
        if len(there) >= FILES:
            raise InputError(
                f"{who}: of this member {len(there)} files made in {month} are here, and more than {FILES} of a month are not"
                " taken.",
                hint="The member exports less often; what it has to say of these days can go with the next month's file.",
            )
        if (whole := sum(there) + sealed.size) > TIMES * largest:
            raise InputError(
                f"{who}: with it the files of this member made in {month} would have {whole:,} bytes, and no more than"
                f" {TIMES * largest:,} ({TIMES * member.mib} MiB) of a month are taken.",
                hint="If that is right, write a larger mib beside the member's name in the list.",
            )

    def took(self, sealed: Sealed, member: Member) -> None:
        """The file was accepted."""
        self._of(member).setdefault(f"{sealed.head.made:%Y-%m}", []).append(sealed.size)

    def _of(self, member: Member) -> dict[str, list[int]]:
        """Month -> sizes in bytes of the files that are there, under whatever name the member had."""
        if member.name not in self._months:
            months = self._months[member.name] = {}
            for name in member.names:
                for file in sorted((self._accepted / name).glob(f"*{form.SUFFIX}")):
                    try:
                        made = form.heading(file).made
                    except InputError:
                        continue  # damaged here, and no word of the member's: load() tells of it
                    months.setdefault(f"{made:%Y-%m}", []).append(file.stat().st_size)
        return self._months[member.name]
