"""Port scanner (TSUBAME): one source, one day 0:00 to 23:59, many ports."""

from __future__ import annotations

import polars as pl

from teiten.classify.rules import Material, Rule, answer

RULE = Rule(
    id="port_scanner",
    order=30,
    label="port_scanner",
    because={
        "en": "it tried {port_scanner_ports} ports or more (protocol and port, TCP and UDP) within the day, 0:00 to 23:59",
        "ja": "その日(0時から23時59分)のうちに{port_scanner_ports}個以上のポート(TCP・UDP)を試した",
    },
    source="TSUBAME (JPCERT/CC), Internet threat monitoring report of July to September 2022: 10 ports within one day",
    needs=("sources",),
    thresholds=("port_scanner_ports",),
    over="chosen",
    counts=("ports",),
)


def choose(material: Material) -> str:
    """As many ports as the threshold asks for."""
    return f"ports >= {material.settings.threshold('port_scanner_ports'):g}"


def judge(material: Material) -> pl.DataFrame:
    """Every source with the threshold's number of ports. The rule is a count, so its confidence is 1."""
    least = pl.lit(material.settings.threshold("port_scanner_ports")).alias("threshold")
    return answer(material.sources, None, 1.0, "ports", "packets", least)
