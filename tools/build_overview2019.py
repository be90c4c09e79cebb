"""Writes docs/concepts/overview2019.md: what a daily overview said beside what the generated days say. Takes some minutes.

    python tools/build_overview2019.py [SEED]

Runs `teiten simulate --scenario overview2019`, `ingest`, `detect` and `report daily` of seven days in both languages in a
temporary folder, and looks every statement of tests/report/overview2019.toml up in the stories and in the reports. Exits with 1
where one that is not marked as open is not said.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from teiten.detect.model import Detection, Story

ROOT: Final = Path(__file__).resolve().parent.parent
STATEMENTS: Final = ROOT / "tests" / "report" / "overview2019.toml"
PAGE: Final = ROOT / "docs" / "concepts" / "overview2019.md"
ZONE: Final = dt.timezone(dt.timedelta(hours=9))
SINCE: Final = {dt.date(2019, 10, 21): dt.date(2019, 10, 17)}
"""days whose text tells of those before it as well: the author had been busy"""
SENSED: Final = 0.05
"""share of a part from which a country counts as one that carries the change"""
STRAYS: Final = 3
"""stories of the eighteen days that nothing laid down explains: a home line has chance of its own"""
HEAD: Final = """<!-- Made by tools/build_overview2019.py from a run. Do not edit: run it again. -->

# October 2019: what a daily overview said, and what the generated days say

An observer in Japan wrote almost every day of what the scans at his line did (the text is not ours: it stands here in our own
words). A daily overview of this program must be able to say such things by itself. His data are not published; so
`teiten simulate --scenario overview2019` lays five weeks down from the statements of the text, and detection and the report,
which know nothing of that, are asked whether they find them again. The generated sentences are as the reports wrote them,
without their links. `tests/report/test_overview2019.py` holds every row, and that nothing else is told.

What the text leaves open (how many packets there were, what else came) is made up: the numbers below mean nothing. Where the
text supposes a cause, the report says what the counts show and that the cause is not known. **{said} of {all} statements are
said in both languages.** What is not said stands here as well, with the reason.

```sh
{commands}
```
"""


def statements() -> list[dict[str, Any]]:
    """day, en, ja: the text in our own words; told: the story; says_en, says_ja: patterns; open: why nothing says it."""
    found: list[dict[str, Any]] = tomllib.loads(STATEMENTS.read_text(encoding="utf-8"))["statement"]
    return found


def days() -> list[dt.date]:
    """The days that the text tells of."""
    return sorted({one["day"] for one in statements()})


def plain(text: str) -> str:
    """report.md without the addresses of its links, and with plain spaces."""
    return re.sub(r"(?<!!)\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("\N{NO-BREAK SPACE}", " ")


def said(statement: dict[str, Any], text: str, lang: str) -> str:
    """The lines of the (plain) report that say it, each pattern's first; an empty text where one of them is not found."""
    lines: list[str] = []
    for pattern in statement[f"says_{lang}"]:
        match = next((line for line in text.splitlines() if re.search(pattern, line)), None)
        if match is None:
            return ""
        if match not in lines:
            lines.append(match)
    return "<br>".join(lines)


def telling(statement: dict[str, Any], stories: Sequence[Story]) -> Story | None:
    """The story that says it; None where none does."""
    return next((one for one in stories if tells(statement["told"], one)), None)


def tells(told: dict[str, Any], one: Story) -> bool:
    """Does the story match what a statement asks of it?"""
    if not {one.kind, *(d.kind for d in one.detections)} & set(told["kind"]):
        return False
    if "state" in told and one.state not in told["state"]:
        return False
    ports = {_port(*port) for port in one.about.ports} | _parts(one, "port")
    if "ports" in told and (not set(told["ports"]) <= ports if told["ports"] else bool(one.about.ports)):
        return False
    countries = {one.about.country} | {d.about.country for d in one.detections} | _parts(one, "country")
    if not set(told.get("countries", ())) <= countries:
        return False
    return "hour" not in told or told["hour"] in _hours(one.detections)


def _parts(one: Story, what: str) -> set[str]:
    keys = {p.key for d in one.detections for p in d.parts if p.what == what and p.share >= SENSED}
    return {re.sub(r"/(\d+)$", lambda m: "/" + {"6": "tcp", "17": "udp"}.get(m[1], m[1]), key) for key in keys}


def _port(protocol: int, number: int | None) -> str:
    return f"{number}/{ {6: 'tcp', 17: 'udp'}.get(protocol, protocol) }"


