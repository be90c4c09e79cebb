"""Dated data sets of countries and AS numbers: the package's own and those that the user imported.

A data set is a folder `KIND-NAME-DATE`: `about.json` (what it is, its licence, what it asks to be said), `v4.xz` and
`v6.xz` (see `_table`), `names.xz` (a line of the codes' differences, then a line for each code: an alpha-2 code, or an
AS's name). What is written once is never changed, since events say which data set answered for them.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import lzma
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten import data
from teiten.enrich._table import Table, decode, encode, squeeze
from teiten.errors import DataError, UsageError

Kind = Literal["country", "asn"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
FORMAT: Final = 1
OLD_AFTER: Final = dt.timedelta(days=90)
"""Addresses change hands: a country database three years old agrees with today's on 85 %."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a page that shows results of a data set must say: `text`, linked to `url` where there is one.

    `text` is the link in the licence's own words, which are not translated; `line` puts it into a sentence.
    """

    name: str
    date: dt.date | None
    text: str
    url: str | None
    licence: str | None
    kind: Kind | None = None

    def line(self, lang: str) -> str:
        """A line in 'ja' or 'en' for a page's foot, with the text of the link in it."""
        when = f" {self.date.isoformat()}" if self.date else ""
        licence = f" ({self.licence})" if self.licence else ""
        if lang == "ja":
            what = {"country": "国の判定", "asn": "AS番号の判定", None: "判定"}[self.kind]
            return f"{what}: {self.text}{licence}、{self.name}{when}"
        what = {"country": "Countries", "asn": "AS numbers", None: "Data"}[self.kind]
        return f"{what}: {self.text}{licence}, {self.name}{when}"


@dataclass(frozen=True)
class DataSet:
    """One data set on disk; its tables are read when they are first asked for, IPv6 apart from IPv4."""

    folder: Path
    kind: Kind
    name: str
    date: dt.date
    licence: str | None
    source: str
    entries: dict[str, int]
    links: tuple[tuple[str, str | None], ...]
    own: bool
    """True where the user imported it"""

    @property
    def id(self) -> str:
        """As it stands in the column `geo_db`."""
        return f"{self.name}-{self.date.isoformat()}"

    @functools.cached_property
    def v4(self) -> Table:
        return self._table(4)

    @functools.cached_property
    def v6(self) -> Table:
        return self._table(6)

    def table(self, family: int) -> Table:
        """IPv4's (4) or IPv6's (6)."""
        return self.v4 if family == 4 else self.v6

    def _table(self, family: int) -> Table:
        path = self.folder / f"v{family}.xz"
        try:
            return decode(family, path.read_bytes())
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}.", hint=self._repair()) from None

    def _repair(self) -> str:
        return f"Remove {self.folder} and import it again." if self.own else "Install teiten again."

    @functools.cached_property
    def _names(self) -> tuple[npt.NDArray[np.uint32], pl.Series]:
        path = self.folder / "names.xz"
        try:
            steps, *texts = lzma.decompress(path.read_bytes()).decode("utf-8").splitlines()
            codes = np.cumsum(np.array(steps.split(), dtype=np.int64)).astype(np.uint32)
            if len(codes) != len(texts):
                raise ValueError(f"{len(codes)} codes, but {len(texts)} names")
            return codes, pl.Series(texts, dtype=pl.String)
        except (OSError, ValueError, lzma.LZMAError) as error:
            raise DataError(f"{path} cannot be read: {error}.", hint=self._repair()) from None

    def coded_names(self) -> tuple[npt.NDArray[np.uint32], Sequence[str]]:
        """Codes in rising order, and the text of each."""
        codes, names = self._names
        return codes, names.to_list()

    def texts(self, codes: npt.NDArray[np.uint32]) -> pl.Series:
        """(n) codes -> (n) alpha-2 codes or AS names, null where the code has none."""
        known, names = self._names
        if not len(known):
            return pl.Series([None] * len(codes), dtype=pl.String)
        at = np.searchsorted(known, codes).clip(max=len(known) - 1)
        found = pl.Series(at.astype(np.uint32)).set(pl.Series(known[at] != codes), None)
        return names.gather(found)

    def code(self, text: str) -> int | None:
        """The code of an alpha-2 code; None where the data set has none of it."""
        known, names = self._names
        at = names.index_of(text)
        return None if at is None else int(known[at])

    @property
    def attributions(self) -> list[Attribution]:
        return [Attribution(self.name, self.date, text, url, self.licence, self.kind) for text, url in self.links]


def package_folder() -> Path:
    """Where the package's own data sets lie."""
    return Path(data.__file__).parent / "geo"


