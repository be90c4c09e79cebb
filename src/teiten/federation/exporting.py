"""What is new or has changed of the settled days, as the next contribution of the member's chain; what would go, without going.

The chain is kept in `<user data>/federation/<federation>-<member>.jsonl`, a line a contribution: sequence, digest, and of
each day from what it was counted and what it told. A line is on disk before its file is: a number is used once, whatever is
killed when.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from teiten import __version__, disk
from teiten.errors import TeitenError, UsageError
from teiten.federation import counting, form, keys, telling
from teiten.federation.form import Head
from teiten.federation.keys import Signer
from teiten.federation.telling import Row
from teiten.lake import rollup
from teiten.publish import leaks

if TYPE_CHECKING:
    from teiten.federating import Federating
    from teiten.lake import Lake
    from teiten.settings import Settings

Progress = Callable[[int, int], None]
VERSION: Final = 1
"""of what is counted: raised, and every day is told anew"""


@dataclass(frozen=True, slots=True)
class Link:
    """A contribution that was made. days: day -> from what it was counted, and a digest of its rows."""

    sequence: int
    digest: str
    days: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What would go: rows of the days that are new or have changed."""

    days: tuple[dt.date, ...]
    rows: Sequence[Row]
    marks: Mapping[str, tuple[str, str]]
    withheld: Mapping[str, tuple[int, int]]
    """what -> things of those days that were told, and that were withheld"""
    unchanged: int
    """days that were looked at and are as they were told"""


def check(rules: Federating) -> None:
    """UsageError where nobody knows of which federation, or who."""
    if not rules.name or not rules.member:
        raise UsageError(
            "[federation] of teiten.toml names no federation, or not you in it.",
            hint='Write [federation] with name = "three-friends" and member = "ume".',
        )


@contextlib.contextmanager
def chain(rules: Federating) -> Iterator[tuple[Path, list[Link]]]:
    """The member's chain, held by this process alone. TeitenError where it cannot be, or is none."""
    check(rules)
    place = keys.folder()
    path = place / f"{rules.name}-{rules.member}.jsonl"

    def cannot(error: OSError) -> TeitenError:
        return TeitenError(f"{path} cannot be written: {error.strerror}.", hint="Set $TEITEN_DATA to another place.")

    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise cannot(error) from None
    busy = TeitenError(f"Another process is exporting for {rules.member} just now.", hint="Wait for it to end.")
    with disk.alone(path, cannot, busy, mode=0o600):
        yield path, _links(path)


