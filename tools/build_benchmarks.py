"""Writes docs/reference/benchmarks.md from what `teiten bench all --output json` printed.

teiten bench all --output json > figures.json && python tools/build_benchmarks.py figures.json

Benches that were not run again keep what the page says of them; each says when it was measured.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from teiten import bench

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
INTRO = """# Benchmarks

<!-- Made by tools/build_benchmarks.py from figures of whole runs. -->

`teiten bench all` makes its own input (seeded: a month of netfilter lines, some 240 bytes each, 300,000 sources
drawn with a long tail, ports as bots choose them) and runs whole processes, start-up included, peers beside ours turn by
turn in the same run; times are medians of three. Memory is the most that the process held at one time. Read the figures
as ratios.

- **Polars**: one lazy query over the same lines, an expression per column that `decode` fills, to Parquet with the same
  compression (`teiten/bench/_polars.py`). It looks for no damage, repeats or second spelling, and cannot say what it
  did not read.
- **fwlogwatch**: its default summary, over 100,000 lines only; it slows down as lines grow, so a longer log would make
  it look worse.
- **grep, mawk**: counting one port, and all ports: for scale.

`packets` has a capture of its own: 60-byte frames to a /16, 76 bytes a record, sources with a long tail. Ours is
`teiten top ports --by hosts`, which counts the unique sources of every port as well.

- **tracestats** (libtrace): counts packets and bytes through one filter, and no sources.
- **tcpdump, tshark, dpkt**: the same question by a pipeline or a script as one writes it, over the first million (tcpdump) or
  200,000 packets to a /24 of destinations; more packets or destinations would make them look worse.
- `decode_packets_per_s`: bytes in memory to a chunk's columns, packets a second of one core's time.

`scale` fills a lake with a month of a simulated /16 at three sizes, and gives the same rows to each peer in its own best
form, sorted alike: Parquet by DuckDB and by Polars, ClickHouse's own tables (`chdb`) and ClickHouse over that Parquet
(`chdb_parquet`), pandas where the rows fit into memory. The same questions go to all, whole processes, peers turn by turn.
Of ours start-up is some 0.45 s: a day's question is mostly that.

`formats` reads each format of text that one engine reads (a declaration each, lines in Python): 100,000 lines of a log that is
made for it, whole processes, beside Polars with one expression for that very line, which looks for no other kind of line, no
damage and no repeats. netfilter's reader, compiled, stands above them for scale. "alone": per processor second, starting taken
off. slope: the time of ten (or a hundred) times the lines over so many times the time (below 1: starting weighs). FlowTuples:
records beside fastavro.

`detect` puts 22 kinds of change in five sizes into five weeks of simulated counts, and looks at quiet days and at faults of the
own line ([0049](../decisions/0049-the-bench-of-detection.md)). It is run by its own name (`teiten bench detect --work DIR`,
which goes on where it was): a world takes minutes to half an hour.

After the changes of [0072](../decisions/0072-nights-sensors-many-hosts-clocks.md) only this was run, one process beside some
thirty others (seconds are worth nothing):

- sensors30, seed 1, changes of 3x (22, the new kinds among them), 5 quiet days, 8 faults, streaming of 3x: recall 1.00, by
  the right kind 1.00, 1.00 stories a change, precision 1.00, no false story on quiet days or beside changes; faults 8 of 8
  told, 8 by the right kind. Streaming: 5 of 11 changes within 15 minutes (before: 2 of 9), 10 within an hour, 11 within
  two; one false telling in a quiet day that is looked at every hour. What takes longer has too few packets in a quarter of
  an hour to be told from chance.
- home7000, seeds 1 to 13, all 8 kinds of faults: 104 put in, 100 told as the line's own, 99 by the right kind. Missed:
  three of 13 clocks set back for good, one fall to .59. On the day 33 things were told as the world's beside them, 15 of
  these with clocks set back. Since then what comes by a wrong clock is kept apart from the world on the days after, too:
  clocks set ahead or back, 26 put in, again 23 told; beside them 14 (before: 23) on the day, 2 (before: 11) on the day
  after.
- home7000, quiet weeks of seeds 1 to 3: 1 false story on 21 days.
- Not run: /16, home300, sizes other than 3x, 20 seeds, other methods.

The tables below are of the run before, with 19 kinds: a small one on a busy machine (detection of commit 38e8b39), of changes
of 3x alone:

- home300, home7000, sensors30, p16: seed 1, with 7 quiet days and all faults. sensors30, p16: seed 3 besides,
  with 2 quiet days.
  No other sizes, no streaming and no other methods were run this time.
