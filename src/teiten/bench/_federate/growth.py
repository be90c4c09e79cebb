"""A month of contributions as they grow, merged and reported by the real commands: time and memory of whole processes."""

from __future__ import annotations

import base64
import datetime as dt
import shutil
from pathlib import Path
from typing import Final

import numpy as np

from teiten.bench import _process
from teiten.bench._federate import world
from teiten.bench._federate.homes import FIRST
from teiten.federation import keys
from teiten.federation.telling import Row

DAYS: Final = 30
PORTS: Final = 25
"""ports of a day that a household tells, of some 800 packets, is fewer than that"""
LANDS: Final = ("CN", "US", "RU", "BR", "JP", "NL", "DE", "IN", "VN", "TW", "KR", "FR", "GB", "UA", "IR", "ID", "TR", "HK")


def rows(number: int, ports: int) -> list[Row]:
    """A member's month: so many ports a day, by a common mix which it bends a little."""
    random = np.random.default_rng(number)
    weights = random.lognormal(0, 0.2, ports) * 4000 / np.arange(1, ports + 1)
    keys_ = [f"{(n * 7919) % 65536}/6" for n in range(ports)]
    out: list[Row] = []
    for place in range(DAYS):
        day = FIRST + dt.timedelta(days=place)
        packets = np.maximum(10, weights * random.lognormal(0, 0.1, ports)).astype(np.int64)
        out.append((day, "all", "", int(packets.sum()), 900))
        out += [(day, "watching", f"{hour}", 3600, 1) for hour in range(24)]
        out += [(day, "hour", f"{hour}", int(packets.sum() // 24 + random.integers(20)), 0) for hour in range(24)]
        out += [(day, "port", key, int(n), 5) for key, n in zip(keys_, packets, strict=True)]
        out += [(day, "country", land, int(packets.sum() // (n + 4)), 50) for n, land in enumerate(LANDS)]
        out += [(day, "asn", f"{4000 + n}", 30, 5) for n in range(8)]
        out += [(day, "pair", f"{keys_[n % ports]} {LANDS[n % 18]}", 20, 4) for n in range(min(16, ports))]
    return out


def run(folder: Path, members: int, ports: int = PORTS) -> dict[str, float]:
    """rows, megabytes; merge and report: seconds of processor time, MiB at most. The store is removed."""
    base = folder / f"grown-{members}-{ports}"
    shutil.rmtree(base, ignore_errors=True)
    inbox, store = base / "inbox", base / "store"
    inbox.mkdir(parents=True)
    store.mkdir()
    listed, days, many = [f'federation = "{world.NAME}"\nzone = "{world.ZONE}"\n'], [], 0
    days = [FIRST + dt.timedelta(days=n) for n in range(DAYS)]
    for n in range(members):
        own = rows(n, ports)
        many += len(own)
        (inbox / f"{n:04d}.teiten").write_bytes(world.sealed(n, days, own))
        public = base64.b64encode(world.signer(n).public).decode()
        listed.append(f'[[member]]\nname = "{world.name(n)}"\n[[member.key]]\npublic = "{public}"\n')
    (store / "members.toml").write_text("".join(listed), encoding="utf-8")
    assert len(keys.members(store / "members.toml").members) == members
    config = base / "teiten.toml"
    config.write_text(f'zone = "{world.ZONE}"\nlanguage = "en"\npdf = false\n', encoding="utf-8")
    files = [str(path) for path in sorted(inbox.iterdir())]
    size = sum(path.stat().st_size for path in inbox.iterdir())
    merge = _process.run_apart(_process.teiten("federate", "merge", *files, "--store", str(store)))
    words = ("2026-10", "--store", str(store), "--config", str(config), "--out", str(base / "out"))
    report = _process.run_apart(_process.teiten("federate", "report", *words))
    shutil.rmtree(base)
    return {
        "rows": float(many), "megabytes": size / 1e6, "merge_s": merge.processor, "merge_mib": merge.memory,
        "report_s": report.processor, "report_mib": report.memory,
    }  # fmt: skip