def _links(path: Path) -> list[Link]:
    text = path.read_text(encoding="utf-8")
    # a line that a kill cut has no end: nothing was written for it
    whole = text[: text.rfind("\n") + 1]
    if len(whole) < len(text):
        with path.open("r+", encoding="utf-8") as out:
            out.truncate(len(whole.encode()))
    try:
        found = [json.loads(line) for line in whole.splitlines()]
        return [
            Link(int(one["sequence"]), str(one["digest"]), {d: (m[0], m[1]) for d, m in one["days"].items()}) for one in found
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise TeitenError(
            f"{path} is no chain of contributions ({type(error).__name__}).",
            hint="Bring it back from a copy; or remove it and name the last contribution with --after.",
        ) from None


def draft(
    lake: Lake, settings: Settings, signer: Signer, links: Sequence[Link], today: dt.date,
    span: tuple[dt.date | None, dt.date | None] = (None, None), *, again: bool = False, progress: Progress | None = None,
) -> Draft:  # fmt: skip
    """The days, older than the delay and within the span, whose rows are not those that were told last. again: all of them."""
    rules = settings.federating
    last = today - dt.timedelta(days=rules.delay + 1)
    basis = rollup.wanted(lake, settings.zone_name)
    gone = lake.dropped_days(settings.zone_name)
    asked = [
        day for day in sorted(basis)
        if day <= last and day not in gone and (span[0] or day) <= day <= (span[1] or day)
    ][-form.MOST_DAYS :]  # fmt: skip
    told = {day: mark for link in links for day, mark in link.days.items()}
    ruled = hashlib.sha256(repr((VERSION, telling.said(rules))).encode()).hexdigest()[:12]
    rows: list[Row] = []
    marks: dict[str, tuple[str, str]] = {}
    taken: dict[str, list[int]] = {}
    unchanged = 0
    for done, day in enumerate(asked):
        if progress is not None:
            progress(done, len(asked))
        mark, before = f"{basis[day].batch}-{basis[day].forgotten}-{ruled}", told.get(f"{day}", ("", ""))
        if mark == before[0] and not again:
            unchanged += 1
            continue
        counted = counting.count(lake, settings, day)
        own = telling.tell(counted, rules, signer.noise)
        digest = hashlib.sha256(form.body_of(own).encode()).hexdigest()
        if digest == before[1] and not again:
            unchanged += 1
            continue
        rows += own
        marks[f"{day}"] = (mark, digest)
        for what, figures in counted.figures.items():
            if what != "all":
                shown = sum(1 for _, kind, *_ in own if kind == what)
                sums = taken.setdefault(what, [0, 0])
                sums[0], sums[1] = sums[0] + shown, sums[1] + len(figures) - shown
    days = tuple(dt.date.fromisoformat(day) for day in sorted(marks))
    return Draft(days, rows, marks, {what: (a, b) for what, (a, b) in taken.items()}, unchanged)


def sealed(
    settings: Settings, signer: Signer, found: Draft, links: Sequence[Link], made: dt.datetime, secret: Iterable[bytes]
) -> tuple[str, bytes, Link]:
    """The file's name, its bytes, and its link of the chain. TeitenError where it would name one of the secret addresses."""
    rules = settings.federating
    before = links[-1] if links else Link(0, "", {})
    head = Head(
        rules.name, rules.member, signer.id, before.sequence + 1, before.digest, made, settings.zone_name, found.days,
        rules.kind, rules.region, rules.label, telling.said(rules), f"teiten {__version__}",
    )  # fmt: skip
    data = form.write(head, form.body_of(found.rows), signer)
    name = f"{rules.name}-{rules.member}-{head.sequence:06d}{form.SUFFIX}"
    if len(data) > form.LARGEST:
        raise TeitenError(
            f"Nothing was exported: {len(found.days)} days have {len(data):,} bytes, and nobody takes more than"
            f" {form.LARGEST:,} in one file.",
            hint="Export fewer days at a time with --from and --to, or set pairs = false.",
        )
    addresses = set(secret)
    # not the sketch: in random digits any short number is found by chance, and it holds hashes of sources alone
    plain = b"\n".join(line for line in data.split(b"\n") if b"\tsketch\t" not in line and not line.startswith(b"ed25519 "))
    if leaks.find({name: plain}, addresses) is not None:
        raise TeitenError(
            "Nothing was exported: the contribution would name an address of a sensor.",
            hint="Is a label, a region or a name of [federation] an address? Word it otherwise.",
        )
    return name, data, Link(head.sequence, hashlib.sha256(data).hexdigest(), found.marks)


def put(out: Path, name: str, data: bytes, path: Path, link: Link) -> Path:
    """Writes the link to the chain, then the file; each whole and on disk. TeitenError where that cannot be."""
    line = {"sequence": link.sequence, "digest": link.digest, "days": {day: list(mark) for day, mark in link.days.items()}}
    place = out / name
    try:
        out.mkdir(parents=True, exist_ok=True)
        if place.exists():
            raise TeitenError(f"{place} is there already, and was left as it is.", hint="Name another folder with --out.")
        with path.open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(line, sort_keys=True) + "\n")
            sink.flush()
            os.fsync(sink.fileno())
        disk.write_whole(place, data)
    except OSError as error:
        raise TeitenError(f"{place} cannot be written: {error.strerror}.", hint="Run it again with --again.") from None
    return place


def after(file: Path, rules: Federating, signer: Signer) -> Link:
    """The link of a contribution of one's own that lies in a file, for a chain that was lost. TeitenError for another's."""
    found = form.opened(form.read(file), signer.public)
    if (found.head.federation, found.head.member) != (rules.name, rules.member):
        raise UsageError(f"{file} is of {found.head.member} in {found.head.federation}, and not yours.")
    return Link(found.head.sequence, found.digest, {})


def summary(found: Draft) -> list[dict[str, Any]]:
    """What of the things of those days goes, and what is withheld: what, told, withheld."""
    return [{"what": what, "told": told, "withheld": gone} for what, (told, gone) in found.withheld.items()]