- **Seed 1 is no unseen world**: its first misses and false stories showed what was to be mended (weekly scanners, ASes
  among the rare ones, clocks of countries). Of seed 3, which nobody had looked at, 19 of 19 changes were told at 30
  sensors and 16 of 18 at the /16, and nothing false; one of the two misses is the suite's (an end at midnight sharp was
  told, and not counted; mended since).
- One quiet story in a week is 0.14 a day: so few days tell little about 0.2.
- Seconds of the processor are of a machine on which four to twenty processes wanted its two cores.

`web` asks a server that has just begun 56 addresses one after another (pages with an hour, a day, a week, a month, filters, the
search, the API), each for the first time; then again, by fifty viewers at once, and after a batch of a hundred packets.
`processor` is what the server took for an answer, which other work on the machine does not lengthen; `refused` counts answers
of 503, and those that did not come in two minutes. It ran before other work on the two cores (priority -20; load 14, of which
little got through); Chromium lowers its own priority, so that its longest first paint is of that work: an hour before it was
1.1 s, with the same middle. Processor seconds by page: [0075](../decisions/0075-pairs-and-what-is-asked-beforehand.md).

`live` writes lines to a log that `teiten watch` follows, and looks when the lake has each and when a page in Chromium shows it:
with the station's own settings (it looks every 8 s), and with `every = 1`.

`federate`: twenty simulated households, twenty draws of three who lie; all goals are reached. What is not told: a port told
1.3 times (`slight`, of nobody), a clock off by one hour (of `shifted` 9 and -9 are told, 1 is not), and one in thirty of those
who inflate a port a hundred times. Whose contribution was copied is told with the copier (`wronged`): nobody can see who had it
first. Noise of epsilon 1 or less spoils the order from the sixth place on. What it means:
[0089](../decisions/0089-what-a-federation-withstands.md).

`mapping` has [a page of its own](../concepts/mapping.md): how many of 20 sensors a prober finds by what is published, in ten
worlds, at 22 degrees of detail: 20 from exact daily reports, none by the defaults.
"""


def said(value: float) -> str:
    """A figure as a person writes it."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def page(results: Sequence[dict[str, dict[str, float]]], before: str = "") -> str:
    """The page's text; `before` is the page as it was: what it says of benches that are not among the results stays."""
    usual = re.search(r"^(?:One machine|Where a part names none): (.*\n(?:.+\n)*)", before, flags=re.MULTILINE)
    out = [INTRO]
    if usual:
        out.append(f"Where a part names none: {usual[1]}")
    parts = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", before, flags=re.MULTILINE | re.DOTALL))
    parts |= {str(result["bench"]): part(result) for result in results}
    order = [name for name in bench.benchmarks() if name in parts]
    out += [f"## {name}\n{parts[name].rstrip()}\n" for name in order]
    return "\n".join(out)


def part(result: dict[str, dict[str, float]]) -> str:
    """What the page says of one bench, below its name."""
    module = bench.benchmarks()[str(result["bench"])]
    load = float(result["machine"]["load"])
    busy = f" Other work ran on the machine (load {load:g} before it began): read times with care." if load >= 1 else ""
    out = [f"\n{module.HELP[0].upper()}{module.HELP[1:]}. Measured on {dt.date.today()}.{busy}\n\n{_machine(result)}\n"]
    if hasattr(module, "table"):
        # figures by the hundred have a table of their own, with the goals in it
        return "\n".join([*out, f"```text\n{module.table(result['figures']).rstrip()}\n```"])
    out.append("| figure | | goal | |\n| --- | ---: | --- | --- |")
    for name, value in result["figures"].items():
        goal = reached = ""
        if name in module.GOALS:
            sign, bound = module.GOALS[name]
            goal = f"{sign} {bound:g}"
            ok = {"<": value < bound, "<=": value <= bound, ">=": value >= bound}[sign]
            reached = "reached" if ok else "**not reached**"
        out.append(f"| `{name}` | {said(value)} | {goal} | {reached} |")
    return "\n".join(out)


def _machine(result: dict[str, dict[str, float]]) -> str:
    told: dict[str, Any] = result["machine"]
    return (
        f"Machine: {told['processor']}, {told['cores']} cores, {told['memory_gib']} GiB, {told['system']},\n"
        f"Python {told['python']}, teiten {told['teiten']}."
    )


def main(argv: Sequence[str]) -> None:
    results = [json.loads(Path(name).read_text(encoding="utf-8")) for name in argv]
    flat = [one for result in results for one in (result if isinstance(result, list) else [result])]
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    PAGE.write_text(page(flat, before), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
