"""`teiten bench`: the benchmarks, with the goal beside each figure."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from teiten.errors import UsageError

NAME = "bench"
HELP = "run the benchmarks on this machine"
EXAMPLE = "  teiten bench netfilter --quick\n  teiten bench all --output json > figures.json"

_QUICK = " (quick: the goals are for the whole run)"


def arguments(parser: argparse.ArgumentParser) -> None:
    from teiten import bench

    parser.add_argument("name", metavar="NAME", help=f"all (but scale), or one of: {', '.join(bench.names())}")
    parser.add_argument("--quick", action="store_true", help="a tenth of the lines, each thing once: a first impression")
    parser.add_argument(
        "--large", action="store_true", help="also what takes very long and much room (100 million packets, 1 billion events)"
    )
    parser.add_argument("--output", choices=("table", "json"), default="table", help="format of the figures (default: table)")
    parser.add_argument(
        "--work", metavar="DIR", help="keep what they make there (default: a folder that is removed); scale goes on from it"
    )


@contextlib.contextmanager
def _folder(named: str | None) -> Iterator[Path]:
    if named:
        path = Path(named)
        path.mkdir(parents=True, exist_ok=True)
        yield path
    else:
        with tempfile.TemporaryDirectory(prefix="teiten-bench-") as temporary:
            yield Path(temporary)


def _said(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def _table(module: ModuleType, figures: Mapping[str, float], quick: bool) -> None:
    print(f"{module.NAME}: {module.HELP}{_QUICK if quick else ''}")
    for name, value in figures.items():
        goal = ""
        if name in module.GOALS:
            sign, bound = module.GOALS[name]
            reached = {"<": value < bound, "<=": value <= bound, ">=": value >= bound}[sign]
            verdict = "" if quick else ": reached" if reached else ": NOT REACHED"
            goal = f"   goal {sign} {_said(bound)}{verdict}"
        print(f"  {name:<34} {_said(value):>12}{goal}")


def main(args: argparse.Namespace) -> int:
    from teiten import bench
    from teiten.bench import _process

    known = bench.benchmarks()
    if args.name != "all" and args.name not in known:
        raise UsageError(f"There is no benchmark '{args.name}'.", hint=f"There are: all, {', '.join(known)}.")
    # what takes hours is run by its own name alone
    usual = [module for module in known.values() if not getattr(module, "ALONE", False)]
    chosen = usual if args.name == "all" else [known[args.name]]
    results = []
    with _folder(args.work) as work:
        for module in chosen:
            print(f"Running the benchmark '{module.NAME}' ...", file=sys.stderr)
            machine = _process.machine()
            measured = module.run_benchmark(work, args.quick)
            if args.large and hasattr(module, "run_large"):
                measured |= module.run_large(work)
            figures = {name: round(value, 4) for name, value in measured.items()}
            results.append({"bench": module.NAME, "figures": figures, "machine": machine})
            if args.output == "table" and hasattr(module, "table"):
                print(f"{module.NAME}: {module.HELP}{_QUICK if args.quick else ''}\n{module.table(figures)}")
            elif args.output == "table":
                _table(module, figures, args.quick)
    if args.output == "json":
        print(json.dumps(results if args.name == "all" else results[0], indent=2))
    return 0
