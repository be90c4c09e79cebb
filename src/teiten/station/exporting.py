"""Evidence as files: a segment each, as it came, with the hash of each and what it is in `manifest.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.errors import TeitenError, UsageError
from teiten.station import _packed
from teiten.station.records import digest
from teiten.station.segments import PACKETS, Segment

_PIECE: Final = 1 << 20


@dataclass(slots=True)
class Exported:
    """What was written. gone: segments whose bytes are no longer kept."""

    files: int = 0
    bytes: int = 0
    gone: int = 0
    manifest: list[dict[str, Any]] = field(default_factory=list)


def export(segments: Sequence[Segment], into: Path) -> Exported:
    """Writes them into a new folder. UsageError where it is there; TeitenError where a segment is not what its chain says, or
    the place cannot be written."""
    done = Exported()
    try:
        into.mkdir(parents=True)
        for one in segments:
            if one.path is None:
                done.gone += 1
                continue
            name = f"{one.stream.id}-{one.number:08d}.{'pcap' if one.stream.data == PACKETS else 'log'}"
            sha = _copy(one, into / name)
            done.files += 1
            done.bytes += one.end
            done.manifest.append(
                {
                    "file": name, "sha256": sha, "bytes": one.end, "input": one.stream.input, "sensor": one.stream.sensor,
                    "begin": one.records[0].at, "end": one.records[-1].at, "told": dict(one.told),
                    "first_record": one.records[0].number, "last_record": one.records[-1].number, "chain": one.records[-1].sha,
                }
            )  # fmt: skip
        (into / "manifest.json").write_text(json.dumps(done.manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except FileExistsError:
        raise UsageError(f"{into} is there already.", hint="Name a folder that is not.") from None
    except OSError as error:
        raise TeitenError(f"{into} cannot be written: {error.strerror}.") from None
    return done


def _copy(one: Segment, path: Path) -> str:
    """SHA-256 of what was copied, which is what the chain says."""
    assert one.path is not None
    whole, at = hashlib.sha256(), 0
    try:
        with _packed.opened(one.path) as data, path.open("xb") as out:
            for record in one.records:
                block = data.read(record.end - at)
                if digest(block) != record.block:
                    raise TeitenError(
                        f"{one.identity} is not what was written down: record {record.number}.",
                        hint="`teiten spool verify` says what is damaged.",
                    )
                whole.update(block)
                out.write(block)
                at = record.end
    except _packed.BadPackError as error:
        raise TeitenError(f"{one.identity} is damaged: {error}.", hint="`teiten spool verify` says what is.") from None
    return whole.hexdigest()
