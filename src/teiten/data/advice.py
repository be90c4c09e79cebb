"""What a reader can do where something changed: advice by port, group of ports, target or kind of change, with its sources."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from teiten.data.ports import PROTOCOLS, Port, Reference

_NUMBERS: Final = {name: number for number, name in PROTOCOLS.items()}
Key = tuple[int, int | None]
"""protocol number and destination port"""


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice, where it holds, and who says so."""

    key: str
    texts: Mapping[str, str]
    references: tuple[Reference, ...]
    ports: frozenset[Key] = frozenset()
    group: str | None = None
    target: str | None = None
    kinds: frozenset[str] = frozenset()

    def text(self, lang: str) -> str:
        """In that language (English where there is no other)."""
        return self.texts.get(lang, self.texts["en"])

    def fits(self, kind: str, ports: Sequence[Key], entry: Callable[[Key], Port | None]) -> bool:
        """Does it hold for a change of that kind, at these ports? Of several ports, for all of them."""
        if self.kinds:
            return kind in self.kinds
        if not ports:
            return False
        if self.ports:
            return set(ports) <= self.ports
        found = [entry(port) for port in ports]
        if self.group is not None:
            return all(one is not None and one.group == self.group for one in found)
        return all(one is not None and one.target == self.target for one in found)


@functools.cache
def table() -> tuple[Advice, ...]:
    """All of it, in the order in which it is looked through."""
    found = tomllib.loads(resources.files(__package__).joinpath("advice.toml").read_text(encoding="utf-8"))
    references = {key: Reference(one["text"], one["url"], one.get("ja", "")) for key, one in found["references"].items()}
    return tuple(
        Advice(
            key,
            {"en": one["en"], "ja": one["ja"]},
            tuple(references[name] for name in one["references"]),
            frozenset(_port(text) for text in one.get("ports", ())),
            one.get("group"),
            one.get("target"),
            frozenset(one.get("kinds", ())),
        )
        for key, one in found["advice"].items()
    )


def _port(text: str) -> Key:
    number, _, protocol = text.partition("/")
    return _NUMBERS[protocol], int(number)


def find(kind: str, ports: Sequence[Key], entry: Callable[[Key], Port | None]) -> Advice | None:
    """The first that holds; None where there is none. `entry`: a port's row in the table of ports."""
    return next((one for one in table() if one.fits(kind, ports, entry)), None)
