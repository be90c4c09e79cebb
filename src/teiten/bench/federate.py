"""Many households asked together, some of whom lie: the merged ranking beside the truth, who is told, what it costs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teiten.bench._federate.world import World
    from teiten.federation.merging import Merged

NAME: Final = "federate"
HELP: Final = (
    "twenty simulated households of which some lie: the merged ranking beside the truth, who is told, the price of noise,"
    " growth"
)
HOMES: Final = 20
LIARS: Final = 3
SEEDS: Final = 20
NOISY: Final = 5
"""seeds of which noise is drawn: each is drawn for every figure of every household"""
MOST: Final = 9
"""liars up to which it is looked for where the merge breaks"""
SIZES: Final = (5, 20, 100, 500)
WIDE: Final = (100, 1000, 3000)
"""ports a day of twenty members"""
EPSILONS: Final = (5.0, 1.0, 0.5)
THRESHOLDS: Final = ((1, 1), (10, 3), (50, 10), (250, 50))
"""packets and hosts a day below which a thing is withheld"""
KINDS: Final = ("inflated", "invented", "denied", "zeros", "copied", "slight", "shifted", "colluding")
TOLD: Final = ("inflated", "invented", "zeros", "copied", "colluding")
"""of which it is asked that they are told"""
GOALS: Final[dict[str, tuple[str, float]]] = {
    **{f"{kind}.entered": ("<=", 0.0) for kind in ("inflated", "invented", "colluding")},
    **{f"{kind}.among": (">=", 9.0) for kind in KINDS},
    **{f"{kind}.caught": (">=", 0.95) for kind in TOLD},
    "honest.wronged": ("<=", 0.0),
    "breaks_at": (">=", 6.0),
    "grown.500.merge_s": ("<=", 30.0),
    "grown.500.report_mib": ("<=", 2048.0),
}


def run_benchmark(work_folder: Path, quick: bool) -> dict[str, float]:
    """truth.*; KIND.{leading, among, off, entered, caught, wronged}; liars.N.*; epsilon.E.*; least.P.*; grown.N.*; wide.N.*.

    Households whose counts are in the folder are not made again: with --work it goes on where it was.
    """
    from teiten.bench._federate import growth, homes
    from teiten.bench._federate.world import World

    folder = work_folder / "federate"
    folder.mkdir(parents=True, exist_ok=True)
    days, events = (8, 4000) if quick else (24, 20_000)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        jobs = [pool.submit(homes.make, folder, seed, days, events) for seed in range(1, HOMES + 1)]
        world = World([homes.read(job.result()) for job in jobs])
    seeds = 3 if quick else int(os.environ.get("TEITEN_BENCH_SEEDS", SEEDS))
    figures = _truth(world)
    for kind in KINDS:
        figures |= _lied(world, kind, seeds)
    figures |= _breaking(world, seeds)
    figures |= _hiding(world, 1 if quick else NOISY)
    for members in SIZES[:2] if quick else SIZES:
        figures |= {f"grown.{members}.{name}": value for name, value in growth.run(folder, members).items()}
    for ports in WIDE[:1] if quick else WIDE:
        figures |= {f"wide.{ports}.{name}": value for name, value in growth.run(folder, 20, ports).items()}
    return figures


def _truth(world: World) -> dict[str, float]:
    """Nobody lies: the merged ranking beside what one lake with everything would count, and who is told all the same."""
    from teiten.bench._federate import world as own

    merged = world.honest
    leading, among = own.against_truth(own.ranking(merged), world.true_ranking())
    return {
        "packets": float(sum(world.truth.values())),
        "truth.leading": float(leading),
        "truth.among": float(among),
        "honest.wronged": float(len(own.told_of(merged))),
    }


def _drawn(world: World, seed: int, many: int) -> list[int]:
    """Who lies."""
    import numpy as np

    return [int(n) for n in np.random.default_rng((seed, many)).choice(len(world.homes), many, replace=False)]


def _lied(world: World, kind: str, seeds: int) -> dict[str, float]:
    """Three who lie, of twenty; the means over the seeds.

    leading, among, off: beside the merge in which nobody lies (`world.Beside`); sum_among: the same of plain sums;
    entered: ports invented that came into the ranking; of other lies, ports of the first ten that were not there before;
    caught: of those who lie, how many are told; wronged: told, who do not lie, beyond those told where nobody does.
    """
    import numpy as np

    from teiten.bench._federate import lies
    from teiten.bench._federate import world as own

    honest = world.honest
    usual, before = own.ranking(honest), set(own.told_of(honest))
    rows = []
    for seed in range(seeds):
        random, liars = np.random.default_rng((seed, 7)), _drawn(world, seed, LIARS)
        merged = world.merged({who: lies.KINDS[kind](world, who, liars, random) for who in liars})
        names, told = {own.name(who) for who in liars}, own.told_of(merged)
        found, ranked = own.beside(merged, honest), own.ranking(merged)
        entered = len(lies.MADE_UP & set(ranked) if kind in ("invented", "colluding") else set(ranked[:10]) - set(usual[:10]))
        plain = len(set(own.summed(merged)[:10]) & set(usual[:10]))
        wronged = len(set(told) - names - before)
        rows.append((found.leading, found.among, found.off, plain, entered, len(names & set(told)) / LIARS, wronged))
    heads = ("leading", "among", "off", "sum_among", "entered", "caught", "wronged")
    return {f"{kind}.{head}": float(value) for head, value in zip(heads, np.mean(rows, axis=0), strict=True)}


def _breaking(world: World, seeds: int) -> dict[str, float]:
    """1 to 10 of twenty who agree on the same invented port and deny the first one: when it is listed, who is told.

    breaks_at: the fewest liars with whom it stands in a ranking (11: with none of them).
    """
    import numpy as np

    from teiten.bench._federate import lies
    from teiten.bench._federate import world as own

    honest, broken = world.honest, MOST + 1
    out: dict[str, float] = {}
    first = own.ranking(honest)[0]
    for many in range(1, MOST + 1):
        rows = []
        for seed in range(seeds):
            liars = _drawn(world, seed, many)
            merged = world.merged({who: lies.colluding(world, who, liars, np.random.default_rng(seed)) for who in liars})
            ranked, told, names = own.ranking(merged), set(own.told_of(merged)), {own.name(who) for who in liars}
            place = ranked.index(lies.AGREED) + 1 if lies.AGREED in ranked else 0
            rate = own.rates(merged).get(first, 0.0) / own.rates(honest)[first]
            rows.append((place > 0, 0 < place <= 10, rate, len(names & told) / many, len(told - names)))
        heads = ("listed", "in_ten", "first_left", "caught", "wronged")
        own_figures = dict(zip(heads, (float(value) for value in np.mean(rows, axis=0)), strict=True))
        out |= {f"liars.{many}.{head}": value for head, value in own_figures.items()}
        if own_figures["listed"] and broken > MOST:
            broken = many
    return {"breaks_at": float(broken)} | out


def _hiding(world: World, secrets: int) -> dict[str, float]:
    """Noise and thresholds beside a merge of exact counts: leading, among, off; told: shares of the packets that are told by
    port."""
    from dataclasses import replace

    import numpy as np

    from teiten.bench._federate import world as own
    from teiten.federation import telling

    exact = world.under(own.EXACT)
    out: dict[str, float] = {}
    whole = float(exact.table("port").packets.sum())

    def figures(label: str, merged: Sequence[Merged]) -> None:
        rows = []
        for one in merged:
            found = own.beside(one, exact)
            rows.append((found.leading, found.among, found.off, float(one.table("port").packets.sum()) / whole))
        for head, value in zip(("leading", "among", "off", "told"), np.mean(rows, axis=0), strict=True):
            out[f"{label}.{head}"] = float(value)

    for packets, hosts in THRESHOLDS:
        figures(f"least.{packets}", [world.under(replace(own.GIVEN, least_packets=packets, least_hosts=hosts))])
    for epsilon in EPSILONS:
        rules = replace(own.GIVEN, epsilon=epsilon)
        out[f"epsilon.{epsilon:g}.sd"] = telling.scale(rules)
        figures(f"epsilon.{epsilon:g}", [world.under(rules, 1 + n) for n in range(secrets)])
    return out


def table(figures: Mapping[str, float]) -> str:
    """The figures as a person reads them, the goal beside each."""

    def met(name: str) -> str:
        if name not in GOALS:
            return ""
        sign, bound = GOALS[name]
        value = figures[name]
        return "" if (value <= bound if sign == "<=" else value >= bound) else f"  NOT {sign} {bound:g}: {name}"

    out = [
        f"{figures['packets']:,.0f} packets at {HOMES} households. Nobody lies: beside one lake with all of it the first",
        f"{figures['truth.leading']:.0f} places are the same, and {figures['truth.among']:.0f} of the first ten ports;",
        f"{figures['honest.wronged']:.0f} told all the same.{met('honest.wronged')}",
        "",
        f"{LIARS} of {HOMES} lie, means over draws. Beside the merge without lies: leading: first places the same; among:",
        "of the first ten, still there; off: the first five figures; sum: as among, by plain sums; entered: new in the first",
        "ten (invented: in the ranking at all); told: of those who lie; wronged: told, who do not",
        f"  {'lie':<11}{'leading':>8}{'among':>7}{'off':>8}{'sum':>6}{'entered':>9}{'told':>7}{'wronged':>9}",
    ]
    for kind in KINDS:
        own = {name.partition(".")[2]: value for name, value in figures.items() if name.startswith(f"{kind}.")}
        misses = "".join(met(f"{kind}.{name}") for name in own)
        out.append(
            f"  {kind:<11}{own['leading']:>8.1f}{own['among']:>7.2f}{own['off']:>8.1%}{own['sum_among']:>6.1f}"
            f"{own['entered']:>9.2f}{own['caught']:>7.0%}{own['wronged']:>9.2f}{misses}"
        )
    out += [
        "",
        f"N of {HOMES} agree on one invented port and deny the first. It is listed from N = {figures['breaks_at']:.0f} on."
        + met("breaks_at"),
        f"  {'liars':<7}{'listed':>8}{'in ten':>8}{'left':>7}{'told':>7}{'wronged':>9}",
    ]
    for many in range(1, MOST + 1):
        one = [figures[f"liars.{many}.{name}"] for name in ("listed", "in_ten", "first_left", "caught", "wronged")]
        out.append(f"  {many:<7}{one[0]:>8.0%}{one[1]:>8.0%}{one[2]:>7.0%}{one[3]:>7.0%}{one[4]:>9.2f}")
    out += ["", f"beside exact counts    {'leading':>8}{'among':>7}{'off':>8}{'told':>7}"]
    labels = [f"least.{packets}" for packets, _ in THRESHOLDS] + [f"epsilon.{epsilon:g}" for epsilon in EPSILONS]
    for label in labels:
        one = [figures[f"{label}.{name}"] for name in ("leading", "among", "off", "told")]
        said = f"{label} (sd {figures[f'{label}.sd']:.1f})" if f"{label}.sd" in figures else label
        out.append(f"  {said:<21}{one[0]:>8.1f}{one[1]:>7.1f}{one[2]:>8.1%}{one[3]:>7.0%}")
    out += ["", f"a month of             {'rows':>10}{'MB':>7}{'merge s':>9}{'MiB':>6}{'report s':>10}{'MiB':>7}"]
    for label in dict.fromkeys(name.rpartition(".")[0] for name in figures if name.startswith(("grown.", "wide."))):
        kind, _, wide = label.partition(".")
        said = f"{wide} members" if kind == "grown" else f"20 members, {int(wide):,} ports"
        names = ("rows", "megabytes", "merge_s", "merge_mib", "report_s", "report_mib")
        one = [figures[f"{label}.{name}"] for name in names]
        misses = "".join(met(f"{label}.{name}") for name in names)
        out.append(
            f"  {said:<21}{one[0]:>10,.0f}{one[1]:>7.1f}{one[2]:>9.2f}{one[3]:>6.0f}{one[4]:>10.2f}{one[5]:>7.0f}{misses}"
        )
    return "\n".join(out)
