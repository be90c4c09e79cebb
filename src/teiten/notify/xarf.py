"""Reports in X-ARF: version 0.2 as mails (an mbox, a report a host), version 4 as JSON (a line a host).

0.2: the specification of X-ARF, container `X-XARF: PLAIN`, three parts: words, a report in YAML, evidence. 4: XARF v4, types
`botnet` (infrastructure) where a host is infected by our rules, `port_scan` (connection) where it scans.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Any, Final

from teiten.classify import rules as judged
from teiten.engine.filters import PROTOCOL_NAMES, thing_text
from teiten.notify import tables
from teiten.notify.contacts import one_line
from teiten.notify.group import Letter
from teiten.notify.hosts import Host
from teiten.settings import Settings

VERSION: Final = "0.2"
SCHEMA: Final = "http://www.x-arf.org/schema/abuse_malware-attack_0.1.4.json"
SCHEMA_SCAN: Final = "http://www.x-arf.org/schema/abuse_0.1.0.json"
_SPACE: Final = uuid.UUID("d2a0b0a7-5c0e-5d0e-9a36-4e6c0d3c2b11")
"""names of reports are made from it: the same host in the same letter has the same name"""


def fields(host: Host, number: str, place: int, settings: Settings) -> dict[str, str]:
    """The machine-readable part of X-ARF 0.2 of one host. place: its number in the letter."""
    own = settings.notifying
    return {
        "Reported-From": own.mail,
        "Category": "abuse",
        "Report-Type": "malware-attack" if host.claim != "scanned" else "portscan",
        "User-Agent": "teiten",
        "Report-ID": f"{number}-{place}@{own.mail.rpartition('@')[2]}",
        "Date": tables.utc(host.last),
        "Source": host.address,
        "Source-Type": "ipv4" if len(host.packed) == 4 else "ipv6",
        "Attachment": "text/plain",
        "Schema-URL": SCHEMA if host.claim != "scanned" else SCHEMA_SCAN,
        "Version": VERSION,
        "Occurrences": str(host.packets),
        "TLP": "amber",
    }


def mbox(letter: Letter, number: str, settings: Settings, now: dt.datetime) -> Iterator[bytes]:
    """The reports of a letter, each as a mail with the line before it that an mbox has."""
    own, contact = settings.notifying, letter.group.contact
    sender = EmailMessage()
    sender["From"] = formataddr((one_line(own.name, 100), own.mail))
    head = sender.as_bytes().split(b"\n\n")[0]
    for place, host in enumerate(letter.hosts, 1):
        yield b"From " + own.mail.encode() + b" " + now.astimezone(dt.UTC).strftime("%a %b %e %H:%M:%S %Y").encode() + b"\n"
        yield head + b"\n" + _mail(host, number, place, contact.mail, settings, now).encode("ascii") + b"\n"


def _mail(host: Host, number: str, place: int, to: str, settings: Settings, now: dt.datetime) -> str:
    told = fields(host, number, place, settings)
    edge = f"teiten-{number}-{place}"
    words = "\n".join(f"{name}: {value}" for name, value in (("Source", host.address), ("Why", _because(host, settings))))
    parts = (
        ("", f"An abuse report about {host.address}. Times are UTC.\n\n{words}\n"),
        ('; name="report.txt"', "".join(f"{key}: {_scalar(value)}\n" for key, value in told.items())),
        ('; name="logfile.txt"', log(host)),
    )
    lines = [
        f"To: {to}",
        f"Subject: abuse report about {host.address} - {told['Date']}",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{told['Report-ID']}>",
        "Auto-Submitted: auto-generated",
        "X-XARF: PLAIN",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{edge}"',
        "",
    ]
    for name, text in parts:
        lines += [f"--{edge}", f"Content-Type: text/plain; charset=utf-8{name}", "Content-Transfer-Encoding: 7bit", "", text]
    return "\n".join([*lines, f"--{edge}--", ""])


def _scalar(value: str) -> str:
    """A text as YAML has it; quoted wherever it could be read as something else."""
    return json.dumps(value, ensure_ascii=True)


def log(host: Host) -> str:
    """The evidence, a line a day and port: when, from which source port, to what, how many packets."""
    out = []
    for row in host.rows:
        what = thing_text(row.protocol, row.dst_port) if row.alone else f"{row.ports} further ports"
        source = "-" if row.src_port is None else str(row.src_port)
        out.append(
            f"{tables.utc(row.first)} .. {tables.utc(row.last)} src={host.address} spt={source} dst_port={what} "
            f"packets={row.packets} with_mirai_mark={row.marked}\n"
        )
    return "".join(out)


def _because(host: Host, settings: Settings) -> str:
    return "; ".join(f"{rule}: {judged.because(rule, 'en', settings)}" for rule in sorted(host.findings))


def lines(letter: Letter, number: str, settings: Settings) -> Iterator[bytes]:
    """The hosts of a letter as XARF v4, a line of JSON each."""
    for host in letter.hosts:
        yield json.dumps(report(host, number, settings), ensure_ascii=True).encode() + b"\n"


def report(host: Host, number: str, settings: Settings) -> dict[str, Any]:
    """XARF v4 of one host."""
    own = settings.notifying
    who = {"org": one_line(own.name, 200), "contact": own.mail, "domain": own.mail.rpartition("@")[2]}
    source = next((row.src_port for row in host.rows if row.src_port), None)
    told: dict[str, Any] = {
        "xarf_version": "4.0.0",
        "report_id": str(uuid.uuid5(_SPACE, f"{number} {host.address}")),
        "timestamp": tables.utc(host.last),
        "reporter": who,
        "sender": who,
        "source_identifier": host.address,
        "evidence_source": "traffic_analysis",
        "confidence": float(tables.sure(host)),
        "description": f"packets: {host.packets}, from {tables.utc(host.first)} to {tables.utc(host.last)}"[:1000],
        "evidence": [{"content_type": "text/plain", "description": "packets by day and port", "payload": _base64(log(host))}],
    }
    if source:
        told["source_port"] = source
    if host.claim != "scanned":
        family = "mirai"
        return {**told, "category": "infrastructure", "type": "botnet", "malware_family": family,
                "compromise_evidence": _because(host, settings)}  # fmt: skip
    top = max(host.rows, key=lambda row: row.packets)
    return {
        **told, "category": "connection", "type": "port_scan", "protocol": PROTOCOL_NAMES.get(top.protocol or 0, "tcp"),
        "first_seen": tables.utc(host.first), "last_seen": tables.utc(host.last),
        **({"destination_port": top.dst_port} if top.dst_port else {}),
    }  # fmt: skip


def _base64(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode("ascii")
