"""What lies beside a data set for research: README, codebook, the risk of re-identification, licence, citation. In English."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

SCHEMES: Final = {
    "cryptopan": "Crypto-PAn with a secret key: sources that share a prefix still do. Whoever knows the true addresses of some"
    " learns about others near them",
    "truncate": "the first address of the source's /24 (IPv4) or /48 (IPv6): whose network it is stays visible to all",
    "hash": "64 bits of a keyed hash: the same source has the same name, nothing else is kept",
    "drop": "left out",
}
"""scheme -> what it keeps, and what that gives away"""
DESTINATIONS: Final = {"drop": "left out", "hash": "numbers that hold within this data set alone"}

_README: Final = """# {title}

Unsolicited packets that came to sensors, {first} to {last} UTC, in intervals of {interval} s.
{flows:,} flows of {sources:,} sources.

- `flows.parquet`: all of them, described in codebook.md
- `flowtuple.avro`: FlowTuple of corsaro 3 (Avro): {tuples}
- risk.md: how well sources are hidden
- manifest.json: how it was made, and the SHA-256 of each file

Licence: {licence}
"""
_CODEBOOK: Final = """# Codebook

| column | type | unit | meaning |
| --- | --- | --- | --- |
{rows}

Empty: not known. Sources: {scheme}, {meaning}. Destinations: {destinations}.
"""
_RISK: Final = """# Risk of re-identification

Sources: {scheme}, {meaning}.

Somebody who knows some of a source's traffic may find its rows by what is not an address. The share of the sources that fewer
than k sources look like, by what is known of them (k-anonymity; k < 2: the source stands alone):

| known | {levels} |
| --- | {lines} |
{rows}

Of {sources:,} sources in {all:,} rows.

Whoever sends packets of their own choice (ports, TTL, an interval) finds them again in the rows. So they learn the name that
they have here{near}, and that one of the addresses they sent to is watched: not which, unless they sent to few. Longer
intervals make both harder.
"""


def risk(scheme: str, figures: Mapping[str, Any]) -> str:
    """The figures of `research.risk` in words."""
    by: Mapping[str, Mapping[str, float]] = figures["by"]
    levels = list(next(iter(by.values())))
    return _RISK.format(
        scheme=scheme,
        meaning=SCHEMES[scheme],
        levels=" | ".join(level.replace("<", " < ") for level in levels),
        lines=" | ".join("---" for _ in levels),
        rows="\n".join(
            f"| {name} | " + " | ".join(f"{100 * told[one]:.1f} %" for one in levels) + " |" for name, told in by.items()
        ),
        sources=figures["sources"],
        all=figures["rows"],
        near=", and, prefixes being kept, something of their neighbours'" if scheme == "cryptopan" else "",
    )


def codebook(columns: Sequence[tuple[str, str, str, str]], scheme: str, destinations: str) -> str:
    """columns: name, type, unit, meaning."""
    rows = "\n".join(f"| `{name}` | {kind} | {unit} | {text} |" for name, kind, unit, text in columns)
    return _CODEBOOK.format(rows=rows, scheme=scheme, meaning=SCHEMES[scheme], destinations=DESTINATIONS[destinations])


def readme(**told: Any) -> str:
    """title, first, last (text), interval, flows, sources, tuples (text), licence."""
    return _README.format(**told)


def citation(title: str, publisher: str, licence_url: str, url: str, day: dt.date) -> str:
    """Citation File Format 1.2.0, type dataset. (JSON's strings are YAML's.)"""
    lines = ["cff-version: 1.2.0", "message: If you use this data set, please cite it.", "type: dataset"]
    lines += [f"title: {json.dumps(title)}", f"authors:\n  - name: {json.dumps(publisher)}", f'date-released: "{day}"']
    lines += [f"license-url: {json.dumps(licence_url)}"] if licence_url else []
    lines += [f"url: {json.dumps(url)}"] if url else []
    return "\n".join(lines) + "\n"
