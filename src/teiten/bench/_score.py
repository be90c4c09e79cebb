"""Verdicts held against what they should say: right, wrong and missing, source by source and day by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import polars as pl

    from teiten.bench._truth import Seen

Measure = Literal["packets", "targets", "run", "telnet", "rsdos"]
_KEY: Final = ["src_ip", "day"]


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a verdict may say. Who sent packets due to `causes` on a day is to be called so, others are not."""

    name: str
    label: str
    value: str | None = None
    causes: tuple[str, ...] = ()
    tool: str | None = None
    """the causes of that tool, too"""
    allowed: tuple[str, ...] = ()
    """who is called so for these causes is neither right nor wrong"""
    rule: str = ""
    """how the ids of the rules begin that count"""
    floor: int = 1
    measure: Measure = "packets"
    """of what a source must have sent `floor` on the day for it to count among those above the floor"""
    share: float = 0.0
    """of a source's packets of the day that must be due to the causes; one with less may be called so or not"""
    precision: float | None = None
    recall: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """Sources' days. `right`, `wrong`: called so, with reason or without; `above`: those above the floor, `found` of them;
    `all`: those that the claim is true of, however few their packets."""

    right: int
    wrong: int
    above: int
    found: int
    all: int

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, n) + getattr(other, n) for n in ("right", "wrong", "above", "found", "all")))

    def figures(self) -> dict[str, float]:
        """The counts, and the shares where there is something to share."""
        out = {n: float(getattr(self, n)) for n in ("right", "wrong", "above", "found", "all")}
        shares = {"precision": self.precision, "recall": self.recall, "recall_all": self.recall_all}
        return out | {n: v for n, v in shares.items() if v is not None}

    @property
    def precision(self) -> float | None:
        said = self.right + self.wrong
        return self.right / said if said else None

    @property
    def recall(self) -> float | None:
        return self.found / self.above if self.above else None

    @property
    def recall_all(self) -> float | None:
        return self.right / self.all if self.all else None


@dataclass(frozen=True, slots=True)
class Held:
    """A score and the sources' days that spoil it."""

    score: Score
    wrong: pl.DataFrame
    missing: pl.DataFrame
    """those above the floor"""


def held(claim: Claim, seen: Seen, floor: int | None = None) -> Held:
    """The claim against the truth; `floor`: another than the claim's own."""
    import polars as pl

    causes = {*claim.causes, *(c for c, tool in seen.tools.items() if tool == claim.tool and c != "zmap-new")}
    others = [c for c, tool in seen.tools.items() if tool == "mirai" and claim.measure == "telnet"] + list(claim.allowed)
    if claim.measure == "rsdos":
        true = may = seen.victims.select(*_KEY, pl.col("rsdos").alias("n"))
    else:
        # runs and Telnet are anybody's
        some = (
            ~pl.col("cause").is_in(list(others)) if claim.measure in ("run", "telnet") else pl.col("cause").is_in(list(causes))
        )
        true = seen.units.filter(some).group_by(_KEY).agg(pl.col(claim.measure).sum().alias("n"))
        true = true.filter(pl.col("n") > 0)
        may = true.select(_KEY)
        if claim.share:
            whole = seen.units.group_by(_KEY).agg(pl.col("packets").sum().alias("whole"))
            true = true.join(whole, on=_KEY).filter(pl.col("n") >= claim.share * pl.col("whole")).drop("whole")
        also = seen.units.filter(pl.col("cause").is_in([*causes, *claim.allowed])).select(_KEY).unique()
        may = pl.concat([may, also]).unique()
    said = seen.verdicts.filter((pl.col("label") == claim.label) & pl.col("rule").str.starts_with(claim.rule))
    if claim.value is not None:
        said = said.filter(pl.col("value") == claim.value)
    if claim.rule:
        # a source that another rule of the same label named first is found as well
        other = seen.verdicts.filter((pl.col("label") == claim.label) & (pl.col("value") == claim.value))
        found_by = other.select(_KEY).unique()
    else:
        found_by = said.select(_KEY).unique()
    mine = said.select(_KEY).unique()
    above = true.filter(pl.col("n") >= (claim.floor if floor is None else floor))
    missing = above.join(found_by, on=_KEY, how="anti")
    wrong = said.join(may, on=_KEY, how="anti")
    score = Score(
        right=mine.join(true, on=_KEY, how="semi").height,
        wrong=wrong.select(_KEY).unique().height,
        above=above.height,
        found=above.height - missing.height,
        all=true.height,
    )
    return Held(score, wrong, missing)


def alarms(seen: Seen, ordinary: frozenset[str], naming: tuple[str, ...]) -> tuple[int, pl.DataFrame]:
    """How many sources' days had nothing but these causes, and the verdicts of `naming` labels on them."""
    import polars as pl

    plain = seen.units.group_by(_KEY).agg(pl.col("cause").is_in(list(ordinary)).all().alias("plain")).filter("plain")
    named = seen.verdicts.filter(pl.col("label").is_in(list(naming))).join(plain, on=_KEY, how="semi")
    return plain.height, named


def chances(seen: Seen, ordinary: frozenset[str]) -> int:
    """How many packets due to these causes have ZMap's or masscan's mark by chance."""
    import polars as pl

    return int(seen.units.filter(pl.col("cause").is_in(list(ordinary)))["marked"].sum())


def examples(seen: Seen, spoilt: pl.DataFrame, count: int = 12) -> list[str]:
    """Some sources' days in words: what they sent, due to what, and what was said of them."""
    import ipaddress

    import polars as pl

    out = []
    some = spoilt.select(_KEY).unique(maintain_order=True).head(count)
    sent = seen.units.join(some, on=_KEY, how="semi")
    said = seen.verdicts.join(some, on=_KEY, how="semi")
    for address, day in some.iter_rows():
        mine = (pl.col("src_ip") == address) & (pl.col("day") == day)
        causes = ", ".join(
            f"{r['cause']} {r['packets']} packets ({r['targets']} destinations of a port)"
            for r in sent.filter(mine).sort("packets", descending=True).iter_rows(named=True)
        )
        verdicts = "; ".join(
            f"{r['label']}={r['value']} {r['rule']} {r['confidence']:.4g} {r['evidence']}"
            for r in said.filter(mine).iter_rows(named=True)
        )
        out.append(f"  {ipaddress.ip_address(address)} {day}: {causes or 'a victim'} | {verdicts or 'no verdict'}")
    return out
