"""Captures of real tools, where they are at hand: what the program calls their senders. Nothing here is simulated."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from teiten.bench import _process

VARIABLE: Final = "TEITEN_CAPTURES"
"""names the folder of captures; their names begin with the tool"""
GOALS: Final = {"real.order": (">=", 2.0), "real.wrong": ("<=", 0.0), "real.missing": ("<=", 0.0)}

EXPECTED: Final[dict[str, tuple[str, str | None] | None]] = {
    "masscan132_syn": ("tool", "masscan"),
    "zmap211_syn": ("tool", "zmap"),
    "zmap4_order_1thread": ("tool", "zmap"),
    "zmap4_order_4threads": ("tool", "zmap"),
    "nmap_sS_24": ("tool", "nmap"),
    "nmap_sS_top100": ("tool", "nmap"),
    "hping3_syn": ("tool", "hping3"),
    "hping3_scan": ("tool", "hping3"),
    "backscatter_linux_kernel": ("backscatter", None),
    "nmap_sT": None,
    "zmap4_syn_windows": None,
    "zmap4_syn_default": None,
}
"""beginning of a capture's name -> what its busiest source is to be called; None: no rule on one packet may name it (what
the order of its addresses says is free to say it)"""


def folder() -> Path | None:
    """Where captures of real tools lie; None where nobody said so."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named and Path(named).is_dir() else None


def _verdicts(capture: Path, work: Path) -> list[dict[str, object]]:
    """The capture in a lake of its own: the verdicts on its sources."""
    lake = work / "classify-real"
    shutil.rmtree(lake, ignore_errors=True)
    out = work / "classify-real.json"
    _process.run(_process.teiten("ingest", "--lake", str(lake), "--tz", "UTC", str(capture)))
    query = "SELECT src_ip, label, value, rule, confidence, evidence FROM verdicts ORDER BY ALL"
    _process.run(_process.teiten("sql", "--lake", str(lake), "--output", "json", query), out=out)
    found: list[dict[str, object]] = json.loads(out.read_text(encoding="utf-8"))
    shutil.rmtree(lake)
    return found


def figures(work: Path) -> tuple[dict[str, float], list[str]]:
    """real.captures, right, wrong, missing, order; and what was said of each capture, in words. Empty without captures."""
    where = folder()
    if where is None:
        return {}, [f"captures of real tools: none ({VARIABLE} names no folder)"]
    out = {f"real.{n}": 0.0 for n in ("captures", "right", "wrong", "missing", "order")}
    words = []
    for path in sorted(where.glob("*.pcap")):
        begins = [b for b in EXPECTED if path.stem.startswith(b)]
        if not begins:
            continue
        expected, said = EXPECTED[max(begins, key=len)], _verdicts(path, work)
        naming = [(str(v["label"]), v["value"]) for v in said if v["label"] in ("tool", "backscatter", "spoofed_flood")]
        right = expected is not None and any(label == expected[0] and expected[1] in (None, v) for label, v in naming)
        wrong = [n for n in naming if expected is None or (n[0], n[1] if expected[1] else None) != expected]
        if "zmap4" in path.stem:
            wrong = [n for n in wrong if n != ("tool", "zmap")]
        out["real.captures"] += 1
        out["real.right"] += right
        out["real.missing"] += expected is not None and not right
        out["real.wrong"] += len(wrong)
        out["real.order"] += right and "_order_" in path.stem
        words.append(f"{path.name}: expected {expected}; " + ("; ".join(_words(v) for v in said) or "no verdict"))
    return out, words


def _words(verdict: Mapping[str, object]) -> str:
    return " ".join(str(verdict[n]) for n in ("src_ip", "label", "value", "rule", "confidence", "evidence"))


def table(figures: Mapping[str, float]) -> list[str]:
    """Or that there are none."""
    if "real.captures" not in figures:
        return [f"captures of real tools: none at hand ({VARIABLE} names their folder)"]
    f = {n: f"{figures[f'real.{n}']:.0f}" for n in ("captures", "right", "wrong", "missing", "order")}
    said = (
        f"captures of real tools: {f['captures']}; called as they should be: {f['right']}, missing: {f['missing']}, wrongly"
        f" called: {f['wrong']} (goal: none); whole-Internet scans of new ZMap named by their order: {f['order']} of 2"
    )
    return [said]
