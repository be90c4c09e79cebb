"""Who permits a survey of what, until when: a file in writing, and the gate through which every question goes.

[permission]
by = "Example Net K.K., network operations"      # who permits it: the operator of the prefixes
reference = "letter of 2026-11-02"               # where it stands in writing
contact = "survey@example.ac.jp"                 # whom those who are asked may write to; told to each of them
from = 2026-11-03
until = 2027-01-31                               # the last day
prefixes = ["203.0.113.0/24"]
opt_out = "opt-out.txt"                          # prefixes that are never asked, one a line; beside this file
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from teiten.errors import UsageError

LONGEST: Final = dt.timedelta(days=366)
WIDEST: Final = {4: 8, 6: 20}
"""prefixes shorter than these are nobody's to permit"""
_TEXTS: Final = ("by", "reference", "contact")
_KEYS: Final = {*_TEXTS, "from", "until", "prefixes", "opt_out"}
_CONTACT: Final = re.compile(r"[\x21-\x7e]+@[\x21-\x7e]+\.[\x21-\x7e]+|https?://[\x21-\x7e]+")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPermittedError(RuntimeError):
    """A question to somebody whom the permission does not name. It is never sent."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What the file says. `first` and `last`: the days on which it holds, in UTC."""

    by: str
    reference: str
    contact: str
    first: dt.date
    last: dt.date
    prefixes: tuple[Network, ...]
    opted_out: tuple[Network, ...] = ()

    def why_not(self, address: Address, now: dt.datetime | None = None) -> str | None:
        """Why that address may not be asked now; None: it may."""
        day = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).date()
        if not self.first <= day <= self.last:
            return "the permission does not hold today"
        if not any(address in one for one in self.prefixes if one.version == address.version):
            return "not in the permitted prefixes"
        if any(address in one for one in self.opted_out if one.version == address.version):
            return "opted out"
        return None

    def gate(self, address: Address) -> None:
        """NotPermittedError where that address may not be asked now."""
        why = self.why_not(address)
        if why is not None:
            raise NotPermittedError(f"{address}: {why}")


def read(path: Path, now: dt.datetime | None = None) -> Permission:
    """The permission in that file, if it holds now. UsageError for anything that is missing or doubtful."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"There is no permission {path}.", hint="The guide says what stands in one.") from None
    except OSError as error:
        raise UsageError(f"The permission {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The permission {path} is no TOML: {error}.") from None
    told = table.get("permission")
    if set(table) != {"permission"} or not isinstance(told, dict):
        raise UsageError(f"{path} has one table, [permission].")
    if unknown := set(told) - _KEYS:
        raise UsageError(f"{path}: a permission has no '{min(unknown)}'.")
    texts = {name: _text(told.get(name), name, path) for name in _TEXTS}
    if not _CONTACT.fullmatch(texts["contact"]) or len(texts["contact"]) > 100:
        raise UsageError(
            f"{path}: contact '{texts['contact'][:60]}' is no mail address or page that those asked could write to."
        )
    first, last = _day(told.get("from"), "from", path), _day(told.get("until"), "until", path)
    day = (now or dt.datetime.now(dt.UTC)).date()
    if last < first or last - first > LONGEST:
        raise UsageError(f"{path}: from {first} to {last} is no time of at most {LONGEST.days} days.")
    if not first <= day <= last:
        raise UsageError(f"{path} permits from {first} to {last}; today is {day}.", hint="Nothing was asked.")
    prefixes = told.get("prefixes")
    if not isinstance(prefixes, list) or not prefixes:
        raise UsageError(f"{path}: prefixes is a list of the prefixes that may be asked.")
    out = _opted_out(path.parent / _text(told["opt_out"], "opt_out", path)) if "opt_out" in told else ()
    return Permission(**texts, first=first, last=last, prefixes=tuple(_prefix(one, path) for one in prefixes), opted_out=out)


def _text(value: Any, name: str, path: Path) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise UsageError(f"{path}: {name} is missing, or no text of one line.")
    return value.strip()


def _day(value: Any, name: str, path: Path) -> dt.date:
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise UsageError(f"{path}: {name} is a day, such as 2026-11-03.")
    return value


def _prefix(value: Any, path: Path) -> Network:
    try:
        network = ipaddress.ip_network(value)
    except (ValueError, TypeError):
        raise UsageError(f"{path}: '{str(value)[:60]}' is no prefix.", hint="Write 203.0.113.0/24 or 2001:db8::/32.") from None
    if network.prefixlen < WIDEST[network.version]:
        raise UsageError(f"{path}: {network} is wider than anybody may permit (/{WIDEST[network.version]} at most).")
    return network


def _opted_out(path: Path) -> tuple[Network, ...]:
    """Every line counts: one that is not understood stops the survey."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The opt-out list {path} cannot be read ({error}).", hint="Nothing was asked.") from None
    out = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            out.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise UsageError(
                f"{path}, line {number}: '{text[:60]}' is no address or prefix.", hint="Nothing was asked."
            ) from None
    return tuple(out)
