"""Results of many worlds as figures, as a table, and as the list of what was missed or told wrongly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

Result = Mapping[str, Any]
LARGE: Final = 3.0
"""the size from which goals hold"""


def figures(results: Sequence[Result]) -> dict[str, float]:
    """Worlds' results as figures: shares of changes, faults, stories; counts a day."""
    out: dict[str, float] = {}
    for scale in dict.fromkeys(r["scale"] for r in results):
        mine = [r for r in results if r["scale"] == scale]
        own = {"worlds": float(len({r["seed"] for r in mine})), **_of_method(mine)}
        out |= {f"{scale}.{name}": value for name, value in {**own, **_faults(mine), **_streamed(mine)}.items()}
        for name in dict.fromkeys(n for r in mine for n in r["peers"]):
            asked = [r["peers"][name] for r in mine if name in r["peers"]]
            short = (
                "changes",
                "recall_from_3",
                "precision",
                "false_a_day",
                "quiet.false_a_day",
                "seconds_a_day",
                "tellings_from_3",
            )
            theirs = _of_method(asked)
            out |= {f"{scale}.{name}.{what}": theirs[what] for what in short if what in theirs}
    return out


def _of_method(mine: Sequence[Result]) -> dict[str, float]:
    changes = [row for r in mine for trial in r["trials"] for row in trial["changes"]]
    large = [row for row in changes if row["size"] >= LARGE]
    out = {"changes": float(len(changes))}
    out |= {f"{name}_from_3": value for name, value in _shares(large).items()}
    for size, rows in _grouped(changes, "size"):
        out |= {f"size.{size:g}.{name}": value for name, value in _shares(rows).items()}
    for kind, rows in _grouped(large, "kind"):
        out |= {f"kind.{kind}.{name}": value for name, value in _shares(rows).items()}
    for kind, rows in _grouped(changes, "kind"):
        for size, some in _grouped(rows, "size"):
            out[f"curve.{kind}.{size:g}"] = _shares(some)["recall"]
    trials = [trial for r in mine for trial in r["trials"]]
    days = sum(t["days"]["days"] for t in trials)
    told, false, own = (sum(t["stories"][name] for t in trials) for name in ("told", "false", "own"))
    out["precision"] = _share(told - false, told - own)
    out["false_a_day"], out["own_a_day"] = _share(false - own, days), _share(own, days)
    out["seconds_a_day"] = _share(sum(t["days"]["seconds"] for t in trials), days)
    quiet = {k: sum(r["quiet"][k] for r in mine) for k in ("days", "false", "own")}
    out["quiet.days"] = float(quiet["days"])
    out["quiet.false_a_day"] = _share(quiet["false"] - quiet["own"], quiet["days"])
    out["quiet.own_a_day"] = _share(quiet["own"], quiet["days"])
    return out


def _faults(mine: Sequence[Result]) -> dict[str, float]:
    faults = [f for r in mine for f in r["faults"]]
    out = {"faults": float(len(faults))}
    for kind, rows in [("", faults), *((f".{kind}", rows) for kind, rows in _grouped(faults, "kind"))]:
        out[f"faults{kind}.told"] = _share(sum(f["told"] for f in rows), len(rows))
        out[f"faults{kind}.right"] = _share(sum(f["right"] for f in rows), len(rows))
        out[f"faults{kind}.false"] = _share(sum(f["false"] for f in rows), len(rows))
        out[f"faults{kind}.after"] = _share(sum(f["after"] for f in rows), len(rows))
    return out


