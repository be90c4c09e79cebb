"""A station's inputs at work, by a configuration file, until SIGTERM (or worse): what `teiten watch` runs, without a lake."""

from __future__ import annotations

import os
import signal
import sys
import threading
import tomllib
from pathlib import Path

from teiten import stationing
from teiten.station.live import Live


def main(config: Path) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    station = stationing.read(tomllib.loads(config.read_text())["station"], "[station]", config.parent)
    live = Live(station, lambda level, text: os.write(2, f"{level}: {text}\n".encode()) and None)
    with live.at_work():
        os.write(1, b"ready\n")
        stop.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
