"""Stores logs in a lake, in small batches, and says `stored N` when the N-th batch is acknowledged. Run under strace."""

from __future__ import annotations

import os
import sys
from typing import Any

from teiten import intake
from teiten.lake import Lake, _delta, _writer
from teiten.settings import Settings


def main(lake: str, logs: list[str]) -> None:
    whole = _writer.Writer.commit

    def commit(self: Any, *given: Any, **named: Any) -> int:
        number = whole(self, *given, **named)
        os.write(1, f"stored {number}\n".encode())
        return number

    _writer.Writer.commit = commit  # type: ignore[method-assign]
    # what is rare in a long life comes often here
    _delta.CHECKPOINT_EVERY = 4  # type: ignore[misc]
    _writer.COMPACT_EVERY = 5  # type: ignore[misc]
    _writer.TIER = 3  # type: ignore[misc]
    opened = Lake.open_or_create(lake, "UTC")
    os.write(1, b"made\n")
    intake.ingest(opened, logs, Settings("UTC", "flag"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
