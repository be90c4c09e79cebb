"""XML of strangers, element by element: no entities, no DTD, nothing fetched, every size bounded.

Python's own parser (expat) with the handlers that refuse: a declaration of an entity, an inner subset, an external name. So
neither a billion laughs nor a blow-up by squares nor a file of this machine gets in (docs/decisions/0079). What stands outside
the wanted elements is passed over and not kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from xml.parsers import expat

DEEPEST: Final = 64
MOST_NODES: Final = 20_000
MOST_TEXT: Final = 1 << 20
"""bounds of one element that is kept: elements in it, characters of its texts and attributes"""
LARGEST: Final = 4 << 30
_PIECE: Final = 1 << 16


class RefusedError(ValueError):
    """XML that is not read any further. Its text says why, and where."""


@dataclass(slots=True)
class Node:
    """An element: its name without a prefix, its attributes, its own text, what is in it. line: where it begins."""

    name: str
    attributes: dict[str, str]
    line: int = 0
    texts: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    too_large: bool = False

    @property
    def text(self) -> str:
        return "".join(self.texts).strip()

    def all(self, name: str) -> list[Node]:
        """Its own elements of that name."""
        return [one for one in self.children if one.name == name]

    def first(self, name: str) -> Node | None:
        return next((one for one in self.children if one.name == name), None)

    def told(self, name: str) -> str:
        """The text of its first element of that name; empty without one."""
        found = self.first(name)
        return found.text if found else ""

    def walk(self) -> Iterator[Node]:
        """It and everything in it."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += one.children[::-1]


def elements(stream: BinaryIO, wanted: Collection[str]) -> Iterator[Node]:
    """The outermost elements of those names, each when it ends; one that is too large comes empty, and says so.

    RefusedError at the first thing that is refused, or is no XML; what ended before it has come.
    """
    reading = _Reading(wanted)
    read = 0
    while True:
        piece = stream.read(_PIECE)
        read += len(piece)
        if read > LARGEST:
            raise RefusedError(f"larger than {LARGEST >> 30} GiB")
        reading.feed(piece)
        done, reading.done = reading.done, []
        yield from done
        if reading.refused:
            raise RefusedError(reading.refused)
        if not piece:
            return


class _Reading:
    def __init__(self, wanted: Collection[str]) -> None:
        self.wanted = wanted
        self.done: list[Node] = []
        self.open: list[Node] = []
        self.depth = self.nodes = self.size = 0
        self.refused = ""
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = lambda *_: self._refuse("an entity is declared")
        parser.ExternalEntityRefHandler = lambda *_: self._refuse("an external entity is named")
        parser.SkippedEntityHandler = lambda *_: self._refuse("an unknown entity is named")

    def feed(self, piece: bytes) -> None:
        """Reads on; an empty piece is the end. What came is in `done`, what stopped it in `refused`."""
        try:
            self.parser.Parse(piece, not piece)
        except RefusedError as error:
            self.refused = str(error)
        except expat.ExpatError as error:
            self.refused = f"no XML at line {error.lineno}: {expat.ErrorString(error.code)}"
        except (LookupError, ValueError) as error:
            self.refused = f"no XML: {str(error)[:80]}"

    def _refuse(self, why: str) -> int:
        raise RefusedError(f"{why} at line {self.parser.CurrentLineNumber}")

    def _doctype(self, _: str, system: str | None, public: str | None, subset: int) -> None:
        if subset or system or public:
            self._refuse("a DTD")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            self._refuse("nested too deeply")
        name = tag.rpartition(":")[2]
        if not self.open and name not in self.wanted:
            return
        if not self.open:
            self.nodes = self.size = 0
        self.nodes += 1
        self.size += len(tag) + sum(len(key) + len(value) for key, value in attributes.items())
        own = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        node = Node(name, own, self.parser.CurrentLineNumber)
        top = self.open[0] if self.open else node
        if self.nodes > MOST_NODES or self.size > MOST_TEXT:
            top.too_large = True
        if self.open and not top.too_large:
            self.open[-1].children.append(node)
        self.open.append(node)

    def _end(self, _: str) -> None:
        self.depth -= 1
        if not self.open:
            return
        node = self.open.pop()
        if not self.open:
            if node.too_large:
                node = Node(node.name, {}, node.line, too_large=True)
            self.done.append(node)

    def _characters(self, text: str) -> None:
        if self.open:
            self.size += len(text)
            if self.size <= MOST_TEXT:
                self.open[-1].texts.append(text)
            else:
                self.open[0].too_large = True
