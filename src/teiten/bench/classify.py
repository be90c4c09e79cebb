"""What sources are taken for, beside the truth: simulated days with everything mixed, ZMap's order, captures of real tools."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from teiten.bench import _order, _process, _real, _score
from teiten.bench._score import Claim, Score

NAME: Final = "classify"
HELP: Final = "verdicts beside the truth of simulated days, ZMap's order by destinations, captures of real tools"

MARKED: Final = 3
"""packets with a mark below which a source may stay unnamed: one in 65,536 has ZMap's or masscan's by chance, and
definitions ask for several"""
RUN: Final = 50
"""ports in order below which a run may stay unnamed"""
_MANY: Final = ("many-ports", "large-masscan", "large-zmap", "large-own")
_SCANS: Final = ("port-run", "hping3", "nmap-syn", "nmap-connect")
CLAIMS: Final = (
    Claim("mirai", "tool", "mirai", tool="mirai", floor=MARKED, precision=0.99, recall=0.99),
    Claim("masscan", "tool", "masscan", tool="masscan", floor=MARKED, precision=0.99, recall=0.99),
    Claim("zmap", "tool", "zmap", tool="zmap", allowed=("zmap-new",), floor=MARKED, precision=0.99, recall=0.99),
    Claim("nmap", "tool", "nmap", tool="nmap", floor=MARKED, precision=0.99, recall=0.99),
    Claim("hping3", "tool", "hping3", tool="hping3", floor=MARKED, precision=0.99, recall=0.99),
    Claim(
        "zmap-order", "tool", "zmap", causes=("zmap-new",), allowed=("zmap-old", "large-zmap", "survey-zmap"),
        rule="tool_zmap_order", floor=12, measure="targets", precision=0.999, recall=0.95,
    ),
    # the label says of its packets what they are, most of them: a server that scans as well is an attack's victim below
    Claim("backscatter", "backscatter", causes=("backscatter",), share=0.5, precision=0.95, recall=0.95),
    Claim("attack-victim", "attack_victim", causes=("backscatter",), measure="rsdos", precision=0.95, recall=0.95),
    Claim("spoofed-flood", "spoofed_flood", causes=("spoofed-flood",), precision=0.95, recall=0.95),
    Claim("port-run", "port_run", measure="run", floor=RUN, precision=0.95, recall=0.95),
    Claim("many-ports", "many_ports", causes=_MANY, allowed=_SCANS, floor=60),
    Claim("telnet", "telnet_without_mirai", causes=("telnet",), allowed=("announced",), measure="telnet", floor=MARKED),
    Claim("mirai-ports", "mirai_ports", tool="mirai", floor=MARKED),
    Claim("mirai-9530", "mirai_ports", "9530", causes=("mirai-9530",), share=1.0, floor=MARKED),
    Claim("large", "large_scanner", causes=_MANY[1:], allowed=(*_MANY, *_SCANS, "zmap-old", "masscan"), floor=300),
    Claim("misconfiguration", "misconfiguration", causes=("misconfiguration",), floor=10),
    Claim("announced", "announced_scanner", causes=("announced",)),
)  # fmt: skip
ORDINARY: Final = frozenset(
    {
        "hosts", "smb", "udp", "ping", "new-port", "plateau", "group-burst", "nat", "survey-own", "own-scan", "botnet-wave",
        "nmap-connect",
        "smb-worm", "mssql", "ssh", "web", "adb", "rdp", "sip", "udp-probe", "other", "ipv6-survey", "sip-repeated",
    }
)  # fmt: skip
"""causes that no tool, attack or flood may be seen in"""
NAMING: Final = ("tool", "mirai_ports", "backscatter", "attack_victim", "spoofed_flood", "port_run")


@dataclass(frozen=True, slots=True)
class World:
    """What is simulated: words for `teiten simulate`, in full and as a quick look."""

    name: str
    scenario: tuple[str, ...]
    seeds: tuple[int, ...]
    full: tuple[str, ...]
    quick: tuple[str, ...]
    goals: bool = True
    targets: int = 12
    """distinct destinations from which new ZMap's order is to be seen"""


WORLDS: Final = (
    World(
        "p24", ("telescope",), (1, 2, 3), ("--days", "2", "--events", "400000"), ("--days", "1", "--events", "60000"),
        targets=16,
    ),
    World(
        "p16", ("telescope", "--prefix", "44.11.0.0/16"), (4, 5), ("--days", "2", "--events", "2000000"),
        ("--days", "1", "--events", "120000"),
    ),
    World(
        "p64", ("telescope", "--prefix", "2001:db8:38::/64"), (8,), ("--days", "14"), ("--days", "2", "--events", "6000"), False
    ),
    World("sensors", ("sensors",), (6,), ("--days", "14"), ("--days", "2"), False),
    World("home", ("home",), (7,), ("--days", "61"), ("--days", "7"), False),
)  # fmt: skip
"""IPv6 has few of the rules, a home line and sensors of one address each see too little: no goals there, the figures say what
is named"""


def _goals() -> dict[str, tuple[str, float]]:
    out = {}
    for world in WORLDS:
        for claim in CLAIMS if world.goals else ():
            for what in ("precision", "recall"):
                if (bound := getattr(claim, what)) is not None:
                    out[f"{world.name}.{claim.name}.{what}"] = (">=", bound)
    return out | _order.GOALS | _real.GOALS


GOALS: Final = _goals()


