"""A contribution as a file: a head, its signature, rows. Written in one way, read as something that an enemy may have written.

    teiten-federation 1
    {"body":{...},"days":[...],"federation":"three-friends","member":"ume",...}     one line of JSON, keys sorted
    ed25519 <signature of the two lines above, base64>
    day<TAB>what<TAB>key<TAB>packets<TAB>hosts                                      rows, as docs/reference/federation.md says

The signature is looked at before anything of the rows is: what nobody signed is not parsed.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from teiten import federating
from teiten.errors import InputError, UsageError
from teiten.federation import lines
from teiten.federation.keys import MOST_MIB, Signer, verified

if TYPE_CHECKING:
    import polars as pl

VERSION: Final = 1
MAGIC: Final = "teiten-federation"
SUFFIX: Final = ".teiten"
LARGEST: Final = MOST_MIB << 20
"""bytes of a file, whoever it is of"""
HEAD: Final = 64 << 10
"""bytes of its head"""
MOST_DAYS: Final = 400
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,59}", re.ASCII)
_RULES: Final[dict[str, type | tuple[type, ...]]] = {
    "least_packets": int, "least_hosts": int, "least_sensors": int, "digits": int, "epsilon": (int, float), "hosts": str,
    "hosts_key": str, "hours": bool, "asns": bool, "pairs": bool, "delay": int,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Head:
    """What a contribution says of itself, signed."""

    federation: str
    member: str
    key: str
    """the signing key's short name"""
    sequence: int
    """1, 2, 3 ...: a later one replaces the days that it tells"""
    previous: str
    """SHA-256 of the contribution before, as a file; empty for the first"""
    made: dt.datetime
    zone: str
    days: tuple[dt.date, ...]
    """days that it tells, in order; of one without rows nothing is known"""
    kind: str
    region: str
    label: str
    rules: Mapping[str, Any]
    """what was withheld, rounded, added: the fields of `federating.Federating` that say so"""
    program: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """A contribution that was read and whose signature holds."""

    head: Head
    digest: str
    """SHA-256 of the file"""
    rows: pl.DataFrame
    """day (Date), what, key (String), packets, hosts (Int64)"""


