"""The command line: a module a command, found by being there; nothing heavy is imported before a command runs.

A command's module has NAME, HELP (one line), EXAMPLE, `arguments(parser)` and `main(args) -> int`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final, TextIO, cast

from teiten import __version__, inert
from teiten.errors import LakeChangedError, TeitenError, UsageError

EXTRAS: Final = {"cryptography": "federate", "fastavro": "research", "obstore": "store"}
"""libraries of single commands, which not everybody carries: where each is asked for"""
_AGAIN: Final = 5
"""times that a command begins anew where the lake was changed under it"""


def commands() -> dict[str, ModuleType]:
    """Command name -> its module."""
    found = {}
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            found[module.NAME] = module
    return found


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="teiten",
        description="Observes what reaches an address unasked: logs in, rankings, reports and pages out.",
        epilog="First try: teiten demo    With your own log: teiten report monthly --from-log FILE",
    )
    top.add_argument("--version", action="version", version=f"teiten {__version__}")
    subs = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, module in sorted(commands().items()):
        sub = subs.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=f"Example:\n{module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.arguments(sub)
        sub.set_defaults(run=module.main)
    return top


def _parse(top: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments. Words after options, too, are a command's `files`, or its `period`: argparse gives them to nobody."""
    args, left = top.parse_known_args(argv)
    plain = not any(word.startswith("-") and word != "-" for word in left)
    many = next((name for name in ("files", "paths", "inputs") if hasattr(args, name)), None)
    if left and plain and many:
        setattr(args, many, [*getattr(args, many), *left])
        left = []
    elif len(left) == 1 and plain and getattr(args, "period", "") is None:
        args.period, left = left[0], []
    if left:
        top.error(f"unrecognized arguments: {' '.join(left)}")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0 done, 1 could not, 2 wrong usage."""
    top = parser()
    args = _parse(top, argv)
    if not args.command:
        top.print_help()
        return 0
    try:
        code = _run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # the reader of our output has gone: that is its right
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except TeitenError as error:
        print(f"teiten {args.command}: {inert.text(_named(str(error)))}", file=sys.stderr)
        if isinstance(error, UsageError) and error.hint is None:
            print(f"Try: teiten {args.command} --help", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        needs = f"this needs {library}, which is not installed. pip install 'teiten[{EXTRAS[library]}]'"
        print(f"teiten {args.command}: {needs}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nteiten: stopped. What was stored is whole; run the same command again to go on.", file=sys.stderr)
        return 130


def _named(text: str) -> str:
    """The text with the names of lakes on object stores, in place of the folders here that mirror them."""
    mirrors = sys.modules.get("teiten.lake._mirror")
    for folder, name in mirrors.names() if mirrors else ():
        text = text.replace(folder, name)
    return text


def _run(args: argparse.Namespace) -> int:
    """The command's exit code. What was asked while another command replaced files (`forget`, `vacuum`) is asked again."""
    for _ in range(_AGAIN):
        with contextlib.suppress(LakeChangedError):
            return int(args.run(args) or 0)
    return int(args.run(args) or 0)


class _Told:
    """stderr, but that it may be a file on a full disk: what cannot be told ends no command that stores."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def run() -> None:
    """The `teiten` script."""
    sys.stderr = cast("TextIO", _Told(sys.stderr))
    sys.exit(main())
