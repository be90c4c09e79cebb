"""Signatures: which evidence tells which family of devices. Data in files, the package's and the user's own.

    [[family]]                         [[signature]]
    id = "logitec"                     family = "logitec"
    name = "Logitec router"            manufacturer = "Logitec*"       # each field that is named must fit ...
    name_ja = "ロジテックのルータ"        model = ["LAN-W*", "Logitec*"]  # ... one of its patterns
    vendor = "Logitec"                 source = "..."
    kind = "router"                    date = 2026-11-23

Of several that fit one answer, that of a device goes before that of a mere server program (`generic`), then the one that asks
for more letters. Two families as good as each other: neither is named.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from teiten.devices.patterns import Pattern, compiled
from teiten.errors import DataError

FIELDS: Final = (
    "title", "server", "realm", "banner", "cert_subject", "cert_issuer", "cert_sha256", "host_key", "manufacturer", "model",
    "service",
)  # fmt: skip
"""columns of evidence that a signature may ask for"""
KINDS: Final = (
    "router", "recorder", "camera", "nas", "printer", "tv", "modem", "firewall", "phone", "industrial", "computer", "software",
)  # fmt: skip
_FAMILY: Final = {"id", "name", "name_ja", "vendor", "kind", "generic"}
_SIGNATURE: Final = {"family", "source", "date", *FIELDS}
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{1,39}")
_LARGEST: Final = 4 << 20
_MOST: Final = 20_000
_LINE: Final = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True)
class Family:
    """A family of devices. `generic`: a server program that runs on devices of several families."""

    id: str
    name: str
    name_ja: str
    vendor: str
    kind: str
    generic: bool = False

    def text(self, lang: str) -> str:
        """Its name in that language."""
        return self.name_ja if lang == "ja" else self.name


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: each field with its patterns, one of which must fit."""

    family: str
    when: tuple[tuple[str, tuple[Pattern, ...]], ...]
    source: str
    date: dt.date

    def weight(self, evidence: Mapping[str, Any]) -> int:
        """How much it asks for, of what fits; 0 where it does not fit."""
        whole = 0
        for field, patterns in self.when:
            text = evidence.get(field)
            best = max((one.weight for one in patterns if one.fits(text)), default=0) if text else 0
            if not best:
                return 0
            whole += best
        return whole


@dataclass(frozen=True, slots=True)
class Signatures:
    """All that are at hand."""

    families: Mapping[str, Family]
    signatures: Sequence[Signature]

    def family(self, evidence: Mapping[str, Any]) -> str | None:
        """The family that one answer tells (columns of `lake.device.EVIDENCE`, and `service`); None: none, or not one alone."""
        best: dict[str, tuple[bool, int]] = {}
        for one in self.signatures:
            weight = one.weight(evidence)
            if weight:
                rank = (not self.families[one.family].generic, weight)
                best[one.family] = max(best.get(one.family, rank), rank)
        if not best:
            return None
        most = max(best.values())
        first = [name for name, rank in best.items() if rank == most]
        return first[0] if len(first) == 1 else None

    def name(self, family: str | None, lang: str) -> str:
        """The family's name; its id where no signature knows it any more."""
        found = self.families.get(family or "")
        return found.text(lang) if found else family or ""


@cache
def built_in() -> Signatures:
    """Those of the package. DataError where one of its files is broken."""
    folder = resources.files("teiten.data") / "device_signatures"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return joined(None, [(one.name, one.read_text("utf-8")) for one in files])


def every(folder: Path | None = None) -> Signatures:
    """The package's, and those of the files (*.toml) in the user's folder. DataError for a bad one, with its line."""
    if folder is None:
        return built_in()
    return joined(built_in(), list(_files(folder)))


