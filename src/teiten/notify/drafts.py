"""A folder of letters: made at once and put in place whole, read again before anything of it is sent.

teiten-notify/index.csv           a line a letter: to whom, how many hosts, what leads to the contact, its folder
teiten-notify/summary.json        of how many hosts each reason left how many out
teiten-notify/0001-AS64500/       mail.eml, hosts.csv, shadowserver.csv, iodef.xml, xarf.mbox, xarf.jsonl
teiten-notify/unknown/            hosts.csv and networks.csv of those whose contact is not known
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from teiten import inert
from teiten.errors import TeitenError, UsageError
from teiten.notify import forms, group, letters, tables
from teiten.notify.contacts import Contacts
from teiten.notify.group import Group, Letter
from teiten.notify.hosts import Found
from teiten.notify.kept import Book, Told, Writer, moment
from teiten.publish import leaks
from teiten.settings import Settings

INDEX: Final = "index.csv"
SUMMARY: Final = "summary.json"
UNKNOWN: Final = "unknown"
COLUMNS: Final = (
    "id",
    "folder",
    "mail",
    "name",
    "language",
    "zone",
    "claim",
    "part",
    "parts",
    "hosts",
    "packets",
    "networks",
    "contact_from",
)
_UUID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ENCODED: Final = re.compile(r'"payload": "([A-Za-z0-9+/=]+)"')


@dataclass(slots=True)
class Plan:
    """What a preparation came to. Every host found is in exactly one of: prepared, unknown, told, beyond, left_out."""

    letters: list[tuple[str, Letter]] = field(default_factory=list)
    """id and letter"""
    nobody: Group = field(default_factory=lambda: Group(group.NOBODY))
    """hosts whose contact is not known"""
    found: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    told: int = 0
    beyond: int = 0

    @property
    def prepared(self) -> int:
        return sum(len(letter.hosts) for _, letter in self.letters)

    @property
    def unknown(self) -> int:
        return len(self.nobody.hosts)


def plan(found: Found, contacts: Contacts, book: Book, settings: Settings, now: dt.datetime) -> Plan:
    """Which letters there are to be."""
    rules = settings.notifying
    out = Plan(found=len(found.hosts) + sum(found.left_out.values()), left_out=dict(found.left_out))
    known, out.nobody = group.groups(found.hosts, contacts, rules, settings.zone_name)
    for one in known:
        group.untold(one, book, rules, now)
        out.told += one.told
        parts = group.letters(one, rules)
        out.beyond += parts[0].beyond if parts else 0
        out.letters += [(letters.new_id(now), part) for part in parts]
    return out


def checked(settings: Settings) -> None:
    """UsageError where the settings do not say who tells."""
    own = settings.notifying
    if not own.name or not own.mail:
        raise UsageError(
            "[notify] does not say who tells: operators want to know whom to answer.",
            hint='Write name = "Example CSIRT" and mail = "notify@example.org".',
        )


def write(
    made: Plan, found: Found, folder: Path, settings: Settings, now: dt.datetime, wanted: tuple[str, ...], writer: Writer
) -> list[Told]:
    """Writes the folder, whole or not at all, in place of an earlier one; notes the letters down, and the folder's earlier ones
    that were not sent as withdrawn; answers these.

    TeitenError where a file would name an address of a sensor: then nothing is written.
    """
    if folder.exists() and not (folder / INDEX).is_file() and any(folder.iterdir()):
        raise UsageError(f"{folder} is no folder of letters, and is not empty.", hint="Name another with --out.")
    if any(one.state == "doubt" and one.folder == str(folder.resolve()) for one in writer.book.letters.values()):
        raise UsageError(
            f"A letter of {folder} is in doubt: whether it went out is not known.",
            hint="teiten notify told names it; say what became of it with --went-out or --not-sent, then prepare again.",
        )
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    index, rows = [], []
    try:
        new.mkdir(parents=True)
        for number, (id_, letter) in enumerate(made.letters, 1):
            name = _name(number, letter)
            (new / name).mkdir()
            digest = ""
            for file, content in forms.files(letter, id_, settings, now, wanted):
                look(content, found.own, file)
                (new / name / file).write_bytes(content)
                digest = hashlib.sha256(content).hexdigest() if file == forms.MAIL else digest
            index.append(_line(id_, name, letter))
            rows.append(_prepared(id_, name, letter, digest, folder, settings, now))
        _unknown(made.nobody, new, found)
        (new / INDEX).write_bytes(_index(COLUMNS, index))
        (new / SUMMARY).write_text(json.dumps(summary(made), indent=1) + "\n")
        old = writer.book.waiting(str(folder.resolve()))
        if folder.exists():
            shutil.rmtree(folder)
        new.replace(folder)
    except OSError as error:
        raise TeitenError(f"{folder} cannot be written: {error.strerror}.", hint="Make room, or name another place.") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
    at = moment(now)
    writer.add(*({"what": "withdrawn", "id": one.id, "at": at} for one in old), *rows)
    return old


def _name(number: int, letter: Letter) -> str:
    numbers = {host.asn for host in letter.hosts}
    only = next(iter(numbers)) if len(numbers) == 1 else None
    what = "AS-unknown" if numbers == {None} else f"AS{only}" if only is not None else f"{len(numbers)}-networks"
    return f"{number:04d}-{what}"


def _unknown(nobody: Group, new: Path, found: Found) -> None:
    """Hosts that nobody can be told of, and the networks whose contacts are to be looked for, largest first."""
    if not nobody.hosts:
        return
    (new / UNKNOWN).mkdir()
    counts: dict[tuple[str, str, str], int] = {}
    for host in nobody.hosts:
        key = ("" if host.asn is None else str(host.asn), host.as_name, host.country or "")
        counts[key] = counts.get(key, 0) + 1
    lines = [
        {"asn": asn, "as_name": name, "country": country, "hosts": n}
        for (asn, name, country), n in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]
    tables_ = {
        "hosts.csv": tables.table("csv", nobody.hosts, nobody.contact, {}, ""),
        "networks.csv": _index(("asn", "as_name", "country", "hosts"), lines),
    }
    for name, content in tables_.items():
        look(content, found.own, name)
        (new / UNKNOWN / name).write_bytes(content)


def _line(id_: str, name: str, letter: Letter) -> dict[str, Any]:
    contact = letter.group.contact
    return {
        "id": id_, "folder": name, "mail": contact.mail, "name": contact.name, "language": contact.language,
        "zone": contact.zone, "claim": letters.claim(letter), "part": letter.part, "parts": letter.parts,
        "hosts": len(letter.hosts),
        "packets": sum(host.packets for host in letter.hosts), "networks": " ".join(networks(letter)),
        "contact_from": contact.place,
    }  # fmt: skip


def networks(letter: Letter) -> list[str]:
    """AS numbers and prefixes of a letter, as short texts."""
    found = [part for name, prefix, _ in letter.networks for part in (name.split(" ")[0], prefix) if part]
    return list(dict.fromkeys(found))[: letters.NETWORKS]


def _prepared(
    id_: str, name: str, letter: Letter, digest: str, folder: Path, settings: Settings, now: dt.datetime
) -> dict[str, Any]:
    from teiten import lang

    contact = letter.group.contact
    return {
        "what": "prepared", "id": id_, "at": moment(now),
        "contact": {"mail": contact.mail, "name": contact.name, "language": contact.language},
        "folder": str(folder.resolve()), "digest": digest,
        "subject": letters.subject(letter, id_, lang.words(contact.language)),
        "hosts": [[host.address, host.evidence] for host in letter.hosts],
        "packets": sum(host.packets for host in letter.hosts), "networks": networks(letter),
        "first": moment(min(host.first for host in letter.hosts)), "last": moment(max(host.last for host in letter.hosts)),
    }  # fmt: skip


def _index(columns: Sequence[str], lines: Sequence[dict[str, Any]]) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([inert.cell(inert.line(str(line[name]))) for name in columns] for line in lines)
    return sink.getvalue().encode("utf-8-sig")


def summary(made: Plan) -> dict[str, Any]:
    """How many hosts are where; they add up to `hosts_found`."""
    return {
        "hosts_found": made.found, "hosts_prepared": made.prepared, "hosts_nobody_known": made.unknown,
        "hosts_told_already": made.told,
        "hosts_next_time": made.beyond, "hosts_left_out": dict(sorted(made.left_out.items())), "letters": len(made.letters),
    }  # fmt: skip


def look(content: bytes, secret: set[bytes], name: str) -> None:
    """TeitenError where the file names an address that packets were sent to, in whatever way it is encoded."""
    texts = {name: _UUID.sub(b"", content)}
    if name.endswith(".eml"):
        texts = parts(content)
    elif name.endswith(".jsonl"):
        import base64

        text = texts[name].decode("utf-8", "replace")
        texts[name] = _ENCODED.sub(lambda found: base64.b64decode(found[1]).decode("utf-8", "replace"), text).encode()
    if leaks.find(texts, secret) is not None:
        raise TeitenError("Nothing was written: a letter would name an address of a sensor.")


def parts(mail: bytes) -> dict[str, bytes]:
    """The head and every part of a mail, decoded: what its reader sees. ValueError for what is no mail."""
    told = message_from_bytes(mail, policy=policy.default)
    if not isinstance(told, EmailMessage):
        raise ValueError("no mail")
    out = {"head": "\n".join(f"{key}: {value}" for key, value in heads(mail) if key.lower() != "content-type").encode()}
    for number, part in enumerate(told.walk()):
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            out[part.get_filename() or f"part-{number}.txt"] = content if isinstance(content, bytes) else b""
    return out


def heads(mail: bytes) -> list[tuple[str, str]]:
    """Names and texts of a mail's head. The words of RFC 2047 are put together as it says, which Python's own reading of
    addresses does not do."""
    told = message_from_bytes(mail, policy=policy.compat32)
    out = []
    for key, value in told.items():
        try:
            out.append((key, " ".join(str(make_header(decode_header(str(value)))).split())))
        except (ValueError, LookupError):
            out.append((key, str(value)))
    return out


# what will go ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter that waits, with the bytes that would be sent. trouble: why it cannot be."""

    letter: Told
    file: Path
    content: bytes = b""
    trouble: str = ""


