"""Writes docs/concepts/mapping.md and its picture from what the benchmark of the prober found.

teiten bench mapping --output json > figures.json && python tools/build_mapping.py figures.json
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from teiten.publishing import Publishing
from teiten.report import figures

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "concepts" / "mapping.md"
PICTURE = ROOT / "docs" / "pictures" / "mapping.svg"
RULES = Publishing()
SAID: Mapping[str, tuple[str, str]] = {
    "each_sensor": ("each sensor by itself, exact, by day", '`sensors = "alias"`, nothing else'),
    "exact_hourly": ("all sensors together, exact, by hour", "a report of a telescope as it is"),
    "exact_daily": ("the same by day", "daily reports as they are"),
    "exact_weekly": ("the same by week (one report)", "weekly reports as they are"),
    "delay_3": ("by day, exact, three days late", "`delay` alone"),
    "digits_3": ("by day, three digits", "`digits` alone"),
    "digits_2": ("by day, two digits", "`digits` alone"),
    "digits_1": ("by day, one digit", "`digits` alone"),
    "rare_10": ("by day, 10 packets and hosts at least", "suppression alone"),
    "rare_50": ("by day, 50 packets and 10 hosts at least", "suppression alone"),
    "rare_50_digits_2": ("the same with two digits", "what is usually done"),
    "rare_250": ("by day, 250 packets and 50 hosts at least", "suppression alone"),
    "sensors_2": ("by day, exact, no sensor beyond the second", "`least_sensors = 2` alone"),
    "sensors_3": ("by day, exact, no sensor beyond the third", "`least_sensors = 3` alone"),
    "sensors_5": ("by day, exact, no sensor beyond the fifth", "`least_sensors = 5` alone"),
    "sensors_3_rare_10": ("the third, and 10 packets and hosts", ""),
    "default_hourly": ("the defaults by hour, at once", "not offered"),
    "default_at_once": ("the defaults without delay", "`delay = 0`"),
    "default": ("the defaults", "`teiten publish`"),
    "default_10m": ("the same at once; 10 million probes a day", ""),
    "default_100m": ("the same at once; 100 million probes a day", ""),
    "default_1000m": ("the same at once; 1,000 million probes a day", ""),
}
"""what is published in each case, and by which settings; in the order of the table"""
TEXT = """# How hard sensors are to map

<!-- Made by tools/build_mapping.py from the figures of `teiten bench mapping`. -->

Who knows where the sensors are avoids them, floods them, or shows them what they are to see. Their addresses are never
published; but who sends marked packets to every address of a network, and looks in the published figures which marks
arrived, can find them all the same (Bethencourt, Franklin, Vernon: *Mapping Internet Sensors with Probe Response
Attacks*; Shinoda, Ikai, Itoh: *Vulnerabilities of Passive Internet Threat Monitors*; both USENIX Security 2005). This
page says how well that works under which rules of publication, and what the rules cost.

## The prober

`teiten bench mapping` lets him try: 20 sensors lie anywhere in a /12 (1,048,576 addresses); he sends a million probes a
day and reads a week of reports. His marks are ports (131,072 of TCP and UDP, so that each can be a channel of its own),
numbers of packets, sources (he forges as many as he likes), and time. He knows the rules, how many sensors there are,
and the true mean of what reaches each port. Beforehand he tries on worlds of his own which ports and how many probes an
address give an answer for the least. Then he goes three ways, of which the best counts: each address on several
channels at once; the space in intervals, divided where a figure moved; and, where only several sensors together move a
figure, the place in an interval at which the answer changes, with sensors that he has found as a pad for the next. He
names 20 addresses. By chance he would name 0.0004 sensors.

What he reads is computed by the functions by which `teiten publish` makes its figures.

## What he finds

![Sensors found of 20, by what is published](../pictures/mapping.svg)

| published | by | found of 20, mean of {worlds} worlds | most |
| --- | --- | --- | --- |
{rows}

Measured {day}.

## What follows from it

- **Exact figures give all sensors away within days**, by the day or by the hour, with a delay or without. Rounding to
  digits does not help: a rare port has small figures, and small figures are exact.
- **Suppression alone makes it dear, not hard.** With {packets} packets at least he needs some 25 probes an address, and
  finds what that reaches in a week. Who has more probes finds more.
- **The rule on sensors takes away the question**: a figure that one sensor cannot move says nothing of one address.
  What is left is to find several at once. Together with suppression that costs about a thousand times the probes.
- **A delay makes each question wait.** Three days leave a week one answer that he can build on.
- **Hours** are not published: 24 reports a day are 24 questions.

## What it costs

What rules take is told by `teiten publish --dry-run` of one's own data. Of ten simulated sensors over four weeks
(`teiten simulate --scenario sensors --seed 3 --days 70 --events 1500000`): ports withheld are 17.3 % of the packets,
countries 1.0 %, networks (AS) 66 %; and of what is told, 1.8 % of the packets are what single sensors saw beyond the
others. What a single sensor saw, be it a flood, is not on the site at all; the reports and the dashboard in the house
have it.

## What it does not cover

- **Fewer than three sensors**: nobody to settle with. Suppression, digits and delay are left; the site says so.
- **Reports published by hand** (`teiten report`) are exact, and by the hour: see the first rows.
- **Who probes for a year**, or with a thousand times the probes: the last rows. Sensors that have moved are not found
  by old answers.
- **Other ways than reading**: who answers packets, or is asked for, can be found by that.
"""


def rows(found: Mapping[str, float]) -> str:
    """The table's lines."""
    lines = []
    for name, (what, how) in SAID.items():
        if f"{name}.mean" in found:
            lines.append(f"| {what} | {how} | {found[f'{name}.mean']:.1f} | {found[f'{name}.most']:.0f} |")
    return "\n".join(lines)


def picture(found: Mapping[str, float]) -> str:
    """The same as bars."""
    bars = [
        figures.RankRow(key=name, label=what, value=found[f"{name}.mean"])
        for name, (what, _) in SAID.items()
        if f"{name}.mean" in found
    ]
    figure = figures.RankFigure(
        id="mapping", title="Sensors that a prober finds, by what is published", subtitle="of 20 in a /12; a week of reports",
        unit="sensors found", rows=bars, colour_by="plain", x_max=20.0,
    )  # fmt: skip
    return figures.draw(figure, width=860, lang="en", outlines=True)


def main(argv: list[str]) -> None:
    table = json.loads(Path(argv[0]).read_text(encoding="utf-8"))
    found = (table[0] if isinstance(table, list) else table)["figures"]
    worlds = argv[1] if len(argv) > 1 else "10"
    text = TEXT.replace("{rows}", rows(found)).replace("{worlds}", worlds).replace("{packets}", str(RULES.least_packets))
    PAGE.write_text(text.replace("{day}", f"{dt.date.today()}"), encoding="utf-8")
    PICTURE.write_text(picture(found), encoding="utf-8")
    print(PAGE, PICTURE)


if __name__ == "__main__":
    main(sys.argv[1:])
