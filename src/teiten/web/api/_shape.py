"""What an address of the API is: its path and words, the columns of its rows with their types; what all addresses share.

A module of the API holds `ADDRESSES`. Routes, the description (OpenAPI), the page for people and the
reference are made from them.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from teiten import event
from teiten.engine import duckdb, filters
from teiten.web.asked import FILTERS, SPANS, UNITS, Asked
from teiten.web.pool import Pool

Kind = Literal["int", "num", "text", "bool", "day", "moment"]
Handler = Callable[[Request, Asked, Pool], Awaitable[Response]]

ROOT: Final = "/api/v1"
SPAN: Final = ("from", "to", "period")
LIST: Final = (*SPAN, *FILTERS, "n")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer. `en` and `ja`: what it means; empty where the page's words say it (`api_columns.NAME`)."""

    name: str
    kind: Kind
    null: bool = False
    en: str = ""
    ja: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an address: what stands for it in the query or the path, as JSON Schema; an example that means something."""

    schema: Mapping[str, Any]
    example: Any


@dataclass(frozen=True, slots=True)
class Address:
    """An address. key: its words in `lang` are api_address.KEY; other: media type and schema of what is no table of rows."""

    path: str
    key: str
    ask: Handler
    columns: tuple[Column, ...] = ()
    words: tuple[str, ...] = ()
    parts: Mapping[str, Word] = field(default_factory=dict)
    example: str = ""
    """a query with which it answers on the lake that tests use"""
    other: tuple[str, Mapping[str, Any]] | None = None
    more: tuple[Column, ...] = ()
    """columns that an answer need not have"""
    root: str = ROOT
    scope: str = "read"
    """what a token needs for it, of `who.SCOPES`"""

    @property
    def whole(self) -> str:
        return self.root + self.path

    @property
    def name(self) -> str:
        """For programs: rank_ports."""
        parts = [part.strip("{}") for part in self.path.split("/") if part]
        return "_".join(parts).replace(".", "_").replace("-", "_") if self.root == ROOT else "dshield_" + "_".join(parts)


def columns(text: str) -> tuple[Column, ...]:
    """Columns from 'rank:int? packets:int ...'; a question mark: it may be null. Without a kind: text."""
    out = []
    for one in text.split():
        name, _, kind = one.partition(":")
        null = kind.endswith("?")
        out.append(Column(name, kind.rstrip("?") or "text", null))  # type: ignore[arg-type]
    return tuple(out)


_KINDS: Final[dict[str, Kind]] = {
    "BIGINT": "int", "INTEGER": "int", "SMALLINT": "int", "DOUBLE": "num", "BOOLEAN": "bool", "DATE": "day",
    "TIMESTAMPTZ": "moment", "TIMESTAMP WITH TIME ZONE": "moment",
}  # fmt: skip


@functools.cache
def of_view(view: str, *names: str, never_null: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """Those columns of a view of the lake, with the meanings that are documented there; without names, all."""
    found = {row["column"]: row for row in duckdb.views() if row["view"] == view}
    required = {c.name for c in event.COLUMNS if c.required} if view == "events" else set(never_null)
    return tuple(
        Column(name, _KINDS.get(found[name]["type"], "text"), name not in required, found[name]["en"], found[name]["ja"])
        for name in (names or found)
    )


def _list(one: str) -> dict[str, Any]:
    """Several with commas between."""
    return {"type": "string", "pattern": f"^{one}(,{one})*$"}


_DAY: Final = r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
_MOMENT: Final = rf"{_DAY}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-]0[0-9]:[0-5][0-9])?)?"
_OCTET: Final = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PORT: Final = r"([1-5][0-9]{4}|[1-9][0-9]{0,3}|0)"
_PROTOCOL: Final = "(" + "|".join(filters.PROTOCOLS) + ")"
_TEXT: Final = {"type": "string", "minLength": 1}
_PLACE: Final = r"^[0-9]{1,16}\.[0-9]{1,15}\.[0-9]{1,15}(\.[0-9]{1,6})?$"
_IP: Final = rf"{_OCTET}(\.{_OCTET}){{3}}"


@functools.cache
def words() -> dict[str, Word]:
    """Every word of a query that addresses know: its schema and an example."""
    from teiten.data import countries

    codes = "|".join([*sorted(countries.table()), "unknown"])
    return {
        "from": Word({"type": "string", "pattern": f"^{_MOMENT}$"}, "2019-10-21"),
        "to": Word({"type": "string", "pattern": f"^{_MOMENT}$"}, "2019-10-23"),
        "period": Word(
            {
                "type": "string",
                "pattern": f"^({'|'.join(SPANS)}|{_DAY}|[12][0-9]{{3}}-W(0[1-9]|[1-4][0-9]|5[0-2])"
                r"|[12][0-9]{3}-(0[1-9]|1[0-2])|[12][0-9]{3}-Q[1-4])$",
                "default": "day",
            },
            "2019-W43",
        ),
        "port": Word(_list(f"{_PORT}(/{_PROTOCOL})?"), "23/tcp"),
        "protocol": Word(_list(f"({_PROTOCOL}|[1-9]?[0-9])"), "tcp"),
        "country": Word(_list(f"({codes})"), "US"),
        "asn": Word(_list("((AS)?[1-9][0-9]{0,8}|unknown)"), "AS15169"),
        "src": Word(_list(f"{_IP}(/([12]?[0-9]|3[0-2]))?"), "8.8.8.0/24"),
        "sensor": Word(_TEXT, "home"),
        "group": Word(_TEXT, "domestic"),
        "action": Word(_list(f"({'|'.join(event.ACTIONS)})"), "drop"),
        "kind": Word(_list(f"({'|'.join(event.KINDS)}|unknown)"), "syn"),
        "tool": Word(_TEXT, "mirai"),
        "scanner": Word(_TEXT, "Censys"),
        "scanners": Word({"type": "string", "enum": list(filters.SCANNERS), "default": "in"}, "out"),
        "spoofed": Word({"type": "string", "enum": list(filters.SPOOFED), "default": "in"}, "out"),
        "unit": Word({"type": "string", "enum": list(UNITS), "default": "packets"}, "hosts"),
        "step": Word({"type": "string", "enum": ["minute", "hour", "day"]}, "hour"),
        "n": Word({"type": "integer", "minimum": 1, "maximum": 1000}, 10),
        "after": Word({"type": "string", "pattern": _PLACE}, "1571670003000000.1.720"),
        "q": Word({"type": "string", "minLength": 1, "maxLength": 8000}, "SELECT count(*) AS events FROM events"),
        "set": Word({"type": "string", "pattern": "^[0-9a-f]{12}$"}, "3b627f9fd1a7"),
        "own": Word({"type": "string", "pattern": r"^[12][0-9]{3}-(0[1-9]|1[0-2])$"}, "2019-10"),
        "label": Word(_TEXT, "announced_scanner"),
        "mask": Word({"type": "string", "enum": ["own", "none"], "default": "own"}, "own"),
        "lang": Word({"type": "string", "enum": ["en", "ja"]}, "en"),
        "format": Word({"type": "string", "enum": ["json", "jsonl", "csv", "parquet", "arrow"], "default": "json"}, "csv"),
    }  # fmt: skip


PARTS: Final[dict[str, Word]] = {
    "address": Word({"type": "string", "anyOf": [{"pattern": f"^{_IP}$"}, {"format": "ipv6"}]}, "8.8.8.3"),
    "source_id": Word({"type": "integer", "minimum": 1, "maximum": 2**53}, 1),
    "source_pos": Word({"type": "integer", "minimum": 0, "maximum": 2**53}, 0),
    "story": Word({"type": "string", "pattern": "^[0-9a-f]{8}$"}, "7c0e11aa"),
    "report": Word({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}, "daily-2019-10-22-en"),
    "organisation": Word({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9 .()&+-]{0,60}$"}, "Censys"),
}


PASSED_ON: Final = ("form", "by", "unit", "n", "lang")
"""words of pages that come with their links and change nothing where an address has no use for them"""


def known(address: Address) -> set[str]:
    """The words that its query may have."""
    if address.root != ROOT:
        return set(address.words)
    return {*address.words, "lang", *(("format",) if address.columns else ())}


def found() -> list[Address]:
    """Every address of every module of the API, in order."""
    from teiten.web import api

    names = sorted(one.name for one in pkgutil.iter_modules(api.__path__) if not one.name.startswith("_"))
    modules = [importlib.import_module(f"{api.__name__}.{name}") for name in names]
    return [one for module in modules for one in module.ADDRESSES]


def pick(parts: Iterable[str]) -> dict[str, Word]:
    """Parts of a path by their names."""
    return {name: PARTS[name] for name in parts}
