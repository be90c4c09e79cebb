"""The ports table: what usually answers on a port, what kind of machine that is, and who says so (`ports.toml`)."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

from teiten.errors import DataError

Target = Literal["iot", "windows", "server", "ot", "any"]
TARGETS: Final[tuple[Target, ...]] = ("iot", "windows", "server", "ot", "any")
PROTOCOLS: Final[dict[int, str]] = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}


@dataclass(frozen=True, slots=True)
class Source:
    """Who says so: a text for the page, and an address where there is one."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Port:
    """One row of the table. `stands_for` is the port that this one stands in for, as in '80/tcp', or None."""

    number: int
    protocol: str
    names: dict[str, str]
    target: Target
    stands_for: str | None
    source: Source

    def service(self, lang: str) -> str:
        """The service's usual name in that language (English where the table has no other)."""
        return self.names.get(lang, self.names["en"])

    @property
    def key(self) -> str:
        return f"{self.number}/{self.protocol}"


@functools.cache
def table() -> dict[str, Port]:
    """'23/tcp' -> its row. DataError where the file does not hold to its own schema."""
    found = tomllib.loads((resources.files(__package__) / "ports.toml").read_text(encoding="utf-8"))
    sources = {key: Source(**value) for key, value in found["sources"].items()}
    rows = {}
    for key, row in found["ports"].items():
        number, _, protocol = key.partition("/")
        if row["target"] not in TARGETS or row["source"] not in sources or protocol not in PROTOCOLS.values():
            raise DataError(f"The ports table is broken at {key}.", hint="Install teiten again.")
        names = {"en": row["service"]} | ({"ja": row["ja"]} if "ja" in row else {})
        rows[key] = Port(int(number), protocol, names, row["target"], row.get("for"), sources[row["source"]])
    return rows


def find(port: int | None, protocol: int | str | None) -> Port | None:
    """The row of a port; `protocol` as its IANA number or its name. None where the table does not know it."""
    name = PROTOCOLS.get(protocol, "") if isinstance(protocol, int) else (protocol or "")
    return table().get(f"{port}/{name.lower()}")