def _files(folder: Path) -> Iterable[tuple[str, str]]:
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder} of signatures.", hint="Name one with files *.toml in it.")
    for file in sorted(folder.glob("*.toml")):
        try:
            with file.open("rb") as stream:
                data = stream.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                raise DataError(f"{file} is larger than {_LARGEST >> 20} MiB: that is no file of signatures.")
            yield str(file), data.decode("utf-8")
        except OSError as error:
            raise DataError(f"{file} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise DataError(f"{file}, line {line}: this is no UTF-8.") from None


def joined(before: Signatures | None, files: Iterable[tuple[str, str]]) -> Signatures:
    """Those of the files (name, text) beside others. DataError that names file and line."""
    families = dict(before.families) if before else {}
    signatures = list(before.signatures) if before else []
    texts = list(files)
    parsed = [(name, text, _parsed(name, text)) for name, text in texts]
    for name, text, table in parsed:
        for number, row in enumerate(table.get("family", ())):
            with _Place(name, text, "family", number):
                one = _family(row)
                if one.id in families:
                    raise ValueError(f"the family {one.id} is there already")
                families[one.id] = one
    for name, text, table in parsed:
        for number, row in enumerate(table.get("signature", ())):
            with _Place(name, text, "signature", number):
                signatures.append(_signature(row, families))
                if len(signatures) > _MOST:
                    raise ValueError(f"these are more than {_MOST:,} signatures")
    return Signatures(families, tuple(signatures))


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        where = f", line {line[1]}" if line else ""
        raise DataError(f"{name}{where}: this is no TOML ({str(error).partition(' (at')[0]}).") from None
    except RecursionError:
        raise DataError(f"{name}: this is nested too deeply.") from None
    for key, rows in table.items():
        if key not in ("family", "signature") or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            at = next((n for n, one in enumerate(text.splitlines(), 1) if re.match(rf"\s*\[*\s*\"?{re.escape(key)}\b", one)), 1)
            raise DataError(f"{name}, line {at}: a file of signatures holds [[family]] and [[signature]] alone, not '{key}'.")
    return table


class _Place:
    """Says where in the file a ValueError arose: the line of the n-th table of that name."""

    def __init__(self, name: str, text: str, kind: str, number: int) -> None:
        self.name, self.text, self.kind, self.number = name, text, kind, number

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, ValueError):
            return
        heads = [
            n for n, line in enumerate(self.text.splitlines(), 1) if re.match(rf"\s*\[\[\s*\"?{self.kind}\"?\s*\]\]", line)
        ]
        line = heads[self.number] if self.number < len(heads) else 1
        raise DataError(f"{self.name}, line {line}: {error}.") from None


def _family(row: Mapping[str, Any]) -> Family:
    if unknown := set(row) - _FAMILY:
        raise ValueError(f"a family has no '{min(unknown)}'")
    for key in ("id", "name", "vendor", "kind"):
        if not isinstance(row.get(key), str) or not row[key] or len(row[key]) > 100:
            raise ValueError(f"a family has a text '{key}'")
    if not _ID.fullmatch(row["id"]):
        raise ValueError(f"the id '{row['id']}' is made of small letters, digits, - and _")
    if row["kind"] not in KINDS:
        raise ValueError(f"'{row['kind']}' is no kind of device (these are {', '.join(KINDS)})")
    ja = row.get("name_ja", row["name"])
    if not isinstance(ja, str) or not isinstance(row.get("generic", False), bool):
        raise ValueError("name_ja is a text, generic is true or false")
    return Family(row["id"], row["name"], ja, row["vendor"], row["kind"], row.get("generic", False))


def _signature(row: Mapping[str, Any], families: Mapping[str, Family]) -> Signature:
    if unknown := set(row) - _SIGNATURE:
        raise ValueError(f"a signature has no '{min(unknown)}' (fields are {', '.join(FIELDS)})")
    if row.get("family") not in families:
        raise ValueError(f"there is no family '{row.get('family')}'")
    if not isinstance(row.get("source"), str) or not row["source"].strip():
        raise ValueError("a signature says its source")
    if not isinstance(row.get("date"), dt.date) or isinstance(row["date"], dt.datetime):
        raise ValueError("a signature says its date, such as 2026-11-23")
    when = []
    for field in FIELDS:
        if field in row:
            given = row[field] if isinstance(row[field], list) else [row[field]]
            if not given or len(given) > 100:
                raise ValueError(f"'{field}' has between 1 and 100 patterns")
            when.append((field, tuple(compiled(one) for one in given)))
    if not [field for field, _ in when if field != "service"]:
        raise ValueError("a signature asks for something: one of " + ", ".join(FIELDS[:-1]))
    return Signature(row["family"], tuple(when), row["source"], row["date"])
