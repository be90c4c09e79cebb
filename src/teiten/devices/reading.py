"""Results of others read into rows of evidence: every record made rows, was rejected with a reason and a place, or ignored."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from teiten.devices import evidence, xml
from teiten.devices.formats import formats
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.lake import Lake
    from teiten.readers._input import Input

LONGEST_LINE: Final = 16 << 20
"""bytes of a line of JSON, or of a file that is one JSON document"""
AT_ONCE: Final = 50_000
"""rows that are stored in one step"""
PLACES: Final = 20
"""places of rejected records that are told"""


@dataclass(slots=True)
class Tally:
    """What became of an input's records: `records` = `made` + those rejected + those ignored. rows: what the made ones gave."""

    name: str
    records: int = 0
    made: int = 0
    rows: int = 0
    new: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)
    trouble: str = ""
    """what ended the reading before the input's end"""

    def reject(self, place: str, why: str) -> None:
        self.rejected[why] += 1
        if len(self.places) < PLACES:
            self.places.append(f"{place}: {why}")

    def check(self) -> None:
        """RuntimeError where the parts are not the whole: a fault of this program."""
        if self.records != self.made + self.rejected.total() + self.ignored.total():
            raise RuntimeError(f"{self.name}: {self.records} records are not {self.made} + rejected + ignored")


NOTHING: Final = {"no answer", "no open port", "a host without services", "a host without banners"}
"""reasons that are no fault of a record: it says that nothing answered"""


def store(lake: Lake, source: Input, name: str = "auto") -> Tally:
    """Reads the input into the lake, each row that it has not yet. InputError where the input cannot be opened."""
    tally = Tally(source.name)
    waiting: list[dict[str, Any]] = []
    for row in rows(source, tally, name):
        waiting.append({**row, "input": Path(source.name).name})
        if len(waiting) >= AT_ONCE:
            tally.new += lake.add_devices(waiting)
            waiting = []
    if waiting:
        tally.new += lake.add_devices(waiting)
    tally.check()
    return tally


def rows(source: Input, tally: Tally, name: str = "auto") -> Iterator[dict[str, Any]]:
    """The rows of an input, counted in the tally. UsageError for a format that is not known."""
    known = formats()
    if name != "auto" and name not in known:
        raise UsageError(f"There is no format '{name}'.", hint=f"Choose among auto, {', '.join(known)}.")
    chosen = [known[name]] if name != "auto" else list(known.values())
    with source.open() as stream:
        head = _skip_space(stream)
        if head.startswith(b"<") or (b"\0" in head[:4] and b"<" in head[:4]):
            yield from _of_xml(_Rest(head, stream), source, tally, [m for m in chosen if hasattr(m, "ELEMENTS")])
        else:
            yield from _of_json(_Rest(head, stream), tally, [m for m in chosen if hasattr(m, "recognise")])
        tally.trouble = tally.trouble or getattr(stream, "trouble", None) or ""


def _skip_space(stream: BinaryIO) -> bytes:
    head = b""
    for _ in range(64):
        piece = stream.read(1024)
        head += piece
        if not piece or head.lstrip(b"\xef\xbb\xbf \t\r\n"):
            break
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")


class _Rest:
    """A stream with its first bytes put back."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self.head, self.stream = head, stream

    def read(self, n: int) -> bytes:
        if self.head:
            piece, self.head = self.head[:n], self.head[n:]
            return piece
        return self.stream.read(n)

    def pieces(self, most: int) -> Iterator[bytes]:
        """All that is left, up to that size and a piece."""
        size = 0
        while size <= most and (piece := self.read(1 << 20)):
            size += len(piece)
            yield piece


# XML ------------------------------------------------------------------------------------------------------------------


def _of_xml(stream: _Rest, source: Input, tally: Tally, modules: list[ModuleType]) -> Iterator[dict[str, Any]]:
    by_name = {name: module for module in modules for name in module.ELEMENTS}
    place = str(source.path) if getattr(source, "path", None) else source.name
    try:
        for element in xml.elements(cast("BinaryIO", stream), by_name):
            tally.records += 1
            where = f"line {element.line}"
            if element.too_large:
                tally.reject(where, "too large")
                continue
            yield from _made(tally, where, lambda one=element: by_name[one.name].rows(one, place))
    except xml.RefusedError as error:
        tally.records += 1
        tally.reject("the rest", str(error))
        tally.trouble = str(error)
        return
    if not tally.records:
        tally.records += 1
        tally.reject("the file", "no format that is known")


# JSON -----------------------------------------------------------------------------------------------------------------


def _of_json(stream: _Rest, tally: Tally, modules: list[ModuleType]) -> Iterator[dict[str, Any]]:
    """A record a line; where the first line only opens a document, the file is one."""
    if stream.head.split(b"\n", 1)[0].strip() in (b"{", b"[", b"[{", b"[ {"):
        text = b"".join(stream.pieces(LONGEST_LINE))
        if len(text) > LONGEST_LINE:
            tally.records += 1
            tally.reject("the file", "too long")
            tally.trouble = f"a document of more than {LONGEST_LINE >> 20} MiB: give JSON lines"
            return
        yield from _of_text(text, "the file", tally, modules)
        return
    for number, line, cut in _lines(stream):
        where = f"line {number}"
        if cut:
            tally.records += 1
            tally.reject(where, "too long")
        elif line.strip():
            yield from _of_text(line, where, tally, modules)


def _lines(stream: _Rest) -> Iterator[tuple[int, bytes, bool]]:
    """Number, line, whether it is too long (then nothing of it)."""
    held: list[bytes] = []
    size, number = 0, 1
    while piece := stream.read(1 << 20):
        first, *others = piece.split(b"\n")
        for at, one in enumerate((first, *others)):
            if at:
                yield number, b"".join(held), size > LONGEST_LINE
                held, size, number = [], 0, number + 1
            size += len(one)
            if size <= LONGEST_LINE:
                held.append(one)
            else:
                held = []
    if size:
        yield number, b"".join(held), size > LONGEST_LINE


def _of_text(line: bytes, where: str, tally: Tally, modules: list[ModuleType]) -> Iterator[dict[str, Any]]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        tally.records += 1
        tally.reject(where, "no JSON")
        return
    for one in _records(record):
        tally.records += 1
        module = next((m for m in modules if isinstance(one, Mapping) and m.recognise(one)), None)
        if module is None:
            tally.reject(where, "no format that is known")
            continue
        yield from _made(tally, where, lambda m=module, r=one: m.rows(r))


def _records(record: Any) -> Iterable[Any]:
    """The records of a document: itself, a list, or what an API's answer wraps."""
    for key in ("result", "hits", "matches", "hosts"):
        if isinstance(record, Mapping) and "ip" not in record and "ip_str" not in record and key in record:
            record = record[key]
    return record if isinstance(record, list) else [record]


def _made(tally: Tally, where: str, rows: Any) -> Iterator[dict[str, Any]]:
    """The record's rows, all or none."""
    try:
        found = list(rows())
    except evidence.UnusableError as error:
        why = str(error)
        if why in NOTHING:
            tally.ignored[why] += 1
        else:
            tally.reject(where, why)
        return
    tally.made += 1
    tally.rows += len(found)
    yield from found
