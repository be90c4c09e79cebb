"""One world (a scale and a seed) with all that is asked of it; its results as JSON, so that what was done is not done again.

python -m teiten.bench._changes.work SCALE SEED [WHAT [SIZE]]

WHAT: a kind of change (`kinds.KINDS`) or of fault (`faults.FAULTS`), quiet, or streaming; without it all kinds of change.
TEITEN_BENCH_METHOD=sigma|ewma|stl: by that method in place of ours.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from teiten.bench._changes.trials import Method

PEERS_AT: Final = 3.0
"""the size at which other methods are asked"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a world. `quiet`: days; `streaming`: sizes that are looked for every quarter of an hour; `peers`: other
    methods."""

    scale: str
    seed: int
    sizes: tuple[float, ...]
    quiet: int
    streaming: tuple[float, ...] = ()
    peers: tuple[str, ...] = ()
    faults: bool = True


def ours() -> Method:
    """Ours, or the one that the environment names."""
    from teiten import detect
    from teiten.bench._changes import peers, trials

    other = peers.methods().get(os.environ.get("TEITEN_BENCH_METHOD", ""))
    return trials.folded(other) if other else detect.follow


def job(wish: Wish, out: Path) -> None:
    """All that is asked of one world, into a file that appears when it is whole."""
    if out.exists():
        return
    from teiten.bench._changes import peers, trials
    from teiten.bench._changes.faults import FAULTS
    from teiten.bench._changes.world import SCALES, World

    world, method = World(SCALES[wish.scale], wish.seed), ours()
    begun = time.process_time()
    result: dict[str, Any] = {"scale": wish.scale, "seed": wish.seed, "peers": {}}
    result["quiet"] = trials.quiet_days(world, method, trials.QUIET[: wish.quiet])
    result["trials"] = [
        trials.change_trial(world, group, method) for size in wish.sizes for group in trials.groups(world, size)
    ]
    result["faults"] = [trials.fault_trial(world, kind, method) for kind in FAULTS if wish.faults]
    soon = [name for name in trials.SOON if not name.endswith("_sensor") or world.scale.sensors > 1]
    result["streaming"] = [
        row for size in wish.streaming for group in trials.groups(world, size, sorted(soon))
        for row in trials.stream_trial(world, group, method)
    ]  # fmt: skip
    result["streaming_quiet"] = trials.stream_quiet(world, method) if wish.streaming else None
    for name in wish.peers:
        if name in peers.methods():
            other = trials.folded(peers.methods()[name])
            result["peers"][name] = {
                "quiet": trials.quiet_days(world, other, trials.QUIET[:2]),
                "trials": [trials.change_trial(world, group, other) for group in trials.groups(world, PEERS_AT)],
            }
    result["seconds"] = time.process_time() - begun
    part = out.with_suffix(".part")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(out)


def in_words(scale: str, seed: int, what: str = "", size: float = 3.0) -> list[str]:
    """One trial: what was put in, what was told."""
    from teiten.bench._changes import trials
    from teiten.bench._changes.faults import FAULTS
    from teiten.bench._changes.world import SCALES, World

    world, method = World(SCALES[scale], seed), ours()

    def plain(result: dict[str, Any]) -> str:
        return str({k: round(v, 2) if isinstance(v, float) else v for k, v in result.items() if k not in ("words", "changes")})

    if what in FAULTS:
        told = trials.fault_trial(world, what, method)
        return [plain(told), *told["words"]]
    if what == "quiet":
        told = trials.quiet_days(world, method)
        return [plain(told), *told["words"]]
    if what == "streaming":
        told = trials.stream_quiet(world, method)
        soon = sorted(name for name in trials.SOON if not name.endswith("_sensor") or world.scale.sensors > 1)
        rows = [r for group in trials.groups(world, size, soon) for r in trials.stream_trial(world, group, method)]
        return [*(f"{r['minutes']} min: {r['kind']} {r['about']} usual {r['usual']}" for r in rows), *told["words"]]
    chosen = [trials.made(world, [what], size)] if what else trials.groups(world, size)
    out = []
    for changes in chosen:
        told = trials.change_trial(world, changes, method)
        out += [f"put in: {plain(row)}" for row in told["changes"]]
        out += [plain(told), *(f"  {line}" for line in told["words"])]
    return out


def _main(words: Sequence[str]) -> None:
    scale, seed, what, size = [*words, *("", "1", "", "3")[len(words) :]]
    begun = time.process_time()
    print(*in_words(scale, int(seed), what, float(size)), f"{time.process_time() - begun:.1f} s of the processor", sep="\n")


if __name__ == "__main__":
    import sys

    _main(sys.argv[1:])
