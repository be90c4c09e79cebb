"""The mail of a letter, in Japanese or English: what was seen when, why it is told, what that cannot show, what to do."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from zoneinfo import ZoneInfo

from teiten import inert, lang
from teiten.classify import rules as judged
from teiten.engine.filters import thing_text
from teiten.lang import Words
from teiten.notify import tables
from teiten.notify.contacts import one_line
from teiten.notify.group import Letter
from teiten.notify.hosts import Host
from teiten.settings import Settings

LISTED: Final = 20
"""hosts that stand in the letter itself; the attachment has all of them"""
PORTS: Final = 4
"""ports of a host that stand there"""
NETWORKS: Final = 20
_LETTERS: Final = "ghjkmnpqrstvwxyz"
_RULE: Final = "-" * 60


def new_id(now: dt.datetime) -> str:
    """Of a letter: no other one has it, and no digits of an address are in it."""
    return f"n{now:%Y%m%d}-" + "".join(secrets.choice(_LETTERS) for _ in range(10))


def made(letter: Letter, number: str, settings: Settings, now: dt.datetime, attached: dict[str, bytes]) -> bytes:
    """The whole mail, as it is sent. number: its id; attached: names and contents of tables."""
    own, contact = settings.notifying, letter.group.contact
    words = lang.words(contact.language)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(own.name, own.mail)
    mail["To"] = _address(contact.name, contact.mail)
    mail["Subject"] = subject(letter, number, words)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{number}@{own.mail.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    text = body(letter, number, settings, words)
    mail.set_content(text, charset="utf-8", cte="base64" if contact.language == "ja" else "quoted-printable")
    mail["Content-Language"] = contact.language
    for name, content in attached.items():
        mail.add_attachment(content, maintype="text", subtype="csv", filename=name, params={"charset": "utf-8"})
    return mail.as_bytes()


def _address(name: str, mail: str) -> Address:
    local, _, domain = mail.rpartition("@")
    return Address(display_name=one_line(name, 100), username=local, domain=domain)


def claim(letter: Letter) -> str:
    """What may be said of all its hosts: the least that is claimed of one."""
    return max((host.claim for host in letter.hosts), key=("infected", "suspected", "scanned").index)


def subject(letter: Letter, number: str, words: Words) -> str:
    """One line: what it is about, where, how many, which part, its id."""
    numbers = list(dict.fromkeys(f"AS{host.asn}" for host in letter.hosts if host.asn is not None))
    where = words.listed(numbers) if 0 < len(numbers) <= 3 else words("notify.several_networks", n=len(numbers))
    if not numbers:
        where = words("notify.your_network")
    part = words("notify.part", part=letter.part, parts=letter.parts) if letter.parts > 1 else ""
    told = words(f"notify.subject_{claim(letter)}", where=where, n=len(letter.hosts))
    return inert.line(f"{told}{part} [{number}]")


def body(letter: Letter, number: str, settings: Settings, words: Words) -> str:
    """The text of the mail."""
    own, contact = settings.notifying, letter.group.contact
    dear = words("notify.dear", name=contact.name) if contact.name else words("notify.dear_nobody")
    parts = [
        dear,
        words("notify.opening", who=own.name),
        words(f"notify.opening_{claim(letter)}"),
        words("notify.request"),
        *_overview(letter, words),
        *_hosts(letter, settings, words),
        *_evidence(letter, settings, words),
        _section(words("notify.limits"), [words(f"notify.limit_{name}") for name in ("seen", "forged", "shared", "sensors")]),
        _section(words("notify.wanted"), [words(f"notify.want_{name}") for name in _wanted(letter)]),
        _closing(number, settings, words),
    ]
    return inert.text("\n\n".join(parts)) + "\n"


def _wanted(letter: Letter) -> tuple[str, ...]:
    if claim(letter) == "scanned":
        return ("find", "cause", "user", "wrong")
    return ("find", "mend", "reboot", "user", "wrong")


def _section(title: str, items: list[str], mark: str = "- ") -> str:
    return "\n".join([title, "", *(f"{mark}{item}" for item in items)])


def _overview(letter: Letter, words: Words) -> list[str]:
    zone = ZoneInfo(letter.group.contact.zone)
    first, last = min(h.first for h in letter.hosts), max(h.last for h in letter.hosts)
    packets, marked = sum(h.packets for h in letter.hosts), sum(h.marked for h in letter.hosts)
    items = [
        words("notify.period", first=tables.local(first, zone), last=tables.local(last, zone), zone=zone.key),
        words("notify.period_utc", first=tables.utc(first), last=tables.utc(last)),
        words("notify.sources", n=len(letter.hosts)),
        words("notify.packets_marked", n=packets, marked=marked) if marked else words("notify.packets", n=packets),
    ]
    networks = letter.networks
    for name, prefix, n in networks[:NETWORKS]:
        named = (name or words("notify.as_unknown")) + (f" ({prefix})" if prefix else "")
        items.append(words("notify.network", name=named, n=n))
    if len(networks) > NETWORKS:
        rest = sum(n for *_, n in networks[NETWORKS:])
        items.append(words("notify.more_networks", networks=len(networks) - NETWORKS, n=rest))
    if letter.parts > 1:
        items.append(words("notify.this_part", part=letter.part, parts=letter.parts))
    if letter.beyond:
        items.append(words("notify.beyond", n=letter.beyond))
    return [_RULE, _section(words("notify.overview"), items)]


def _hosts(letter: Letter, settings: Settings, words: Words) -> list[str]:
    zone = ZoneInfo(letter.group.contact.zone)
    lines = [words("notify.list"), "", words("notify.list_says", zone=zone.key)]
    for host in letter.hosts[:LISTED]:
        lines += ["", *_host(host, zone, words)]
    if len(letter.hosts) > LISTED:
        lines += ["", words("notify.list_more", n=len(letter.hosts) - LISTED)]
    names = [tables.NAMES[form] for form in settings.notifying.attach]
    if names:
        lines += ["", words("notify.attached", names=words.listed(names))]
    return ["\n".join(lines)]


def _host(host: Host, zone: ZoneInfo, words: Words) -> list[str]:
    ports: Counter[str] = Counter()
    others = 0
    for row in host.rows:
        if row.alone:
            ports[thing_text(row.protocol, row.dst_port)] += row.packets
        else:
            others += row.ports
    shown = [port for port, _ in ports.most_common(PORTS)]
    told = words.listed(shown)
    if more := len(ports) - len(shown) + others:
        told = words("notify.more_ports", ports=told, n=more)
    source = next((row.src_port for row in sorted(host.rows, key=lambda one: one.first)), None)
    asn = f"AS{host.asn}" if host.asn is not None else words("notify.as_unknown")
    return [
        f"{host.address} ({asn})",
        "  " + words("notify.times", first=tables.local(host.first, zone), last=tables.local(host.last, zone)),
        "  " + words("notify.times_utc", first=tables.utc(host.first), last=tables.utc(host.last)),
        "  " + words("notify.what", ports=told, source="-" if source is None else str(source), n=host.packets),
    ]


def _evidence(letter: Letter, settings: Settings, words: Words) -> list[str]:
    counts = Counter(rule for host in letter.hosts for rule in host.findings)
    items = []
    for rule, n in sorted(counts.items()):
        sure = min(host.findings[rule] for host in letter.hosts if rule in host.findings)
        known = judged.rule(rule)
        items.append(
            words(
                "notify.rule", rule=rule, n=n, because=judged.because(rule, words.lang, settings) or "",
                source=known.source if known else "", sure=words.percent(floor(sure)),
            )
        )  # fmt: skip
    return [_section(words("notify.evidence"), items)]


def floor(share: float) -> float:
    """Cut to a tenth of a percent, 99.9 % at most: no observation makes it certain."""
    return min(int(share * 1000) / 1000, 0.999)


def _closing(number: str, settings: Settings, words: Words) -> str:
    own = settings.notifying
    lines = [words("notify.ask", id=number), "", own.name, own.mail]
    if own.reference:
        lines.append(words("notify.reference", url=own.reference))
    days = own.again / 86_400
    again = words("notify.again", days=f"{days:g}")
    return "\n".join([_RULE, "", again, "", *lines])
