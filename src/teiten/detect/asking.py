"""The lake as detection asks it: cells, hours watched, and what single sources did."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

import polars as pl

from teiten.detect.model import About


class Asked(Protocol):
    """Questions about single sources. Periods are [start, end) in UTC; sensors' own addresses are in no answer."""

    def hosts(self, about: About, start: dt.datetime, end: dt.datetime) -> int:
        """Distinct sources."""

    def sources(self, about: About, start: dt.datetime, end: dt.datetime, most: int) -> pl.DataFrame:
        """The sources with most packets: src_ip (binary), country, asn, as_name, packets, ports (how many), first, last."""

    def pairs(self, start: dt.datetime, end: dt.datetime, least: int) -> pl.DataFrame:
        """What each source tried: src_ip, country, asn, protocol, dst_port, packets; of ports with `least` sources or more."""

    def verdicts(self, day: dt.date) -> pl.DataFrame:
        """That day's verdicts: src_ip, prefix_len, label, value, rule, confidence, evidence (JSON)."""

    def gaps(self, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
        """When sensors were not watching, to the second: sensor, start, end, because (the operator's words, or null)."""
