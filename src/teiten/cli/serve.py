"""teiten serve: the dashboard and the API, on this machine alone."""

from __future__ import annotations

import argparse

from teiten.cli import _common
from teiten.errors import UsageError

NAME = "serve"
HELP = "the dashboard and the API: what reaches the sensors, as pages to look at, each an address to share"
EXAMPLE = """\
  teiten serve
  teiten serve --lake teiten-lake --port 8080"""
PORT = 8017


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="the loopback address to listen at (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help=f"the port to listen at; 0: any (default: {PORT})")
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.lake import Lake
    from teiten.web import serving

    if not 0 <= args.port <= 65535:
        raise UsageError(f"--port {args.port} is no port.", hint="Give a number up to 65535.")
    chosen = settings.load(config=args.config, lake=args.lake)
    Lake.open(chosen.lake)
    serving.serve(chosen, args.host, args.port, ready=serving.said)
    return 0
