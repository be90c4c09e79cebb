"""teiten respond: a responding sensor: connections completed, first payloads kept, nobody let in."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from teiten.cli import _station
from teiten.cli._common import add_settings
from teiten.errors import UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings
    from teiten.station.watching import Plan

NAME = "respond"
HELP = "a responding sensor: completes connections, keeps what is said first, says just enough to hear more, lets nobody in"
EXAMPLE = """\
  teiten respond --ports 2323,8080,9530
  teiten respond --ports 23,80,8000-8010 --address 192.0.2.1
  teiten respond --rules --ports 2300 --except 22
  teiten respond services
  teiten respond --config /etc/teiten/teiten.toml"""
NFT: str = """\
# All TCP to this machine but {kept} goes to port {port}, where teiten respond listens; the port that was meant stays known.
# nft -f FILE      (away with it: nft delete table inet teiten)
table inet teiten {{
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local tcp dport != {{ {set} }} redirect to :{port}
  }}
}}
# The same with iptables (and ip6tables):
# iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp -m multiport ! --dports {list} -j REDIRECT --to-ports {port}
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("run", "services"), default="run", help="services: what is spoken where")
    parser.add_argument("--ports", metavar="LIST", help="ports to listen at, in place of the inputs of the settings")
    parser.add_argument("--address", metavar="LIST", help="addresses of this machine to listen at (default: 0.0.0.0)")
    parser.add_argument("--sensor", metavar="NAME", help="the sensor that they count for (default: respond)")
    parser.add_argument(
        "--rules", action="store_true", help="print the firewall rule that leads all TCP ports to the one of --ports, and end"
    )
    parser.add_argument(
        "--except", dest="kept", metavar="LIST", default="22", help="with --rules: ports that stay as they are (default: 22)"
    )
    parser.add_argument("--spool", metavar="DIR", help="folder in which all is written down first (default: teiten-spool)")
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    _station.add_log(parser)
    add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten.station import keeping
    from teiten.station.live import Live
    from teiten.station.watching import Watching

    if args.what == "services":
        return _services()
    if args.rules:
        return _rules(args)
    tell = _station.log(args)
    chosen = _chosen(args)
    os.umask(0o027)
    plan = _plan(chosen)
    live = Live(chosen.station, tell, whole=keeping.in_lake(chosen.station.spool, chosen.lake))
    return Watching(plan, live, tell, lambda: _plan(_chosen(args))).run()


def _plan(chosen: Settings) -> Plan:
    return _station.plan(chosen, tasks=False)


def _chosen(args: argparse.Namespace) -> Settings:
    """The settings with their responding inputs alone, or the one that the flags describe. UsageError where there is none."""
    from teiten import settings
    from teiten.stationing import Table

    chosen = settings.load(config=args.config, lake=args.lake)
    inputs = tuple(one for one in chosen.station.inputs if one.given.get("kind") == NAME)
    if args.ports:
        given = {"kind": NAME, "ports": args.ports}
        given |= {"addresses": args.address} if args.address else {}
        given |= {"sensor": args.sensor} if args.sensor else {}
        inputs = (Table("respond", given, "teiten respond", Path.cwd()),)
    if not inputs:
        raise UsageError(
            "At which ports shall I listen?",
            hint='Say --ports 2323,8080, or write [station.input.NAME] with kind = "respond" into teiten.toml.',
        )
    spool = Path(args.spool) if args.spool else chosen.station.spool
    return dataclasses.replace(chosen, station=dataclasses.replace(chosen.station, inputs=inputs, spool=spool))


def _rules(args: argparse.Namespace) -> int:
    from teiten.station.inputs import respond

    listening = respond.ports(args.ports or "", "--ports") if args.ports else ()
    if len(listening) != 1:
        raise UsageError("To which port shall all others lead?", hint="teiten respond --rules --ports 2300 --except 22")
    kept = respond.ports(args.kept, "--except")
    sys.stdout.write(
        NFT.format(
            port=listening[0],
            kept=", ".join(map(str, kept)),
            set=", ".join(map(str, kept)),
            list=",".join(map(str, kept)),
        )
    )
    return 0


def _services() -> int:
    from teiten.respond import services

    known = services.load()
    ports: dict[str, list[int]] = {}
    for port, service in sorted(known.by_port.items()):
        ports.setdefault(service.name, []).append(port)
    for name, own in sorted(ports.items()):
        print(f"{name:10} {', '.join(map(str, own))}")
    return 0
