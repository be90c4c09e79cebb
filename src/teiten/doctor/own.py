"""Check of one's own side: does a machine at home scan? Here, at the terminal, it is named by its address."""

from __future__ import annotations

import datetime as dt
import socket

from teiten.classify import own
from teiten.doctor._base import Patient, Result, many
from teiten.engine.filters import thing_text

ORDER = 70
_RULES = {
    "own_mirai": "sends Mirai's mark",
    "own_bot_ports": "looks for other devices as bots do",
    "own_one_port": "tries many addresses on one port",
    "own_many_ports": "tries many ports",
}
_MEND = (
    "Find it (the router's list of clients), take it off the network, restart it, update its firmware, change its password. "
    "Is it a survey, a mail server or a monitor of your own? Then all is well."
)


def check_own_side(p: Patient) -> Result | list[Result] | None:
    """Machines whose outgoing packets look like a scan's, by the rules and thresholds of reports."""
    if p.session is None or p.extent is None:
        return None
    end = p.extent[1] + dt.timedelta(seconds=1)
    found = own.findings(p.session, p.since, end, p.settings.thresholds)
    if found:
        return [_told(one) for one in found]
    outgoing = p.ask("SELECT count(*) AS n FROM raw_events WHERE {window} AND interface = ''")[0]["n"]
    if outgoing:
        return Result("ok", f"{many(outgoing, 'outgoing record')}, nothing among them that looks like a scan")
    return Result(
        "ok", "nothing that goes out looks like a scan (the log holds no outgoing record: what is not logged is not seen)"
    )


def _told(one: own.Finding) -> Result:
    family = socket.AF_INET if len(one.machine) == 4 else socket.AF_INET6
    address = socket.inet_ntop(family, one.machine)
    ports = ", ".join(thing_text(protocol, port) for protocol, port in one.ports[:8]) + (", ..." if len(one.ports) > 8 else "")
    days = f"on {one.first}" if one.days == 1 else f"on {one.days} days from {one.first} to {one.last}"
    seen = (
        f"{address} (machine {one.name}) {_RULES[one.rule]}: {ports}, up to {one.destinations:,} addresses in a day, "
        f"{one.packets:,} packets, {days}"
    )
    return Result("wrong", seen, _MEND)
