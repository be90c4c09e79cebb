"""Sketches of hosts: hashes and unions are those of Apache DataSketches, whose answers lie in cases/theta.json.

`TEITEN_ACCEPT=1` with the package `datasketches` installed makes the case anew; where it is installed it is also asked itself.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from teiten.engine.duckdb import Session
from teiten.lake import Lake, rollup
from teiten.settings import Settings

CASE = Path(__file__).parent / "cases" / "theta.json"
WHOLE = (1 << 63) - 1
KEPT = 32


def addresses() -> list[str]:
    """IPv4, and IPv6 whose bytes can be handed to the library as a text."""
    chance = random.Random(4)
    four = [0, 1, (1 << 32) - 1, *(chance.getrandbits(32) for _ in range(60))]
    six = [bytes(chance.randrange(128) for _ in range(16)) for _ in range(40)]
    return [str(ipaddress.IPv4Address(n)) for n in four] + [str(ipaddress.IPv6Address(b)) for b in six]


SETS = [
    [(0, 10)],
    [(0, 32)],
    [(0, 33)],
    [(0, 500)],
    [(0, 500), (400, 700)],
    [(0, 20), (0, 5000), (4990, 30)],
    [(7, 1), (8, 3000)],
]
"""unions: of addresses n..n + count of 10.0.0.0/8"""


def library(module: Any) -> dict[str, Any]:
    """What Apache DataSketches says."""

    def hashed(text: str) -> int:
        sketch = module.update_theta_sketch(12)
        address = ipaddress.ip_address(text)
        sketch.update(int(address) if address.version == 4 else address.packed.decode("ascii"))
        return int(next(iter(sketch)))

    def sketch(first: int, count: int) -> Any:
        made = module.update_theta_sketch(5)
        for n in range(first, first + count):
            made.update((10 << 24) + n)
        made.trim()
        return made

    unions = []
    for parts in SETS:
        union = module.theta_union(12)
        for first, count in parts:
            union.update(sketch(first, count))
        found = union.get_result()
        unions.append({"parts": parts, "estimate": found.get_estimate(), "kept": found.num_retained, "theta": found.theta})
    return {"hashes": [[text, hashed(text)] for text in addresses()], "unions": unions}


@pytest.fixture(scope="module")
def case() -> dict[str, Any]:
    if os.environ.get("TEITEN_ACCEPT") and importlib.util.find_spec("datasketches"):
        import datasketches

        CASE.write_text(json.dumps(library(datasketches), indent=1) + "\n")
    found: dict[str, Any] = json.loads(CASE.read_text())
    return found


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Any:
    lake = Lake.create(tmp_path_factory.mktemp("theta") / "lake", "UTC")
    with Session(lake, Settings("UTC", "flag")) as found:
        yield found


def test_hashes_are_those_of_datasketches(session: Session, case: dict[str, Any]) -> None:
    for text, right in case["hashes"]:
        sql = f"SELECT theta_hash(unhex('{ipaddress.ip_address(text).packed.hex()}')) AS h"
        assert session.query(sql)[0]["h"] == right, text
        assert rollup.hashed(ipaddress.ip_address(text).packed) == right, text


def test_unions_are_those_of_datasketches(session: Session, case: dict[str, Any]) -> None:
    for union in case["unions"]:
        parts = " UNION ALL ".join(
            f"SELECT {n} AS part, theta_hash(unhex(printf('0a%06x', i))) AS host FROM range({first}, {first + count}) r(i)"
            for n, (first, count) in enumerate(union["parts"])
        )
        sql = f"""
WITH hosts AS ({parts}), thetas AS (
  SELECT part, coalesce(min(host, {KEPT + 1})[{KEPT + 1}], {WHOLE}) AS theta FROM hosts GROUP BY part
), kept AS (SELECT CASE WHEN host < theta THEN host END AS host, theta FROM hosts JOIN thetas USING (part))
SELECT theta_hosts(host, theta) AS hosts, theta_error(host, theta) AS error, min(theta) / {WHOLE}.0 AS theta FROM kept"""
        found = session.query(sql)[0]
        assert found["hosts"] == round(union["estimate"]), union
        assert found["theta"] == pytest.approx(union["theta"])
        right = ((1 - union["theta"]) / union["kept"]) ** 0.5
        assert found["error"] == pytest.approx(right, abs=1e-9)


def test_the_library_still_says_the_same(case: dict[str, Any]) -> None:
    datasketches = pytest.importorskip("datasketches", reason="the package datasketches is not installed")
    assert json.loads(json.dumps(library(datasketches))) == case


def test_nothing_is_no_hosts(session: Session) -> None:
    sql = "SELECT theta_hosts(h, t) AS n, theta_error(h, t) AS e FROM (SELECT 1::BIGINT AS h, 1::BIGINT AS t WHERE false)"
    assert session.query(sql) == [{"n": 0, "e": 0.0}]
    assert rollup.WHOLE == WHOLE