def user_folder() -> Path:
    """Where `teiten geo import` writes: $TEITEN_DATA, else $XDG_DATA_HOME/teiten/geo, else ~/.local/share/teiten/geo."""
    named = os.environ.get("TEITEN_DATA")
    if named:
        return Path(named) / "geo"
    shared = os.environ.get("XDG_DATA_HOME")
    return (Path(shared) if shared else Path.home() / ".local/share") / "teiten/geo"


def _open(folder: Path, own: bool) -> DataSet:
    path = folder / "about.json"
    hint = f"Remove {folder} and import it again." if own else "Install teiten again."
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise DataError(f"{path} is of format {about['format']}; I know {FORMAT}.", hint=hint)
        if about["kind"] not in KINDS:
            raise ValueError(f"unknown kind {about['kind']!r}")
        return DataSet(
            folder=folder,
            kind=about["kind"],
            name=str(about["name"]),
            date=dt.date.fromisoformat(about["date"]),
            licence=about["licence"],
            source=str(about["source"]),
            entries={str(k): int(v) for k, v in about["entries"].items()},
            links=tuple((str(text), url) for text, url in about["links"]),
            own=own,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read: {error}.", hint=hint) from None


@functools.cache
def _catalogue(user: Path) -> tuple[DataSet, ...]:
    found = []
    for base, own in ((package_folder(), False), (user, True)):
        if base.is_dir():
            found += [_open(d, own) for d in sorted(base.iterdir()) if re.match(r"(country|asn)-", d.name) and d.is_dir()]
    # of two of the same day the user's own counts: `of_day` takes the last
    return tuple(sorted(found, key=lambda d: (KINDS.index(d.kind), d.date, d.own, d.name)))


def catalogue() -> tuple[DataSet, ...]:
    """Every data set at hand, by kind and date. DataError where one is broken."""
    return _catalogue(user_folder())


def forget() -> None:
    """Looks again at the folders when next asked (after an import)."""
    _catalogue.cache_clear()


def of_kind(kind: Kind) -> list[DataSet]:
    """The data sets of a kind, oldest first."""
    return [d for d in catalogue() if d.kind == kind]


def of_day(kind: Kind, day: dt.date) -> DataSet | None:
    """The newest data set not later than that day, else the oldest there is; None where there is none of the kind."""
    known = of_kind(kind)
    earlier = [d for d in known if d.date <= day]
    return earlier[-1] if earlier else known[0] if known else None


def attributions(geo_dbs: Iterable[str | None]) -> list[Attribution]:
    """What must be said on a page whose events have these values of `geo_db`; each once, countries' first.

    A data set that is no longer at hand is named as it stands in the events.
    """
    known = {d.id: d for d in catalogue()}
    wanted = sorted({part for text in geo_dbs if text for part in text.split("+")})
    out: list[Attribution] = []
    for part in sorted(wanted, key=lambda p: (p in known and known[p].kind == "asn", p)):
        if part in known:
            out += known[part].attributions
            continue
        match = re.fullmatch(r"(.+)-(\d{4}-\d{2}-\d{2})", part)
        name, date = (match[1], dt.date.fromisoformat(match[2])) if match else (part, None)
        out.append(Attribution(name, date, name, None, None))
    return out


def write(
    folder: Path,
    *,
    kind: Kind,
    name: str,
    date: dt.date,
    licence: str | None,
    source: str,
    links: list[tuple[str, str | None]],
    tables: tuple[Table, Table],
    names: dict[int, str],
) -> DataSet:
    """Writes a data set into `folder`, whole or not at all. UsageError where another one has its name and date."""
    target = folder / f"{kind}-{name}-{date.isoformat()}"
    about = {
        "format": FORMAT,
        "kind": kind,
        "name": name,
        "date": date.isoformat(),
        "licence": licence,
        "source": source,
        "entries": {f"v{t.family}": len(t) for t in tables} | {"names": len(names)},
        "links": [list(link) for link in links],
    }
    steps = np.diff(np.array(sorted(names), dtype=np.int64), prepend=0)
    lines = "\n".join([" ".join(map(str, steps)), *(" ".join(names[code].split()) for code in sorted(names)), ""])
    parts = {f"v{t.family}.xz": encode(t) for t in tables}
    parts["names.xz"] = squeeze(lines.encode())
    parts["about.json"] = (json.dumps(about, ensure_ascii=False, indent=2) + "\n").encode()
    if target.exists():
        if all((target / part).is_file() and (target / part).read_bytes() == content for part, content in parts.items()):
            return _open(target, own=True)
        raise UsageError(
            f"Another data set is called {name} of {date.isoformat()} already ({target}).",
            hint="Events may name it as their source: give this one another --name or --date.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as scratch:
        new = Path(scratch) / "set"
        new.mkdir()
        for part, content in parts.items():
            with (new / part).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        shutil.copymode(folder, new)
        new.rename(target)
    forget()
    return _open(target, own=True)
