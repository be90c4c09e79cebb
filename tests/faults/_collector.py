"""A collector without a maker: python _collector.py CONFIG; it runs until it is killed."""

from __future__ import annotations

import sys
import threading

from teiten import settings
from teiten.station import collecting
from teiten.station.live import Live

if __name__ == "__main__":
    live = Live(
        settings.load(config=sys.argv[1]).station,
        lambda level, text: print(level, text, file=sys.stderr, flush=True),
        also=collecting.wanted,
    )
    with live.at_work():
        threading.Event().wait()