def _hours(found: Sequence[Detection]) -> set[int]:
    """Hours in Japan in which something of it begins."""
    return {d.start.astimezone(ZONE).hour for d in found} | {
        dt.datetime.fromisoformat(span[0]).astimezone(ZONE).hour
        for d in found
        for span in [*d.reason.get("spans", ()), *d.reason.get("intervals", ())]
    }


def strays(stories: Mapping[dt.date, Sequence[Story]]) -> list[str]:
    """Stories from the 5th on that nothing laid down explains, and those told to be over that are not."""
    laid = tomllib.loads(STATEMENTS.read_text(encoding="utf-8"))["laid"]
    return [
        f"{day:%d}: {one.state} {one.kind} {one.about.text()} {one.times or 0:.1f}"
        for day, told in sorted(stories.items())
        if day >= dt.date(2019, 10, 5)
        for one in told
        # what is said of a change's sources has no end of its own
        if not (one.kind == "dynamic" and one.state == "ended")
        if not any(_explains(row, one) for row in laid)
    ]


def _explains(row: dict[str, Any], one: Story) -> bool:
    over = one.state == "ended"
    since, until = row["to"] if over else row["from"], row["to"] + (4 if over else 0)
    if not since <= one.day.day <= until or one.day.month != 10 or ("kinds" in row and one.kind not in row["kinds"]):
        return False
    ports = {_port(*port) for port in one.about.ports}
    if ports and not row.get("anything") and not ports <= set(row.get("ports", ())):
        return False
    if not ports and "ports" in row:
        return False
    countries = {one.about.country} if one.about.country is not None else _parts(one, "country")
    return "countries" not in row or bool(countries & set(row["countries"]))


def commands(seed: int) -> list[str]:
    """What is run, as a user would write it."""
    return [
        f"teiten simulate --scenario overview2019 --seed {seed} --out october",
        "teiten ingest --config october/teiten.toml october",
        "teiten detect --config october/teiten.toml",
        *(
            f"teiten report daily {day} --config october/teiten.toml --lang {lang} --out {day:%m-%d}-{lang}"
            + (f" --since {SINCE[day]}" if day in SINCE else "")
            for day in days()
            for lang in ("en", "ja")
        ),
    ]


def page(texts: dict[tuple[dt.date, str], str], seed: int) -> tuple[str, list[str]]:
    """The page, and the statements that are not said though they are not open."""
    parts, missing, whole = [], [], 0
    for day in days():
        parts.append(f"\n## {day:%-d} October\n\n| the text says | the day says | 生成した概況の文 |\n| --- | --- | --- |")
        for statement in [one for one in statements() if one["day"] == day]:
            cells = [statement["en"] + "<br>" + statement["ja"]]
            found = [said(statement, texts[day, lang], lang) for lang in ("en", "ja")]
            whole += all(found)
            if not all(found) and "open" not in statement:
                missing.append(f"{day}: {statement['en']}")
            reason = f" ({statement['open']})" if "open" in statement else ""
            cells += [text or f"**not said**{reason}" for text in found]
            parts.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    few = [one for one in commands(seed) if "report" not in one]
    few.append("teiten report daily 2019-10-22 --config october/teiten.toml --lang ja --out day")
    head = HEAD.format(said=whole, all=len(statements()), commands="\n".join(few))
    return head + "\n".join(parts) + "\n", missing


class Made(NamedTuple):
    """What a run made: the (plain) texts by day and language, and the stories told on each day."""

    texts: dict[tuple[dt.date, str], str]
    stories: dict[dt.date, list[Story]]


def run(folder: Path, seed: int) -> Made:
    """All of it in that folder."""
    from teiten import settings
    from teiten.detect import kept
    from teiten.detect import stories as following
    from teiten.lake import Lake

    for command in commands(seed):
        subprocess.run([sys.executable, "-m", *command.split()], cwd=folder, check=True, capture_output=True)
    texts = {
        (day, lang): plain((folder / f"{day:%m-%d}-{lang}" / "report.md").read_text(encoding="utf-8"))
        for day in days()
        for lang in ("en", "ja")
    }
    chosen = settings.load(config=folder / "october" / "teiten.toml")
    lake = Lake.open(chosen.lake)
    return Made(texts, {day: following.told(kept.stories(lake, chosen, day)) for day in kept.days(lake, chosen)})


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as folder:
        made = run(Path(folder), seed)
    text, missing = page(made.texts, seed)
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(statements())} statements", *missing, sep="\n  not said: ", file=sys.stderr)
    print("strays:", *strays(made.stories), sep="\n  ", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
