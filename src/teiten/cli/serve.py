"""teiten serve: the dashboard and the API, on this machine alone unless it is said otherwise."""

from __future__ import annotations

import argparse
import sys

from teiten.cli import _common

NAME = "serve"
HELP = "the dashboard and the API: what reaches the sensors, as pages that people watch"
EXAMPLE = """\
  teiten serve
  teiten serve --lake teiten-lake --port 8080"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--port", type=int, default=8017, metavar="N", help="the port to listen at (default: 8017)")
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten import settings

    chosen = settings.load(config=args.config, lake=args.lake)
    import uvicorn

    from teiten.web.app import create

    print(f"http://127.0.0.1:{args.port}/", file=sys.stderr)
    hosts = ("127.0.0.1", "localhost", "[::1]")
    uvicorn.run(create(chosen, hosts=hosts), host="127.0.0.1", port=args.port, log_level="warning", server_header=False)
    return 0
