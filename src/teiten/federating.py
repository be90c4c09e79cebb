"""[federation] of teiten.toml as values: with whom counts are shared, under which name, how closely. Checked here."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from teiten import checking
from teiten.errors import UsageError

KINDS: Final = ("household", "institution", "telescope")
HOSTS: Final = ("bounds", "sketch", "none")
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
"""what a federation or a member may be called: letters that look like others have no place in it"""
LONGEST: Final = 60
"""characters of a label or region"""


@dataclass(frozen=True, slots=True)
class Federating:
    """With whom counts are shared, and how closely ([federation])."""

    name: str = ""
    """the federation's name, the same for all its members: small letters, digits and -"""
    member: str = ""
    """your name in it: small letters, digits and -"""
    label: str = ""
    """what others are to read beside it, such as 'the Umeda line'; chosen by you, shown as it is"""
    kind: str = "household"
    """what your sensors are: household, institution, telescope"""
    region: str = ""
    """where they are, as closely as you want to say: 'JP', 'Kansai'; empty: not told"""
    least_packets: int = 10
    """packets of a day below which a port, country, AS or pair is withheld"""
    least_hosts: int = 3
    """hosts of a day below which it is: what one prober sends from one address never shows"""
    least_sensors: int = 1
    """of no figure does a sensor of yours count for more than the one at this place; 1: your sensors are added up"""
    digits: int = 2
    """significant digits of every figure"""
    epsilon: float = 0.0
    """noise for differential privacy of a packet and day: the smaller, the more noise; 0: none"""
    hosts: str = "bounds"
    """unique hosts: 'bounds' (a number a day, nothing to unite), 'sketch' (a keyed sample of the day's sources, which whoever
    has the key can test for an address), 'none'"""
    hosts_key: Path | None = None
    """file of the key that members share for sketches, relative to teiten.toml (`teiten federate key --hosts FILE` makes
    one)"""
    hours: bool = True
    """whether packets by the hour are told"""
    asns: bool = True
    """whether AS are told"""
    pairs: bool = True
    """whether a port's packets are told by country"""
    delay: int = 3
    """days that lie between a day and its export"""


_CHOICES: Final[dict[str, tuple[str, ...]]] = {"kind": KINDS, "hosts": HOSTS}
_NUMBERS: Final[dict[str, tuple[int, int]]] = {
    "least_packets": (1, 10**9), "least_hosts": (1, 10**9), "least_sensors": (1, 1000), "digits": (1, 6), "delay": (1, 3650),
}  # fmt: skip


def read(table: dict[str, Any], where: str, folder: Path) -> Federating:
    """The table [federation]; files are relative to `folder`. UsageError where something in it is no such thing."""
    checking.known(table, (one.name for one in fields(Federating)), where)
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key in ("name", "member"):
            found[key] = checked_name(value, f"{where}: {key}")
        elif key in ("label", "region"):
            found[key] = checked_label(value, f"{where}: {key}")
        elif key in _CHOICES:
            found[key] = checking.choice(value, _CHOICES[key], f"{where}: {key}")
        elif key in _NUMBERS:
            found[key] = checking.whole(value, *_NUMBERS[key], f"{where}: {key}")
        elif key == "epsilon":
            if isinstance(value, bool) or not isinstance(value, int | float) or not (value == 0 or 0.01 <= value <= 100):
                raise UsageError(f"{where}: epsilon must be 0 (no noise) or a number from 0.01 to 100, not {value!r}.")
            found[key] = float(value)
        elif key == "hosts_key":
            if not isinstance(value, str) or not value:
                raise UsageError(f"{where}: hosts_key must be the name of a file, not {value!r}.")
            found[key] = folder / Path(value).expanduser()
        else:
            found[key] = checking.truth(value, f"{where}: {key}")
    if found.get("hosts") == "sketch" and "hosts_key" not in found:
        raise UsageError(
            f"{where}: hosts = 'sketch' needs hosts_key.",
            hint="Members share it; 'teiten federate key --hosts FILE' makes one.",
        )
    return Federating(**found)


def checked_name(value: Any, where: str) -> str:
    """A federation's or member's name. UsageError where it is none."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise UsageError(f"{where} must be 1 to 32 small letters (a to z), digits and -, not {value!r}.")
    return value


def checked_label(value: Any, where: str) -> str:
    """A text that others read: one line, nothing unseen in it. UsageError where it is none."""
    if not isinstance(value, str):
        raise UsageError(f"{where} must be a text, not {value!r}.")
    text = unicodedata.normalize("NFKC", value).strip()
    if len(text) > LONGEST or any(unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp") for c in text):
        raise UsageError(f"{where} must be one line of at most {LONGEST} characters that can be seen.")
    return text
