"""Ways by which messages go out: each module here is one, and is found by being there.

A module has NAME and `send(channel, message)`, which raises `ChannelError`. It may have `has(channel, message)`: did
that message arrive before a kill? Without it, what was being sent when the program was killed is sent again, with the same id.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from teiten import inert
from teiten.alerting import Channel


class ChannelError(Exception):
    """A channel did not take a message. The text names no address and no secret."""

    def __init__(self, message: str, *, again: bool = True, wait: float | None = None) -> None:
        super().__init__(message)
        self.again = again
        """may it help to try at once again?"""
        self.wait = wait
        """seconds that the other side asks to wait"""


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out at once, in one language."""

    id: str
    made: str
    """ISO 8601, UTC"""
    language: str
    title: str
    text: str
    items: tuple[dict[str, Any], ...] = ()
    """one thing each, for programs: plain JSON"""
    answers: str | None = None
    """id of the message that told the same thing first"""

    def __post_init__(self) -> None:
        """Names of others (a sensor's, a network's) are only text to a mail's head, a chat, a terminal that shows a log."""
        object.__setattr__(self, "title", inert.line(self.title))
        object.__setattr__(self, "text", inert.text(self.text))
        object.__setattr__(self, "items", tuple(_plainly(one) for one in self.items))

    def table(self) -> dict[str, Any]:
        """As programs get it."""
        return {
            "teiten": 1, "id": self.id, "time": self.made, "language": self.language, "title": self.title, "text": self.text,
            "answers": self.answers, "items": list(self.items),
        }  # fmt: skip


def _plainly(told: Any) -> Any:
    """The same, each text of it on one line."""
    if isinstance(told, str):
        return inert.text(told)
    if isinstance(told, dict):
        return {key: _plainly(value) for key, value in told.items()}
    return [_plainly(one) for one in told] if isinstance(told, list | tuple) else told


Send = Callable[[Channel, Message], str | None]
"""answers what is to be told beside its success, if anything is"""


@dataclass(frozen=True, slots=True)
class Way:
    """A module as it declares itself."""

    name: str
    send: Send
    has: Callable[[Channel, Message], bool] | None = field(default=None)


def way(kind: str) -> Way:
    """The way of that kind of channel. KeyError for one that there is not."""
    if kind not in [found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")]:
        raise KeyError(kind)
    module = importlib.import_module(f"{__name__}.{kind}")
    return Way(module.NAME, module.send, getattr(module, "has", None))


def names() -> list[str]:
    """The kinds of channels."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
