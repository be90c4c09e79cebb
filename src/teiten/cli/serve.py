"""teiten serve: the dashboard and the API: on this machine alone, or with TLS and users for others too."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from teiten.cli import _common
from teiten.errors import UsageError
from teiten.hosting import PORT

NAME = "serve"
HELP = "the dashboard and the API: what reaches the sensors, as pages to look at, each an address to share"
EXAMPLE = """\
  teiten serve
  teiten serve --lake teiten-lake --port 8080
  teiten serve --host 192.0.2.10 --name observe.example.org --tls-cert teiten.pem --tls-key teiten.key"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        help="the address to listen at (default: 127.0.0.1); one that others reach needs TLS and a user",
    )
    parser.add_argument("--port", type=int, metavar="N", help=f"the port to listen at; 0: any (default: {PORT})")
    parser.add_argument("--name", action="append", metavar="HOST", help="a name by which it is called; others are refused")
    parser.add_argument("--tls-cert", metavar="FILE", help="its certificate with the chain, PEM")
    parser.add_argument("--tls-key", metavar="FILE", help="the certificate's key")
    parser.add_argument(
        "--behind", action="append", metavar="ADDRESS", help="a proxy in front: from it X-Forwarded-For and -Proto are taken"
    )
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import hosting, settings
    from teiten.lake import Lake
    from teiten.web import serving

    if args.port is not None and not 0 <= args.port <= 65535:
        raise UsageError(f"--port {args.port} is no port.", hint="Give a number up to 65535.")
    if (args.tls_cert is None) != (args.tls_key is None):
        raise UsageError("--tls-cert and --tls-key belong together.")
    chosen = settings.load(config=args.config, lake=args.lake)
    own = chosen.serving
    if args.tls_cert:
        own = replace(own, certificate=Path(args.tls_cert), key=Path(args.tls_key))
    if args.name:
        own = replace(own, names=tuple(hosting.name(one, "--name") for one in args.name))
    if args.behind:
        own = replace(own, behind=tuple(hosting.network(one, "--behind") for one in args.behind))
    host, port = own.host if args.host is None else args.host, own.port if args.port is None else args.port
    Lake.open(chosen.lake)
    serving.serve(replace(chosen, serving=own), host, port, ready=serving.said)
    return 0