def simulated(world: World, seed: int, work: Path, quick: bool) -> Path:
    """The world of that seed, ingested by the real commands; its folder."""
    folder = work / f"classify-{world.name}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    words = ("--scenario", *world.scenario, "--seed", str(seed), *(world.quick if quick else world.full), "--out", str(folder))
    _process.run(_process.teiten("simulate", *words))
    _process.run(_process.teiten("ingest", "--config", str(folder / "teiten.toml"), str(folder)))
    return folder


def run_world(world: World, work: Path, quick: bool) -> tuple[dict[str, float], list[str]]:
    """Its figures, over all seeds, and the sources that spoil them, in words."""
    from teiten import settings
    from teiten.bench import _truth

    figures: dict[str, float] = {
        f"{world.name}.{name}": 0.0 for name in ("packets", "strays", "ordinary", "ordinary_named", "chance_marks")
    }
    sums: dict[str, Score] = {}
    words: list[str] = []
    for seed in world.seeds[:1] if quick else world.seeds:
        folder = simulated(world, seed, work, quick)
        seen = _truth.seen(folder, settings.load(config=folder / "teiten.toml"))
        plain, named = _score.alarms(seen, ORDINARY, NAMING)
        for name, more in (
            ("packets", seen.packets), ("strays", seen.strays), ("ordinary", plain), ("ordinary_named", named.height),
            ("chance_marks", _score.chances(seen, ORDINARY)),
        ):  # fmt: skip
            figures[f"{world.name}.{name}"] += more
        words += [f"{world.name} seed {seed}: named, though ordinary: {named.height} of {plain}", *_score.examples(seen, named)]
        for claim in CLAIMS:
            held = _score.held(claim, seen, world.targets if claim.measure == "targets" else None)
            sums[claim.name] = sums[claim.name] + held.score if claim.name in sums else held.score
            for what, spoilt in (("wrong", held.wrong), ("missing", held.missing)):
                head = f"{world.name} seed {seed}: {claim.name}: {what}: {spoilt.height}"
                words += [head, *_score.examples(seen, spoilt)] if spoilt.height else []
        shutil.rmtree(folder)
    for name, score in sums.items():
        figures |= {f"{world.name}.{name}.{what}": value for what, value in score.figures().items()}
    return figures, words


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """WORLD.CLAIM.{right, wrong, above, found, all, precision, recall, recall_all}; order.*; real.*.

    What spoils the figures is left in `classify-findings.txt` of the folder, source by source.
    """
    figures: dict[str, float] = {}
    words: list[str] = []
    for world in WORLDS:
        more, said = run_world(world, work, quick)
        figures |= more
        words += said
    figures |= _order.curve(quick)
    more, said = _real.figures(work)
    (work / "classify-findings.txt").write_text("\n".join([*words, *said]) + "\n", encoding="utf-8")
    return figures | more


def _main(work: str, *names: str) -> None:
    """`python -m teiten.bench.classify FOLDER [WORLD...]`: those worlds quickly, with what spoils them."""
    for world in WORLDS:
        if not names or world.name in names:
            figures, words = run_world(world, Path(work), True)
            print("\n".join([*_world_table(world, figures), *words]))


def table(figures: Mapping[str, float]) -> str:
    """The figures as a person reads them, the goal beside each."""
    out = [
        "Counts are of sources' days. called: with the verdict; wrong: those of whom it is not true; above: those of whom it",
        "is true and who sent as much as the floor says, found: those of them called so; all: however little they sent.",
        "",
    ]
    for world in WORLDS:
        out += _world_table(world, figures)
    return "\n".join([*out, *_order.table(figures), *_real.table(figures)])


def _world_table(world: World, figures: Mapping[str, float]) -> list[str]:
    def of(name: str) -> float:
        return figures.get(f"{world.name}.{name}", 0.0)

    def share(claim: Claim, what: str) -> str:
        value = figures.get(f"{world.name}.{claim.name}.{what}")
        goal = GOALS.get(f"{world.name}.{claim.name}.{what}")
        if value is None:
            return "-"
        beside = "" if goal is None else f" >= {goal[1]:g}" if value >= goal[1] else f" NOT {goal[1]:g}"
        return f"{value:.4f}{beside}"

    head = f"{world.name}: teiten simulate --scenario {' '.join(world.scenario)}: {of('packets'):,.0f} packets"
    plain = (
        f"{of('ordinary'):,.0f} ordinary sources' days, {of('ordinary_named'):.0f} of them named all the same"
        f" ({of('chance_marks'):.0f} of their packets have a mark by chance)"
    )
    columns = ("claim", "called", "wrong", "precision", "above", "found", "recall", "all", "recall of all", "floor")
    shape = "  {:<17}{:>8}{:>7} {:<16}{:>8}{:>9} {:<16}{:>8} {:<14} {}"
    out = [f"{head}, {of('strays'):.0f} strays; {plain}", shape.format(*columns)]
    for claim in CLAIMS:
        floor = world.targets if claim.measure == "targets" else claim.floor
        right, wrong, above, found, every = (int(of(f"{claim.name}.{n}")) for n in ("right", "wrong", "above", "found", "all"))
        if right or wrong or every:
            precision, recall, of_all = (share(claim, what) for what in ("precision", "recall", "recall_all"))
            counts = (f"{n:,}" for n in (right + wrong, wrong, above, found, every))
            called, false, over, there, true = counts
            last = f"{floor} {claim.measure}"
            out.append(shape.format(claim.name, called, false, precision, over, there, recall, true, of_all, last))
    return [*out, ""]


if __name__ == "__main__":
    import sys

    _main(*sys.argv[1:])
