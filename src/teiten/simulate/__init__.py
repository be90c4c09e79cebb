"""Labelled traffic for trying, testing and measuring: logs or captures, the truth about them, and a teiten.toml.

It shares no code with what judges traffic: the truth says what was put in, whatever a rule finds.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import polars as pl

from teiten.errors import TeitenError, UsageError
from teiten.simulate import _stories, scenarios
from teiten.simulate._mix import HOUSEHOLD
from teiten.simulate._traffic import DAY, Span, Wish
from teiten.simulate._write import SAME, Captured, Sensor, Written, write_files, write_truth

SCENARIOS: Final = tuple(scenarios.names())
DEFAULT_SENSORS: Final = 10
DEFAULT_START: Final = dt.date(2026, 4, 1)
DEFAULT_DAYS: Final = 30
ZONE: Final = dt.timezone(dt.timedelta(hours=9))
_TOOLS: Final = {"masscan": "masscan", "zmap-old": "zmap"}
"""what sends packets of that shape"""
_LABELS: Final[list[dict[str, Any]]] = [
    *({"label": c.label, "tool": c.tool, "because": c.because} for c in HOUSEHOLD),
    *({"label": b.label, "tool": _TOOLS.get(b.shape), "because": b.because} for b in _stories.BURSTS),
    {"label": "port-sweep", "tool": "masscan", "because": "consecutive ports from one country"},
    {"label": "announced", "tool": None, "because": "NOTICE, by its announced addresses"},
    {"label": "ipv6-survey", "tool": None, "because": "IPv6 addresses that were seen elsewhere"},
    {"label": "sip-repeated", "tool": None, "because": "equal packets, folded by the router's syslog"},
    {"label": "burst-local", "tool": None, "because": "a burst that one sensor alone sees"},
]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a simulation wrote: the logs or captures, their lines and events, where truth and configuration lie."""

    paths: list[Path]
    lines: int
    events: int
    truth: Path
    config: Path