def write(head: Head, body: str, signer: Signer) -> bytes:
    """The file."""
    rows = body.encode("ascii")
    table = {
        "federation": head.federation, "member": head.member, "key": head.key, "sequence": head.sequence,
        "previous": head.previous, "made": head.made.astimezone(dt.UTC).isoformat(timespec="seconds"), "zone": head.zone,
        "days": [f"{day}" for day in head.days], "kind": head.kind, "region": head.region, "label": head.label,
        "rules": dict(head.rules), "program": head.program,
        "body": {"size": len(rows), "sha256": hashlib.sha256(rows).hexdigest()},
    }  # fmt: skip
    text = json.dumps(table, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    signed = f"{MAGIC} {VERSION}\n{text}\n".encode()
    return signed + b"ed25519 " + base64.b64encode(signer.sign(signed)) + b"\n" + rows


def body_of(rows: Sequence[tuple[dt.date, str, str, int, int]]) -> str:
    """The rows as text, in their order."""
    ordered = sorted((f"{day}", what, key, packets, hosts) for day, what, key, packets, hosts in rows)
    return "\t".join(lines.COLUMNS) + "\n" + "".join(f"{d}\t{w}\t{k}\t{p}\t{h}\n" for d, w, k, p, h in ordered)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file whose head was read, and nothing else of it yet."""

    name: str
    head: Head
    signed: bytes
    signature: bytes
    body: bytes
    digest: str
    told: Mapping[str, Any]
    """size and sha256 of the rows, as the head has them"""
    size: int
    """bytes of the file"""


def read(path: Path) -> Sealed:
    """The head of a file. InputError, naming the file, for what is no contribution or one of another version."""
    try:
        if not path.is_file():
            raise InputError(f"{path} is no file.")
        if (size := path.stat().st_size) > LARGEST:
            raise InputError(f"{path} is larger than a contribution may be ({size:,} bytes; {LARGEST >> 20} MiB).")
        with path.open("rb") as source:
            data = source.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    return parse(data, str(path))


def parse(data: bytes, name: str) -> Sealed:
    """The same of bytes."""
    if len(data) > LARGEST:
        raise InputError(f"{name} is larger than a contribution may be ({LARGEST >> 20} MiB).")
    first, _, rest = data[: HEAD * 2].partition(b"\n")
    found = re.fullmatch(rb"teiten-federation (\d{1,6})", first)
    if found is None:
        raise InputError(f"{name} is no contribution: it does not begin with '{MAGIC} {VERSION}'.")
    if int(found[1]) != VERSION:
        way = "a newer" if int(found[1]) > VERSION else "an older"
        raise InputError(
            f"{name} is of {way} form ({int(found[1])}) than the one this program knows ({VERSION}).",
            hint="Both sides need a teiten of the same form.",
        )
    text, line_end, after = rest.partition(b"\n")
    seal, seal_end, _ = after.partition(b"\n")
    if len(text) > HEAD:
        raise InputError(f"{name}: its head is longer than {HEAD >> 10} KiB.")
    if not line_end or not seal_end:
        raise InputError(f"{name} is cut short: it ends within its head.")
    match = re.fullmatch(rb"ed25519 ([A-Za-z0-9+/]{86}==)", seal)
    if match is None:
        raise InputError(f"{name} bears no signature in its third line.")
    try:
        table = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        head = _head(table)
        told = {"size": _whole(table["body"], "size", 0, LARGEST), "sha256": str(table["body"]["sha256"])}
        signature = base64.b64decode(match[1], validate=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, UsageError) as error:
        raise InputError(f"{name}: its head is none ({type(error).__name__}: {_short(error)}).") from None
    at = len(first) + len(text) + len(seal) + 3
    return Sealed(
        name, head, data[: len(first) + len(text) + 2], signature, data[at:], hashlib.sha256(data).hexdigest(), told,
        len(data),
    )  # fmt: skip


def heading(path: Path) -> Head:
    """The head of a file alone, of which nothing more is read. InputError as `read`; nothing says that it was signed."""
    try:
        with path.open("rb") as source:
            return parse(source.read(2 * HEAD), str(path)).head
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def genuine(sealed: Sealed, public: bytes) -> None:
    """InputError where the signature of the head is not that key's."""
    name = sealed.name
    if not verified(public, sealed.signed, sealed.signature):
        raise InputError(
            f"{name}: its signature is not that of {sealed.head.member}'s key {sealed.head.key}: it was forged or altered."
        )


def opened(sealed: Sealed, public: bytes) -> Contribution:
    """The contribution, once its signature holds and its rows are what the head says. InputError."""
    genuine(sealed, public)
    name, body = sealed.name, sealed.body
    if len(body) != sealed.told["size"]:
        way = "cut short" if len(body) < sealed.told["size"] else "longer than it was signed"
        raise InputError(f"{name} is {way}: {len(body):,} bytes of rows, {sealed.told['size']:,} were signed.")
    if hashlib.sha256(body).hexdigest() != sealed.told["sha256"]:
        raise InputError(f"{name} was altered: its rows are not those that were signed.")
    return Contribution(sealed.head, sealed.digest, lines.read(body, sealed.head.days, name))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a key stands twice")
    return out


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _short(error: Exception) -> str:
    from teiten import inert

    return inert.line(str(error))[:120]


def _whole(table: Mapping[str, Any], key: str, low: int, high: int) -> int:
    value = table[key]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{key} is no whole number from {low} to {high}")
    return value


def _head(table: Any) -> Head:
    if not isinstance(table, dict):
        raise TypeError("no object")
    named = {name: federating.checked_name(table[name], name) for name in ("federation", "member")}
    said = {name: federating.checked_label(table[name], name) for name in ("region", "label")}
    if table["kind"] not in federating.KINDS:
        raise ValueError("no such kind")
    if not re.fullmatch(r"[0-9a-f]{16}", table["key"], re.ASCII):
        raise ValueError("key")
    if table["previous"] and not _DIGEST.fullmatch(table["previous"]):
        raise ValueError("previous is no digest")
    made = dt.datetime.fromisoformat(table["made"])
    if made.tzinfo is None:
        raise ValueError("made has no zone")
    days = tuple(dt.date.fromisoformat(day) for day in table["days"])
    if not days or len(days) > MOST_DAYS or list(days) != sorted(set(days)):
        raise ValueError(f"days must be 1 to {MOST_DAYS}, each once, in order")
    if not isinstance(table["zone"], str) or not _ZONE.fullmatch(table["zone"]):
        raise ValueError("zone is no name of one")
    program = str(table["program"])
    if len(program) > 60 or not program.isprintable():
        raise ValueError("program")
    return Head(
        named["federation"], named["member"], table["key"], _whole(table, "sequence", 1, 10**9), table["previous"],
        made.astimezone(dt.UTC), table["zone"], days, table["kind"], said["region"], said["label"],
        _rules(table["rules"]), program,
    )  # fmt: skip


def _rules(table: Any) -> dict[str, Any]:
    if not isinstance(table, dict) or set(table) != set(_RULES):
        raise ValueError("rules")
    for name, kind in _RULES.items():
        if not isinstance(table[name], kind) or (kind is not bool and isinstance(table[name], bool)):
            raise TypeError(f"rules: {name}")
        if isinstance(table[name], int | float) and not 0 <= table[name] <= 10**9:
            raise ValueError(f"rules: {name}")
    if table["hosts"] not in federating.HOSTS or not 1 <= table["digits"] <= 6:
        raise ValueError("rules")
    if not re.fullmatch(r"(?:[0-9a-f]{8})?", table["hosts_key"], re.ASCII):
        raise ValueError("rules: hosts_key")
    return dict(table)
