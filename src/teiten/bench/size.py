"""What an installation weighs on disk: the package, everything that it depends on, each part by itself."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import Final

NAME: Final = "size"
HELP: Final = "what the installation weighs, part by part"
GOALS: Final = {"total_mb": ("<", 750.0)}


def closure(name: str = "teiten") -> list[str]:
    """The distributions that an installation of that one brings along, itself among them."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        one = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if one in found:
            continue
        try:
            needs = metadata.requires(one) or []
        except metadata.PackageNotFoundError:
            continue  # needed on other systems only
        found[one] = None
        waiting += [re.split(r"[ ;<>=!~\[(]", need, maxsplit=1)[0] for need in needs if "extra ==" not in need]
    return sorted(found)


def weight(name: str) -> float:
    """MB (2**20 bytes, as `du -m` counts) of the files of a distribution, compiled Python included."""
    if name == "teiten":
        import teiten

        files = [p for p in Path(teiten.__file__).parent.rglob("*") if p.is_file() and not _outlived(p)]
    else:
        distribution = metadata.distribution(name)
        files = [Path(str(distribution.locate_file(f))) for f in distribution.files or []]
    total = 0
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        total += getattr(status, "st_blocks", 0) * 512 or status.st_size
    return total / 2**20


def _outlived(path: Path) -> bool:
    """Compiled code of an earlier state of its source, which numba leaves where developers edit (an installation has none)?"""
    if path.suffix not in (".nbi", ".nbc"):
        return False
    source = path.parent.parent / (path.name.partition(".")[0] + ".py")
    return not source.exists() or path.stat().st_mtime < source.stat().st_mtime


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """MB of every distribution above one, and of them all."""
    weights = {name: weight(name) for name in closure()}
    figures = {f"{name.replace('-', '_')}_mb": mb for name, mb in sorted(weights.items(), key=lambda p: -p[1]) if mb >= 1}
    figures["total_mb"] = sum(weights.values())
    return figures
