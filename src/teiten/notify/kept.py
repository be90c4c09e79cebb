"""Who was told of what, when: `notify/told.jsonl` in the lake, to which lines are only ever added, and synced at once.

    prepared    a letter: to whom, its hosts with their evidence, the SHA-256 of its bytes
    withdrawn   another preparation took its place before it was sent
    sending     its bytes are handed to the mail server from here on
    sent        the server took it, or somebody says so (`by`: hand)
    failed      the server refused it; it waits
    decided     of a letter in doubt somebody says that it went out, or that it did not

What was `sending` when the program was killed may or may not have gone out: it is in doubt. It counts as told, is not sent
again by itself, and is named each time until somebody decides.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten import disk
from teiten.errors import LakeBusyError, LakeError

FOLDER: Final = "notify"
NAME: Final = "told.jsonl"
STATES: Final = ("prepared", "doubt", "sent", "withdrawn")
KINDS: Final = ("prepared", "withdrawn", "sending", "sent", "failed", "decided")


@dataclass(slots=True)
class Told:
    """One letter, and what became of it. hosts: address -> its evidence (`Host.evidence`)."""

    id: str
    at: str
    """when it was prepared, ISO 8601 in UTC"""
    mail: str
    name: str
    language: str
    folder: str
    digest: str
    subject: str
    hosts: dict[str, str]
    packets: int
    networks: tuple[str, ...] = ()
    """AS numbers and prefixes of its hosts, as text"""
    state: str = "prepared"
    sent: str = ""
    by: str = ""
    """'mail', or 'hand'"""
    why: str = ""
    """why it could not be sent the last time"""
    first: str = ""
    last: str = ""


@dataclass(slots=True)
class Book:
    """Every letter in the order in which they were prepared. torn: the last line was not written whole (a kill)."""

    letters: dict[str, Told] = field(default_factory=dict)
    torn: bool = False

    def told(self, mail: str) -> dict[str, tuple[str, frozenset[str]]]:
        """Address -> when that contact was last told of it (ISO), and of which rules; a letter in doubt counts."""
        out: dict[str, tuple[str, frozenset[str]]] = {}
        for letter in self.letters.values():
            if letter.mail == mail and letter.state in ("sent", "doubt"):
                for address, evidence in letter.hosts.items():
                    held = out.get(address)
                    if held is None or held[0] <= letter.sent:
                        out[address] = (letter.sent, frozenset(evidence.split()))
        return out

    def about(self, address: str) -> list[Told]:
        """The letters that name that address and went out, or may have; the latest first."""
        found = [one for one in self.letters.values() if one.state in ("sent", "doubt") and address in one.hosts]
        return sorted(found, key=lambda one: one.sent, reverse=True)

    def waiting(self, folder: str) -> list[Told]:
        """Letters of a folder that were prepared and not sent."""
        return [one for one in self.letters.values() if one.state == "prepared" and one.folder == folder]


def load(lake: Path) -> Book:
    """What is known. LakeError where it cannot be read, or understood."""
    file = lake / FOLDER / NAME
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return Book()
    except OSError as error:
        raise LakeError(f"{file} cannot be read: {error.strerror}.") from None
    book, lines = Book(), content.split(b"\n")
    book.torn = bool(lines.pop())
    for number, line in enumerate(lines, 1):
        if not line:
            continue  # a torn line that was ended
        try:
            _take(book, json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            if number == len(lines) or _torn(line):
                continue
            raise LakeError(
                f"{file}, line {number}, cannot be understood.",
                hint="It says who was told: bring it back from a backup, or mend that line.",
            ) from None
    return book


def _torn(line: bytes) -> bool:
    """A line that a kill cut: it does not end as one does, and the next run has begun a new one."""
    return not line.endswith(b"}")


def _take(book: Book, row: Mapping[str, Any]) -> None:
    what, number = row["what"], str(row["id"])
    if what not in KINDS:
        raise ValueError("no such kind")
    if what == "prepared":
        contact = row["contact"]
        book.letters[number] = Told(
            number, str(row["at"]), str(contact["mail"]), str(contact["name"]), str(contact["language"]), str(row["folder"]),
            str(row["digest"]), str(row["subject"]), {str(a): str(e) for a, e in row["hosts"]}, int(row["packets"]),
            tuple(map(str, row["networks"])), first=str(row["first"]), last=str(row["last"]),
        )  # fmt: skip
        return
    letter = book.letters[number]
    if what == "withdrawn":
        letter.state = "withdrawn"
    elif what == "sending":
        letter.state, letter.sent, letter.by = "doubt", str(row["at"]), "mail"
    elif what == "sent":
        letter.state, letter.sent, letter.by, letter.why = "sent", str(row["at"]), str(row.get("by", "mail")), ""
    elif what == "failed":
        letter.state, letter.sent, letter.by, letter.why = "prepared", "", "", str(row["why"])
    else:
        letter.state = "sent" if row["sent"] else "prepared"
        if not row["sent"]:
            letter.sent = letter.by = ""


@contextlib.contextmanager
def writing(lake: Path) -> Iterator[Writer]:
    """The book to write in, for this run alone. LakeBusyError where another run has it, LakeError."""
    folder = lake / FOLDER

    def cannot(error: OSError) -> LakeError:
        return LakeError(f"{folder} cannot be written: {error.strerror}.", hint="It keeps who was told.")

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot(error) from None
    busy = LakeBusyError("Another `teiten notify` is running on this lake.", hint="Wait until it has ended.")
    with disk.alone(folder / ".lock", cannot, busy):
        yield Writer(folder / NAME, load(lake))


class Writer:
    """Adds lines, each on the disk before it returns; the book follows."""

    def __init__(self, file: Path, book: Book) -> None:
        self.file, self.book = file, book

    def add(self, *rows: Mapping[str, Any]) -> None:
        """Those lines, at once. LakeError: none of them counts (a torn one is passed over)."""
        if not rows:
            return
        text = "".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) + "\n" for row in rows)
        new = not self.file.exists()
        try:
            with self.file.open("ab") as sink:
                sink.write((b"\n" if self.book.torn else b"") + text.encode())
                sink.flush()
                os.fsync(sink.fileno())
            if new:
                disk.sync_folder(self.file.parent)
        except OSError as error:
            self.book.torn = True
            raise LakeError(f"{self.file} cannot be written: {error.strerror}.", hint="Nothing is sent until it can.") from None
        self.book.torn = False
        for row in rows:
            _take(self.book, row)

    def state(self, what: str, letter: Told, **more: Any) -> None:
        """What becomes of a letter, now."""
        self.add({"what": what, "id": letter.id, "at": moment(), **more})


def forget(lake: Path, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> int:
    """Takes the addresses of a prefix out of all letters: how many there were. The file is put in place whole. LakeError."""
    if not (lake / FOLDER / NAME).is_file():
        return 0
    with writing(lake) as writer:
        gone, out = 0, []
        for line in writer.file.read_bytes().split(b"\n"):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if row.get("what") == "prepared":
                kept = [pair for pair in row["hosts"] if not _inside(pair[0], network)]
                gone += len(row["hosts"]) - len(kept)
                row["hosts"] = kept
            out.append(json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
        if gone:
            try:
                disk.write_whole(writer.file, b"".join(out))
            except OSError as error:
                raise LakeError(f"{writer.file} cannot be written: {error.strerror}.") from None
        return gone


def holds(lake: Path, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> int:
    """How many mentions of addresses of that prefix there are. LakeError."""
    return sum(_inside(address, network) for letter in load(lake).letters.values() for address in letter.hosts)


def _inside(address: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    found = ipaddress.ip_address(address)
    return found.version == network.version and found in network


def moment(at: dt.datetime | None = None) -> str:
    """That time, or now, as it is kept: ISO 8601 in UTC, to the second."""
    return (at or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).isoformat(timespec="seconds")


def rows_of(letters: Sequence[Told]) -> list[dict[str, Any]]:
    """Letters as rows for tables and programs, the latest first."""
    return [
        {
            "id": one.id, "prepared": one.at, "state": one.state, "sent": one.sent or None, "by": one.by or None,
            "mail": one.mail or None, "name": one.name or None, "hosts": len(one.hosts), "packets": one.packets,
            "networks": " ".join(one.networks), "subject": one.subject, "why": one.why or None,
        }
        for one in sorted(letters, key=lambda one: (one.sent or one.at, one.id), reverse=True)
    ]  # fmt: skip
