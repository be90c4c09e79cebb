"""A station at work: inputs that fail are tried again and told, the spool is one station's."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from teiten.station import inputs, live
from teiten.station.spool import Spool, SpoolError
from teiten.stationing import Given, Station


class _Flaky:
    """Cannot go on twice, then puts three lines."""

    tries = 0

    def __init__(self, given: Given, host: inputs.Host) -> None:
        self.feed = host.desk.feed(given.name, "home")

    def run(self, stop: threading.Event) -> None:
        type(self).tries += 1
        if self.tries < 3:
            raise OSError("no such device")
        self.feed.put(b"a\nb\nc\n", received=3)

    def status(self) -> Mapping[str, Any]:
        return {"tries": self.tries}


def test_an_input_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PAUSES", (0.01,))
    told: list[tuple[str, str]] = []
    flaky = inputs.Input("flaky", "flaky", Given("flaky", "", tmp_path), {}, _Flaky)
    tell = lambda level, text: told.append((level, text))  # noqa: E731
    station = live.Live(Station(spool=tmp_path / "spool", sync=0.01), tell, also=lambda _: [flaky])
    with station.at_work():
        for _ in range(500):
            if station.done():
                break
            threading.Event().wait(0.01)
        with pytest.raises(SpoolError, match="Another station"), Spool.open(tmp_path / "spool").lock():
            pass
        assert station.status()["flaky"]["state"] == {"tries": 3}
    assert [level for level, _ in told] == ["error", "error"] and "no such device" in told[0][1]
    assert station.status()["flaky"]["feeds"]["home"]["received"] == 3
    [segment] = Spool.open(tmp_path / "spool").segments(station.spool.streams()[0].id)
    assert segment.path is not None and segment.path.read_bytes() == b"a\nb\nc\n"
    assert segment.records[-1].told == {"stop": True}