def run(
    scenario: str,
    seed: int,
    start: dt.date | None,
    days: int | None,
    events: int | None,
    out: str | Path,
    *,
    n_sensors: int = DEFAULT_SENSORS,
    prefix: str | None = None,
    kinds: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Writes a scenario of `days` days from midnight (UTC+9) of `start` into the folder `out`; None: the scenario's own.

    `events` packets or so in all; None for the scenario's usual number. The same seed gives the same bytes with one
    release of the program. `prefix`: the dark prefix of the scenario 'telescope'. `kinds`: 'pcap', 'log' or both of the
    same packets; none: the scenario's usual one. `progress` hears of lines (packets) written. UsageError, or TeitenError
    where `out` cannot be written.
    """
    if scenario not in SCENARIOS:
        raise UsageError(f"'{scenario}' is no scenario.", hint=f"Choose one of: {', '.join(SCENARIOS)}.")
    start, days = _span(scenario, start, days)
    if not 1 <= days <= 3660:
        raise UsageError(f"{days} days cannot be simulated.", hint="Give --days between 1 and 3660.")
    if events is not None and events < 1:
        raise UsageError(f"{events} events cannot be simulated.", hint="Give --events of 1 or more.")
    if seed < 0:
        raise UsageError("A seed is 0 or more.")
    if not 1 <= n_sensors <= 250:
        raise UsageError(f"{n_sensors} sensors cannot be simulated.", hint="Give --sensors between 1 and 250.")
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already.", hint="Give --out a new or empty folder.")
    span = Span(int(dt.datetime.combine(start, dt.time(), dt.timezone(dt.timedelta(hours=9))).timestamp()), days)
    module = scenarios.scenario(scenario)
    wish = Wish(seed, span, events, n_sensors, prefix, _kinds(scenario, module, kinds))
    if prefix is not None and not hasattr(module, "prefix_of"):
        raise UsageError(f"The scenario '{scenario}' has no dark prefix.", hint="Leave out --prefix, or --scenario telescope.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # it appears under its name when it is whole
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            new = Path(scratch) / "new"
            made = _make(scenario, module, wish, new, progress or (lambda _lines: None))
            new.rename(folder)
    except OSError as error:
        raise TeitenError(
            f"{error.filename or folder} cannot be written: {error.strerror}.", hint="Choose another --out."
        ) from None
    return Summary(
        [folder / p.relative_to(new) for p in made.paths],
        made.lines,
        made.events,
        folder / made.truth.relative_to(new),
        folder / made.config.relative_to(new),
    )


def _kinds(scenario: str, module: ModuleType, wanted: Sequence[str]) -> tuple[str, ...]:
    """What is to be written, the scenario's usual kind where nothing is said. UsageError for what it cannot write."""
    known = tuple(getattr(module, "FILES", ("log",)))
    strange = [kind for kind in wanted if kind not in known]
    if strange:
        raise UsageError(
            f"The scenario '{scenario}' cannot write '{strange[0]}'.",
            hint=f"Choose from: {', '.join(known)}; both with a comma.",
        )
    return tuple(dict.fromkeys(wanted)) or known[:1]


def _span(scenario: str, start: dt.date | None, days: int | None) -> tuple[dt.date, int]:
    """The first day and how many. UsageError where a scenario that tells of certain days is asked for others."""
    module = scenarios.scenario(scenario)
    own = (getattr(module, "START", None), getattr(module, "DAYS", None))
    if own[0] is not None and (start or own[0], own[1] if days is None else days) != own:
        raise UsageError(
            f"The scenario '{scenario}' tells of {own[1]} days from {own[0]}, and of no others.",
            hint="Leave out --start and --days.",
        )
    return start or own[0] or DEFAULT_START, int(own[1] or DEFAULT_DAYS if days is None else days)


def _make(scenario: str, module: ModuleType, wish: Wish, folder: Path, progress: Callable[[int], None]) -> Summary:
    """The scenario's files: a scenario of logs says what is in them, one of captures writes them itself."""
    if not hasattr(module, "write"):
        sensors, stories = module.make(wish)
        return _write(scenario, wish, sensors, stories, folder, progress)
    folder.mkdir()
    captured: Captured = module.write(wish, folder, progress)
    config = folder / "teiten.toml"
    first, last = (dt.datetime.fromtimestamp(t, ZONE).isoformat() for t in (wish.span.start, wish.span.end))
    text = _head(scenario, wish.seed, wish.span)
    for table, glob in captured.sensors:
        text += ["", table, f"from = {first}", f"to = {last}", f'paths = ["{glob}"]']
    config.write_text("\n".join(text) + "\n", encoding="utf-8")
    return Summary(captured.paths, captured.lines or captured.packets, captured.packets, captured.truth, config)


def _write(
    scenario: str,
    wish: Wish,
    sensors: list[tuple[Sensor, pl.DataFrame]],
    stories: list[dict[str, Any]],
    folder: Path,
    progress: Callable[[int], None],
) -> Summary:
    written = [write_files(sensor, packets, wish.seed, folder, wish.kinds, progress) for sensor, packets in sensors]
    sources = (
        pl.concat([s for w in written for s in w.sources])
        .group_by("sensor", "src_ip", "country", "label")
        .agg(
            pl.col("packets").sum(),
            pl.col("port").drop_nulls().n_unique().alias("ports"),
            pl.col("first").min(),
            pl.col("last").max(),
        )
    )
    truth = write_truth(folder, _LABELS, stories, sources, 9)
    if beside := getattr(scenarios.scenario(scenario), "beside", None):
        beside(sources, wish.seed, folder)
    config = folder / "teiten.toml"
    config.write_text(_toml(scenario, wish, [s for s, _ in sensors]), encoding="utf-8")
    return Summary([p for w in written for p in w.paths], _sum(written, "lines"), _sum(written, "events"), truth, config)


def _sum(written: list[Written], what: str) -> int:
    return sum(getattr(w, what) for w in written)


def _head(scenario: str, seed: int, span: Span) -> list[str]:
    """How a configuration begins."""
    start = f"{dt.datetime.fromtimestamp(span.start, ZONE):%Y-%m-%d}"
    return [
        f"# Simulated: teiten simulate --scenario {scenario} --seed {seed} --start {start} --days {span.days}",
        "# Sources are drawn at random from their countries' addresses: they say nothing about anybody.",
        'zone = "Asia/Tokyo"',
        'lake = "lake"',
    ]


def _toml(scenario: str, wish: Wish, sensors: list[Sensor]) -> str:
    """The configuration that describes the simulated sensors."""
    first, last = (dt.datetime.fromtimestamp(t, ZONE).isoformat() for t in (wish.span.start, wish.span.end))
    text = _head(scenario, wish.seed, wish.span)
    module = scenarios.scenario(scenario)
    text += [module.TOP] if hasattr(module, "TOP") else []
    for i, kind in enumerate(wish.kinds):
        text += ["", SAME] if i else []
        for sensor in sensors:
            files = (
                f"captures/{sensor.name}-*.pcap" if kind == "pcap" else f"{sensor.folder}/{sensor.log or sensor.name}-*.log*"
            )
            text += [
                "",
                f"[sensor.{sensor.name}{f'-{kind}' if i else ''}]",
                f'group = "{sensor.group}"',
                f'country = "{sensor.country}"',
                "addresses = 1",
                f"from = {first}",
                f"to = {last}",
                f'paths = ["{files}"]',
            ]
    # what begins with no table of its own is of the last sensor
    more = getattr(module, "SETTINGS", "")
    text += [*([""] if more.startswith("[") else []), more] if more else []
    return "\n".join(text) + "\n"


__all__ = ["DAY", "DEFAULT_START", "SCENARIOS", "Summary", "run"]