def ready(folder: Path, book: Book) -> list[Ready]:
    """The letters of a folder that wait, in its order. UsageError where it is no such folder."""
    if not (folder / INDEX).is_file():
        raise UsageError(f"{folder} is no folder of letters.", hint="Make one with teiten notify prepare.")
    try:
        text = (folder / INDEX).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise TeitenError(f"{folder / INDEX} cannot be read.", hint="Prepare the letters again.") from None
    out, known = [], {one.id: one for one in book.waiting(str(folder.resolve()))}
    for line in csv.DictReader(io.StringIO(text, newline="")):
        letter = known.pop(str(line.get("id")), None)
        if letter is None:
            continue
        file = folder / Path(str(line.get("folder"))).name / forms.MAIL
        out.append(_read(letter, file))
    out += [Ready(one, folder / "?", trouble="the index does not name it any more") for one in known.values()]
    return out


def _read(letter: Told, file: Path) -> Ready:
    try:
        content = file.read_bytes()
    except OSError as error:
        return Ready(letter, file, trouble=f"cannot be read: {error.strerror}")
    told = message_from_bytes(content, policy=policy.default)
    to = told["To"]
    addresses = [one.addr_spec for one in getattr(to, "addresses", ())]
    if addresses != [letter.mail] or told["Cc"] or told["Bcc"]:
        return Ready(letter, file, content, trouble="is no longer addressed to the contact alone")
    return Ready(letter, file, content)


def confirmation(letters_: Sequence[Ready]) -> str:
    """What stands for exactly these letters with exactly these bytes: to be given back when they are to be sent."""
    digest = hashlib.sha256()
    for one in letters_:
        digest.update(f"{one.letter.id} {hashlib.sha256(one.content).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]
