"""Groups of payloads as they may be told: every text harmless, and withheld where it still spells an address of ours.

    said.row(group, own)     plain values for tables, CSV, JSON, pages
    said.what(group)         a few words on it

Own addresses have been covered in the payloads (`payloads.own`); here each text that is made of them is searched once more, in
every spelling of `publish.leaks` (percent signs, escapes, what stood in base64): one in which any is found is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from teiten.payloads import shown
from teiten.payloads.own import covered
from teiten.publish import leaks

if TYPE_CHECKING:
    from teiten.payloads.asked import Group, Payload
    from teiten.payloads.logins import Login

WITHHELD: Final = "(withheld: it spells an address of a sensor)"
SAMPLE: Final = 500
"""bytes of a group's first payload that are told as text"""
LONGEST: Final = 4096
"""bytes of it that are told in hexadecimal"""
COLUMNS: Final = (
    "group", "hosts", "times", "payloads", "ports", "first", "last", "days", "exploits", "ja4", "downloads", "commands",
    "credentials", "size", "sample", "sample_hex",
)  # fmt: skip
LOGIN_COLUMNS: Final = ("user", "password", "hosts", "times", "ports", "first", "last")


def row(one: Group, own: Collection[bytes]) -> dict[str, Any]:
    """COLUMNS. days: 2026-11-01 5; 2026-11-02 3."""
    first = one.members[0]
    return {
        "group": one.hash,
        "hosts": one.hosts,
        "times": one.times,
        "payloads": len(one.members),
        "ports": " ".join(one.ports),
        "first": one.first,
        "last": one.last,
        "days": "; ".join(f"{day} {times}" for day, times in sorted(one.days.items())),
        "exploits": "; ".join(f"{rule.id} {rule.name}" for rule in one.exploits),
        "ja4": one.ja4,
        "downloads": "; ".join(downloads(one, own)),
        "commands": "; ".join(commands(one, own)),
        "credentials": "; ".join(f"{user}:{word}" for user, word in credentials(one, own)),
        "size": first.size,
        "sample": text(first.data, own, SAMPLE, of=first.size),
        "sample_hex": _checked(first.data[:LONGEST].hex(), own),
    }


def login(one: Login, own: Collection[bytes]) -> dict[str, Any]:
    """LOGIN_COLUMNS."""
    return {
        "user": safe(one.user, own),
        "password": safe(one.password, own),
        "hosts": one.hosts,
        "times": one.times,
        "ports": " ".join(one.ports),
        "first": one.first,
        "last": one.last,
    }


def what(one: Group, own: Collection[bytes], most: int = 60) -> str:
    """A few words on a group: its exploit, its JA4, or how its payload begins."""
    if one.exploits:
        return f"{one.exploits[0].id} {one.exploits[0].name}"
    if one.ja4:
        return f"TLS {one.ja4}"
    return text(one.members[0].data[:most], own)


def downloads(one: Group, own: Collection[bytes]) -> list[str]:
    """What would be fetched, defanged."""
    return [safe(each.url, own) for each in one.drawn.downloads]


def commands(one: Group, own: Collection[bytes]) -> list[str]:
    return [safe(each, own) for each in one.drawn.commands]


def credentials(one: Group, own: Collection[bytes]) -> list[tuple[str, str]]:
    return [(safe(user, own), safe(word, own)) for user, word in one.drawn.credentials]


def hexadecimal(one: Payload, own: Collection[bytes], most: int = 1024) -> list[str]:
    """Lines of place, bytes and text; one line where they may not be told."""
    if _checked(one.data[:most].hex(), own) == WITHHELD:
        return [WITHHELD]
    lines = shown.hexadecimal(one.data[:most], most)
    return lines if one.size <= most else [*lines, f"... (+{one.size - most:,})"]


def text(data: bytes, own: Collection[bytes], most: int | None = None, *, of: int | None = None) -> str:
    """Bytes as harmless text; of: how many bytes there were."""
    kept = data if most is None else data[:most]
    told = shown.defanged(shown.text(kept))
    rest = (len(data) if of is None else of) - len(kept)
    return _checked(told, own) + (f" ... (+{rest:,})" if rest > 0 else "")


def safe(words: str, own: Collection[bytes]) -> str:
    """Words that were drawn out of a payload, harmless; what was written in them in base64 is covered now."""
    return text(covered(words.encode("latin-1", "backslashreplace"), own), own)


def sparkline(days: Iterable[int | None]) -> str:
    """Eight heights; a day of which nothing is known is a space, none is a dot."""
    values: Sequence[int | None] = list(days)
    most = max((value for value in values if value), default=0)
    return "".join(" " if v is None else "·" if not v else "▁▂▃▄▅▆▇█"[min(7, (8 * v - 1) // most)] for v in values)


def _checked(words: str, own: Collection[bytes]) -> str:
    # (brackets that keep an address from being a link are no part of it)
    plain = words.replace("[.]", ".").replace("[:]", ":")
    found = own and leaks.find({"": plain.encode("utf-8", "replace")}, own) is not None
    return WITHHELD if found else words