def _streamed(mine: Sequence[Result]) -> dict[str, float]:
    rows = [row for r in mine for row in r["streaming"]]
    if not rows:
        return {}
    out = {"streamed": float(len(rows))}
    for minutes in (15, 30, 60, 120, 360):
        out[f"told_within_{minutes}_min"] = _share(sum((row["minutes"] or 999) <= minutes for row in rows), len(rows))
    out["told_within_2_hours"] = out["told_within_120_min"]
    for kind, some in _grouped(rows, "kind"):
        known = sorted(999 if row["minutes"] is None else row["minutes"] for row in some)
        out[f"minutes.{kind}"] = float(known[len(known) // 2])
    quiet = [r["streaming_quiet"] for r in mine if r["streaming_quiet"]]
    if quiet:
        out["streaming_quiet.false_a_day"] = _share(sum(q["false"] for q in quiet), sum(q["days"] for q in quiet))
    return out


def _grouped(rows: Iterable[dict[str, Any]], key: str) -> list[tuple[Any, list[dict[str, Any]]]]:
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return sorted(groups.items())


def _share(some: float, of: float) -> float:
    return some / of if of else 0.0


def _shares(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Of changes: told at all; of those told: by the right kind, and as how many stories."""
    told = [row for row in rows if row["told"] is not None]
    return {
        "recall": _share(len(told), len(rows)),
        "right": _share(sum(row["right"] for row in told), len(told)),
        "tellings": _share(sum(row["tellings"] for row in told), len(told)),
    }


def findings(results: Sequence[Result]) -> list[str]:
    """What was missed (of 3 times and more) and what was told wrongly, each with the words that show it again."""
    out = []
    for r in results:
        again = f"python -m teiten.bench._changes.work {r['scale']} {r['seed']}"
        for trial in r["trials"]:
            for row in trial["changes"]:
                if row["told"] is None and row["size"] >= LARGE:
                    what = f"{row['kind']} {row['size']:g}: {row['about']} usual {row['usual']} excess {row['excess']}"
                    out.append(f"MISSED {again} {what}")
            size = trial["changes"][0]["size"]
            out += [f"FALSE {again} '' {size:g}: {line}" for line in trial["words"]]
        out += [f"QUIET {again} quiet: {line}" for line in r["quiet"]["words"]]
        for fault in r["faults"]:
            if not fault["told"] or fault["false"] or fault["after"]:
                out.append(f"FAULT {again} {fault['kind']}: {fault['about']} told {fault['told']}")
                out += [f"    {line}" for line in fault["words"][:6]]
        out += [
            f"LATE {again} streaming {row['size']:g}: {row['minutes']} min: {row['kind']} {row['about']}"
            for row in r["streaming"]
            if (row["minutes"] or 999) > 120
        ]
    return out


def words(figures: Mapping[str, float], scales: Sequence[str], goals: Mapping[str, tuple[str, float]]) -> str:
    """The figures as a person reads them, the goal beside each."""
    from teiten.bench._changes.world import SCALES

    out = [
        "recall: changes told (the port named, or the country of a country's change); right: of those, by a kind that says",
        "what it is; stories: as how many, from 3 times the usual on. precision: of all stories told (but those of the own",
        "line), those that a change explains; false a day: on a day on which nothing happens, or beside what does.",
        "",
    ]
    for scale in scales:
        mine = {k.removeprefix(f"{scale}."): v for k, v in figures.items() if k.startswith(f"{scale}.")}
        if mine:
            held = {k.removeprefix(f"{scale}."): goal for k, goal in goals.items() if k.startswith(f"{scale}.")}
            out += [
                f"{scale}: {SCALES[scale].words}; {mine['worlds']:.0f} worlds",
                *_chief(mine, held),
                *_curves(mine),
                *_beside(mine),
                "",
            ]
    return "\n".join(out)


def _chief(mine: Mapping[str, float], goals: Mapping[str, tuple[str, float]]) -> list[str]:
    def one(name: str, label: str) -> str:
        value = mine.get(name)
        if value is None:
            return f"  {label:<44}       -"
        text = f"  {label:<44}{value:>8.3f}"
        if name in goals:
            sign, bound = goals[name]
            fine = value >= bound if sign == ">=" else value < bound
            text += f"   {sign} {bound:g}: {'reached' if fine else 'NOT REACHED'}"
        return text

    return [
        one("recall_from_3", f"recall, 3 times and more, of {mine['changes']:.0f} changes"),
        one("right_from_3", "of those told: by the right kind"),
        one("tellings_from_3", "stories that one change is told as"),
        one("precision", "precision of stories"),
        one("quiet.false_a_day", f"false a day, {mine['quiet.days']:.0f} quiet days"),
        one("quiet.own_a_day", "of the own line (a sensor that left is one)"),
        one("false_a_day", "false a day beside changes"),
        one("own_a_day", "and of the own line"),
        one("faults.told", f"{mine['faults']:.0f} faults of the own line: told as such"),
        one("faults.right", "by the right kind"),
        one("faults.false", "told as the world's, on their day"),
        one("faults.after", "and on the day after"),
        one("told_within_15_min", f"streaming, {mine.get('streamed', 0):.0f} changes: told within 15 minutes"),
        one("told_within_60_min", "within an hour"),
        one("told_within_2_hours", "within two hours"),
        one("streaming_quiet.false_a_day", "false in a quiet day looked at every hour"),
        one("seconds_a_day", "seconds of the processor for a day"),
    ]


def _curves(mine: Mapping[str, float]) -> list[str]:
    sizes = sorted({float(k.split(".", 2)[2]) for k in mine if k.startswith("curve.")})
    head = "".join(f"{f'{size:g}x':>7}" for size in sizes)
    out = [f"  {'recall by kind and size':<26}{head}{'right':>8}{'stories':>9}{'minutes':>9}"]
    kinds = dict.fromkeys(k.split(".")[1] for k in mine if k.startswith("curve."))
    for kind in kinds:
        row = "".join(_cell(mine.get(f"curve.{kind}.{size:g}")) for size in sizes)
        minutes = mine.get(f"minutes.{kind}")
        soon = "-" if minutes is None else "late" if minutes > 360 else f"{minutes:.0f}"
        right, stories = (mine.get(f"kind.{kind}.{what}", 0.0) for what in ("right", "tellings"))
        out.append(f"  {kind:<26}{row}{right:>8.2f}{stories:>9.2f}{soon:>9}")
    row = "".join(_cell(mine.get(f"size.{size:g}.recall")) for size in sizes)
    return [*out, f"  {'all':<26}{row}"]


def _cell(value: float | None) -> str:
    return f"{'-':>7}" if value is None else f"{value:>7.2f}"


def _beside(mine: Mapping[str, float]) -> list[str]:
    names = dict.fromkeys(k.split(".")[0] for k in mine if k.endswith(".recall_from_3"))
    out = []
    for name in names:
        recall, precision, beside, quiet, told, seconds = (
            mine.get(f"{name}.{what}", 0.0)
            for what in ("recall_from_3", "precision", "false_a_day", "quiet.false_a_day", "tellings_from_3", "seconds_a_day")
        )
        out.append(
            f"  {name:<8} recall {recall:.2f}, stories of one change {told:.1f}, precision {precision:.2f},"
            f" false a day {beside:.1f} beside changes, {quiet:.1f} quiet; {seconds:.1f} s a day"
        )
    return ["  other methods, at 3 times:", *out] if out else []
